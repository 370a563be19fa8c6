//! From bare images to findings: given masks win, the others are found, and a [`Detector`] examines one image
//! after the other. An image that cannot be used does not stop the others, and an interruption keeps what is
//! finished.
//!
//! The result of an image depends on the image, its masks, the detector and the seed alone: not on the images
//! beside it, nor on their order. So a cluster may screen each one in a job of its own.

mod detector;
mod outputs;
mod screen;
mod table;
#[cfg(test)]
mod tests;

pub use detector::Detector;
pub use outputs::GrowingExport;
pub use screen::{ScreenedImage, Screening};
pub use table::REMARKS;
