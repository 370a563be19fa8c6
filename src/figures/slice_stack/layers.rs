//! One slice with its overlay and outlines as a bare picture, and what all slices of a subject share.

use std::borrow::Cow;

use ndarray::{Array2, Zip};
use plotters::style::RGBColor;

use super::SliceNote;
use crate::cohort::{Slice, Subject};
use crate::figures::Figure;
use crate::figures::drawing::colour_map::ColourMap;
use crate::figures::drawing::display_window::white_from;
use crate::figures::drawing::panel::{Crop, Panel, Scale};
use crate::figures::drawing::style;
use crate::{Error, Result};

/// Width of the shown part, at least this share of its height.
const ASPECT: f64 = 0.6;

/// A picture is drawn at least this high, in pixels, and then shrunk: thin lines survive that.
const LEAST_HEIGHT: f64 = 480.0;
/// And at most this high, in pixels.
const MOST_HEIGHT: f64 = 1400.0;
/// Height of a picture, in pixels, from which on letters in it can be read.
const LEGIBLE_HEIGHT: f64 = 320.0;
/// Width of an outline, as a share of the height of the picture.
const STROKE: f64 = 1.0 / 340.0;
/// The thinnest outline, in pixels of the shrunk picture: seen as a tint that does not hide a narrow cord.
const THINNEST: f64 = 0.6;

/// A narrower intensity window has this share of the width of the one before.
const NARROWER: f64 = 0.8;

/// An overlay hides at most this share of the image, and does so from that share of its range on, so that
/// what is near zero stays transparent.
const OPACITY: f64 = 0.7;
const OPAQUE_FROM: f64 = 0.2;

/// Outline of the cord.
pub(super) const CORD: RGBColor = style::YELLOW;
/// Outline of the ground truth.
pub(super) const LESION: RGBColor = style::LESION;

/// What all slices of a subject share, so that the picture stays in place from slice to slice.
pub(super) struct Shared {
    crop: Crop,
    /// Mean intensity of the cord, the middle of narrow windows.
    middle: f64,
    /// Where the widest window ends.
    white: f64,
    /// Where each slice lies.
    places: Vec<String>,
}

impl Shared {
    /// Of these slices of the subject, which are shown in this order.
    ///
    /// # Errors
    /// If there are none, or they differ in size.
    pub fn new(subject: &Subject, slices: &[&Slice]) -> Result<Self> {
        let Some(first) = slices.first() else {
            return Err(Error::subject(&*subject.name, "has no slices to show"));
        };
        let mut region = Array2::from_elem(first.region.dim(), false);
        let (mut sum, mut pixels) = (0.0, 0_usize);
        for slice in slices {
            if slice.region.dim() != region.dim() {
                return Err(Error::subject(&*subject.name, "has slices of different sizes"));
            }
            region.zip_mut_with(&slice.region, |all, inside| *all |= *inside);
            let (in_cord, count) = within(&slice.image, &slice.cord);
            sum += in_cord;
            pixels += count;
        }
        let white = white_from(slices.iter().copied());
        let middle = if pixels > 0 { sum / pixels as f64 } else { 0.5 * white };
        let places = slices.iter().enumerate().map(|(position, slice)| {
            let where_to = voxels(slice);
            format!("slice {} of {} ({where_to}, right to left)", position + 1, slices.len())
        });
        let (crop, places) = (Crop::around(&region, ASPECT), places.collect());
        Ok(Self { crop, middle, white, places })
    }

    pub fn place(&self, position: usize) -> String {
        self.places.get(position).cloned().unwrap_or_default()
    }

    /// The intensity window: one in which the cord can be seen or, by so many steps narrower, one around its mean.
    pub fn window(&self, contrast: u32) -> (f64, f64) {
        let half = 0.5 * self.white * NARROWER.powf(f64::from(contrast));
        match contrast {
            0 => (0.0, self.white),
            _ => ((self.middle - half).max(0.0), (self.middle + half).min(self.white)),
        }
    }
}

/// The place of a slice in the file, or in the canonical volume if it came preprocessed.
fn voxels(slice: &Slice) -> String {
    slice.voxel_words().unwrap_or_else(|| format!("index {}", slice.index))
}

