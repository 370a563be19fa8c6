//! The loop of the paper: loss, Adam, augmentation, epochs, pretraining and adaptation.
//!
//! [`train_epoch`] is the basic step; [`pretrain`] and [`adapt`] are the
//! published loops, written with the same public steps a user has.

mod adam;
mod augmentation;
mod epoch;
mod history;
mod loss;
mod micro_batch;
mod model;
mod options;
mod ranks;
mod resumable;
mod snapshot_bound;
mod snapshots;
mod stages;
#[cfg(test)]
mod tests;

pub use adam::Adam;
pub use augmentation::augment;
pub(crate) use epoch::augmented;
pub use epoch::{train_epoch, train_epoch_of};
pub use history::{EpochRecord, Guidance, History, Schedule, Stage, TrainingRecord};
pub use loss::{Loss, Target, pixel_weights, sobel};
pub(crate) use model::METHOD_METADATA;
pub use model::Model;
pub use options::{LEARNING_RATE, TrainingOptions};
pub use ranks::{end_ranks, serve_rank_0};
pub use snapshot_bound::SnapshotBound;
pub use snapshots::{Checkpointed, Snapshots};
pub use stages::{Adaptation, adapt, all_slices, estimate, pretrain, rewind, train_scorer};
