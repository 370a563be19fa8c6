//! A chart: two axes with a light grid, and what can be drawn between them.

use plotters::chart::ChartBuilder;
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::series::DashedLineSeries;
use plotters::style::{Color, RGBColor};

use super::axis::Axis;
use super::canvas::{Area, Drawn};
use super::style::{self, Stroke};
use super::text;

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::figures) enum Marker {
    Disc,
    Diamond,
    Square,
}

/// An open chart. Coordinates are values of the two axes.
pub(in crate::figures) struct Chart<'a> {
    x: Axis,
    y: Axis,
    /// The rectangle between the axes.
    inner: Area<'a>,
}

impl<'a> Chart<'a> {
    /// Draws the title, axes, ticks and grid into `area`.
    pub fn open(area: &Area<'a>, title: &str, x: Axis, y: Axis) -> Drawn<Self> {
        Self::open_over(area, title, x, y, |_| Ok(()))
    }

    /// The same, with `ground` drawn beneath the grid.
    pub fn open_over(
        area: &Area<'a>,
        title: &str,
        x: Axis,
        y: Axis,
        ground: impl FnOnce(&Self) -> Drawn,
    ) -> Drawn<Self> {
        let labels = y.ticks.iter().map(|(_, label)| text::width(label, style::TICK));
        // The least width lets neighbouring charts line up.
        let left = style::LABEL.line() + labels.max().unwrap_or(0).max(150) + 44;
        let top = if title.is_empty() { style::TICK.size / 2 } else { style::PANEL.line() + 12 };
        let width = area.dim_in_pixel().0 as i32;
        let mut builder = ChartBuilder::on(area);
        let mut plot = builder
            .margin_top(top)
            .margin_right(style::TICK.size)
            .y_label_area_size(left)
            .x_label_area_size(style::TICK.line() + style::LABEL.line() + 24)
            .build_cartesian_2d(x.clone(), y.clone())?;
        let inner = plot.plotting_area().strip_coord_spec();
        let chart = Self { x, y, inner };
        ground(&chart)?;
        plot.configure_mesh()
            .set_all_tick_mark_size(12)
            .axis_style(style::GREY.stroke_width(3))
            .bold_line_style(style::GRID.stroke_width(2))
            .light_line_style(style::GRID.mix(0.0))
            .label_style(style::TICK.style())
            .axis_desc_style(style::LABEL.style())
            .x_desc(chart.x.name.as_str())
            .y_desc(chart.y.name.as_str())
            .draw()?;
        // Above the plot; a long title begins further left, and in smaller letters before it is cut.
        let inks = [style::PANEL, style::LABEL, style::TICK];
        let fits = inks.into_iter().find(|ink| text::width(title, *ink) <= width);
        let ink = fits.unwrap_or(style::TICK);
        let title = text::fitted(title, ink, width);
        let start = (width - text::width(&title, ink)).clamp(0, left);
        text::write(area, &title, ink, (start, 0), text::TOP_LEFT)?;
        Ok(chart)
    }

    /// Width and height between the axes, in drawing units.
    pub fn size(&self) -> (i32, i32) {
        let (width, height) = self.inner.dim_in_pixel();
        (width as i32, height as i32)
    }

    /// The place of a point in the inner rectangle; `None` if it has none.
    fn place(&self, x: f64, y: f64) -> Option<(i32, i32)> {
        let y = self.y.position(y);
        y.is_finite().then_some((self.across(x)?, self.y.place(y, (self.size().1, 0))))
    }

