//! One value in a folder of its own: `:save NAME`, `:load NAME`.

use std::path::{Path, PathBuf};

use starlark::environment::Module;

use super::functions::define;
use super::keep::ArtifactStore;
use super::recipe::Recipe;
use super::restore::Restorer;
use crate::files::{LazyFolder, WholeFolder, read_regular, write_whole};
use crate::language::{CellError, TypedCell};
use crate::session::engine::Outcome;
use crate::session::engine::evaluator_context::EvaluatorContext;
use crate::session::status::SessionStatus;
use crate::session::values::ModelValue;
use crate::session::{Display, snapshot};
use crate::training::{Model, Snapshots};
use crate::{Error, Result};

const FILE: &str = "value.json";
const MAPS: &str = "maps";
const MODELS: &str = "models";

/// The folder of a value, in the working directory.
fn folder_of(name: &str) -> PathBuf {
    PathBuf::from(format!("{name}.u2ad"))
}

/// Saves the value called `name`, replacing what was saved under that name before.
pub(in crate::session) fn save(
    evaluator: EvaluatorContext,
    module: &Module,
    status: &SessionStatus,
    name: &str,
) -> Outcome {
    let folder = folder_of(name);
    write(evaluator, module, status, name, &folder).map_err(refused)?;
    Ok(Some(Display::text(format!("{name} is in {}", folder.display()))))
}

/// Loads what was saved as `name` under that name.
pub(in crate::session) fn load(
    evaluator: EvaluatorContext,
    module: &Module,
    status: &SessionStatus,
    name: &str,
) -> Outcome {
    let defined = read(evaluator, module, name, &folder_of(name)).map_err(refused)?;
    // The transcript is Starlark, which has no statement for this; a function is defined by its source.
    let source = [Some(format!("# :load {name}")), defined];
    let source = source.into_iter().flatten().collect::<Vec<_>>().join("\n");
    status.lock().transcript.cells.push(TypedCell { source, stopped: None });
    Ok(None)
}

fn refused(error: Error) -> CellError {
    match error {
        Error::Cancelled => CellError::interrupted(),
        error => CellError::new(error.to_string()),
    }
}

fn write(
    evaluator: EvaluatorContext,
    module: &Module,
    status: &SessionStatus,
    name: &str,
    folder: &Path,
) -> Result<()> {
    let values = snapshot::values(module);
    let value = values.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
    let value = value.ok_or_else(|| Error::input(format!("the name {name} is not defined")))?;
    let context = evaluator.state.context();
    if folder.exists() && !folder.join(FILE).is_file() {
        return Err(Error::file(folder, "holds something else than a saved value; move it away"));
    }
    if let Some(foreign) = foreign_file(folder) {
        let reason =
            format!("{foreign} is no part of a saved value and would be lost; move it away");
        return Err(Error::file(folder, reason));
    }
    let fresh = WholeFolder::begin(folder)?;
    let store_folder = LazyFolder::at(fresh.path()).inside(MAPS);
    let transcript = status.lock().transcript.clone();
    let mut store = ArtifactStore::new(store_folder);
    let recipe = store
        .recipe((name, value), module.heap(), &transcript, &context)
        .map_err(|reason| Error::input(format!("{name} cannot be saved: {reason}")))?;
    for model in store.models() {
        let inside = LazyFolder::at(fresh.path()).inside(model_folder(model.number));
        Snapshots::new(inside).keep(&*model.lock())?;
    }
    let path = fresh.path().join(FILE);
    let json = serde_json::to_vec(&recipe).map_err(|error| Error::file(&path, error))?;
    write_whole(&path, &json)?;
    fresh.finish()?;
    store.models().for_each(|model| model.mark_saved());
    Ok(())
}

/// Gives the name its value; comes back with the source of a function.
fn read(
    evaluator: EvaluatorContext,
    module: &Module,
    name: &str,
    folder: &Path,
) -> Result<Option<String>> {
    let path = folder.join(FILE);
    let json = read_regular(&path)?;
    let recipe: Recipe = serde_json::from_slice(&json).map_err(|error| {
        Error::file(&path, format!("is not a value that this version can read: {error}"))
    })?;
    if let Recipe::Function { source } = &recipe {
        define(evaluator, module, name, source)?;
        return Ok(Some(source.clone()));
    }
    let mut store = ArtifactStore::new(LazyFolder::temporary(None));
    let adopt = |number: usize| {
        let state = evaluator.state;
        let mut snapshots = Snapshots::open(LazyFolder::at(&folder.join(model_folder(number))))?;
        let (model, note): (Model, _) = snapshots.current(&state.context().device)?;
        if let Some(note) = note {
            state.context().warn(note);
        }
        Ok({
            let (model, number) = state.adopt(model);
            ModelValue::loaded(model, number)
        })
    };
    let mut restorer = Restorer::new(evaluator.state, folder.join(MAPS), &mut store, &adopt);
    let value = restorer.value(&recipe, module)?;
    module.set(name, value);
    Ok(None)
}

/// Something in the folder of a value that is no part of it.
fn foreign_file(folder: &Path) -> Option<String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.find(|name| ![FILE, MAPS, MODELS].contains(&name.as_str()))
}

fn model_folder(number: usize) -> PathBuf {
    Path::new(MODELS).join(format!("model-{number}"))
}
