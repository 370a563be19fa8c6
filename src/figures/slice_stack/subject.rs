//! The slices of a subject with their masks.

use std::sync::Arc;

use super::layers::{Layers, Shared, outline_keys, truth, within};
use super::{SliceNote, SliceStack, SliceView};
use crate::Result;
use crate::cohort::{Slice, Subject};
use crate::figures::{Figure, slice_view};

const LAYERS: [&str; 2] = ["outlines", "image alone"];

/// A subject to leaf through, the slice with the most cord first.
pub struct SubjectStack {
    subject: Arc<Subject>,
    shared: Shared,
}

impl SubjectStack {
    /// # Errors
    /// If the subject has no slices, or slices of different sizes.
    pub fn new(subject: Arc<Subject>) -> Result<Self> {
        let shared = Shared::new(&subject, &subject.slices.iter().collect::<Vec<_>>())?;
        Ok(Self { subject, shared })
    }

    fn slice(&self, position: usize) -> &Slice {
        &self.subject.slices[position.min(self.subject.slices.len() - 1)]
    }
}

impl SliceStack for SubjectStack {
    fn title(&self) -> &str {
        &self.subject.name
    }

    fn count(&self) -> usize {
        self.subject.slices.len()
    }

    fn first(&self) -> usize {
        let Some(middle) = self.subject.mid_cord() else { return 0 };
        self.subject.slices.iter().position(|slice| slice.index == middle.index).unwrap_or(0)
    }

    fn layers(&self) -> &[&'static str] {
        &LAYERS
    }

    fn window(&self, contrast: u32) -> (f64, f64) {
        self.shared.window(contrast)
    }

    fn place(&self, slice: usize) -> String {
        self.shared.place(slice)
    }

    fn notes(&self, view: &SliceView) -> Vec<SliceNote> {
        let slice = self.slice(view.slice);
        let group = if self.subject.is_healthy() { "healthy" } else { "clinical" };
        let pixel_mm2 = slice.pixel_spacing_mm.0 * slice.pixel_spacing_mm.1;
        let mut notes = vec![SliceNote::plain(group), truth(slice), SliceNote::plain("")];
        for (name, mask) in [("cord", &slice.cord), ("fluid", &slice.csf)] {
            let (sum, pixels) = within(&slice.image, mask);
            if pixels > 0 {
                let (area, mean) = (pixels as f64 * pixel_mm2, sum / pixels as f64);
                notes.push(SliceNote::plain(format!(
                    "{name}: {area:.0} mm², mean intensity {mean:.2}"
                )));
            }
        }
        if view.layer == 0 {
            notes.push(SliceNote::plain(""));
            notes.extend(outline_keys(slice));
        }
        notes
    }

    fn picture(&self, view: &SliceView, room: (u32, u32)) -> Result<Figure> {
        let slice = self.slice(view.slice);
        let layers = Layers::new(self.place(view.slice), slice, self.window(view.contrast));
        let layers = if view.layer == 0 { layers.outlined() } else { layers };
        Ok(layers.picture(&self.shared, room))
    }

    fn figure(&self, slice: usize) -> Figure {
        slice_view(self.slice(slice))
    }
}
