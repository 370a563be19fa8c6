//! Which files belong to a subject, and what the table of participants says about them.

pub mod bids;
mod find_label;
pub(super) mod given_files;
pub(super) mod loaded_files;
pub(super) mod naming;
mod npy_header;
pub(super) mod participants;
pub(super) mod participants_told;
pub mod preprocessed;
pub(super) mod same_images;
mod saved_masks;
pub(super) mod session_tables;
mod several_images;
pub(super) mod slice_files;
mod table_text;
mod unused;
pub(super) mod volume_files;
