//! The slices of one subject to leaf through: each is drawn when it is looked at, at the size that there
//! is room for.
//!
//! | file | what it holds |
//! |---|---|
//! | `subject` | the slices of a subject with their masks |
//! | `finding` | the same with what a method found in them |
//! | `layers` | one slice with its overlay and outlines as a bare picture |

mod finding;
mod layers;
mod subject;

pub use finding::FindingStack;
use plotters::style::RGBColor;
pub use subject::SubjectStack;

use super::Figure;
use crate::Result;

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SliceView {
    /// Position among the slices of the stack, from 0.
    pub slice: usize,
    /// Position in [`SliceStack::layers`].
    pub layer: usize,
    /// Steps by which the intensity window is narrower than the usual one.
    pub contrast: u32,
}

/// A line beside a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceNote {
    pub text: String,
    /// Colour of what the line explains, where it explains a colour of the picture.
    pub colour: Option<RGBColor>,
}

impl SliceNote {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), colour: None }
    }

    fn key(text: impl Into<String>, colour: RGBColor) -> Self {
        Self { text: text.into(), colour: Some(colour) }
    }
}

/// The slices of one subject, from the patient's right to left. A front end chooses which one it shows.
pub trait SliceStack: Send + Sync {
    /// What the stack shows: the subject and, if something was found in it, the method.
    fn title(&self) -> &str;

    /// Number of slices, at least 1.
    fn count(&self) -> usize;

    /// Position of the slice to show first.
    fn first(&self) -> usize;

    /// What can lie on the image, by name; at least one.
    fn layers(&self) -> &[&'static str];

    /// The lowest and the highest shown intensity, of the range from 0 to 1.
    fn window(&self, contrast: u32) -> (f64, f64);

    /// Where the slice lies: "slice 4 of 11 (voxel 3, right to left)".
    fn place(&self, slice: usize) -> String;

    /// What is known about the slice, and what the colours of the picture mean.
    fn notes(&self, view: &SliceView) -> Vec<SliceNote>;

    /// The slice without title and margins, for at most `room` pixels (width, height). It may be drawn larger
    /// than that, but its lines are wide enough to be seen once it is shrunk to the room.
    ///
    /// # Errors
    /// If it cannot be drawn.
    fn picture(&self, view: &SliceView, room: (u32, u32)) -> Result<Figure>;

    /// The slice as a figure to keep, with title and legend.
    fn figure(&self, slice: usize) -> Figure;
}
