//! Subjects and their prepared slices: from a BIDS tree, from prepared `.npy` slices or drawn.
//! (paper section 3.1; `Preparation` states the published recipe.)

mod bids;
#[allow(clippy::module_inception)]
mod cohort;
mod entry;
mod member;
mod naming;
mod npy_header;
mod participants;
mod preparation;
mod prepared;
mod slice;
mod subject;
#[cfg(test)]
mod tests;
mod volume_files;

pub use cohort::{Cohort, LoadOptions};
pub use entry::Entry;
pub use preparation::{LabelledVolume, Placement, Preparation, Prepared, RegionRule};
pub use slice::Slice;
pub use subject::{Disc, Subject};
