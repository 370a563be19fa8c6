//! A model in the language.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::collections::SmallMap;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneType;
use starlark::values::{NoSerialize, ProvidesStaticType, StarlarkValue, starlark_value};

use super::{HistoryValue, handle, shared_members};
use crate::Result;
use crate::context::Context;
use crate::files::user_path;
use crate::report::Show as _;
use crate::session::Display;
use crate::session::show::ShowValue;
use crate::training::Model;

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
}

/// Tells two states of a model apart: its epochs, the optimiser's steps, and which scorer and calibration it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark(usize, usize, Option<u64>, Option<u64>);

handle!(ModelValue);
starlark::methods_static!(MODEL = model_methods);

impl ModelValue {
    /// A model that is not saved in a file yet.
    pub fn new(model: Model, number: usize) -> Self {
        Self { model: Arc::new(Mutex::new(model)), number, saved: Arc::default() }
    }

    /// A model that came from a file.
    pub fn loaded(model: Model, number: usize) -> Self {
        let value = Self::new(model, number);
        value.mark_saved();
        value
    }

    /// A panic while the model was locked does not make it inaccessible: every interrupted verb
    /// leaves it usable.
    pub fn lock(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Saves it to a file that the user chose.
    pub fn save(&self, path: &str) -> Result<()> {
        self.lock().save(&user_path(path)?)?;
        self.mark_saved();
        Ok(())
    }

    /// Whether it has learned something that is not in a file of the user.
    pub fn is_unsaved(&self) -> bool {
        let saved = *self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        self.mark() != saved.unwrap_or_default()
    }

    pub fn mark_saved(&self) {
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.mark());
    }

    fn mark(&self) -> Mark {
        let model = self.lock();
        let scorer = model.scorer.as_ref().map(|scorer| scorer.description().round);
        let calibrated = model.calibrations.iter().map(|one| one.round).max();
        Mark(model.history.epochs.len(), model.adam.steps(), scorer, calibrated)
    }

    /// The context of a task on this model: its tensors stay on the device where it was made.
    pub fn surroundings(&self, context: Context) -> Context {
        let device = self.lock().parameters.device();
        context.with_device(device)
    }
}

impl fmt::Display for ModelValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.lock();
        let (size, epochs) = (model.config.image, model.history.epochs.len());
        write!(f, "<Model of {size} × {size} pixels, {epochs} epochs>")
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

    /// Saves weights, optimiser and history to a file: the same as `save_model(model, path)`.
    fn save(this: &ModelValue, path: &str) -> anyhow::Result<NoneType> {
        this.save(path)?;
        Ok(NoneType)
    }
}
