//! Verbs for figures, and for showing values.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::list::ListRef;
use starlark::values::none::{NoneOr, NoneType};
use starlark::values::{Value, ValueLike};

use crate::context::Context;
use crate::detection::Findings;
use crate::evaluation::{Evaluation, warn_unless_comparable};
use crate::export::html_report::{finding_view, subject_view};
use crate::figures::{
    FindingStack, SliceStack, SubjectStack, intensity_histograms, training_history,
};
use crate::options::unknown;
use crate::report::Markup;
use crate::session::show::{self, Showable, figures_of, warn_of_letters};
use crate::session::state::State;
use crate::session::values::{
    CohortValue, EvaluationValue, FINDING_FIGURES, FindingValue, FindingsValue, HISTOGRAMS,
    ModelValue, SubjectValue, evaluations, figure_names,
};
use crate::session::{Display, Output, Part};
use crate::{Error, Result};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Draws a value: a cohort's montage, a slice, a model's training, uncertainty, masks,
    /// findings, signal curves, the ROC and FROC curves of evaluations.
    ///
    /// A figure is saved as it is drawn: a script and the shell keep each as PNG and SVG in the run folder, and say
    /// so. In JupyterLab, hold Shift, right-click the figure and choose the browser's "Save image as…".
    ///
    /// # Arguments
    /// * `value`: what to draw; a list of evaluations shares one chart.
    /// * `kind`: the only figure of a finding to draw, "panels" or "curve"; None: both. "histograms" of findings, or of
    ///   a list of them: intensities of cord, fluid and lesions, and of the lesions as the method reconstructs them.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// plot(people[0])
    /// found = detect(intensity_threshold(), paint_lesions(people))
    /// plot(found, kind = "histograms")
    /// ```
    fn plot<'v>(
        value: Value<'v>,
        #[starlark(default = NoneOr::None)] kind: NoneOr<&str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<NoneType> {
        let figures = figures(value, kind.into_option())?;
        warn_of_differences(value, &State::of(eval).context());
        emit(eval, figures);
        Ok(NoneType)
    }

    /// Shows a value as if it ended the cell: useful inside a loop or function.
    ///
    /// # Arguments
    /// * `value`: what to show.
    /// * `id`: showing another value under the same name replaces the earlier one, if the front end
    ///   supports it.
    ///
    /// Examples:
    /// ```python
    /// for subject in phantom_cohort(subjects = 2):
    ///     show(subject, id = "subject")
    /// ```
    fn show<'v>(
        value: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] id: NoneOr<&str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<NoneType> {
        if let Some(mut display) = show::display(value)? {
            display.id = id.into_option().map(str::to_owned);
            let state = State::of(eval);
            warn_of_letters(figures_of(&display), &state.context());
            state.sink().emit(Output::Display(display));
        }
        Ok(NoneType)
    }

    /// Shows every slice of one subject to leaf through: in a notebook a viewer with outlines, overlays,
    /// opacity, window and the values under the pointer; in the shell one slice at a time, by the arrow keys;
    /// elsewhere the figures that `plot` draws.
    ///
    /// In a picture of the notebook's viewer that was clicked, ← and → choose a slice, `o` takes the overlay away and
    /// brings it back, and `+` and `-` change the intensity window. A notebook that is not trusted shows no viewer.
    ///
    /// In the shell ←, → and the numbers of slices choose a slice, Home and End the first and the last. `o` changes
    /// what lies on it: outlines and, of findings, the anomaly map or the reconstruction. `+` and `-` change the
    /// intensity window. `q` goes back, and Ctrl-C stops the cell. The last slice stays on the screen, and its figure
    /// is saved.
    ///
    /// # Arguments
    /// * `value`: a subject, or what was found in one.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// view(people[0])
    /// view(detect(intensity_threshold(), people)[0])
    /// ```
    fn view<'v>(value: Value<'v>, eval: &mut Evaluator<'v, '_, '_>) -> anyhow::Result<NoneType> {
        let state = State::of(eval);
        let slices = slices(value)?;
        if state.sink().leaf_through(&*slices, &state.context().cancel)? {
            return Ok(NoneType);
        }
        let mut viewer = viewer(value)?;
        viewer.figures = figures(value, None)?
            .into_iter()
            .filter_map(|part| match part {
                Part::Figure(figure) => Some(figure),
                _ => None,
            })
            .collect();
        emit(eval, vec![Part::Markup(viewer)]);
        Ok(NoneType)
    }

    /// Removes what the cell has shown so far, if the front end supports it: for example before the
    /// next figure of a loop.
    ///
    /// # Arguments
    /// * `wait`: whether to remove it only when there is something new to show, which avoids flicker.
    ///
    /// Examples:
    /// ```python
    /// for subject in phantom_cohort(subjects = 2):
    ///     clear_output(wait = True)
    ///     show(subject)
    /// ```
    fn clear_output(
        #[starlark(default = false)] wait: bool,
        eval: &mut Evaluator,
    ) -> anyhow::Result<NoneType> {
        State::of(eval).sink().emit(Output::Clear { wait });
        Ok(NoneType)
    }
}

