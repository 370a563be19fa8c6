//! An anatomical panel: one slice or map with its title, outlines, orientation marks, scale bar
//! and colour bar.

use ndarray::Array2;
use plotters::element::{PathElement, Rectangle};
use plotters::style::{Color, RGBColor};

use super::canvas::{Area, Drawn, Picture};
use super::colour_map::{self, ColourMap};
use super::display_window::white_from;
use super::outline::{self, Outline};
use super::{style, text, ticks};
use crate::cohort::Slice;

/// Width of outlines and frames, in drawing units.
const STROKE: u32 = 5;
/// How much wider the rim of a lesion's outline is, on both sides together.
const RIM: u32 = 3;

/// What a panel's colours mean.
#[derive(Clone, Debug)]
pub(in crate::figures) struct Scale {
    pub colours: ColourMap,
    /// Values shown by the two ends of the map; `from < to`.
    pub from: f64,
    pub to: f64,
    /// Quantity and unit.
    pub label: String,
}

impl Scale {
    /// Intensities of a preprocessed slice, in the window in which its cord can be seen.
    pub fn intensity(slice: &Slice) -> Self {
        let to = white_from([slice]);
        Self { colours: ColourMap::Grey, from: 0.0, to, label: "intensity".into() }
    }

    /// From 0 to the largest finite value of `maps`; to 1 if there is none above 0.
    pub fn from_zero<'m>(
        colours: ColourMap,
        label: impl Into<String>,
        maps: impl IntoIterator<Item = &'m Array2<f32>>,
    ) -> Self {
        let values = maps.into_iter().flatten().filter(|value| value.is_finite());
        let largest = values.fold(0.0, |largest: f32, value| largest.max(*value));
        let to = if largest > 0.0 { f64::from(largest) } else { 1.0 };
        Self { colours, from: 0.0, to, label: label.into() }
    }

    /// The colour of a value.
    pub fn colour(&self, value: f32) -> RGBColor {
        self.colours.colour((f64::from(value) - self.from) / (self.to - self.from))
    }
}

/// A window of a slice, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::figures) struct Crop {
    pub row: usize,
    pub column: usize,
    pub rows: usize,
    pub columns: usize,
}

impl Crop {
    pub fn whole(shape: (usize, usize)) -> Self {
        Self { row: 0, column: 0, rows: shape.0, columns: shape.1 }
    }

    /// The bounding box of `mask` with a margin, its width at least `aspect` of its height so that
    /// a cord keeps its surroundings; the whole slice if the mask is empty.
    pub fn around(mask: &Array2<bool>, aspect: f64) -> Self {
        let shape = mask.dim();
        let set = || mask.indexed_iter().filter(|(_, set)| **set).map(|(place, _)| place);
        let span = |values: &mut dyn Iterator<Item = usize>, limit: usize, least: usize| {
            let (low, high) = values.fold((limit, 0), |(l, h), v| (l.min(v), h.max(v + 1)));
            let margin = 6.max(least.saturating_sub(high - low).div_ceil(2));
            let low = low.saturating_sub(margin);
            (low, (high + margin).min(limit) - low)
        };
        if set().next().is_none() {
            return Self::whole(shape);
        }
        let (row, rows) = span(&mut set().map(|(row, _)| row), shape.0, 0);
        let wide = (rows as f64 * aspect) as usize;
        let (column, columns) = span(&mut set().map(|(_, column)| column), shape.1, wide);
        Self { row, column, rows, columns }
    }
}

/// One picture with what belongs to it, ready to draw.
#[derive(Clone, Debug)]
pub(in crate::figures) struct Panel {
    pub title: String,
    rgb: Array2<RGBColor>,
    crop: Crop,
    pixel_spacing_mm: (f64, f64),
    outlines: Vec<(Outline, RGBColor)>,
    /// Width of the outlines, in drawing units.
    stroke: u32,
    frame: Option<Crop>,
    /// Orientation marks and scale bar.
    marks: bool,
}

impl Panel {
    /// A map through its scale. `pixel_spacing_mm`: edge lengths of a pixel (rows, columns).
    pub fn new(
        title: impl Into<String>,
        map: &Array2<f32>,
        scale: &Scale,
        crop: Crop,
        pixel_spacing_mm: (f64, f64),
    ) -> Self {
        let valid = |mm: f64| if mm.is_finite() && mm > 0.0 { mm } else { 1.0 };
        Self {
            title: title.into(),
            rgb: map.mapv(|value| scale.colour(value)),
            crop,
            pixel_spacing_mm: (valid(pixel_spacing_mm.0), valid(pixel_spacing_mm.1)),
            outlines: Vec::new(),
            stroke: STROKE,
            frame: None,
            marks: !map.is_empty(),
        }
    }

    /// Whether the shown window has pixels without a number, which have a colour of their own.
    fn has_gaps(&self) -> bool {
        self.window().any(|colour| colour == colour_map::MISSING)
    }