/// Sum and number of the finite values within a mask.
pub(super) fn within(image: &Array2<f32>, mask: &Array2<bool>) -> (f64, usize) {
    Zip::from(image).and(mask).fold((0.0, 0), |(sum, count), value, inside| {
        match *inside && value.is_finite() {
            true => (sum + f64::from(*value), count + 1),
            false => (sum, count),
        }
    })
}

/// What the ground truth says of the slice.
pub(super) fn truth(slice: &Slice) -> SliceNote {
    SliceNote::plain(match &slice.lesion {
        None => "ground truth not known",
        Some(lesion) if lesion.iter().any(|set| *set) => "ground truth: lesion",
        Some(_) => "ground truth: no lesion",
    })
}

/// What the outlines of a slice mean.
pub(super) fn outline_keys(slice: &Slice) -> Vec<SliceNote> {
    let mut keys = Vec::new();
    if slice.cord.iter().any(|set| *set) {
        keys.push(SliceNote::key("cord", CORD));
    }
    if slice.lesion.as_ref().is_some_and(|lesion| lesion.iter().any(|set| *set)) {
        keys.push(SliceNote::key("lesion (ground truth)", LESION));
    }
    keys
}

/// A map over an image.
pub(super) struct Overlay<'a> {
    pub map: &'a Array2<f32>,
    /// Value at the upper end of the colours; the lower one is 0.
    pub to: f64,
    pub colours: ColourMap,
}

/// One slice, layer by layer.
pub(super) struct Layers<'a> {
    pub title: String,
    pub slice: &'a Slice,
    pub image: &'a Array2<f32>,
    /// Intensities shown as black and as white.
    pub window: (f64, f64),
    pub overlay: Option<Overlay<'a>>,
    pub outlines: Vec<(Cow<'a, Array2<bool>>, RGBColor)>,
}

impl<'a> Layers<'a> {
    /// A slice with nothing on it.
    pub fn new(title: String, slice: &'a Slice, window: (f64, f64)) -> Self {
        let (image, outlines) = (&slice.image, Vec::new());
        Self { title, slice, image, window, overlay: None, outlines }
    }

    /// With the outlines of cord and lesion.
    pub fn outlined(mut self) -> Self {
        self.outlines.push((Cow::Borrowed(&self.slice.cord), CORD));
        let lesion = self.slice.lesion.iter();
        self.outlines.extend(lesion.map(|lesion| (Cow::Borrowed(lesion), LESION)));
        self
    }

    /// The picture for a room of so many pixels (width, height).
    pub fn picture(self, shared: &Shared, room: (u32, u32)) -> Figure {
        let (from, to) = self.window;
        let scale = Scale { from, to, ..Scale::intensity(self.slice) };
        let spacing = self.slice.pixel_spacing_mm;
        let mut panel = Panel::new("", self.image, &scale, shared.crop, spacing);
        if let Some(Overlay { map, to, colours }) = self.overlay {
            panel = panel.tinted(|row, column| {
                let share = f64::from(*map.get((row, column))?) / to;
                let opacity = OPACITY * (share / OPAQUE_FROM).min(1.0);
                (opacity > 0.0).then(|| (colours.colour(share), opacity))
            });
        }
        for (mask, colour) in &self.outlines {
            panel = panel.outlined(mask, *colour);
        }
        let (width, height) = (f64::from(room.0.max(1)), f64::from(room.1.max(1)));
        let shown = height.min(width / panel.aspect()).clamp(1.0, MOST_HEIGHT);
        let enlarged = (LEAST_HEIGHT / shown).max(1.0);
        let units = f64::from(style::UNITS_PER_PIXEL) * enlarged;
        let stroke = (shown * STROKE).max(THINNEST) * units;
        panel = panel.stroked(stroke.round() as u32);
        if shown < LEGIBLE_HEIGHT {
            panel = panel.unmarked();
        }
        let extent = |pixels: f64| ((pixels * units).round() as i32).max(2);
        let body = (extent(shown * panel.aspect()), extent(shown));
        Figure::bare(self.title, body, move |area| panel.draw(area, (0, 0), body).map(drop))
    }
}
