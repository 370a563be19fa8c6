//! The table of a value.

use starlark::values::dict::DictRef;
use starlark::values::float::UnpackFloat;
use starlark::values::list::ListRef;
use starlark::values::{UnpackValue, Value, ValueLike};

use super::written::text_of;
use crate::report::{Cell, Column, Table, Tabulate};
use crate::session::values::{
    ComparisonValue, EvaluationValue, FindingsValue, HistoryValue, ModelValue, SignalCurveValue,
    SignalCurvesValue, evaluations,
};
use crate::{Error, Result};

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
