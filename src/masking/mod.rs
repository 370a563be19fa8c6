//! Which patches are hidden (paper section 3.2).
//!
//! Only patches that touch the region of interest are ever hidden. Every patch gets a score;
//! patches of the region are lifted above all others; the lowest scores stay visible.
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
    BatchStatistics, MaskingStrategy, Normalisation, TEMPERATURE, draw_order, paper_scores,
    published_scores,
};
