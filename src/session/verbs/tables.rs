//! Verbs for tables.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::none::{NoneOr, NoneType};
use starlark::values::{Heap, Value};

use super::figures::{emit, warn_of_differences};
use crate::Result;
use crate::files::{output_path, write_whole};
use crate::report::Table;
use crate::session::Part;
use crate::session::show::tabulated::tabulated;
use crate::session::state::State;
use crate::session::values::table_rows;

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

/// Writes a table to the file that the user of a verb gave, if there is one, and says so.
pub(super) fn save_table(
    verb: &str,
    table: &Table,
    path: NoneOr<&str>,
    state: &State,
) -> Result<()> {
    let Some(path) = path.into_option() else { return Ok(()) };
    state.check_at_once(verb)?;
    let path = output_path(path, "a table", &[".tsv"])?;
    write_whole(&path, table.to_tsv().as_bytes())?;
    state.context().note(format!("table saved to {}", path.display()));
    Ok(())
}
