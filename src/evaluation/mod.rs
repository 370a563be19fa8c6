//! Scores against ground truth: AUROC, average precision, F1 and related measures at a stated
//! threshold, detected lesions and false positives, Dice, SSIM and PSNR of normal tissue.
//!
//! [`Ranking`] and the image measures are plain functions of numbers, equal to scikit-learn and
//! scikit-image. [`evaluate`] applies them to findings at five levels (patients, slices, segments,
//! lesions, pixels), with bootstrap intervals over patients, and says with every threshold where it
//! comes from: the best F1 or Dice of all thresholds is optimistic. [`compare`] tests whether two
//! methods differ on the same patients.

mod bootstrap;
mod calibration;
mod cases;
mod comparison;
mod disjoint_sets;
mod evaluate;
mod file;
mod froc;
mod leakage;
mod lesions;
mod level;
mod patient_lesions;
mod pixels;
mod ranking;
mod similarity;
mod summary;
#[cfg(test)]
mod tests;
mod threshold;
mod unbounded;

pub use bootstrap::{Estimate, Interval, few_patients, warn_of_repeated};
pub use calibration::{calibrated_threshold, calibration, default_lesion_threshold};
pub use cases::SubjectCases;
pub use comparison::{
    ComparedMeasure, Comparison, ComparisonTest, compare, warn_unless_comparable,
};
pub use evaluate::{Evaluation, EvaluationOptions, SubjectCounts, evaluate, evaluate_subjects};
pub use froc::FrocPoint;
pub use leakage::{leakage, warn_of_trained_reference};
pub use lesions::{HEALTHY_FALSE_POSITIVES, HealthyThreshold, LesionLevel, LesionThresholdRule};
pub use level::Level;
pub use patient_lesions::{DETECTION_OVERLAP, DETECTION_PIXELS};
pub use pixels::{NormalTissue, PixelLevel};
pub use ranking::{BestF1, Confusion, Ranking, RocPoint};
pub use similarity::{dice, psnr_db, ssim, ssim_map, ssim_within};
pub use summary::{MethodSummary, SUMMARY_MEASURES, SummaryMeasure, summarise};
pub use threshold::{Threshold, ThresholdRule, healthy_threshold};