    /// The pixels of the shown window, row by row.
    fn window(&self) -> impl Iterator<Item = RGBColor> + '_ {
        let crop = self.crop;
        let pixel = move |row, column| self.rgb.get((row, column)).copied();
        (crop.row..crop.row + crop.rows)
            .flat_map(move |row| (crop.column..crop.column + crop.columns).map(move |c| (row, c)))
            .map(move |(row, column)| pixel(row, column).unwrap_or(style::WHITE))
    }

    /// Mixes a colour into every pixel for which `tint` gives one, by its share in [0, 1].
    pub fn tinted(mut self, tint: impl Fn(usize, usize) -> Option<(RGBColor, f64)>) -> Self {
        for ((row, column), pixel) in self.rgb.indexed_iter_mut() {
            if let Some((colour, share)) = tint(row, column) {
                let mix = |from: u8, to: u8| {
                    (f64::from(from) * (1.0 - share) + f64::from(to) * share).round() as u8
                };
                *pixel = RGBColor(
                    mix(pixel.0, colour.0),
                    mix(pixel.1, colour.1),
                    mix(pixel.2, colour.2),
                );
            }
        }
        self
    }

    /// With the outline of a mask.
    pub fn outlined(mut self, mask: &Array2<bool>, colour: RGBColor) -> Self {
        let crop = self.crop;
        let seen = Array2::from_shape_fn((crop.rows, crop.columns), |(row, column)| {
            *mask.get((crop.row + row, crop.column + column)).unwrap_or(&false)
        });
        self.outlines.push((outline::trace(&seen), colour));
        self
    }

    /// With outlines of this width, in drawing units.
    pub fn stroked(mut self, width: u32) -> Self {
        self.stroke = width;
        self
    }

    /// With a frame around the window that other panels show.
    pub fn framed(mut self, window: Crop) -> Self {
        self.frame = Some(window);
        self
    }

    /// Without orientation marks and scale bar, for small pictures.
    pub fn unmarked(mut self) -> Self {
        self.marks = false;
        self
    }

    /// Width over height of the shown window, in millimetres.
    pub fn aspect(&self) -> f64 {
        let (rows, columns) = (self.crop.rows.max(1) as f64, self.crop.columns.max(1) as f64);
        columns * self.pixel_spacing_mm.1 / (rows * self.pixel_spacing_mm.0)
    }

    /// Height of the title above the picture.
    pub fn title_height(&self) -> i32 {
        if self.title.is_empty() { 0 } else { style::PANEL.line() + 8 }
    }

    /// Draws the title into the upper part of the rectangle and the picture, as large as fits,
    /// below it; gives the picture's rectangle (left, top, width, height).
    pub fn draw(
        &self,
        area: &Area<'_>,
        (x, y): (i32, i32),
        (width, height): (i32, i32),
    ) -> Drawn<(i32, i32, i32, i32)> {
        let room = (height - self.title_height()).max(1);
        let (w, h) = self.extent((width.max(1), room));
        let (left, top) = (x + (width - w) / 2, y + self.title_height());
        let title = text::fitted(&self.title, style::PANEL, width);
        text::write(area, &title, style::PANEL, (x + width / 2, y), text::TOP_CENTER)?;
        area.draw(&self.picture((left, top), (w, h)))?;

        let place = |row: f64, column: f64| {
            let (rows, columns) = (self.crop.rows.max(1) as f64, self.crop.columns.max(1) as f64);
            let across = (column * f64::from(w) / columns).round() as i32;
            (left + across, top + (row * f64::from(h) / rows).round() as i32)
        };
        for (paths, colour) in &self.outlines {
            for path in paths {
                let points: Vec<_> = path.iter().map(|p| place(p.0 as f64, p.1 as f64)).collect();
                if *colour == style::LESION {
                    // A dark rim, because a map of errors may have nearly this colour.
                    let rim = style::INK.stroke_width(self.stroke + RIM);
                    area.draw(&PathElement::new(points.clone(), rim))?;
                }
                area.draw(&PathElement::new(points, colour.stroke_width(self.stroke)))?;
            }
        }
        if let Some(window) = self.frame {
            let from = place(window.row as f64, window.column as f64);
            let to =
                place((window.row + window.rows) as f64, (window.column + window.columns) as f64);
            let around = vec![from, (to.0, from.1), to, (from.0, to.1), from];
            area.draw(&PathElement::new(around, style::WHITE.stroke_width(STROKE)))?;
        }
        if self.marks {
            self.draw_marks(area, (left, top, w, h))?;
        }
        Ok((left, top, w, h))
    }

    /// The largest size with the right aspect inside `room`.
    fn extent(&self, room: (i32, i32)) -> (i32, i32) {
        let (width, height) = (f64::from(room.0), f64::from(room.1));
        let scale = height.min(width / self.aspect());
        (((scale * self.aspect()) as i32).max(1), (scale as i32).max(1))
    }

    fn picture(&self, corner: (i32, i32), (width, height): (i32, i32)) -> Picture {
        let crop = self.crop;
        let mut rgb: Vec<u8> = self.window().flat_map(|RGBColor(r, g, b)| [r, g, b]).collect();
        if rgb.is_empty() {
            rgb.extend([255; 3]);
        }
        Picture {
            corner,
            extent: (width as u32, height as u32),
            size: (crop.columns.max(1) as u32, crop.rows.max(1) as u32),
            rgb,
        }
    }

    /// S, I, A and P at the edges and a scale bar in a corner, legible on any ground.
    fn draw_marks(&self, area: &Area<'_>, (x, y, w, h): (i32, i32, i32, i32)) -> Drawn {
        let edge = 14;
        let below = text::BOTTOM_CENTER;
        shadowed(area, "S", (x + w / 2, y + edge), text::TOP_CENTER)?;
        shadowed(area, "I", (x + w / 2, y + h - edge), below)?;
        shadowed(area, "A", (x + edge, y + h / 2), text::LEFT)?;
        shadowed(area, "P", (x + w - edge, y + h / 2), text::RIGHT)?;

        let mm = self.crop.columns.max(1) as f64 * self.pixel_spacing_mm.1;
        let lengths = [100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0];
        let Some(length) = lengths.into_iter().find(|length| *length <= mm * 0.36) else {
            return Ok(());
        };
        let bar = (length / mm * f64::from(w)).round() as i32;
        let (left, bottom) = (x + 2 * edge, y + h - 2 * edge);
        let ends =
            |shift: i32| vec![(left + shift, bottom + shift), (left + bar + shift, bottom + shift)];
        area.draw(&PathElement::new(ends(3), style::INK.stroke_width(8)))?;
        area.draw(&PathElement::new(ends(0), style::WHITE.stroke_width(8)))?;
        shadowed(area, &format!("{length} mm"), (left, bottom - 12), text::BOTTOM_LEFT)
    }
}

