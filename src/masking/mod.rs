//! Which patches are hidden (paper section 3.2).
//!
//! Every patch gets a score; patches that touch the region of interest are lifted above all others; the lowest scores
//! stay visible. All slices of a batch show equally many patches: as many as leave the mask ratio of the region's
//! patches hidden on average over the batch (the published rule). So a slice whose region is larger than those of its
//! batch hides a smaller share of it, and one with a very small region hides some patches outside as well.
//!
//! | strategy | score of a patch in the region |
//! |---|---|
//! | `random` | a uniform draw |
//! | `eu` | Gumbel draws: hidden more often where the Monte-Carlo variance is high |
//! | `au` | as `eu`, but patches holding a high-error island stay visible while others can hide |
//! | `eu-published`, `au-published` | what the published code computes: the opposite tendency |
//!
//! The published code multiplies noise by −log(softmax of the variance over the batch), which
//! hides high-variance patches *less* often than the paper's text and figure say. The paper's
//! reading is the default; the code's stays available for exact comparison.

mod sampler;
mod scores;

pub use sampler::{MaskSampler, PatchStatistics};
pub use scores::{
    BatchStatistics, MaskingStrategy, Normalisation, TEMPERATURE, draw_order, published_scores,
};
