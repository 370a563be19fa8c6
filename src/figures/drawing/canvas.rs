//! The surface figures are drawn on: plotters' bitmap or SVG backend behind one type, so that a
//! figure is drawn by one ordinary function, and with three repairs that both need.
//!
//! - Text sits where it is anchored: plotters' `ab_glyph` text floats a fifth of its size too high.
//! - Thick lines are drawn piece by piece: plotters fills a polyline as one polygon, which leaves
//!   holes where a noisy curve crosses its own outline.
//! - Pictures enter an SVG as one embedded PNG each instead of a rectangle per pixel.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plotters::backend::{BitMapBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Drawable, PointCollection};
use plotters_backend::text_anchor::VPos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

use super::markup::escape;
use super::{font, png};

/// A rectangle of a figure, in drawing units (two per pixel of the finished PNG).
pub type Area<'a> = DrawingArea<Canvas<'a>, Shift>;

/// The result of drawing; turned into [`crate::Error::Figure`] once, where a figure is rendered.
pub type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<CanvasError>>;

/// Why a backend could not draw.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CanvasError(pub(in crate::figures) String);

/// Where figures are drawn.
pub enum Canvas<'a> {
    /// RGB pixels.
    Raster(BitMapBackend<'a>),
    /// An SVG document, and the `<image>` elements that belong beneath everything it draws.
    Vector { svg: SVGBackend<'a>, pictures: &'a mut String },
    /// Nothing but the letters of what is written, on a surface of this size.
    Letters { size: (u32, u32), written: &'a mut BTreeSet<char> },
}

type BackendResult = Result<(), DrawingErrorKind<CanvasError>>;

/// Calls the same method on the current backend.
macro_rules! either {
    ($self:ident, $backend:ident => $call:expr) => {
        match $self {
            Canvas::Raster($backend) => $call.map_err(canvas_error),
            Canvas::Vector { svg: $backend, .. } => $call.map_err(canvas_error),
            Canvas::Letters { .. } => Ok(()),
        }
    };
}

fn canvas_error<E: std::error::Error + Send + Sync>(
    error: DrawingErrorKind<E>,
) -> DrawingErrorKind<CanvasError> {
    DrawingErrorKind::DrawingError(CanvasError(error.to_string()))
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = CanvasError;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Self::Raster(backend) => backend.get_size(),
            Self::Vector { svg, .. } => svg.get_size(),
            Self::Letters { size, .. } => *size,
        }
    }

    fn ensure_prepared(&mut self) -> BackendResult {
        either!(self, backend => backend.ensure_prepared())
    }

    fn present(&mut self) -> BackendResult {
        either!(self, backend => backend.present())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> BackendResult {
        either!(self, backend => backend.draw_pixel(point, color))
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> BackendResult {
        if from == to {
            return Ok(());
        }
        either!(self, backend => backend.draw_line(from, to, style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> BackendResult {
        either!(self, backend => backend.draw_rect(upper_left, bottom_right, style, fill))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> BackendResult {
        let path: Vec<BackendCoord> = path.into_iter().collect();
        if path.len() < 2 {
            return Ok(());
        }
        match self {
            Self::Letters { .. } => Ok(()),
            Self::Vector { svg, .. } => svg.draw_path(path, style).map_err(canvas_error),
            Self::Raster(bitmap) => {
                let joint = style.stroke_width() / 2;
                for (index, pair) in path.windows(2).enumerate() {
                    if pair[0] == pair[1] {
                        continue;
                    }
                    bitmap.draw_line(pair[0], pair[1], style).map_err(canvas_error)?;
                    if index > 0 && joint > 1 {
                        bitmap.draw_circle(pair[0], joint, style, true).map_err(canvas_error)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> BackendResult {
        either!(self, backend => backend.draw_circle(center, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> BackendResult {
        either!(self, backend => backend.fill_polygon(vert, style))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        pos: BackendCoord,
    ) -> BackendResult {
        // XML forbids control characters, and the font has no glyphs for them.
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        match self {
            Self::Letters { written, .. } => {
                written.extend(text.chars());
                Ok(())
            }
            // A viewer has other fonts besides.
            Self::Vector { svg, .. } => svg.draw_text(&text, style, pos).map_err(canvas_error),
            Self::Raster(bitmap) => {
                let text = font::drawable(&text);
                // Measured against the SVG backend's anchors (`dy` of 0.76em, 0.5ex, -0.5ex).
                let sunk = match style.anchor().v_pos {
                    VPos::Top => 0.11,
                    VPos::Center => 0.18,
                    VPos::Bottom => 0.09,
                };
                let down = (style.size() * sunk).round() as i32;
                let shift = match style.transform() {
                    FontTransform::None => (0, down),
                    FontTransform::Rotate90 => (-down, 0),
                    FontTransform::Rotate180 => (0, -down),
                    FontTransform::Rotate270 => (down, 0),
                };
                bitmap
                    .draw_text(&text, style, (pos.0 + shift.0, pos.1 + shift.1))
                    .map_err(canvas_error)
            }
        }
    }
}

/// An RGB picture, enlarged pixel by pixel to fill a rectangle of the canvas. Pictures lie
/// beneath all else in an SVG, so draw them first.
pub(in crate::figures) struct Picture {
    /// Upper left corner, in units of the area it is drawn on.
    pub corner: BackendCoord,
    /// Width and height on the canvas, in drawing units.
    pub extent: (u32, u32),
    /// Columns and rows of `rgb`.
    pub size: (u32, u32),
    /// Rows of RGB triples, top first.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// The picture with every pixel repeated until it fills `extent`.
    fn enlarged(&self) -> Vec<u8> {
        let (width, height) = (self.extent.0 as usize, self.extent.1 as usize);
        let (columns, rows) = (self.size.0 as usize, self.size.1 as usize);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            let row = y * rows / height * columns;
            for x in 0..width {
                let at = 3 * (row + x * columns / width);
                rgb.extend_from_slice(&self.rgb[at..at + 3]);
            }
        }
        rgb
    }

    /// The SVG element that shows the picture at `corner` of the document.
    fn element(&self, corner: BackendCoord) -> Result<String, CanvasError> {
        let data = png::encode(self.size, &self.rgb).map_err(|e| CanvasError(e.to_string()))?;
        let ((x, y), (width, height)) = (corner, self.extent);
        let mut element = format!(
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,"
        );
        STANDARD.encode_string(data, &mut element);
        element.push_str("\"/>\n");
        Ok(element)
    }
}

impl<'a> PointCollection<'a, BackendCoord> for &'a Picture {
    type Point = &'a BackendCoord;
    type IntoIter = std::iter::Once<&'a BackendCoord>;

    fn point_iter(self) -> Self::IntoIter {
        std::iter::once(&self.corner)
    }
}

impl Drawable<Canvas<'_>> for Picture {
    fn draw<I: Iterator<Item = BackendCoord>>(
        &self,
        mut points: I,
        canvas: &mut Canvas<'_>,
        _: (u32, u32),
    ) -> BackendResult {
        let Some(corner) = points.next() else { return Ok(()) };
        match canvas {
            Canvas::Letters { .. } => Ok(()),
            Canvas::Vector { pictures, .. } => {
                let element = self.element(corner).map_err(DrawingErrorKind::DrawingError)?;
                pictures.push_str(&element);
                Ok(())
            }
            Canvas::Raster(bitmap) => {
                let (width, height) = bitmap.get_size();
                let inside = |from: i32, extent: u32, limit: u32| {
                    from >= 0 && extent > 0 && from as u32 + extent <= limit
                };
                if !inside(corner.0, self.extent.0, width)
                    || !inside(corner.1, self.extent.1, height)
                {
                    return Err(DrawingErrorKind::DrawingError(CanvasError(
                        "a picture does not fit into its figure".into(),
                    )));
                }
                bitmap.blit_bitmap(corner, self.extent, &self.enlarged()).map_err(canvas_error)
            }
        }
    }
}

/// An SVG document of `size` pixels around what was drawn in units: white ground, pictures, then
/// the `drawing` that plotters wrote.
pub(in crate::figures) fn svg_document(
    (width, height): (u32, u32),
    title: &str,
    units: (u32, u32),
    pictures: &str,
    drawing: &str,
) -> String {
    let body = drawing.split_once('>').map_or("", |(_, body)| body);
    let mut document = String::with_capacity(pictures.len() + body.len() + 400);
    // Writing to a string cannot fail.
    let _ = write!(
        document,
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n{pictures}{}",
        units.0,
        units.1,
        escape(title),
        body.trim_start(),
    );
    document
}
