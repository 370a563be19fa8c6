//! Tables as rows of the language.

use starlark::values::dict::AllocDict;
use starlark::values::{Heap, Value};

use crate::report::{Cell, Table};

/// Each row of a table as files hold it: a dictionary from column to value, None where there is none. The
/// BIDS column `participant_id` is called `subject`.
pub(in crate::session) fn table_rows<'v>(table: &Table, heap: Heap<'v>) -> Vec<Value<'v>> {
    let table = table.records();
    let names: Vec<&str> = table
        .columns()
        .iter()
        .map(|column| match column.name.as_str() {
            "participant_id" => "subject",
            name => name,
        })
        .collect();
    let value = |cell: &Cell| match cell {
        Cell::Missing => Value::new_none(),
        Cell::Integer(integer) => heap.alloc(*integer),
        Cell::Number(number) => heap.alloc(*number),
        Cell::Text(text) => heap.alloc(text.as_str()),
    };
    let row = |cells: &Vec<Cell>| {
        heap.alloc(AllocDict(names.iter().copied().zip(cells.iter().map(value))))
    };
    table.rows().iter().map(row).collect()
}
