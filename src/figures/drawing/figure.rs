//! A figure: a title, a size and one drawing function, rendered as PNG or SVG.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::drawing::IntoDrawingArea;

use super::canvas::{Area, Canvas, Drawn, svg_document};
use super::{font, png, style, text};
use crate::{Error, Result};

/// A figure. It can be drawn any number of times, always with the same result. Cheap to clone.
#[derive(Clone)]
pub struct Figure {
    /// What the figure shows; drawn above it and the source of its file name.
    pub title: String,
    /// Small print under the title: what to know when reading the figure. May be empty.
    pub note: String,
    /// Size of the PNG in pixels, and of the SVG in its pixels.
    pub width: u32,
    pub height: u32,
    /// Whether title, note and margins surround what is drawn.
    framed: bool,
    draw: Arc<dyn for<'a> Fn(&Area<'a>) -> Drawn + Send + Sync>,
}

impl fmt::Debug for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, width, height, .. } = self;
        write!(f, "Figure({title:?}, {width} × {height})")
    }
}

impl Figure {
    /// A figure of your own: `draw` fills a body of `width` × `height` pixels below title and note
    /// with whatever plotters can draw. Lengths in it are drawing units, two per pixel, and
    /// "sans-serif" is the font there is.
    ///
    /// ```
    /// use u2ad::figures::Figure;
    /// use u2ad::plotters::prelude::*;
    ///
    /// let figure = Figure::own("A square", "", (400, 300), |area| {
    ///     let mut chart = ChartBuilder::on(area)
    ///         .x_label_area_size(120)
    ///         .y_label_area_size(120)
    ///         .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    ///     chart.configure_mesh().label_style(("sans-serif", 44)).draw()?;
    ///     let line = (0..=100).map(|step| (step as f64 / 100.0, (step as f64 / 100.0).powi(2)));
    ///     chart.draw_series(LineSeries::new(line, BLUE.stroke_width(6)))?;
    ///     Ok(())
    /// });
    /// assert!(figure.png().is_ok());
    /// ```
    pub fn own(
        title: impl Into<String>,
        note: impl Into<String>,
        (width, height): (u32, u32),
        draw: impl for<'a> Fn(&Area<'a>) -> Drawn + Send + Sync + 'static,
    ) -> Self {
        let units = |pixels: u32| (pixels * style::UNITS_PER_PIXEL) as i32;
        Self::new(title, note, (units(width), units(height)), draw)
    }

    /// A figure whose body of `body` drawing units (two per pixel) is drawn by `draw`; the title
    /// and the note get the room they need above it.
    pub(in crate::figures) fn new(
        title: impl Into<String>,
        note: impl Into<String>,
        body: (i32, i32),
        draw: impl for<'a> Fn(&Area<'a>) -> Drawn + Send + Sync + 'static,
    ) -> Self {
        let (title, note) = (title.into(), note.into());
        let pixels = |units: i32| (units.max(1) as u32).div_ceil(style::UNITS_PER_PIXEL);
        let header = style::MARGIN + Header::new(&title, &note, body.0).height();
        let (width, height) = (body.0 + 2 * style::MARGIN, body.1 + header + style::MARGIN);
        let (width, height) = (pixels(width), pixels(height));
        Self { title, note, width, height, framed: true, draw: Arc::new(draw) }
    }

    /// A figure without title, note and margins; the title only names its file.
    pub(in crate::figures) fn bare(
        title: impl Into<String>,
        body: (i32, i32),
        draw: impl for<'a> Fn(&Area<'a>) -> Drawn + Send + Sync + 'static,
    ) -> Self {
        let pixels = |units: i32| (units.max(1) as u32).div_ceil(style::UNITS_PER_PIXEL);
        Self {
            title: title.into(),
            note: String::new(),
            width: pixels(body.0),
            height: pixels(body.1),
            framed: false,
            draw: Arc::new(draw),
        }
    }

    /// The figure as PNG (8-bit RGB). The same figure always gives the same bytes.
    ///
    /// # Errors
    /// [`Error::Figure`] if drawing or encoding fails.
    pub fn png(&self) -> Result<Vec<u8>> {
        font::register()?;
        let units = self.units();
        let mut rgb = vec![255; units.0 as usize * units.1 as usize * 3];
        let bitmap = BitMapBackend::with_buffer_and_format(&mut rgb, units)
            .map_err(|error| Error::Figure(error.to_string()))?;
        self.render(Canvas::Raster(bitmap))?;
        let size = (self.width, self.height);
        png::encode(size, &png::halved(size, &rgb))
    }

    /// The figure as an SVG document; images in it are embedded PNGs.
    ///
    /// # Errors
    /// [`Error::Figure`] if drawing fails.
    pub fn svg(&self) -> Result<String> {
        font::register()?;
        let units = self.units();
        let (mut drawing, mut pictures) = (String::new(), String::new());
        let svg = SVGBackend::with_string(&mut drawing, units);
        self.render(Canvas::Vector { svg, pictures: &mut pictures })?;
        Ok(svg_document((self.width, self.height), &self.title, units, &pictures, &drawing))
    }

    /// The letters in it that the font of figures lacks, in the order of their numbers: a PNG shows "\u{FFFD}" in their
    /// place; an SVG holds them, for the fonts of its viewer.
    ///
    /// # Errors
    /// [`Error::Figure`] if drawing fails.
    pub fn letters_without_a_sign(&self) -> Result<String> {
        font::register()?;
        let mut written = BTreeSet::new();
        self.render(Canvas::Letters { size: self.units(), written: &mut written })?;
        Ok(written.into_iter().filter(|letter| !font::has(*letter)).collect())
    }

    /// Width and height on a page, which are half of the pixels, so that the figure stays sharp on
    /// dense displays.
    pub fn size_on_page(&self) -> (u32, u32) {
        (self.width.div_ceil(2), self.height.div_ceil(2))
    }

    fn units(&self) -> (u32, u32) {
        (self.width * style::UNITS_PER_PIXEL, self.height * style::UNITS_PER_PIXEL)
    }

    fn render(&self, canvas: Canvas<'_>) -> Result<()> {
        let root = canvas.into_drawing_area();
        self.compose(&root).map_err(|error| Error::Figure(error.to_string()))
    }

    fn compose(&self, root: &Area<'_>) -> Drawn {
        if !self.framed {
            (self.draw)(root)?;
            return root.present();
        }
        let (width, height) = root.dim_in_pixel();
        let (width, height) = (width as i32, height as i32);
        let margin = style::MARGIN;
        let room = width - 2 * margin;
        let header = Header::new(&self.title, &self.note, room);
        header.draw(root)?;
        let top = margin + header.height();
        let body = root.clone().shrink((margin, top), (room, height - top - margin));
        (self.draw)(&body)?;
        root.present()
    }
}

/// Title and note, broken into lines that fit.
struct Header {
    title: Vec<String>,
    note: Vec<String>,
}

impl Header {
    fn new(title: &str, note: &str, width: i32) -> Self {
        Self {
            title: text::wrapped(title, style::TITLE, width),
            note: text::wrapped(note, style::NOTE, width),
        }
    }

    fn height(&self) -> i32 {
        self.title.len() as i32 * style::TITLE.line()
            + self.note.len() as i32 * style::NOTE.line()
            + style::GAP
    }

    fn draw(&self, root: &Area<'_>) -> Drawn {
        let mut y = style::MARGIN;
        for (lines, ink) in [(&self.title, style::TITLE), (&self.note, style::NOTE)] {
            for line in lines {
                text::write(root, line, ink, (style::MARGIN, y), text::TOP_LEFT)?;
                y += ink.line();
            }
        }
        Ok(())
    }
}