    /// A line through the points; it breaks where a value is missing, and a lone point becomes a
    /// dot.
    pub fn line(&self, points: &[(f64, f64)], stroke: Stroke) -> Drawn {
        let places: Vec<_> = points.iter().map(|(x, y)| self.place(*x, *y)).collect();
        for run in places.split(Option::is_none) {
            let run: Vec<(i32, i32)> = run.iter().flatten().copied().collect();
            match (run.as_slice(), stroke.dash) {
                ([], _) => {}
                ([dot], _) => {
                    let size = stroke.width as i32 + 3;
                    self.inner.draw(&Circle::new(*dot, size, stroke.colour.filled()))?;
                }
                (_, None) => self.inner.draw(&PathElement::new(run, stroke.shape()))?,
                (_, Some((dash, gap))) => {
                    for dashes in DashedLineSeries::new(run, dash, gap, stroke.shape()) {
                        self.inner.draw(&dashes)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A line across the whole chart.
    pub fn horizontal(&self, y: f64, stroke: Stroke) -> Drawn {
        let (width, _) = self.size();
        let Some((_, at)) = self.place(self.x.from, y) else { return Ok(()) };
        straight(&self.inner, (0, at), (width, at), stroke)
    }

    /// A line from bottom to top.
    pub fn vertical(&self, x: f64, stroke: Stroke) -> Drawn {
        let (_, height) = self.size();
        let Some(at) = self.across(x) else { return Ok(()) };
        straight(&self.inner, (at, 0), (at, height), stroke)
    }

    /// Shades everything between two values of x.
    pub fn shade(&self, from: f64, to: f64, colour: RGBColor) -> Drawn {
        let (Some(from), Some(to)) = (self.across(from), self.across(to)) else { return Ok(()) };
        let corners = [(from, 0), (to, self.size().1)];
        self.inner.draw(&Rectangle::new(corners, colour.filled()))
    }

    /// A single point.
    pub fn point(&self, at: (f64, f64), marker: Marker, size: i32, colour: RGBColor) -> Drawn {
        match self.place(at.0, at.1) {
            Some(place) => mark(&self.inner, place, marker, size, colour),
            None => Ok(()),
        }
    }

    /// Writes at a value of x and a distance from the chart's upper edge.
    pub fn write_from_top(&self, x: f64, down: i32, words: &str, ink: text::Ink) -> Drawn {
        match self.across(x) {
            Some(at) => text::write(&self.inner, words, ink, (at, down), text::TOP_CENTER),
            None => Ok(()),
        }
    }

    /// Writes in the middle of the chart why there is nothing to show.
    pub fn empty(&self, words: &str) -> Drawn {
        let (width, height) = self.size();
        text::write(&self.inner, words, style::NOTE, (width / 2, height / 2), text::CENTER)
    }

    /// Distance of a value of x from the left edge.
    pub fn across(&self, x: f64) -> Option<i32> {
        let x = self.x.position(x);
        x.is_finite().then(|| self.x.place(x, (0, self.size().0)))
    }
}

fn straight(area: &Area<'_>, from: (i32, i32), to: (i32, i32), stroke: Stroke) -> Drawn {
    match stroke.dash {
        None => area.draw(&PathElement::new(vec![from, to], stroke.shape())),
        Some((dash, gap)) => {
            for dashes in DashedLineSeries::new([from, to], dash, gap, stroke.shape()) {
                area.draw(&dashes)?;
            }
            Ok(())
        }
    }
}

fn mark(area: &Area<'_>, (x, y): (i32, i32), marker: Marker, size: i32, colour: RGBColor) -> Drawn {
    match marker {
        Marker::Disc => area.draw(&Circle::new((x, y), size, colour.filled())),
        Marker::Diamond => {
            let size = size * 5 / 4;
            let corners = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)];
            area.draw(&Polygon::new(corners, colour.filled()))
        }
        Marker::Square => {
            let corners = [(x - size, y - size), (x + size, y + size)];
            area.draw(&Rectangle::new(corners, colour.filled()))
        }
    }
}

/// What a legend shows beside a name.
#[derive(Clone, Copy, Debug)]
pub(in crate::figures) enum Key {
    Line(Stroke),
    Point(Marker, RGBColor),
    Shade(RGBColor),
}

const KEY_WIDTH: i32 = 96;

/// A legend in as many rows as `width` asks for.
#[derive(Clone, Debug)]
pub(in crate::figures) struct Legend {
    /// Each entry with its place relative to the legend's upper left corner.
    entries: Vec<(Key, String, (i32, i32))>,
    /// Height of all rows, in drawing units.
    pub height: i32,
}

impl Legend {
    pub fn new(entries: impl IntoIterator<Item = (Key, String)>, width: i32) -> Self {
        let (mut x, mut y) = (0, 0);
        let row = style::LABEL.line() + 8;
        let mut placed = Vec::new();
        for (key, name) in entries {
            let name = text::fitted(&name, style::LABEL, width - KEY_WIDTH);
            let wide = KEY_WIDTH + 20 + text::width(&name, style::LABEL);
            if x > 0 && x + wide > width {
                (x, y) = (0, y + row);
            }
            placed.push((key, name, (x, y)));
            x += wide + 2 * style::GAP;
        }
        let height = if placed.is_empty() { 0 } else { y + row };
        Self { entries: placed, height }
    }

    pub fn draw(&self, area: &Area<'_>, corner: (i32, i32)) -> Drawn {
        for (key, name, place) in &self.entries {
            let (x, y) = (corner.0 + place.0, corner.1 + place.1 + style::LABEL.size / 2);
            match *key {
                Key::Line(stroke) => straight(area, (x, y), (x + KEY_WIDTH, y), stroke)?,
                Key::Point(marker, colour) => {
                    mark(area, (x + KEY_WIDTH / 2, y), marker, 14, colour)?
                }
                Key::Shade(colour) => {
                    let corners = [(x, y - 20), (x + KEY_WIDTH, y + 20)];
                    area.draw(&Rectangle::new(corners, colour.filled()))?;
                }
            }
            text::write(area, name, style::LABEL, (x + KEY_WIDTH + 20, y), text::LEFT)?;
        }
        Ok(())
    }
}
