//! Spinal cord, cerebrospinal fluid and discs found in a volume by two small networks that were trained on
//! synthetic slices only.
//!
//! | file | what it holds |
//! |---|---|
//! | `outputs` | what the maps of the network mean |
//! | `sample`, `loss`, `training` | how it is trained |
//! | `segmenter` | the networks applied to slices |
//! | `tube`, `width`, `canal`, `discs`, `gaps` | what of its maps is believed |
//! | `volume` | from a volume to masks on its grid |

mod canal;
mod discs;
mod gaps;
mod loss;
mod outputs;
mod sample;
mod segmenter;
mod training;
mod tube;
mod volume;
mod width;

pub use segmenter::Segmenter;
pub use training::SegmentationTraining;
pub use volume::{DiscByHand, Outcome};
