//! Verbs that write what was found for other programs.

use either::Either;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::none::NoneOr;

use super::detection::check_reference;
use crate::context::{Context, counted, shown_number};
use crate::evaluation::{
    HEALTHY_FALSE_POSITIVES, HealthyThreshold, Threshold, default_lesion_threshold,
};
use crate::export::{export as write, save_found_masks};
use crate::files::user_path;
use crate::session::state::State;
use crate::session::values::{CohortValue, FindingsValue, ImageValue, UncertaintyValue};
use crate::{Error, Result};

/// The threshold from which on pixels of the anomaly map are detected lesions: the one that the user gave
/// to `verb`, else the one that the findings bring with them.
pub(super) fn lesion_threshold(
    verb: &str,
    found: &FindingsValue,
    given: NoneOr<Either<UnpackFloat, &FindingsValue>>,
    context: &Context,
) -> Result<Option<Threshold>> {
    Ok(match given.into_option() {
        Some(Either::Left(UnpackFloat(value))) if value > 0.0 && value.is_finite() => {
            Some(Threshold { value, origin: "given".to_owned() })
        }
        Some(Either::Left(UnpackFloat(value))) => {
            return Err(Error::input(format!(
                "{verb}: `lesion_threshold` must be a number above 0, not {value}"
            )));
        }
        Some(Either::Right(healthy)) => {
            check_reference(&found.0, &healthy.0, context)?;
            Some(HealthyThreshold::new(&healthy.0, HEALTHY_FALSE_POSITIVES)?.threshold())
        }
        None => default_lesion_threshold(&found.0),
    })
}

/// Which threshold a number of detected lesions is for, and where it comes from.
pub(super) fn at(threshold: &Threshold) -> String {
    let value = shown_number(threshold.value, 4);
    match threshold.origin.as_str() {
        "given" => format!("at the given lesion threshold {value}"),
        origin => format!("at the lesion threshold {value} ({origin})"),
    }
}

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Writes findings as BIDS derivatives: maps that lie on the source images in any viewer, and
    /// tables of scores and lesions. Returns the folder.
    ///
    /// Each subject gets its anomaly map, reconstruction, epistemic and aleatoric uncertainty, lesion
    /// probability and detected lesions where the method has them, as NIfTI in the grid and with the header
    /// geometry of its image, each with a JSON file beside it. `scores.tsv` has one row per patient and segment,
    /// `lesions.tsv` one per detected lesion with its measures, `lesion_load.tsv` one per subject and segment,
    /// `lesion_matches.tsv` one per lesion of the ground truth, where that is known, and per false positive.
    /// Maps with `res-u2ad` in their name lie on the pixels that the method works on: scores can be computed
    /// again from them. The folder is replaced if it holds an earlier export.
    ///
    /// What `estimate_uncertainty` returned is exported in the same way: the two uncertainties, the mean
    /// reconstruction, and `uncertainty.tsv` with the means of each subject.
    ///
    /// # Arguments
    /// * `found`: what `detect` found, or the uncertainty that `estimate_uncertainty` returned.
    /// * `path`: the folder to write, such as "derivatives/u2ad".
    /// * `lesion_threshold`: pixels whose anomaly is at or above it are detected lesions. A number, or
    ///   what `detect` found in healthy subjects: then the lowest threshold at which 0.1
    ///   false positives are expected in a new one. None: that of the model's calibration (see `calibrate`), else a
    ///   probability of 0.5 with learned scoring; otherwise no lesions are written, because the scale of
    ///   the anomaly has no natural threshold. `evaluate` without a threshold takes the one with the best F1 on the
    ///   same patients instead, so its number of detected lesions may differ.
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 2))
    /// export(found, output_dir() + "/u2ad", lesion_threshold = 0.3)
    /// ```
    fn export(
        found: Either<&FindingsValue, &UncertaintyValue>,
        path: &str,
        #[starlark(require = named, default = NoneOr::None)] lesion_threshold: NoneOr<
            Either<UnpackFloat, &FindingsValue>,
        >,
        eval: &mut Evaluator,
    ) -> anyhow::Result<String> {
        let state = State::of(eval);
        state.check_at_once("export")?;
        let context = state.context();
        let folder = user_path(path)?;
        let (written, what) = match found {
            Either::Left(found) => {
                let threshold =
                    self::lesion_threshold("export", found, lesion_threshold, &context)?;
                let written = write(&found.0, &found.1, threshold.as_ref(), &folder, &context)?;
                let lesions = match (written.lesions, &threshold) {
                    (Some(lesions), Some(threshold)) => {
                        format!("{} {}", counted(lesions, "detected lesion"), at(threshold))
                    }
                    _ => "no lesions, since no lesion_threshold was given".to_owned(),
                };
                (written, lesions)
            }
            Either::Right(uncertainty) => {
                if lesion_threshold.into_option().is_some() {
                    let message = "export: `lesion_threshold` is for findings; leave it out for an uncertainty";
                    return Err(Error::input(message).into());
                }
                let written = uncertainty.0.export(&folder, &context)?;
                (written, "epistemic and aleatoric uncertainty".to_owned())
            }
        };
        let subjects = counted(written.subjects, "subject");
        let path = folder.display().to_string();
        context.note(format!("exported to {path}: maps of {subjects}, {what}"));
        Ok(path)
    }

    /// Writes the masks that `segment` found as NIfTI files, to be corrected in a viewer and loaded again.
    ///
    /// The files of a BIDS subject go to `sub-01/anat/` below the folder: with a folder under `derivatives/` of the
    /// dataset, the next `load_cohort` uses them, and counts corrected ones as given. For a plain folder of images give that
    /// folder itself, so that the masks lie beside their images. No file is ever overwritten. Returns the folder.
    ///
    /// # Arguments
    /// * `cohort`: what `segment` returned.
    /// * `path`: the folder, such as "bids/clinic/derivatives/masks".
    ///
    /// Examples:
    /// ```python
    /// clinic = segment(load_cohort("images"))
    /// save_masks(clinic, "images")
    /// ```
    fn save_masks(
        cohort: &CohortValue,
        path: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<String> {
        State::of(eval).check_at_once("save_masks")?;
        let folder = user_path(path)?;
        let count = save_found_masks(&cohort.cohort, &folder, &cohort.context)?;
        let path = folder.display().to_string();
        cohort.context.note(format!("saved to {path}: masks of {}", counted(count, "subject")));
        Ok(path)
    }

    /// Writes one map to a file and returns the path. The ending of its name chooses the format.
    ///
    /// Figures need not be saved: those that `plot` draws are kept in the run folder.
    ///
    /// `.nii.gz` and `.nii` hold one sagittal slice at its place in the scanner; `.npy` holds the pixels as
    /// 32-bit floats (rows, columns); `.tsv` one line per row; `.png` the figure that the map is shown as.
    ///
    /// # Arguments
    /// * `image`: a map, such as `slice.image`, `slice.cord` or `found[0].anomaly`.
    /// * `path`: the file to write; an existing one is replaced.
    ///
    /// Examples:
    /// ```python
    /// slice = phantom_cohort(subjects = 2)[0].middle
    /// save(slice.image, output_dir() + "/image.npy")
    /// ```
    fn save(image: &ImageValue, path: &str, eval: &mut Evaluator) -> anyhow::Result<String> {
        State::of(eval).check_at_once("save")?;
        let path = user_path(path)?;
        image.save(&path)?;
        Ok(path.display().to_string())
    }
}