/// White writing with a dark rim.
fn shadowed(area: &Area<'_>, words: &str, (x, y): (i32, i32), anchor: text::Anchor) -> Drawn {
    let ink = style::TICK.coloured(style::INK);
    for (across, down) in [(3, 3), (-3, -3), (3, -3), (-3, 3)] {
        text::write(area, words, ink, (x + across, y + down), anchor)?;
    }
    text::write(area, words, style::TICK.coloured(style::WHITE), (x, y), anchor)
}

/// Room a colour bar takes at the right of a panel.
pub(in crate::figures) const BAR_WIDTH: i32 = 300;

/// A colour bar along the right edge of a picture that spans (`top`, `height`), with ticks and,
/// reading upwards, its quantity and unit.
pub(in crate::figures) fn colour_bar(
    area: &Area<'_>,
    scale: &Scale,
    left: i32,
    (top, height): (i32, i32),
) -> Drawn {
    const WIDTH: i32 = 40;
    let (left, levels) = (left + 18, 256u32);
    let rgb = (0..levels).rev().flat_map(|level| {
        let RGBColor(r, g, b) = scale.colours.colour(f64::from(level) / f64::from(levels - 1));
        [r, g, b]
    });
    let extent = (WIDTH as u32, height.max(1) as u32);
    let rgb = rgb.collect();
    area.draw(&Picture { corner: (left, top), extent, size: (1, levels), rgb })?;
    let corners = [(left, top), (left + WIDTH, top + height)];
    area.draw(&Rectangle::new(corners, style::GREY.stroke_width(2)))?;

    let count = if height > 700 { 5 } else { 2 };
    let marks = ticks::linear(scale.from, scale.to, count);
    let mut widest = 0;
    for (value, label) in marks {
        let share = (value - scale.from) / (scale.to - scale.from);
        let y = top + height - (share * f64::from(height)).round() as i32;
        let tick = vec![(left + WIDTH, y), (left + WIDTH + 10, y)];
        area.draw(&PathElement::new(tick, style::GREY.stroke_width(3)))?;
        text::write(area, &label, style::TICK, (left + WIDTH + 18, y), text::LEFT)?;
        widest = widest.max(text::width(&label, style::TICK));
    }
    // Clear of the labels, and of what stands to the right of the bar if these are wide.
    let labels_end = left + WIDTH + 18 + widest;
    let middle = (labels_end + 36).min(left + BAR_WIDTH - 46).max(labels_end + 24);
    let middle = (middle, top + height / 2);
    let name = text::fitted(&scale.label, style::TICK, height);
    text::write_upwards(area, &name, style::TICK, middle)
}

/// What to say about the missing numbers of some panels, if there are any.
pub(in crate::figures) fn gaps_note<'p>(
    panels: impl IntoIterator<Item = &'p Panel>,
) -> &'static str {
    match panels.into_iter().any(Panel::has_gaps) {
        true => " Bright blue pixels hold no number.",
        false => "",
    }
}
