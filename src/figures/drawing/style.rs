//! The common style: sizes, colours, line patterns. Lengths are drawing units, two per pixel of the
//! PNG.

use plotters::style::{RGBColor, ShapeStyle};

use super::text::Ink;

/// Drawing units per pixel of the PNG; the raster is drawn this much larger and averaged.
pub(in crate::figures) const UNITS_PER_PIXEL: u32 = 2;

/// Width of a figure's body, unless its content asks for less: PNGs of about 1600 pixels.
pub(in crate::figures) const BODY_WIDTH: i32 = 3120;
/// Around a figure.
pub(in crate::figures) const MARGIN: i32 = 40;
/// Between neighbours.
pub(in crate::figures) const GAP: i32 = 40;

pub(in crate::figures) const TITLE: Ink = Ink { size: 72, colour: INK };
pub(in crate::figures) const NOTE: Ink = Ink { size: 46, colour: GREY };
/// Title of a panel.
pub(in crate::figures) const PANEL: Ink = Ink { size: 56, colour: INK };
/// Names of axes, entries of legends.
pub(in crate::figures) const LABEL: Ink = Ink { size: 50, colour: INK };
/// Numbers along axes and bars.
pub(in crate::figures) const TICK: Ink = Ink { size: 44, colour: INK };

pub(in crate::figures) const INK: RGBColor = RGBColor(34, 34, 34);
pub(in crate::figures) const GREY: RGBColor = RGBColor(96, 96, 96);
pub(in crate::figures) const GRID: RGBColor = RGBColor(222, 222, 222);
/// Ground behind a span of an axis.
pub(in crate::figures) const SHADES: [RGBColor; 3] =
    [RGBColor(240, 240, 240), RGBColor(228, 238, 246), RGBColor(250, 238, 224)];
pub(in crate::figures) const WHITE: RGBColor = RGBColor(255, 255, 255);

// Okabe & Ito, "Color Universal Design", 2008.
pub(in crate::figures) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(in crate::figures) const VERMILION: RGBColor = RGBColor(213, 94, 0);
pub(in crate::figures) const GREEN: RGBColor = RGBColor(0, 158, 115);
pub(in crate::figures) const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub(in crate::figures) const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub(in crate::figures) const SKY: RGBColor = RGBColor(86, 180, 233);
pub(in crate::figures) const YELLOW: RGBColor = RGBColor(240, 228, 66);

/// Outline of the region of interest on anatomy.
pub(in crate::figures) const REGION: RGBColor = SKY;
/// Outline and marks of ground-truth lesions.
pub(in crate::figures) const LESION: RGBColor = VERMILION;

/// How a line is drawn; lines of one chart differ in colour and in pattern, so that they stay
/// apart in grey.
#[derive(Clone, Copy, Debug)]
pub(in crate::figures) struct Stroke {
    pub colour: RGBColor,
    pub width: u32,
    /// Length of a dash and of the gap after it; `None` for a solid line.
    pub dash: Option<(i32, i32)>,
}

impl Stroke {
    pub const fn solid(colour: RGBColor, width: u32) -> Self {
        Self { colour, width, dash: None }
    }

    pub const fn dashed(colour: RGBColor, width: u32) -> Self {
        Self { colour, width, dash: Some((24, 16)) }
    }

    /// The stroke of the `index`-th line of a chart.
    pub fn of_series(index: usize) -> Self {
        const COLOURS: [RGBColor; 6] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY];
        const DASHES: [Option<(i32, i32)>; 5] =
            [None, Some((36, 18)), Some((10, 14)), Some((64, 20)), Some((22, 34))];
        let (colour, dash) = (COLOURS[index % COLOURS.len()], DASHES[index % DASHES.len()]);
        Self { colour, width: 7, dash }
    }

    pub fn shape(self) -> ShapeStyle {
        ShapeStyle::from(&self.colour).stroke_width(self.width)
    }
}
