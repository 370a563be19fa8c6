//! Scores against ground truth: AUROC, average precision, F1 and friends at a stated threshold,
//! Dice, SSIM and PSNR of normal tissue.
//!
//! [`Ranking`] and the image measures are plain functions of numbers, equal to scikit-learn and
//! scikit-image. [`evaluate`] applies them to findings at three levels (patients, segments,
//! pixels) and says with every threshold where it comes from: the best F1 or Dice of all
//! thresholds is optimistic.

mod bootstrap;
mod evaluate;
mod ranking;
mod similarity;
#[cfg(test)]
mod tests;
mod threshold;

pub use bootstrap::Interval;
pub use evaluate::{
    Evaluation, EvaluationOptions, Level, NormalTissue, PixelLevel, SubjectCounts, evaluate,
};
pub use ranking::{BestF1, Confusion, PrecisionRecallPoint, Ranking, RocPoint};
pub use similarity::{dice, psnr_db, ssim, ssim_map, ssim_within};
pub use threshold::{Threshold, ThresholdRule};
