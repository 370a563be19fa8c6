//! Verbs for studies of several methods and seeds: evaluations as files, and their summary.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::list::UnpackList;
use starlark::values::none::{NoneOr, NoneType};

use super::tables::save_table;
use crate::evaluation::{Evaluation, summarise};
use crate::files::{is_left_over, output_path, user_path};
use crate::report::summary_table;
use crate::session::state::State;
use crate::session::values::EvaluationValue;
use crate::session::{Display, Output, Part};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Saves an evaluation to a file, with everything that tables, figures and `compare` need, but
    /// without images. A study can then go on where it stopped: see `examples("study")`.
    ///
    /// # Arguments
    /// * `evaluation`: what `evaluate` returned.
    /// * `path`: where to, such as "study/seed-1.json.gz"; its folder is made. An earlier one is replaced, but not one
    ///   that was loaded from there.
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 4))
    /// save_evaluation(evaluate(found), "study/seed-1.json.gz")
    /// ```
    fn save_evaluation(
        evaluation: &EvaluationValue,
        path: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<NoneType> {
        State::of(eval).check_at_once("save_evaluation")?;
        let path = output_path(path, "an evaluation", &[".json.gz"])?;
        evaluation.evaluation.evaluation.save(&path)?;
        Ok(NoneType)
    }

    /// Loads an evaluation from a file that `save_evaluation` wrote.
    ///
    /// # Arguments
    /// * `path`: the file.
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 4))
    /// save_evaluation(evaluate(found), "study/seed-2.json.gz")
    /// evaluation = load_evaluation("study/seed-2.json.gz")
    /// ```
    fn load_evaluation(path: &str, eval: &mut Evaluator) -> anyhow::Result<EvaluationValue> {
        State::of(eval).check_at_once("load_evaluation")?;
        Ok(EvaluationValue::load(&user_path(path)?)?)
    }

    /// Returns whether there is a file or folder: for scripts that continue earlier work.
    ///
    /// A run that goes on (`u2ad run --resume`) runs its script from the start and does not see the files that it had left
    /// in its own folder, `output_dir()`, so that it does what it did before. Those elsewhere it sees.
    ///
    /// # Arguments
    /// * `path`: of the file.
    ///
    /// Examples:
    /// ```python
    /// file_exists("study/seed-1.json.gz")
    /// ```
    fn file_exists(path: &str, eval: &mut Evaluator) -> anyhow::Result<bool> {
        State::of(eval).check_at_once("file_exists")?;
        let place = user_path(path)?;
        let exists = place.try_exists().map_err(|error| crate::Error::file(path, error))?;
        Ok(exists && !is_left_over(&place))
    }

    /// Shows the methods of a study in one table. Evaluations with the same method name count as seeds of
    /// one method: each measure has its mean, lowest and highest value over them, and the 95 % interval of
    /// the mean by bootstrap over the patients, which all methods must share.
    ///
    /// # Arguments
    /// * `evaluations`: a list of them.
    /// * `reference`: name of the method that is subtracted from every other, by a paired bootstrap over
    ///   the patients; the p-values are not corrected for their number. None: no differences.
    /// * `path`: a file to write the table to as well, as tab-separated values (.tsv).
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 6)
    /// whole = evaluate(detect(intensity_threshold(), people, name = "whole"))
    /// local = evaluate(detect(intensity_threshold(local_mm = 20), people, name = "local"))
    /// study_table([whole, local], reference = "whole")
    /// ```
    fn study_table<'v>(
        evaluations: UnpackList<&'v EvaluationValue>,
        #[starlark(default = NoneOr::None)] reference: NoneOr<&str>,
        #[starlark(default = NoneOr::None)] path: NoneOr<&str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<NoneType> {
        let evaluations: Vec<&Evaluation> =
            evaluations.items.iter().map(|one| &one.evaluation.evaluation).collect();
        let (reference, state) = (reference.into_option(), State::of(eval));
        let methods = summarise(&evaluations, reference, &state.context())?;
        let table = summary_table(&methods, reference)?;
        save_table("study_table", &table, path, state)?;
        state.sink().emit(Output::Display(Display::of([Part::Table(table)])));
        Ok(NoneType)
    }
}
