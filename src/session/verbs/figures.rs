//! Verbs for figures and tables.

use std::path::Path;

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::dict::DictRef;
use starlark::values::float::UnpackFloat;
use starlark::values::list::ListRef;
use starlark::values::none::{NoneOr, NoneType};
use starlark::values::{UnpackValue, Value, ValueLike};

use crate::figures::training_history;
use crate::files::{user_path, write_whole};
use crate::options::unknown;
use crate::report::{Cell, Column, Table, Tabulate};
use crate::session::show::{self, Showable};
use crate::session::state::State;
use crate::session::values::{
    CohortValue, ComparisonValue, EvaluationValue, FINDING_FIGURES, FindingValue, FindingsValue,
    HistoryValue, ModelValue,
};
use crate::session::{Display, Output, Part};
use crate::{Error, Result};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Draws a value: a cohort's montage, a slice, a model's training, uncertainty, masks,
    /// findings, the ROC and FROC curves of evaluations.
    ///
    /// # Arguments
    /// * `value`: what to draw; a list of evaluations shares one chart.
    /// * `kind`: the only figure of a finding to draw, "panels" or "curve"; None: both.
    ///
    /// Examples:
    /// ```python
    /// people = phantom_cohort(subjects = 2)
    /// plot(people[0])
    /// ```
    fn plot<'v>(
        value: Value<'v>,
        #[starlark(default = NoneOr::None)] kind: NoneOr<&str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<NoneType> {
        let figures = figures(value, kind.into_option())?;
        emit(eval, figures);
        Ok(NoneType)
    }

    /// Shows a value's numbers as a table: findings, an evaluation or a list of them, a comparison, a
    /// training history, or rows of your own.
    ///
    /// # Arguments
    /// * `value`: what to tabulate; a list of evaluations gives one column per method. Rows are a list of
    ///   dictionaries from column to value.
    /// * `path`: a file to write the table to as well, as tab-separated values (.tsv).
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 4))
    /// table([evaluate(found)])
    /// table([{"subject": one.subject, "slices": len(one.slices), "score": one.score} for one in found])
    /// ```
    fn table<'v>(
        value: Value<'v>,
        #[starlark(default = NoneOr::None)] path: NoneOr<&str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> anyhow::Result<NoneType> {
        let table = tabulated(value)?;
        if let Some(path) = path.into_option() {
            let path = user_path(path)?;
            save_table(&table, &path)?;
            State::of(eval).context().note(format!("table saved to {}", path.display()));
        }
        emit(eval, vec![Part::Table(table)]);
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
            State::of(eval).sink().emit(Output::Display(display));
        }
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

fn emit(eval: &Evaluator, parts: Vec<Part>) {
    State::of(eval).sink().emit(Output::Display(Display::of(parts)));
}

/// The figures of a value's display, or only the one of this kind.
fn figures(value: Value, kind: Option<&str>) -> Result<Vec<Part>> {
    if let Some(kind) = kind {
        let figure = FINDING_FIGURES.iter().find(|(name, _)| *name == kind);
        let Some((_, draw)) = figure else {
            return Err(unknown("figure", kind, &FINDING_FIGURES.map(|(name, _)| name)));
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
            "plot: a value of type {} has no figure",
            value.get_type()
        )));
    }
    Ok(figures)
}

/// The numbers of a value.
///
/// # Errors
/// If it has none.
pub(in crate::session) fn tabulated(value: Value) -> Result<Table> {
    if let Some(evaluations) = evaluations(value) {
        return EvaluationValue::table(&evaluations);
    }
    if let Some(findings) = value.downcast_ref::<FindingsValue>() {
        return findings.0.table();
    }
    if let Some(comparison) = value.downcast_ref::<ComparisonValue>() {
        return comparison.0.table();
    }
    if let Some(history) = value.downcast_ref::<HistoryValue>() {
        return history.0.table();
    }
    if let Some(model) = value.downcast_ref::<ModelValue>() {
        return model.lock().history.table();
    }
    if let Some(rows) = rows(value) {
        return own_table(&rows);
    }
    Err(Error::input(format!("table: a value of type {} has no table", value.get_type())))
}

/// Writes a table as tab-separated values.
fn save_table(table: &Table, path: &Path) -> Result<()> {
    let is_tsv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"));
    if !is_tsv {
        return Err(Error::file(path, "a table is written as .tsv; end its name so"));
    }
    write_whole(path, table.to_tsv().as_bytes())
}

/// A list of nothing but dictionaries: none of them is a table without rows.
fn rows<'v>(value: Value<'v>) -> Option<Vec<DictRef<'v>>> {
    ListRef::from_value(value)?.iter().map(DictRef::from_value).collect()
}

/// The table of a user's own rows: columns in the order of their first appearance.
fn own_table(rows: &[DictRef]) -> Result<Table> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| row.iter()) {
        let name = name.to_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let cell = |value: Value| {
        if value.is_none() {
            Cell::Missing
        } else if let Some(flag) = value.unpack_bool() {
            Cell::from(if flag { "yes" } else { "no" })
        } else if let Some(integer) = value.unpack_i32() {
            Cell::from(i64::from(integer))
        } else if let Ok(Some(UnpackFloat(number))) = UnpackFloat::unpack_value(value) {
            Cell::from(number)
        } else {
            Cell::from(value.to_str())
        }
    };
    let value_of = |row: &DictRef, name: &str| {
        row.iter()
            .find(|(key, _)| key.to_str() == name)
            .map_or(Cell::Missing, |(_, value)| cell(value))
    };
    let is_number = |name: &str| {
        let cells = || rows.iter().map(|row| value_of(row, name));
        cells().all(|cell| !matches!(cell, Cell::Text(_)))
            && cells().any(|cell| cell != Cell::Missing)
    };
    let column = |name: &String| match is_number(name) {
        true => Column::number(name, 3),
        false => Column::text(name),
    };
    let mut table = Table::new("rows", names.iter().map(column).collect());
    for row in rows {
        table.push(names.iter().map(|name| value_of(row, name)).collect())?;
    }
    Ok(table)
}

/// An evaluation, or a list of nothing but evaluations.
fn evaluations<'v>(value: Value<'v>) -> Option<Vec<&'v EvaluationValue>> {
    if let Some(one) = EvaluationValue::from_value(value) {
        return Some(vec![one]);
    }
    let list = ListRef::from_value(value).filter(|list| !list.is_empty())?;
    list.iter().map(EvaluationValue::from_value).collect()
}
