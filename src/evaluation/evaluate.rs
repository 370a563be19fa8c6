//! Findings against ground truth, at the level of patients, segments and pixels.

use serde::Serialize;

use super::bootstrap::auroc_interval;
use super::similarity::psnr_of_mean_square;
use super::{
    BestF1, Confusion, Interval, Ranking, RocPoint, Threshold, ThresholdRule, ssim_within,
};
use crate::context::Context;
use crate::detection::{Finding, Findings};
use crate::{Error, Result};

/// How findings are evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationOptions {
    /// Where the line between normal and abnormal AnaScores is drawn.
    pub threshold: ThresholdRule,
}

impl Default for EvaluationOptions {
    /// The best F1 on the cases being evaluated: optimistic, and reported as such.
    fn default() -> Self {
        Self { threshold: ThresholdRule::BestF1 }
    }
}

/// How well a method found what is known to be there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    pub method: String,
    pub subjects: SubjectCounts,
    /// AnaScore of the patient against whether the subject has a lesion.
    pub patients: Level,
    /// AnaScores of segments against their lesion pixels; `None` where no segment's ground truth is
    /// known.
    pub segments: Option<Level>,
    /// Errors of scoring pixels against lesion pixels; `None` where none are known.
    pub pixels: Option<PixelLevel>,
    /// How well normal tissue was reconstructed; `None` where none is known to be normal.
    pub normal: Option<NormalTissue>,
}

/// Who was evaluated and who was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SubjectCounts {
    pub with_lesion: usize,
    pub without_lesion: usize,
    /// Left out, because nothing says whether they have a lesion.
    pub unknown: usize,
    /// Left out, because no slice has enough cord to be scored.
    pub unscored: usize,
}

/// Scores against a binary ground truth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Level {
    pub positives: usize,
    pub negatives: usize,
    /// `None` unless there are positives and negatives.
    pub auroc: Option<f64>,
    /// 95 %, by drawing subjects again; `None` with fewer than two of either kind.
    pub auroc_interval: Option<Interval>,
    /// `None` without positives.
    pub average_precision: Option<f64>,
    /// Chosen on the same cases and therefore optimistic; `None` without positives.
    pub best_f1: Option<BestF1>,
    /// `None` where the best F1 was asked for and there are no positives.
    pub threshold: Option<Threshold>,
    /// At `threshold`.
    pub confusion: Option<Confusion>,
    pub roc: Vec<RocPoint>,
}

/// Errors of the pixels of all scoring regions together against lesion pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PixelLevel {
    /// Scoring pixels with known ground truth.
    pub pixels: usize,
    /// Of them, lesion.
    pub lesion_pixels: usize,
    /// Lesion pixels outside the scoring regions, which are not evaluated.
    pub lesion_pixels_outside: usize,
    /// `None` without lesion pixels.
    pub average_precision: Option<f64>,
    /// Best Dice of all error thresholds, which is optimistic; `None` without lesion pixels.
    pub best_dice: Option<BestF1>,
    /// Dice of the pixels whose error exceeds the mean of their slice's scoring pixels by at
    /// least the patients' threshold: an AnaScore, too, counts from the mean.
    pub dice: Option<f64>,
}

/// Likeness of image and reconstruction in the regions of interest without their lesion pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NormalTissue {
    pub slices: usize,
    /// Mean over slices of the mean SSIM over normal pixels (their 7 × 7 windows reach beyond).
    pub ssim: f64,
    /// Of all normal pixels together; infinite where nothing was changed.
    pub psnr_db: f64,
}

