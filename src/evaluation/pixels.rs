//! Errors of pixels against lesion pixels, and similarity of normal tissue.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, Resamples};
use super::cases::RankedCases;
use super::level::ranking_intervals;
use super::similarity::{psnr_of_mean_square, ssim_within};
use super::{BestF1, Ranking, Threshold};
use crate::context::Context;
use crate::detection::{Finding, Scoring};
use crate::{Error, Result};

/// Errors of the pixels of all scoring regions together against lesion pixels. Intervals are 95 %,
/// by bootstrap over the patients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PixelLevel {
    /// Scoring pixels with known ground truth.
    pub pixels: usize,
    /// Scoring pixels that are lesion.
    pub lesion_pixels: usize,
    /// Lesion pixels outside the scoring regions, which are not evaluated.
    pub lesion_pixels_outside: usize,
    /// `None` unless there are lesion pixels and others.
    pub auroc: Option<f64>,
    pub auroc_interval: Option<Interval>,
    /// `None` without lesion pixels.
    pub average_precision: Option<f64>,
    pub average_precision_interval: Option<Interval>,
    /// Best Dice of all error thresholds, which is optimistic; `None` without lesion pixels.
    pub best_dice: Option<BestF1>,
    /// Dice of the pixels at or above the patients' threshold. Unless the scoring is learned, the error counts from the
    /// mean of the slice's anomaly curve, as an AnaScore does; in a slice without a curve from that of its scoring pixels.
    pub dice: Option<f64>,
}

/// Similarity of image and reconstruction in the regions of interest without their lesion pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NormalTissue {
    pub slices: usize,
    /// Mean over slices of the mean SSIM over normal pixels (their 7 × 7 windows reach beyond).
    pub ssim: f64,
    /// Of all normal pixels together; infinite where nothing was changed.
    #[serde(deserialize_with = "super::unbounded::unbounded")]
    pub psnr_db: f64,
}

/// The (error, lesion) of the scoring pixels of each patient, where the ground truth is known.
pub(super) struct Pixels {
    pub patients: Vec<Vec<(f64, bool)>>,
    /// The error above what an AnaScore counts from, in the same order.
    above_baseline: Vec<f64>,
    outside: usize,
}

impl Pixels {
    pub fn new(findings: &[&Finding], scoring: Scoring) -> Self {
        let mut pixels = Self { patients: Vec::new(), above_baseline: Vec::new(), outside: 0 };
        for finding in findings {
            let mut of_patient = Vec::new();
            for found in &finding.slices {
                let slice = &finding.subject.slices[found.slice];
                let Some(lesion) = &slice.lesion else { continue };
                let first = of_patient.len();
                for (pixel, scored) in slice.scoring.indexed_iter() {
                    if *scored {
                        of_patient.push((f64::from(found.anomaly[pixel]), lesion[pixel]));
                    } else {
                        pixels.outside += usize::from(lesion[pixel]);
                    }
                }
                let of_slice = &of_patient[first..];
                let mean = of_slice.iter().map(|pixel| pixel.0).sum::<f64>()
                    / of_slice.len().max(1) as f64;
                let mean = found.curve.as_ref().map_or(mean, |curve| curve.mean);
                let baseline = scoring.baseline(mean);
                pixels.above_baseline.extend(of_slice.iter().map(|pixel| pixel.0 - baseline));
            }
            pixels.patients.push(of_patient);
        }
        pixels
    }

    /// Evaluates them; `None` where there are none.
    ///
    /// # Errors
    /// If an error is NaN, or the user interrupts.
    pub fn level(
        &self,
        ranked: &RankedCases,
        threshold: Option<&Threshold>,
        resamples: &Resamples,
        context: &Context,
    ) -> Result<Option<PixelLevel>> {
        let (errors, truth): (Vec<f64>, Vec<bool>) =
            self.patients.iter().flatten().copied().unzip();
        if errors.is_empty() {
            return Ok(None);
        }
        let ranking = Ranking::new(&errors, &truth)?;
        let dice = match threshold {
            Some(threshold) => Ranking::new(&self.above_baseline, &truth)?.at(threshold.value).f1(),
            None => None,
        };
        let [auroc_interval, average_precision_interval] =
            ranking_intervals(ranked, resamples, context)?;
        Ok(Some(PixelLevel {
            pixels: errors.len(),
            lesion_pixels: ranking.positives(),
            lesion_pixels_outside: self.outside,
            auroc: ranking.auroc(),
            auroc_interval,
            average_precision: ranking.average_precision(),
            average_precision_interval,
            best_dice: ranking.best_f1(),
            dice,
        }))
    }
}

/// How well normal tissue was reconstructed; `None` where none is known to be normal.
///
/// # Errors
/// If an image does not fit its reconstruction, or the user interrupts.
pub(super) fn normal_tissue(
    findings: &[&Finding],
    context: &Context,
) -> Result<Option<NormalTissue>> {
    let (mut similarity, mut slices) = (0.0, 0_usize);
    let (mut squared, mut pixels) = (0.0, 0_usize);
    for finding in findings {
        context.check()?;
        for found in &finding.slices {
            let slice = &finding.subject.slices[found.slice];
            let Some(lesion) = &slice.lesion else { continue };
            let reconstruction = &found.reconstruction.reconstruction;
            let mut normal = slice.region.clone();
            normal.indexed_iter_mut().for_each(|(pixel, inside)| *inside &= !lesion[pixel]);
            let in_slice = ssim_within(&slice.image, reconstruction, &normal)
                .map_err(|error| Error::subject(&*slice.subject, error))?;
            let Some(in_slice) = in_slice else { continue };
            similarity += in_slice;
            slices += 1;
            for (pixel, _) in normal.indexed_iter().filter(|(_, inside)| **inside) {
                let error = f64::from(slice.image[pixel]) - f64::from(reconstruction[pixel]);
                squared += error * error;
                pixels += 1;
            }
        }
    }
    Ok((slices > 0).then(|| NormalTissue {
        slices,
        ssim: similarity / slices as f64,
        psnr_db: psnr_of_mean_square(squared / pixels as f64),
    }))
}
