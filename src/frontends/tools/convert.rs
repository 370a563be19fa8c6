//! `u2ad convert`: turns scripts into notebooks and notebooks into scripts.

use std::path::Path;
use std::process::ExitCode;

use nbformat::v4::{self, CellId, CellMetadata, KernelSpec, LanguageInfo, Metadata};
use nbformat::{parse_notebook, serialize_notebook, v3};
use serde_json::{Value, json};

use crate::context::counted;
use crate::files::{read_regular_text, write_new, write_whole};
use crate::language::{ScriptCell, ScriptCellKind, only_sets_parameters, script_cells, script_of};
use crate::{Error, Result};

/// The language as programs know it that go by its name, such as papermill, which writes parameters in
/// it. Starlark is a dialect of Python, and what they write is valid in both.
pub(in crate::frontends) const CLIENT_LANGUAGE: &str = "python";

/// A cell of a notebook.
#[derive(Clone, Debug)]
pub struct NotebookCell {
    pub cell: ScriptCell,
    /// Its number among the cells that ran; `None` if it did not.
    pub execution_count: Option<i32>,
    /// What it showed.
    pub outputs: Vec<v4::Output>,
}

impl From<ScriptCell> for NotebookCell {
    /// A cell that has not run.
    fn from(cell: ScriptCell) -> Self {
        Self { cell, execution_count: None, outputs: Vec::new() }
    }
}

/// A notebook for the u2ad kernel, as the text of an `.ipynb` file. The same cells give the same
/// bytes.
///
/// # Errors
/// If an output cannot be written as JSON.
pub fn notebook_of(cells: impl IntoIterator<Item = NotebookCell>) -> Result<String> {
    let mut has_parameters = false;
    let cells = cells.into_iter().enumerate().map(|(number, cell)| {
        let is_first = !has_parameters && sets_parameters(&cell.cell);
        has_parameters |= is_first;
        written(number, cell, is_first)
    });
    let language_info = LanguageInfo {
        name: CLIENT_LANGUAGE.to_owned(),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        codemirror_mode: None,
        additional: [
            ("file_extension".to_owned(), json!(".star")),
            ("mimetype".to_owned(), json!("text/x-python")),
            ("pygments_lexer".to_owned(), json!("python")),
        ]
        .into(),
    };
    let kernelspec = KernelSpec {
        display_name: "U²AD (Starlark)".to_owned(),
        name: "u2ad".to_owned(),
        language: Some("starlark".to_owned()),
        additional: Default::default(),
    };
    let metadata = Metadata {
        kernelspec: Some(kernelspec),
        language_info: Some(language_info),
        ..Metadata::default()
    };
    let cells = cells.collect::<Result<_>>()?;
    let notebook = v4::Notebook { metadata, nbformat: 4, nbformat_minor: 5, cells };
    serialize_notebook(&nbformat::Notebook::V4(notebook)).map_err(refused)
}

fn sets_parameters(ScriptCell { kind, source }: &ScriptCell) -> bool {
    *kind == ScriptCellKind::Code && only_sets_parameters(source)
}

/// Cell `number`; the one with the notebook's parameters has the tag behind which papermill sets them.
fn written(number: usize, cell: NotebookCell, has_parameters: bool) -> Result<v4::Cell> {
    let NotebookCell { cell: ScriptCell { kind, source }, execution_count, outputs } = cell;
    let id = CellId::new(&format!("cell-{}", number + 1)).map_err(Error::input)?;
    let tags = has_parameters.then(|| vec!["parameters".to_owned()]);
    let metadata = CellMetadata { tags, ..CellMetadata::default() };
    let source = source.split_inclusive('\n').map(str::to_owned).collect();
    Ok(match kind {
        ScriptCellKind::Code => v4::Cell::Code { id, metadata, execution_count, source, outputs },
        ScriptCellKind::Markdown => v4::Cell::Markdown { id, metadata, source, attachments: None },
    })
}

