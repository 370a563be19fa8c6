//! A model as the user has it: network, optimiser state and history, saved as one file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::history::History;
use super::snapshots::{Checkpointed, Snapshots};
use crate::cohort::{IntensityScale, SliceGrid};
use crate::context::Context;
use crate::error::without_backtrace;
use crate::files::{read_regular, write_whole_making_folder};
use crate::model::{Config, Network, Parameters, is_pytorch, read_pytorch, tensor_file};
use crate::scoring::{Calibration, LearnedFrom, LesionScorer, ScorerDescription, TrainingState};
use crate::{Error, Result};

/// Called with the model whenever an epoch, a scorer or a calibration is complete.
pub(crate) type Observer = Arc<dyn Fn(&Model) + Send + Sync>;

/// A network with everything that training it further needs.
pub struct Model {
    pub config: Config,
    pub parameters: Parameters,
    pub adam: Adam,
    pub history: History,
    /// Monte-Carlo estimations made for this model so far; gives each its own random draws.
    pub estimations: u64,
    /// Estimations that were part of trainings. Counted apart, so that the draws of a training do not
    /// depend on estimations that a user asked for in between.
    pub training_estimations: u64,
    /// The scorer, once it is trained.
    pub scorer: Option<LesionScorer>,
    /// Calibrations with healthy subjects, at most one of each scoring.
    pub calibrations: Vec<Calibration>,
    /// Whose images its network learned from. The scorer tells its own.
    pub learned_from: LearnedFrom,
    /// Its state after each epoch, if snapshots are kept.
    pub snapshots: Option<Snapshots>,
    /// Who sees each finished epoch while the model is trained.
    pub(crate) observer: Option<Observer>,
}

/// What a checkpoint holds besides its tensors.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    version: u32,
    config: Config,
    adam_steps: usize,
    estimations: u64,
    /// `None` in checkpoints of earlier versions.
    #[serde(default)]
    training_estimations: Option<u64>,
    history: History,
    #[serde(default)]
    scorer: Option<ScorerDescription>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    calibrations: Vec<Calibration>,
    #[serde(default, skip_serializing_if = "LearnedFrom::is_empty")]
    learned_from: LearnedFrom,
}

/// Key of the checkpoint's description in the safetensors metadata.
const METADATA: &str = "u2ad";
/// Key of the description in the file of a baseline.
pub(crate) const METHOD_METADATA: &str = "u2ad-method";
const VERSION: u32 = 1;

impl Checkpointed for Model {
    fn history(&self) -> &History {
        &self.history
    }

    fn steps(&self) -> usize {
        self.adam.steps()
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        Self::to_bytes(self)
    }

    fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::load(path, device)
    }
}

impl Model {
    /// A new model, initialised from the context's streams.
    pub fn new(config: Config, context: &Context) -> Result<Self> {
        config.validate()?;
        let parameters = Parameters::initialise(&config, &context.streams, &context.device)?;
        Ok(Self {
            config,
            parameters,
            adam: Adam::default(),
            history: History { initial_seed: Some(context.streams.seed()), ..History::default() },
            estimations: 0,
            training_estimations: 0,
            scorer: None,
            calibrations: Vec::new(),
            learned_from: LearnedFrom::default(),
            snapshots: None,
            observer: None,
        })
    }

    /// A copy with the same bits on the same device. It knows the snapshots that there are now; only the
    /// original writes further ones.
    ///
    /// # Errors
    /// If a tensor cannot be read, or holds values that are not finite numbers.
    #[cfg(feature = "shell")]
    pub(crate) fn duplicate(&self) -> Result<Self> {
        let (name, device) = (Path::new("the copy of a model"), self.parameters.device());
        let copy = Self::from_bytes(&self.to_bytes()?, name, &device)?;
        Ok(Self { snapshots: self.snapshots.as_ref().map(Snapshots::view), ..copy })
    }

    /// The grid of the slices that it takes.
    pub fn grid(&self) -> SliceGrid {
        self.config.slice_grid()
    }

    /// The round number of the next Monte-Carlo estimation, from which estimations and detections draw their
    /// masks. It is new for this model, unless the model was rewound or copied, which repeats numbers.
    pub fn next_round(&mut self) -> u64 {
        let round = self.estimations;
        self.estimations += 1;
        round
    }

    /// Reserves `count` round numbers for a training and returns the first; independent of other estimations,
    /// which count on after them.
    pub fn next_training_rounds(&mut self, count: u64) -> u64 {
        let first = self.training_estimations;
        self.training_estimations += count;
        self.estimations += count;
        first
    }

