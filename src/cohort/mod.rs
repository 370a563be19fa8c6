//! Subjects and their prepared slices: from a BIDS tree, from prepared `.npy` slices or drawn.
//! (paper section 3.1; `Preparation` states the published recipe.)

pub mod phantom;
mod preparation;
mod slice;
mod subject;

pub use preparation::{LabelledVolume, Placement, Preparation, Prepared, RegionRule};
pub use slice::Slice;
pub use subject::{Disc, Subject};
