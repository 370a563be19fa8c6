//! Subjects and their prepared slices: from a BIDS tree, from prepared `.npy` slices or drawn.
//! (paper section 3.1; `Preparation` states the published recipe.)

mod field;
mod intensity;
mod placement;
mod preparation;
mod region;
mod slice;
mod subject;

pub use placement::Placement;
pub use preparation::{LabelledVolume, Preparation, Prepared};
pub use region::RegionRule;
pub use slice::Slice;
pub use subject::{Disc, Subject};
