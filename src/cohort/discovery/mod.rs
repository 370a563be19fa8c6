//! Which files belong to a subject, and what the table of participants says about them.

pub mod bids;
pub(super) mod naming;
mod npy_header;
pub(super) mod participants;
pub mod preprocessed;
pub(super) mod slice_files;
mod unused;
pub(super) mod volume_files;
