//! A model in the language.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::collections::SmallMap;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneType;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{HistoryValue, handle, shared_members};
use crate::context::{Context, counted};
use crate::error::locked;
use crate::files::saved_path;
use crate::report::Show as _;
use crate::session::Display;
use crate::session::show::ShowValue;
use crate::training::Model;
use crate::{Error, Result};

/// A model that training changes in place: all names for it see the same one.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct ModelValue {
    #[allocative(skip)]
    model: Arc<Mutex<Model>>,
    /// Counts the session's models; names the folder with its snapshots.
    pub number: usize,
    /// Its state when it was last saved or loaded.
    #[allocative(skip)]
    saved: Arc<Mutex<Option<Mark>>>,
    /// Number of the job that has the model; 0: none. What is here is then a copy of its last finished epoch.
    #[allocative(skip)]
    job: Arc<AtomicUsize>,
    /// How often it was looked at.
    #[allocative(skip)]
    looks: Arc<AtomicUsize>,
}

/// Tells two states of a model apart: its epochs with the loss of the last one, the optimiser's steps, and which scorer
/// and calibration it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    epochs: usize,
    /// Its bits. Other data or masks give another one, so that going back and training anew is a change.
    last_loss: Option<u64>,
    steps: usize,
    scorer: Option<u64>,
    calibration: Option<u64>,
}

handle!(ModelValue);
starlark::methods_static!(MODEL = model_methods);

impl ModelValue {
    /// A model that is not saved in a file yet.
    pub fn new(model: Model, number: usize) -> Self {
        let (model, saved) = (Arc::new(Mutex::new(model)), Arc::default());
        Self { model, number, saved, job: Arc::default(), looks: Arc::default() }
    }

    /// A model that came from a file.
    pub fn loaded(model: Model, number: usize) -> Self {
        let value = Self::new(model, number);
        value.mark_saved();
        value
    }

    /// The model to look at: while a job trains it, a copy of its last finished epoch.
    pub fn lock(&self) -> MutexGuard<'_, Model> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.unseen()
    }

    /// The model to change.
    ///
    /// # Errors
    /// If a job has it.
    pub fn exclusive(&self) -> Result<MutexGuard<'_, Model>> {
        self.check_free()?;
        Ok(self.lock())
    }

    /// Error if a job has the model.
    pub fn check_free(&self) -> Result<()> {
        let Some(job) = self.job() else { return Ok(()) };
        Err(Error::input(format!(
            "this model is in use by job {job}: wait for the job or stop it first"
        )))
    }

    /// Number of the job that has the model.
    pub fn job(&self) -> Option<usize> {
        Some(self.job.load(Ordering::SeqCst)).filter(|job| *job > 0)
    }

    /// How often it was looked at so far.
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    /// Hands the model to a job. A copy stays here, which follows every epoch that the job finishes.
    ///
    /// # Errors
    /// If another job has it, or it cannot be copied.
    pub fn lend(&self, job: usize) -> Result<Model> {
        self.check_free()?;
        let mut here = self.unseen();
        let copy = here.duplicate()?;
        let mut lent = std::mem::replace(&mut *here, copy);
        self.job.store(job, Ordering::SeqCst);
        let shown = self.model.clone();
        lent.observer = Some(Arc::new(move |model| {
            // A state that cannot be copied is not shown; the job goes on.
            if let Ok(copy) = model.duplicate() {
                *locked(&shown) = copy;
            }
        }));
        Ok(lent)
    }

    /// Takes the model back from its job.
    pub fn give_back(&self, mut model: Model) {
        model.observer = None;
        *self.unseen() = model;
        self.job.store(0, Ordering::SeqCst);
    }

    /// A panic while the model was locked does not make it inaccessible: every interrupted verb
    /// leaves it usable.
    fn unseen(&self) -> MutexGuard<'_, Model> {
        locked(&self.model)
    }

    /// Saves it to a file that the user chose.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.save_as(&self.lock(), path)
    }

    /// Saves a state of it to a file that the user chose.
    pub fn save_as(&self, model: &Model, path: &Path) -> Result<()> {
        model.save(path)?;
        *locked(&self.saved) = Some(Mark::of(model));
        Ok(())
    }

    /// The file that a path to save a model to means, and a warning if the model that lies there was loaded.
    ///
    /// # Errors
    /// If its name does not end in ".safetensors".
    pub fn check_path(path: &str) -> Result<(PathBuf, Option<String>)> {
        saved_path(path, "a model", ".safetensors")
    }

    /// Whether it has learned something that is not in a file of the user.
    pub fn is_unsaved(&self) -> bool {
        let saved = *locked(&self.saved);
        Mark::of(&self.unseen()) != saved.unwrap_or_default()
    }

    pub fn mark_saved(&self) {
        let mark = Mark::of(&self.unseen());
        *locked(&self.saved) = Some(mark);
    }

    /// The context of a task on this model: its tensors stay on the device where it was made.
    pub fn surroundings(&self, context: Context) -> Context {
        let device = self.unseen().parameters.device();
        context.with_device(device)
    }
}

