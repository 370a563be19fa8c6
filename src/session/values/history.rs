//! A training history in the language.

use std::fmt;

use allocative::Allocative;
use starlark::StarlarkPagablePanic;
use starlark::environment::MethodsBuilder;
use starlark::starlark_module;
use starlark::values::none::NoneOr;
use starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkValue, Value, starlark_value,
};

use super::index::{position, range};
use super::{handle, shared_members};
use crate::Result;
use crate::context::counted;
use crate::options::Choice;
use crate::report::Show as _;
use crate::session::Display;
use crate::session::show::{ShowValue, failed};
use crate::training::{EpochRecord, History};

/// The training history of a model at the time it was requested.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct HistoryValue(#[allocative(skip)] pub History);

/// One epoch of it.
#[derive(Clone, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(in crate::session) struct EpochValue(#[allocative(skip)] pub EpochRecord);

handle!(HistoryValue);
handle!(EpochValue);
starlark::methods_static!(HISTORY = history_methods);
starlark::methods_static!(EPOCH = epoch_methods);

impl fmt::Display for HistoryValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<History of {}>", counted(self.0.epochs.len(), "epoch"))
    }
}

impl fmt::Display for EpochValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[starlark_value(type = "History")]
impl<'v> StarlarkValue<'v> for HistoryValue {
    shared_members!(HISTORY);

    fn length(&self) -> starlark::Result<i32> {
        Ok(self.0.epochs.len() as i32)
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let position = position(index, self.0.epochs.len(), "epoch").map_err(failed)?;
        Ok(heap.alloc(EpochValue(self.0.epochs[position].clone())))
    }

    fn slice(
        &self,
        start: Option<Value<'v>>,
        stop: Option<Value<'v>>,
        stride: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let range = range(start, stop, stride, self.0.epochs.len()).map_err(failed)?;
        Ok(heap.alloc(Self(History { epochs: self.0.epochs[range].to_vec(), ..self.0.clone() })))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Ok(self.0.epochs.iter().map(|epoch| heap.alloc(EpochValue(epoch.clone()))).collect())
    }
}

#[starlark_value(type = "Epoch")]
impl<'v> StarlarkValue<'v> for EpochValue {
    shared_members!(EPOCH);
}

impl ShowValue for HistoryValue {
    fn show(&self) -> Result<Display> {
        self.0.show()
    }
}

impl ShowValue for EpochValue {
    fn show(&self) -> Result<Display> {
        self.0.show()
    }
}

/// The training history of a model: one entry per epoch. `history[-1]` is the last one.
#[starlark_module]
fn history_methods(builder: &mut MethodsBuilder) {
    /// Total loss of every epoch.
    #[starlark(attribute)]
    fn losses(this: &HistoryValue) -> anyhow::Result<Vec<f64>> {
        Ok(this.0.epochs.iter().map(|epoch| epoch.loss).collect())
    }

    /// Settings of every training in words: seed, batches, learning rate and more.
    #[starlark(attribute)]
    fn trainings(this: &HistoryValue) -> anyhow::Result<Vec<String>> {
        Ok(this.0.trainings.iter().map(ToString::to_string).collect())
    }
}

/// One epoch of training.
#[starlark_module]
fn epoch_methods(builder: &mut MethodsBuilder) {
    /// Number of the epoch, counted from 1.
    #[starlark(attribute)]
    fn epoch(this: &EpochValue) -> anyhow::Result<i32> {
        Ok(this.0.epoch as i32)
    }

    /// "pretrain" or "adapt".
    #[starlark(attribute)]
    fn stage(this: &EpochValue) -> anyhow::Result<String> {
        Ok(this.0.stage.name().to_owned())
    }

    /// Masking strategy, such as "random" or "eu".
    #[starlark(attribute)]
    fn masking(this: &EpochValue) -> anyhow::Result<String> {
        Ok(this.0.masking.name().to_owned())
    }

    /// Mean over batches: 10 × reconstruction + edge.
    #[starlark(attribute)]
    fn loss(this: &EpochValue) -> anyhow::Result<f64> {
        Ok(this.0.loss)
    }

    /// Reconstruction part of the loss.
    #[starlark(attribute)]
    fn reconstruction(this: &EpochValue) -> anyhow::Result<f64> {
        Ok(this.0.reconstruction)
    }

    /// Edge part of the loss.
    #[starlark(attribute)]
    fn edge(this: &EpochValue) -> anyhow::Result<f64> {
        Ok(this.0.edge)
    }

    /// Learning rate of the epoch.
    #[starlark(attribute)]
    fn learning_rate(this: &EpochValue) -> anyhow::Result<f64> {
        Ok(this.0.learning_rate)
    }

    /// Mean Monte-Carlo variance inside the regions, if it was estimated before this epoch.
    #[starlark(attribute)]
    fn variance(this: &EpochValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.0.variance))
    }

    /// Mean Monte-Carlo error inside the regions, if it was estimated before this epoch.
    #[starlark(attribute)]
    fn error(this: &EpochValue) -> anyhow::Result<NoneOr<f64>> {
        Ok(NoneOr::from_option(this.0.error))
    }
}