pub(super) fn emit(eval: &Evaluator, parts: Vec<Part>) {
    let (state, display) = (State::of(eval), Display::of(parts));
    warn_of_letters(figures_of(&display), &state.context());
    state.sink().emit(Output::Display(display));
}

/// The viewer of a subject or a finding, for notebooks.
fn viewer(value: Value) -> Result<Markup> {
    if let Some(subject) = value.downcast_ref::<SubjectValue>() {
        return subject_view(subject.subject()?.as_ref());
    }
    if let Some(finding) = value.downcast_ref::<FindingValue>() {
        return finding_view(finding.finding(), &finding.of.0);
    }
    Err(not_viewed(value))
}

/// The slices of a subject or a finding, for a terminal.
fn slices(value: Value) -> Result<Box<dyn SliceStack>> {
    if let Some(subject) = value.downcast_ref::<SubjectValue>() {
        return Ok(Box::new(SubjectStack::new(subject.subject()?)?));
    }
    if let Some(FindingValue { of, position }) = value.downcast_ref::<FindingValue>() {
        return Ok(Box::new(FindingStack::new(of.0.clone(), *position)?));
    }
    Err(not_viewed(value))
}

fn not_viewed(value: Value) -> Error {
    let hint = match value.get_type() {
        "Cohort" | "Findings" => "; choose one, such as the first: view(value[0])",
        _ => "",
    };
    Error::input(format!(
        "view: takes a subject or what was found in one, not a value of type {}{hint}",
        value.get_type()
    ))
}

/// The figures of a value's display, or only the one of this kind.
fn figures(value: Value, kind: Option<&str>) -> Result<Vec<Part>> {
    if kind == Some(HISTOGRAMS) {
        let findings = findings(value).ok_or_else(|| {
            Error::input(format!(
                "plot: only findings have the figure \"{HISTOGRAMS}\", not a value of type {}",
                value.get_type()
            ))
        })?;
        return Ok(vec![Part::Figure(intensity_histograms(&findings))]);
    }
    if let Some(kind) = kind {
        let figure = FINDING_FIGURES.iter().find(|(name, _)| *name == kind);
        let Some((_, draw)) = figure else {
            return Err(unknown("figure", kind, &figure_names()));
        };
        let finding = value.downcast_ref::<FindingValue>().ok_or_else(|| {
            Error::input(format!(
                "plot: only a finding has the figure \"{kind}\", not a value of type {}",
                value.get_type()
            ))
        })?;
        return Ok(vec![Part::Figure(draw(finding)?)]);
    }
    if let Some(evaluations) = evaluations(value) {
        let charts = EvaluationValue::charts(&evaluations);
        return Ok(charts.into_iter().map(Part::Figure).collect());
    }
    if let Some(model) = value.downcast_ref::<ModelValue>() {
        return Ok(vec![Part::Figure(training_history(&model.lock().history))]);
    }
    if let Some(cohort) = value.downcast_ref::<CohortValue>() {
        return Ok(vec![Part::Figure(cohort.montage()?)]);
    }
    let display = value.request_value::<Showable>().map(|showable| showable.0.show());
    let parts = display.transpose()?.map(|display| display.parts).unwrap_or_default();
    let figures: Vec<_> =
        parts.into_iter().filter(|part| matches!(part, Part::Figure(_))).collect();
    if figures.is_empty() {
        return Err(Error::input(format!(
            "plot: a value of type {} has no figure; plot draws cohorts, subjects, slices, maps, masks, \
             uncertainties, models, findings and evaluations",
            value.get_type()
        )));
    }
    Ok(figures)
}

/// Findings, or those of a list of nothing but findings.
fn findings<'v>(value: Value<'v>) -> Option<Vec<&'v Findings>> {
    if let Some(one) = FindingsValue::from_value(value) {
        return Some(vec![&one.0]);
    }
    let list = ListRef::from_value(value).filter(|list| !list.is_empty())?;
    list.iter().map(|one| FindingsValue::from_value(one).map(|found| &*found.0)).collect()
}

/// Warns if a list of evaluations is to be shown side by side although they are not comparable.
pub(super) fn warn_of_differences(value: Value, context: &Context) {
    let evaluations = evaluations(value).unwrap_or_default();
    let evaluations: Vec<&Evaluation> =
        evaluations.iter().map(|one| &one.evaluation.evaluation).collect();
    warn_unless_comparable(&evaluations, context);
}
