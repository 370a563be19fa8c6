//! DICOM in: a hospital's export becomes a BIDS dataset without identifiers.
//!
//! | file | what it holds |
//! |---|---|
//! | `file`, `data_set`, `tags`, `elements` | one file: its encoding, its elements, their values |
//! | `frame` | what the elements say about one image of one slice |
//! | `folder`, `series` | all images below a folder, sorted into series |
//! | `stack` | order, spacing and affine of the slices of a series |
//! | `pixels`, `encoded` | stored samples to values; run-length encoding and JPEG |
//! | `choice` | which series is the sagittal T2-weighted one |
//! | `import`, `dataset`, `sidecar`, `pseudonym` | the BIDS dataset |
//!
//! DICOM's patient coordinates run to the left, to the back and to the head; an [`Affine`] of this crate
//! runs to the right, to the front and to the head, so x and y change their sign.
//!
//! Files come from anywhere. No length that they declare is trusted: what is read is a slice of bytes that
//! are there, and images are checked for their size before they are decoded.
//!
//! [`Affine`]: crate::volume::Affine

mod choice;
mod data_set;
mod dataset;
mod elements;
mod encoded;
mod file;
mod folder;
mod frame;
mod import;
mod pixels;
mod pseudonym;
mod series;
mod sidecar;
mod stack;
mod tags;

pub use folder::DicomFolder;
pub use import::{ImportOptions, Imported, ImportedImage, import};
pub use series::{Plane, Series};

pub(crate) use file::is_dicom;
pub(crate) use folder::holds_dicom;
