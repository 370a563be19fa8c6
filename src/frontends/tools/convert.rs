//! `u2ad convert`: turns scripts into notebooks and notebooks into scripts.

use std::path::Path;
use std::process::ExitCode;

use nbformat::v4::{self, CellId, CellMetadata, KernelSpec, LanguageInfo, Metadata};
use nbformat::{parse_notebook, serialize_notebook, v3};
use serde_json::{Value, json};

use crate::files::{read_regular_text, write_new, write_whole};
use crate::language::{ScriptCell, ScriptCellKind, notebook_tags, script_cells, script_of};
use crate::{Error, Result};

/// The language as programs know it that go by its name, such as papermill, which writes parameters in
/// it. Starlark is a dialect of Python, and what they write is valid in both.
pub(in crate::frontends) const CLIENT_LANGUAGE: &str = "python";

/// The title of a cell in the metadata of a notebook.
const TITLE: &str = "title";

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
    let cells: Vec<NotebookCell> = cells.into_iter().collect();
    let tags = notebook_tags(cells.iter().map(|cell| &cell.cell));
    let cells = cells.into_iter().zip(tags).enumerate();
    let cells = cells.map(|(number, (cell, tags))| written(number, cell, tags));
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

/// Cell `number` with its tags.
fn written(number: usize, cell: NotebookCell, tags: Vec<String>) -> Result<v4::Cell> {
    let NotebookCell { cell, execution_count, outputs } = cell;
    let ScriptCell { kind, source, title, attachments, .. } = cell;
    let id = CellId::new(&format!("cell-{}", number + 1)).map_err(Error::input)?;
    let tags = Some(tags).filter(|tags| !tags.is_empty());
    // As jupytext has it.
    let additional =
        title.into_iter().map(|title| (TITLE.to_owned(), Value::from(title))).collect();
    let metadata = CellMetadata { tags, additional, ..CellMetadata::default() };
    let source = source.split_inclusive('\n').map(str::to_owned).collect();
    Ok(match kind {
        ScriptCellKind::Code => v4::Cell::Code { id, metadata, execution_count, source, outputs },
        ScriptCellKind::Markdown => v4::Cell::Markdown { id, metadata, source, attachments },
        ScriptCellKind::Raw => v4::Cell::Raw { id, metadata, source },
    })
}

/// The cells of a notebook of any version since 3, without what they showed.
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
    let cells = notebook.cells.into_iter().map(|cell| {
        let tags = cell.metadata().tags.clone().unwrap_or_default();
        let title = cell.metadata().additional.get(TITLE).and_then(Value::as_str);
        let title = title.unwrap_or_default().to_owned();
        let cell = match cell {
            v4::Cell::Code { source, .. } => ScriptCell::code(source.concat()),
            v4::Cell::Markdown { source, attachments, .. } => {
                let is_something = |all: &Value| all.as_object().is_some_and(|all| !all.is_empty());
                let attachments = attachments.filter(is_something);
                ScriptCell::markdown(source.concat()).with_attachments(attachments)
            }
            v4::Cell::Raw { source, .. } => ScriptCell::raw(source.concat()),
        };
        cell.titled(&title).tagged(tags)
    });
    Ok(cells.filter(|cell| !cell.is_empty()).collect())
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
            script_of(&notebook_cells(&read()?).map_err(|error| Error::file(from, error))?)
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
    fn raw_cells_attachments_and_tags_come_back() {
        let text = r#"{"metadata": {}, "nbformat": 4, "nbformat_minor": 5, "cells": [
            {"cell_type": "raw", "id": "a", "metadata": {"tags": ["front"]}, "source": ["---\n", "title: A\n", "---"]},
            {"cell_type": "markdown", "id": "b", "metadata": {}, "source": ["![](attachment:a.png)"],
             "attachments": {"a.png": {"image/png": "iVBORw0KGgo="}}},
            {"cell_type": "code", "id": "c", "metadata": {"tags": ["parameters"]}, "execution_count": null,
             "outputs": [], "source": ["epochs = 3"]}]}"#;
        let given: Value = serde_json::from_str(text).unwrap();
        let script = script_of(&notebook_cells(text).unwrap());
        let cells = script_cells(&script).into_iter().map(NotebookCell::from);
        let back: Value = serde_json::from_str(&notebook_of(cells).unwrap()).unwrap();
        for (before, after) in given["cells"].as_array().unwrap().iter().zip(0..) {
            let after = &back["cells"][after];
            for key in ["cell_type", "source", "attachments"] {
                assert_eq!(before.get(key), after.get(key), "{script}");
            }
            assert_eq!(before["metadata"].get("tags"), after["metadata"].get("tags"), "{script}");
        }
        assert_eq!(back["cells"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn titles_come_back() {
        let script = "\
# %% Cohort
people = phantom_cohort(subjects = 2)

# %% What was found [markdown] tags=[\"slow\"]
# Text.
";
        let cells = script_cells(script).into_iter().map(NotebookCell::from);
        let notebook = notebook_of(cells).unwrap();
        let json: Value = serde_json::from_str(&notebook).unwrap();
        assert_eq!(json["cells"][0]["metadata"], json!({"title": "Cohort"}));
        assert_eq!(json["cells"][1]["metadata"]["title"], "What was found");
        assert_eq!(script_of(&notebook_cells(&notebook).unwrap()), script);
    }

    #[test]
    fn a_tag_that_goes_without_saying_is_not_said_in_a_script() {
        let script = "# %%\nepochs = parameter(\"epochs\", 3)\n";
        let cells = script_cells(script).into_iter().map(NotebookCell::from);
        let notebook = notebook_of(cells).unwrap();
        assert!(notebook.contains("\"parameters\""), "{notebook}");
        assert_eq!(script_of(&notebook_cells(&notebook).unwrap()), script);
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
