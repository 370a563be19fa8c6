//! Verbs for tables.

use std::path::Path;

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::dict::DictRef;
use starlark::values::float::UnpackFloat;
use starlark::values::list::ListRef;
use starlark::values::none::{NoneOr, NoneType};
use starlark::values::{Heap, UnpackValue, Value, ValueLike};

use super::figures::{emit, evaluations, warn_of_differences};
use crate::files::{check_no_input, user_path, write_whole};
use crate::report::{Cell, Column, Table, Tabulate};
use crate::session::Part;
use crate::session::show::written::text_of;
use crate::session::state::State;
use crate::session::values::{
    ComparisonValue, EvaluationValue, FindingsValue, HistoryValue, ModelValue, SignalCurveValue,
    SignalCurvesValue, table_rows,
};
use crate::{Error, Result};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Shows a value's numbers as a table: findings, an evaluation or a list of them, a comparison, a
    /// training history, signal curves, or rows of your own.
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
        warn_of_differences(value, &State::of(eval).context());
        save_table("table", &table, path, State::of(eval))?;
        emit(eval, vec![Part::Table(table)]);
        Ok(NoneType)
    }

    /// Gives a value's numbers as rows to sort, filter and count with: a list of dictionaries from column to
    /// value, in the order of the table's rows. The columns are those of the file that `table` writes, without units in
    /// their names.
    ///
    /// # Arguments
    /// * `value`: anything that `table` shows.
    ///
    /// Examples:
    /// ```python
    /// found = detect(intensity_threshold(), phantom_cohort(subjects = 4))
    /// [row["subject"] for row in rows(found) if row["score"] > 0.1]
    /// sorted(rows(found), key = lambda row: row["score"])[-1]
    /// ```
    fn rows<'v>(value: Value<'v>, heap: Heap<'v>) -> anyhow::Result<Vec<Value<'v>>> {
        Ok(table_rows(&tabulated(value)?, heap))
    }
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
    if let Some(curve) = value.downcast_ref::<SignalCurveValue>() {
        return curve.0.table();
    }
    if let Some(curves) = value.downcast_ref::<SignalCurvesValue>() {
        return curves.0.as_slice().table();
    }
    if let Some(rows) = dictionaries(value) {
        return own_table(&rows);
    }
    if let Some((number, kind)) = other_row(value) {
        return Err(Error::input(format!(
            "item {number} of the list is of type {kind}, and the rows of a table are dictionaries"
        )));
    }
    Err(Error::input(format!("a value of type {} has no table", value.get_type())))
}

/// Writes a table to the file that the user of a verb gave, if there is one, and says so.
pub(super) fn save_table(
    verb: &str,
    table: &Table,
    path: NoneOr<&str>,
    state: &State,
) -> Result<()> {
    let Some(path) = path.into_option() else { return Ok(()) };
    state.check_at_once(verb)?;
    let path = user_path(path)?;
    write_table(table, &path)?;
    state.context().note(format!("table saved to {}", path.display()));
    Ok(())
}

/// Writes a table as tab-separated values.
fn write_table(table: &Table, path: &Path) -> Result<()> {
    let is_tsv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("tsv"));
    if !is_tsv {
        return Err(Error::file(path, "a table is written as .tsv; end its name so"));
    }
    check_no_input(path)?;
    write_whole(path, table.to_tsv().as_bytes())
}

/// A list of nothing but dictionaries: none of them is a table without rows.
fn dictionaries<'v>(value: Value<'v>) -> Option<Vec<DictRef<'v>>> {
    ListRef::from_value(value)?.iter().map(DictRef::from_value).collect()
}

/// Of a list that begins with a dictionary: the number of the first item, counted from 0, that is none, and its
/// type.
fn other_row(value: Value) -> Option<(usize, &'static str)> {
    let list = ListRef::from_value(value)?;
    let is_row = |row: &Value| DictRef::from_value(*row).is_some();
    list.first().filter(|row| is_row(row))?;
    let (number, row) = list.iter().enumerate().find(|(_, row)| !is_row(row))?;
    Some((number, row.get_type()))
}

/// The table of a user's own rows: columns in the order of their first appearance.
fn own_table(rows: &[DictRef]) -> Result<Table> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| row.iter()) {
        let name = text_of(name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let cell = |value: Value| {
        if value.is_none() {
            Cell::Missing
        } else if let Some(flag) = value.unpack_bool() {
            Cell::from(if flag { "yes" } else { "no" })
        } else if let Ok(Some(integer)) = i64::unpack_value(value) {
            Cell::from(integer)
        } else if value.get_type() == "int" {
            // Too large for a number of a table.
            Cell::from(text_of(value))
        } else if let Ok(Some(UnpackFloat(number))) = UnpackFloat::unpack_value(value) {
            Cell::from(number)
        } else {
            Cell::from(text_of(value))
        }
    };
    let value_of = |row: &DictRef, name: &str| {
        row.iter()
            .find(|(key, _)| text_of(*key) == name)
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
    let mut table = Table::new("Table", names.iter().map(column).collect());
    for row in rows {
        table.push(names.iter().map(|name| value_of(row, name)).collect())?;
    }
    Ok(table)
}
