//! Subjects and their preprocessed slices: from a BIDS tree, from preprocessed `.npy` slices or
//! generated (paper section 3.1; [`Preprocessing`] states the published recipe).
//!
//! Start with [`Cohort`]. The rules for files are documented where they are applied: [`bids`] for image
//! and label names, [`preprocessed`] for the layout of `.npy` slices, [`participants`] for the
//! table.

pub mod bids;
#[allow(clippy::module_inception)]
mod cohort;
mod entry;
mod field;
mod intensity;
mod load_options;
mod member;
mod naming;
mod native_transform;
mod npy_header;
pub mod participants;
pub mod preprocessed;
mod preprocessing;
mod provenance;
mod region;
mod remake;
mod slice;
mod slice_files;
mod slice_grid;
mod subject;
#[cfg(test)]
mod tests;
mod thick_slices;
mod volume_files;

pub use cohort::Cohort;
pub use entry::Entry;
pub(crate) use intensity::percentile;
pub use intensity::{IntensityScale, TissueIntensity};
pub use load_options::LoadOptions;
pub use native_transform::NativeTransform;
pub use preprocessing::{Preprocessed, Preprocessing};
pub use provenance::{Origin, Provenance, Step};
pub use region::RegionRule;
pub(crate) use region::{dilated, eroded};
pub use slice::Slice;
pub use slice_grid::SliceGrid;
pub use subject::{Disc, Subject};