impl Mark {
    fn of(model: &Model) -> Self {
        let scorer = model.scorer.as_ref().map(|scorer| scorer.description().round);
        let epochs = &model.history.epochs;
        Self {
            epochs: epochs.len(),
            last_loss: epochs.last().map(|epoch| epoch.loss.to_bits()),
            steps: model.adam.steps(),
            scorer,
            calibration: model.calibrations.iter().map(|one| one.round).max(),
        }
    }
}

impl fmt::Display for ModelValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.lock();
        let (size, epochs) = (model.config.image, counted(model.history.epochs.len(), "epoch"));
        write!(f, "<Model of {size} × {size} pixels, {epochs}>")
    }
}

#[starlark_value(type = "Model")]
impl<'v> StarlarkValue<'v> for ModelValue {
    shared_members!(MODEL);
}

impl ShowValue for ModelValue {
    fn show(&self) -> Result<Display> {
        self.lock().show()
    }
}

/// A network with its optimiser and history. Training changes it in place.
#[starlark_module]
fn model_methods(builder: &mut MethodsBuilder) {
    /// The training history, epoch by epoch.
    #[starlark(attribute)]
    fn history(this: &ModelValue) -> anyhow::Result<HistoryValue> {
        Ok(HistoryValue(this.lock().history.clone()))
    }

    /// Epochs trained so far.
    #[starlark(attribute)]
    fn epochs(this: &ModelValue) -> anyhow::Result<i32> {
        Ok(this.lock().history.epochs.len() as i32)
    }

    /// Number of trained parameters.
    #[starlark(attribute)]
    fn parameters(this: &ModelValue) -> anyhow::Result<i64> {
        Ok(this.lock().parameters.count() as i64)
    }

    /// Sizes of the network by name, such as "image", "patch" and "depth".
    #[starlark(attribute)]
    fn config(this: &ModelValue) -> anyhow::Result<SmallMap<String, i64>> {
        let config = serde_json::to_value(this.lock().config)?;
        let sizes = config.as_object().into_iter().flatten();
        Ok(sizes.filter_map(|(name, size)| Some((name.clone(), size.as_i64()?))).collect())
    }

    /// Edge of the square input images, in pixels.
    #[starlark(attribute)]
    fn size(this: &ModelValue) -> anyhow::Result<i32> {
        Ok(this.lock().config.image as i32)
    }

    /// Epochs that `rewind(model, epoch = …)` can go back to; 0 is the model before training.
    #[starlark(attribute)]
    fn snapshots(this: &ModelValue) -> anyhow::Result<Vec<i32>> {
        let model = this.lock();
        let epochs = model.snapshots.iter().flat_map(|snapshots| snapshots.epochs());
        Ok(epochs.map(|epoch| epoch as i32).collect())
    }

    /// Saves weights, optimiser and history to a file, as `save_model(model, path)` does, but not where the model was
    /// loaded from.
    fn save(this: &ModelValue, path: &str) -> anyhow::Result<NoneType> {
        let (file, replaces) = ModelValue::check_path(path)?;
        if replaces.is_some() {
            let reason =
                "holds a model that was loaded; save_model replaces it, or choose another name";
            return Err(Error::file(file, reason).into());
        }
        this.save(&file)?;
        Ok(NoneType)
    }
}