    /// How far it was trained.
    pub fn trained(&self) -> TrainingState {
        TrainingState { epochs: self.history.epochs.len(), steps: Some(self.adam.steps()) }
    }

    /// A network on the current weights that records no graph.
    pub fn frozen(&self) -> Result<Network> {
        Ok(self.parameters.frozen_network(&self.config)?)
    }

    /// Saves everything as safetensors: weights under their published names, optimiser moments
    /// beside them, configuration, history, names and image hashes of the subjects that it learned from, and a
    /// checksum in the metadata. Atomic.
    pub fn save(&self, path: &Path) -> Result<()> {
        let bytes = self.to_bytes().map_err(|error| Error::file(path, error))?;
        write_whole_making_folder(path, &bytes)
    }

    /// The bytes that [`Self::save`] writes.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut tensors = self.parameters.tensors();
        tensors.extend(self.adam.tensors());
        tensors.extend(self.scorer.iter().flat_map(LesionScorer::tensors));
        let description = Checkpoint {
            version: VERSION,
            config: self.config,
            adam_steps: self.adam.steps(),
            estimations: self.estimations,
            training_estimations: Some(self.training_estimations),
            history: self.history.clone(),
            scorer: self.scorer.as_ref().map(|scorer| scorer.description().clone()),
            calibrations: self.calibrations.clone(),
            learned_from: self.learned_from.clone(),
        };
        tensor_file::to_bytes(&tensors, METADATA, &description).map_err(|error| {
            Error::input(format!("the model cannot be written as a checkpoint: {error}"))
        })
    }

    /// Restores the model to its state after `epoch`: weights, optimiser state and history.
    /// Training continues from there with the same bits as before.
    ///
    /// # Errors
    /// If there is no snapshot of that epoch; the model is not changed.
    pub fn rewind(&mut self, epoch: usize) -> Result<()> {
        let device = self.parameters.device();
        let Some(mut snapshots) = self.snapshots.take() else {
            return Err(Error::input("no snapshots of this model are kept"));
        };
        let earlier: Result<Self> = snapshots.go_to(epoch, &device);
        match earlier {
            Ok(earlier) => {
                let observer = self.observer.take();
                *self = Self { snapshots: Some(snapshots), observer, ..earlier };
            }
            Err(error) => {
                self.snapshots = Some(snapshots);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Saves a snapshot if snapshots are kept, and shows the model to its observer. A snapshot that cannot
    /// be written gives a warning and does not stop the training.
    pub fn leave_snapshot(&mut self, context: &Context) {
        if let Some(mut snapshots) = self.snapshots.take() {
            if let Err(error) = snapshots.keep(self) {
                let epoch = self.history.epochs.len();
                context.warn(format!("no snapshot of epoch {epoch} is kept: {error}"));
            }
            self.snapshots = Some(snapshots);
        }
        if let Some(observer) = self.observer.clone() {
            observer(self);
        }
    }

    /// Loads a checkpoint, or weights that PyTorch saved. A file without our description counts as published weights:
    /// the sizes are read off the tensors, with the published head size of 8 channels.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::from_bytes(&read_regular(path)?, path, device)
    }

    /// What [`Self::load`] makes of the content of a file.
    pub(super) fn from_bytes(bytes: &[u8], path: &Path, device: &Device) -> Result<Self> {
        let (mut tensors, description) = stored(bytes, path, device)?;
        let bad = |error: &dyn std::fmt::Display| {
            Error::file(path, format!("does not hold a model this version can load: {error}"))
        };
        let checkpoint = match description {
            Some(json) => serde_json::from_str::<Checkpoint>(&json).map_err(|e| bad(&e))?,
            None if tensors.keys().any(|name| Adam::owns(name)) => {
                return Err(Error::file(
                    path,
                    "has lost its metadata: it holds the optimiser state of a model that u2ad saved, but \
                     not its settings and history; another program may have rewritten it, so load \
                     the original file",
                ));
            }
            None => Checkpoint {
                version: VERSION,
                config: published_sizes(&tensors).map_err(|e| bad(&e))?,
                adam_steps: 0,
                estimations: 0,
                training_estimations: None,
                history: History::default(),
                scorer: None,
                calibrations: Vec::new(),
                learned_from: LearnedFrom::default(),
            },
        };
        if checkpoint.version > VERSION {
            return Err(Error::newer_version(path));
        }
        checkpoint.config.validate().map_err(|e| bad(&e))?;
        // Training from here would go on to print losses and to end in numbers that mean nothing.
        if let Some(name) = first_not_finite(&tensors)? {
            return Err(Error::file(
                path,
                format!(
                    "holds values that are not finite numbers, in \"{name}\"; load an earlier file"
                ),
            ));
        }
        let adam = Adam::from_tensors(checkpoint.adam_steps, &mut tensors).map_err(|e| bad(&e))?;
        let scorer =
            checkpoint.scorer.map(|scorer| LesionScorer::from_tensors(scorer, &mut tensors));
        let scorer = scorer.transpose().map_err(|e| bad(&e))?;
        let parameters = Parameters::from_tensors(&checkpoint.config, tensors, device)
            .map_err(|e| bad(&without_backtrace(e)))?;
        adam.check_against(&parameters).map_err(|e| bad(&e))?;
        Ok(Self {
            config: checkpoint.config,
            parameters,
            adam,
            history: checkpoint.history,
            estimations: checkpoint.estimations,
            training_estimations: checkpoint.training_estimations.unwrap_or(checkpoint.estimations),
            scorer,
            calibrations: checkpoint.calibrations,
            learned_from: checkpoint.learned_from,
            snapshots: None,
            observer: None,
        })
    }
}

/// Name of the first tensor that holds NaN or an infinite value.
fn first_not_finite(tensors: &BTreeMap<String, Tensor>) -> Result<Option<&String>> {
    for (name, tensor) in tensors {
        // NaN and infinity stay in a sum of magnitudes; finite weights cannot overflow 64 bits.
        let sum = tensor.to_dtype(DType::F64)?.abs()?.sum_all()?.to_scalar::<f64>()?;
        if !sum.is_finite() {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The tensors of a checkpoint, and our description of it if it has one.
fn stored(
    bytes: &[u8],
    path: &Path,
    device: &Device,
) -> Result<(BTreeMap<String, Tensor>, Option<String>)> {
    if is_pytorch(bytes) {
        return Ok((read_pytorch(path, bytes, device)?, None));
    }
    let (_, header) = safetensors::SafeTensors::read_metadata(bytes).map_err(|error| {
        Error::file(path, format!("is not a model checkpoint (safetensors or PyTorch): {error}"))
    })?;
    tensor_file::check(bytes).map_err(|error| Error::file(path, error))?;
    let metadata = header.metadata().as_ref();
    if metadata.is_some_and(|all| all.contains_key(METHOD_METADATA)) {
        return Err(Error::file(path, "holds a method to compare with; use load_method"));
    }
    let description = metadata.and_then(|all| all.get(METADATA)).cloned();
    let tensors = candle_core::safetensors::load_buffer(bytes, device)?;
    Ok((tensors.into_iter().collect(), description))
}

/// The sizes of published weights.
fn published_sizes(tensors: &BTreeMap<String, Tensor>) -> Result<Config> {
    let shape = |name: &str| {
        let tensor = tensors.get(name);
        tensor
            .map(|t| t.dims().to_vec())
            .ok_or_else(|| Error::input(format!("\"{name}\" is missing")))
    };
    let depth = |stack: &str| {
        (0..).take_while(|i| tensors.contains_key(&format!("{stack}.{i}.norm1.weight"))).count()
    };
    let embed = shape("patch_embed.proj.weight")?;
    let positions = shape("pos_embed")?;
    let mask_token = shape("mask_token")?;
    let fc1 = shape("blocks.0.mlp.fc1.weight")?;
    let ([dim, 1, patch, _], [1, tokens, _], [1, 1, decoder_embed_dim], [hidden, _]) =
        (&embed[..], &positions[..], &mask_token[..], &fc1[..])
    else {
        return Err(Error::input("its tensors do not have the published shapes"));
    };
    Ok(Config {
        image: tokens.saturating_sub(1).isqrt() * patch,
        fov_mm: Config::paper().fov_mm,
        slice_mm: 0,
        intensity: IntensityScale::Percentile,
        patch: *patch,
        nearest_patches: 0,
        embed_dim: *dim,
        depth: depth("blocks"),
        heads: dim / 8,
        decoder_embed_dim: *decoder_embed_dim,
        decoder_depth: depth("decoder_blocks"),
        decoder_heads: decoder_embed_dim / 8,
        mlp_ratio: if *dim == 0 { 0 } else { hidden / dim },
    })
}
