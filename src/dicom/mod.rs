//! DICOM in: a hospital's export becomes volumes, and a BIDS dataset without identifiers.
//!
//! | file | what it holds |
//! |---|---|
//! | `header`, `frame` | one file's elements; what they say about one image of one slice |
//! | `folder`, `series` | all images below a folder, sorted into series |
//! | `stack` | order, spacing and affine of the slices of a series |
//! | `pixels`, `encoded` | stored samples to values; RLE and JPEG |
//! | `choice` | which series is the sagittal T2-weighted one |
//! | `import`, `dataset`, `sidecar`, `pseudonym` | the BIDS dataset |
//!
//! DICOM's patient coordinates run to the left, to the back and to the head; an [`Affine`] of this crate
//! runs to the right, to the front and to the head, so x and y change their sign.
//!
//! [`Affine`]: crate::volume::Affine

mod choice;
mod dataset;
mod encoded;
mod folder;
mod frame;
mod header;
mod import;
mod pixels;
mod pseudonym;
mod series;
mod sidecar;
mod stack;
#[cfg(test)]
mod tests;

pub use folder::DicomFolder;
pub use import::{ImportOptions, Imported, ImportedSubject, import};
pub use series::{Plane, Series};

pub(crate) use folder::holds_dicom;