/// The cells of a notebook of any version since 3, without what they showed. Raw cells are left
/// out.
///
/// # Errors
/// [`Error::Input`] if the text is not a notebook.
pub fn notebook_cells(text: &str) -> Result<Vec<ScriptCell>> {
    use nbformat::Notebook;
    let upgraded = |notebook: std::result::Result<v4::Notebook, _>| {
        notebook.map_err(|error| Error::input(format!("the notebook cannot be read: {error}")))
    };
    let notebook = match parse_notebook(&without_outputs(text)?).map_err(refused)? {
        Notebook::V4(notebook) => notebook,
        Notebook::V4QuirksMode(quirks) => quirks.repair(),
        Notebook::Legacy(legacy) => upgraded(nbformat::upgrade_legacy_notebook(legacy))?,
        Notebook::V3(old) => upgraded(nbformat::upgrade_v3_notebook(with_headings(old)))?,
        _ => return Err(Error::input("the notebook is of an unknown version")),
    };
    let cells = notebook.cells.into_iter().filter_map(|cell| match cell {
        v4::Cell::Code { source, .. } => Some(ScriptCell::code(source.concat())),
        v4::Cell::Markdown { source, .. } => Some(ScriptCell::markdown(source.concat())),
        v4::Cell::Raw { .. } => None,
    });
    Ok(cells.filter(|cell| !cell.source.is_empty()).collect())
}

/// A notebook without what its cells showed, which is not converted: the crate that reads notebooks prints what
/// it finds wrong there.
fn without_outputs(text: &str) -> Result<String> {
    let mut notebook: Value = serde_json::from_str(text).map_err(refused)?;
    let clear = |holder: &mut Value| {
        let cells = holder.get_mut("cells").and_then(Value::as_array_mut);
        for outputs in cells.into_iter().flatten().filter_map(|cell| cell.get_mut("outputs")) {
            *outputs = json!([]);
        }
    };
    clear(&mut notebook);
    let sheets = notebook.get_mut("worksheets").and_then(Value::as_array_mut);
    sheets.into_iter().flatten().for_each(clear);
    serde_json::to_string(&notebook).map_err(refused)
}

/// A notebook whose headings have levels from 1 to 6: the crate that reads notebooks writes as many marks as the
/// level says.
fn with_headings(mut notebook: v3::Notebook) -> v3::Notebook {
    for cell in notebook.worksheets.iter_mut().flatten().flat_map(|sheet| &mut sheet.cells) {
        if let v3::Cell::Heading { level, .. } = cell {
            *level = (*level).clamp(1, 6);
        }
    }
    notebook
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::input(format!("this notebook cannot be read: {error}"))
}

/// What of a notebook has no form in a script, as sentences.
fn left_out(text: &str) -> Vec<String> {
    let notebook: Value = serde_json::from_str(text).unwrap_or_default();
    let cells: Vec<&Value> = notebook["cells"].as_array().into_iter().flatten().collect();
    let raw = cells.iter().filter(|cell| cell["cell_type"] == "raw").count();
    let attached =
        |cell: &&&Value| cell["attachments"].as_object().is_some_and(|all| !all.is_empty());
    let attached = cells.iter().filter(attached).count();
    [(raw, "raw cell", "left out"), (attached, "cell", "without the pictures attached")]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, what, how)| {
            let are = if count == 1 { "is" } else { "are" };
            format!("{} {are} {how}: a script has no form for that", counted(count, what))
        })
        .collect()
}