/// Evaluates findings against the ground truth that their subjects carry.
///
/// A subject has a lesion or not as [`crate::cohort::Subject::has_lesion`] says; subjects of
/// unknown ground truth are left out and counted, as are subjects that could not be scored.
/// Segments and pixels are evaluated where [`Slice::lesion`](crate::cohort::Slice::lesion) is
/// known.
///
/// # Errors
/// If no scored subject has a known ground truth, a score is NaN, the threshold rule makes no
/// sense, and [`Error::Cancelled`] if the user interrupts.
pub fn evaluate(
    findings: &Findings,
    options: &EvaluationOptions,
    context: &Context,
) -> Result<Evaluation> {
    let mut counts = SubjectCounts::default();
    let mut known: Vec<(&Finding, bool)> = Vec::new();
    for finding in &findings.subjects {
        match finding.subject.has_lesion() {
            None => counts.unknown += 1,
            Some(_) if !finding.is_scored() => counts.unscored += 1,
            Some(lesion) => {
                *if lesion { &mut counts.with_lesion } else { &mut counts.without_lesion } += 1;
                known.push((finding, lesion));
            }
        }
    }
    if known.is_empty() {
        return Err(Error::input(format!(
            "none of the {} subjects has both a score and a known ground truth; give lesion masks or a \
             column has_lesion in the participants table",
            findings.subjects.len()
        )));
    }
    let patients: Vec<Vec<(f64, bool)>> =
        known.iter().map(|(finding, lesion)| vec![(finding.score, *lesion)]).collect();
    let patients = level(&patients, options, context)?;
    let segments: Vec<Vec<(f64, bool)>> = known
        .iter()
        .map(|(finding, _)| {
            let segments = finding.segments.iter();
            segments.filter_map(|segment| Some((segment.score, segment.lesion?))).collect()
        })
        .filter(|segments: &Vec<_>| !segments.is_empty())
        .collect();
    let segments = match segments.is_empty() {
        true => None,
        false => Some(level(&segments, options, context)?),
    };
    context.check()?;
    let evaluated: Vec<&Finding> = known.iter().map(|(finding, _)| *finding).collect();
    let pixels = pixel_level(&evaluated, patients.threshold.as_ref())?;
    let normal = normal_tissue(&evaluated, context)?;
    let method = findings.method.clone();
    Ok(Evaluation { method, subjects: counts, patients, segments, pixels, normal })
}

/// Evaluates the (score, ground truth) of each subject's cases.
fn level(
    subjects: &[Vec<(f64, bool)>],
    options: &EvaluationOptions,
    context: &Context,
) -> Result<Level> {
    let (scores, truth): (Vec<f64>, Vec<bool>) = subjects.iter().flatten().copied().unzip();
    let ranking = Ranking::new(&scores, &truth)?;
    let threshold = options.threshold.apply(&ranking)?;
    Ok(Level {
        positives: ranking.positives(),
        negatives: ranking.negatives(),
        auroc: ranking.auroc(),
        auroc_interval: auroc_interval(subjects, context)?,
        average_precision: ranking.average_precision(),
        best_f1: ranking.best_f1(),
        confusion: threshold.as_ref().map(|threshold| ranking.at(threshold.value)),
        threshold,
        roc: ranking.roc(),
    })
}

fn pixel_level(findings: &[&Finding], threshold: Option<&Threshold>) -> Result<Option<PixelLevel>> {
    let (mut errors, mut above_mean, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    let mut outside = 0;
    for finding in findings {
        for found in &finding.slices {
            let slice = &finding.subject.slices[found.slice];
            let Some(lesion) = &slice.lesion else { continue };
            let first = errors.len();
            for (pixel, scored) in slice.scoring.indexed_iter() {
                if *scored {
                    errors.push(f64::from(found.anomaly[pixel]));
                    truth.push(lesion[pixel]);
                } else {
                    outside += usize::from(lesion[pixel]);
                }
            }
            let mean = errors[first..].iter().sum::<f64>() / (errors.len() - first).max(1) as f64;
            above_mean.extend(errors[first..].iter().map(|error| error - mean));
        }
    }
    if errors.is_empty() {
        return Ok(None);
    }
    let ranking = Ranking::new(&errors, &truth)?;
    let dice = match threshold {
        Some(threshold) => Ranking::new(&above_mean, &truth)?.at(threshold.value).f1(),
        None => None,
    };
    Ok(Some(PixelLevel {
        pixels: errors.len(),
        lesion_pixels: ranking.positives(),
        lesion_pixels_outside: outside,
        average_precision: ranking.average_precision(),
        best_dice: ranking.best_f1(),
        dice,
    }))
}

fn normal_tissue(findings: &[&Finding], context: &Context) -> Result<Option<NormalTissue>> {
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
