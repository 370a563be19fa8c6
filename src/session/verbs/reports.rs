//! Verbs that write pages to hand over.

use std::path::PathBuf;

use either::Either;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::float::UnpackFloat;
use starlark::values::none::NoneOr;

use super::export::{at, lesion_threshold};
use crate::Result;
use crate::context::{Context, counted};
use crate::export::html_report::{FindingsReport, Page, quality_report};
use crate::files::{check_no_input, user_path};
use crate::session::state::State;
use crate::session::values::{CohortValue, FindingsValue, ModelValue};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Writes what was found as one HTML page to hand over, and returns its path.
    ///
    /// The page needs no network. It holds a summary, the method and its settings, the training history,
    /// the evaluation where there is ground truth, a table of scores that sorts and filters, and of
    /// each subject its slices with overlays and outlines, the anomaly curve, detected lesions, and what was
    /// remarked on its image and masks. Of the participants it tells no more than their names in the cohort
    /// and whether they have a lesion.
    ///
    /// # Arguments
    /// * `found`: what `detect` found.
    /// * `path`: the page to write, such as "study.html"; an existing one is replaced.
    /// * `model`: the model that found it, for its settings and training history.
    /// * `lesion_threshold`: as in `export`.
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 2))
    /// report(found, output_dir() + "/study.html", lesion_threshold = 0.3)
    /// ```
    fn report(
        found: &FindingsValue,
        path: &str,
        #[starlark(require = named, default = NoneOr::None)] model: NoneOr<&ModelValue>,
        #[starlark(require = named, default = NoneOr::None)] lesion_threshold: NoneOr<
            Either<UnpackFloat, &FindingsValue>,
        >,
        eval: &mut Evaluator,
    ) -> anyhow::Result<String> {
        let state = State::of(eval);
        state.check_at_once("report")?;
        let context = state.context();
        let threshold = self::lesion_threshold("report", found, lesion_threshold, &context)?;
        let model = model.into_option().map(ModelValue::lock);
        let report = FindingsReport {
            findings: &found.0,
            cohort: &found.1,
            model: model.as_deref(),
            lesion_threshold: threshold.as_ref(),
        };
        let page = report.write(&page_path(path)?, &context)?;
        match &threshold {
            Some(threshold) => context.note(format!("lesions are shown {}", at(threshold))),
            None => context.note("no lesions are shown, since no lesion_threshold was given"),
        }
        Ok(told(&page, &context))
    }

    /// Writes a page with the images and masks of a cohort, to look at before anything is learned from
    /// them, and returns its path. Wrong masks are where studies go wrong.
    ///
    /// The page needs no network. It shows every slice of every subject with the outlines of cord, fluid,
    /// region of interest and lesions, and disc labels; measures of the masks, in a table that sorts
    /// and filters; what was remarked on, and which subjects were left out and why.
    ///
    /// # Arguments
    /// * `cohort`: the subjects to look at.
    /// * `path`: the page to write, such as "qc.html"; an existing one is replaced.
    ///
    /// Examples:
    /// ```python
    /// qc(phantom_cohort(subjects = 2), output_dir() + "/qc.html")
    /// ```
    fn qc(cohort: &CohortValue, path: &str, eval: &mut Evaluator) -> anyhow::Result<String> {
        let state = State::of(eval);
        state.check_at_once("qc")?;
        let context = state.context();
        Ok(told(&quality_report(&cohort.cohort, &page_path(path)?, &context)?, &context))
    }
}

/// Where a page goes.
///
/// # Errors
/// As [`user_path`], and if an input of a study lies there.
fn page_path(given: &str) -> Result<PathBuf> {
    let path = user_path(given)?;
    check_no_input(&path)?;
    Ok(path)
}

/// The path of a page, once the user knows what was written.
fn told(page: &Page, context: &Context) -> String {
    let (subjects, path) = (counted(page.subjects, "subject"), page.path.display().to_string());
    let megabytes = page.bytes as f64 / 1e6;
    context.note(format!(
        "page of {subjects} written to {path}: {megabytes:.1} MB; open it in a browser"
    ));
    path
}