/// Turns a script into a notebook or a notebook into a script, by the endings of their names.
///
/// # Errors
/// If `from` cannot be read, `to` exists and is not to be replaced (`force`) or cannot be written, or the endings are
/// not `.star` and `.ipynb`.
pub fn convert(from: &Path, to: &Path, force: bool) -> Result<ExitCode> {
    let ending = |path: &Path| path.extension().and_then(|e| e.to_str()).map(str::to_lowercase);
    let read = || read_regular_text(from);
    let converted = match (ending(from).as_deref(), ending(to).as_deref()) {
        (Some("star"), Some("ipynb")) => {
            notebook_of(script_cells(&read()?).into_iter().map(NotebookCell::from))?
        }
        (Some("ipynb"), Some("star")) => {
            let text = read()?;
            let cells = notebook_cells(&text);
            let script = script_of(&cells.map_err(|error| Error::file(from, error))?);
            left_out(&text).iter().for_each(|what| eprintln!("note: {what}"));
            script
        }
        _ => {
            return Err(Error::input(
                "convert turns a .star file into an .ipynb file or the other way round",
            ));
        }
    };
    let write = if force { write_whole } else { write_new };
    write(to, converted.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "\
# %% [markdown]
# # A study

# %%
people = phantom_cohort(subjects = 2)
people
";

    fn notebook() -> String {
        notebook_of(script_cells(SCRIPT).into_iter().map(NotebookCell::from)).unwrap()
    }

    #[test]
    fn a_script_becomes_a_notebook_and_comes_back() {
        let text = notebook();
        assert_eq!(script_of(&notebook_cells(&text).unwrap()), SCRIPT);
        assert_eq!(text, notebook(), "the same bytes");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["metadata"]["kernelspec"]["name"], "u2ad");
        assert_eq!(json["cells"][1]["cell_type"], "code");
        assert_eq!(json["cells"][1]["source"][0], "people = phantom_cohort(subjects = 2)\n");
        assert_eq!(json["nbformat_minor"], 5);
    }

    #[test]
    fn the_first_cell_of_parameters_has_the_tag_that_papermill_looks_for() {
        let script = "\
# %%
people = phantom_cohort(subjects = parameter(\"subjects\", 2))

# %%
epochs = parameter(\"epochs\", 3)

# %%
rounds = parameter(\"rounds\", 3)
";
        let cells = script_cells(script).into_iter().map(NotebookCell::from);
        let json: serde_json::Value = serde_json::from_str(&notebook_of(cells).unwrap()).unwrap();
        let tags = |cell: usize| &json["cells"][cell]["metadata"]["tags"];
        assert!(tags(0).is_null() && tags(2).is_null(), "{json}");
        assert_eq!(tags(1), &json!(["parameters"]));
        assert_eq!(json["metadata"]["language_info"]["name"], "python");
    }

    #[test]
    fn outputs_are_kept_in_a_notebook() {
        let output = v4::Output::Stream {
            name: "stdout".to_owned(),
            text: v4::MultilineString("2\n".to_owned()),
        };
        let cell = NotebookCell {
            cell: ScriptCell::code("print(2)"),
            execution_count: Some(1),
            outputs: vec![output],
        };
        let json: serde_json::Value = serde_json::from_str(&notebook_of([cell]).unwrap()).unwrap();
        assert_eq!(json["cells"][0]["outputs"][0]["text"][0], "2\n");
        assert_eq!(json["cells"][0]["execution_count"], 1);
    }

    #[test]
    fn what_a_script_has_no_form_for_is_said() {
        let text = r#"{"cells": [{"cell_type": "raw"}, {"cell_type": "raw"},
            {"cell_type": "markdown", "attachments": {"a.png": {}}}]}"#;
        let expected = [
            "2 raw cells are left out: a script has no form for that",
            "1 cell is without the pictures attached: a script has no form for that",
        ];
        assert_eq!(left_out(text), expected);
        assert!(left_out(&notebook()).is_empty());
    }

    #[test]
    fn headings_of_old_notebooks_have_as_many_marks_as_there_are_levels() {
        for (level, marks) in [("2", "##"), ("-1", "#"), ("2147483647", "######")] {
            let text = format!(
                r#"{{"metadata": {{}}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{{"metadata": {{}}, "cells":
                [{{"cell_type": "heading", "level": {level}, "metadata": {{}}, "source": ["Title"]}}]}}]}}"#
            );
            let cells = notebook_cells(&text).unwrap();
            assert_eq!(cells, [ScriptCell::markdown(format!("{marks} Title"))]);
        }
    }

    #[test]
    fn what_is_no_notebook_is_refused_in_one_sentence() {
        for text in ["", "[]", "{\"nbformat\": 9}", "{\"nbformat\": 4, \"nbformat_minor\": 5}"] {
            let error = notebook_cells(text).unwrap_err().to_string();
            assert!(error.starts_with("this notebook cannot be read: "), "{error}");
        }
    }
}
