//! Subjects and their prepared slices: from a BIDS tree, from prepared `.npy` slices or drawn.
//! (paper section 3.1; [`Preparation`] states the published recipe.)
//!
//! [`Cohort`] is the way in. The rules for files stand where they are applied: [`bids`] for image
//! and label names, [`prepared`] for the layout of `.npy` slices, [`participants`] for the table.

pub mod bids;
#[allow(clippy::module_inception)]
mod cohort;
mod entry;
mod field;
mod frame;
mod intensity;
mod member;
mod naming;
mod npy_header;
pub mod participants;
pub mod phantom;
mod placement;
mod preparation;
pub mod prepared;
mod recipe;
mod region;
mod slice;
mod subject;
#[cfg(test)]
mod tests;
mod volume_files;

pub use cohort::{Cohort, LoadOptions};
pub use entry::Entry;
pub use frame::Frame;
pub(crate) use intensity::percentile;
pub use placement::Placement;
pub use preparation::{LabelledVolume, Preparation, Prepared};
pub use recipe::{Origin, Recipe, Step};
pub use region::RegionRule;
pub use slice::Slice;
pub use subject::{Disc, Subject};
