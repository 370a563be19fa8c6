//! `load("helpers.star", "name")`: files beside the script, each run once per cell.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use starlark::environment::{FrozenModule, Module};
use starlark::eval::FileLoader;
use starlark::values::FrozenHeapName;

use super::evaluator_context::EvaluatorContext;
use crate::Error;
use crate::files::{read_regular_text, user_path};
use crate::language::dialect;
use crate::session::show;

/// Loads files relative to the file that asks for them.
pub(in crate::session) struct Loader<'a> {
    evaluator: EvaluatorContext<'a>,
    /// Folder of the cell.
    folder: &'a Path,
    /// Files being run, outermost first, to recognise a circle.
    loading: RefCell<Vec<PathBuf>>,
    loaded: RefCell<BTreeMap<PathBuf, FrozenModule>>,
}

impl<'a> Loader<'a> {
    pub fn new(evaluator: EvaluatorContext<'a>, folder: &'a Path) -> Self {
        let (loading, loaded) = Default::default();
        Self { evaluator, folder, loading, loaded }
    }

    /// Runs the file in a module of its own and freezes what it defined.
    fn run(&self, path: &Path) -> starlark::Result<FrozenModule> {
        let name = path.to_string_lossy().into_owned();
        let source = read_regular_text(path).map_err(show::failed)?;
        let ast = dialect::parse_to_run(&name, &source)?;
        Module::with_temp_heap(|module| {
            self.evaluator.evaluate(&module, ast, self)?;
            Ok(module.freeze_named(FrozenHeapName::User(Box::new(name)))?)
        })
    }
}

impl FileLoader for Loader<'_> {
    fn load(&self, name: &str) -> starlark::Result<FrozenModule> {
        let folder = match self.loading.borrow().last() {
            Some(file) => file.parent().map(Path::to_path_buf).unwrap_or_default(),
            None => self.folder.to_path_buf(),
        };
        let path = folder.join(user_path(name).map_err(show::failed)?);
        // The identity of a file, however it is spelled.
        let identity = fs::canonicalize(&path).map_err(|error| failed(&path, error))?;
        if let Some(module) = self.loaded.borrow().get(&identity) {
            return Ok(module.clone());
        }
        let is_open = |open: &PathBuf| fs::canonicalize(open).is_ok_and(|open| open == identity);
        if self.loading.borrow().iter().any(is_open) {
            return Err(failed(&path, "it is loading itself, directly or through other files"));
        }
        self.loading.borrow_mut().push(path.clone());
        let module = self.run(&path);
        self.loading.borrow_mut().pop();
        let module = module?;
        self.loaded.borrow_mut().insert(identity, module.clone());
        Ok(module)
    }
}

fn failed(path: &Path, reason: impl std::fmt::Display) -> starlark::Error {
    show::failed(Error::file(path, format!("cannot be loaded: {reason}")))
}
