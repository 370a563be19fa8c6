//! All baselines as one type: what a session holds and a file may hold.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::feature_memory::FEATURES;
use super::method_file::{MethodFile, write_method};
use super::slice_network::{SliceNetwork, TrainedNetwork, validate};
use super::{
    AutoencoderWithUncertainty, ConvolutionalAutoencoder, ConvolutionalTraining,
    DenoisingAutoencoder, DenoisingTraining, DiffusionModel, DiffusionTraining, FeatureMemory,
    FeatureMemoryOptions, IntensityThreshold, UncertaintyTraining, VariationalAutoencoder,
    VariationalTraining,
};
use crate::Result;
use crate::cohort::SliceGrid;
use crate::detection::Reconstructor;
use crate::model::Config;
use crate::model::convolutional::Window;
use crate::scoring::LearnedFrom;

/// A method to compare with, trained if it needs training.
#[derive(Clone, Debug)]
pub enum Baseline {
    IntensityThreshold(IntensityThreshold),
    DenoisingAutoencoder(DenoisingAutoencoder),
    ConvolutionalAutoencoder(ConvolutionalAutoencoder),
    AutoencoderWithUncertainty(AutoencoderWithUncertainty),
    VariationalAutoencoder(VariationalAutoencoder),
    DiffusionModel(DiffusionModel),
    FeatureMemory(FeatureMemory),
}

/// Most pixels along the edge of a slice.
const LARGEST: usize = 4096;
/// Name of the feature memory in files, and what the names of its network's tensors begin with.
const MEMORY: &str = "feature memory";
const ENCODER: &str = "encoder.";
/// Name of the intensity threshold in files.
const THRESHOLD: &str = "intensity threshold";

impl Baseline {
    fn kept(&self) -> &dyn Kept {
        match self {
            Self::IntensityThreshold(method) => method,
            Self::DenoisingAutoencoder(method) => method,
            Self::ConvolutionalAutoencoder(method) => method,
            Self::AutoencoderWithUncertainty(method) => method,
            Self::VariationalAutoencoder(method) => method,
            Self::DiffusionModel(method) => method,
            Self::FeatureMemory(method) => method,
        }
    }

    /// The method itself.
    pub fn reconstructor(&self) -> &dyn Reconstructor {
        self.kept()
    }

    /// Mean loss of every epoch of its training; empty if it is not trained by epochs.
    pub fn losses(&self) -> &[f64] {
        self.kept().losses()
    }

    /// Saves its settings and what it learned. Atomic.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.kept().save(path)
    }

    /// Loads what [`Self::save`] wrote, to the same bits.
    ///
    /// # Errors
    /// If the file is missing or damaged, or holds something else.
    pub fn load(path: &Path) -> Result<Self> {
        let file = MethodFile::read(path)?;
        match file.method.as_str() {
            THRESHOLD => Ok(Self::IntensityThreshold(file.settings()?)),
            DenoisingTraining::NAME => read(file).map(Self::DenoisingAutoencoder),
            ConvolutionalTraining::NAME => read(file).map(Self::ConvolutionalAutoencoder),
            UncertaintyTraining::NAME => read(file).map(Self::AutoencoderWithUncertainty),
            VariationalTraining::NAME => read(file).map(Self::VariationalAutoencoder),
            DiffusionTraining::NAME => read(file).map(Self::DiffusionModel),
            MEMORY => read_memory(file).map(Self::FeatureMemory),
            name => Err(file.failed(&format!("it does not know the method \"{name}\""))),
        }
    }
}

/// A method that can be kept in a file.
pub(super) trait Kept: Reconstructor {
    /// Mean loss of every epoch of its training.
    fn losses(&self) -> &[f64] {
        &[]
    }

    /// Writes its settings and what it learned.
    fn save(&self, path: &Path) -> Result<()>;
}

impl Kept for IntensityThreshold {
    fn save(&self, path: &Path) -> Result<()> {
        write_method(path, THRESHOLD, self, &BTreeMap::new(), &LearnedFrom::default())
    }
}

/// The settings of a network in a file.
#[derive(Serialize, Deserialize)]
struct NetworkSettings<N> {
    network: N,
    grid: SliceGrid,
    losses: Vec<f64>,
    /// Unknown in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

impl<N: SliceNetwork> Kept for TrainedNetwork<N> {
    fn losses(&self) -> &[f64] {
        Self::losses(self)
    }

    fn save(&self, path: &Path) -> Result<()> {
        let Self { network, grid, losses, seed, weights, learned_from } = self;
        let (network, losses) = (network.clone(), losses.clone());
        let settings = NetworkSettings { network, grid: *grid, losses, seed: *seed };
        write_method(path, N::NAME, &settings, weights, learned_from)
    }
}

fn read<N: SliceNetwork>(mut file: MethodFile) -> Result<TrainedNetwork<N>> {
    let NetworkSettings { network, grid, losses, seed } = file.settings::<NetworkSettings<N>>()?;
    validate(&network).map_err(|error| file.failed(&error.to_string()))?;
    if !(1..=LARGEST).contains(&grid.size) {
        return Err(file.failed(&format!("its slices have {} pixels", grid.size)));
    }
    let weights = file.take(&network.shapes(Window::padded_on(grid.size, N::STEP)))?;
    let learned_from = file.learned_from;
    Ok(TrainedNetwork { network, weights: weights.into(), grid, losses, seed, learned_from })
}

/// The settings of a feature memory in a file.
#[derive(Serialize, Deserialize)]
struct MemorySettings {
    options: FeatureMemoryOptions,
    config: Config,
}

impl Kept for FeatureMemory {
    fn save(&self, path: &Path) -> Result<()> {
        let Self { options, config, weights, memory, learned_from } = self;
        let values: Vec<f32> = memory.iter().copied().collect();
        let features = Tensor::from_vec(values, memory.dim(), &Device::Cpu)?;
        let named =
            weights.iter().map(|(name, tensor)| (format!("{ENCODER}{name}"), tensor.clone()));
        let tensors = named.chain([(FEATURES.to_owned(), features)]).collect();
        let settings = MemorySettings { options: *options, config: *config };
        write_method(path, MEMORY, &settings, &tensors, learned_from)
    }
}

fn read_memory(mut file: MethodFile) -> Result<FeatureMemory> {
    let MemorySettings { options, config } = file.settings()?;
    let checked = options.validate().and_then(|()| config.validate());
    checked.map_err(|error| file.failed(&error.to_string()))?;
    let features = file.take_any(FEATURES)?;
    let rows = match features.dims() {
        [rows, channels] if *rows > 0 && *channels == config.embed_dim => *rows,
        dims => return Err(file.failed(&format!("\"memory\" has shape {dims:?}"))),
    };
    let values = features.flatten_all()?.to_vec1::<f32>()?;
    let memory = Array2::from_shape_vec((rows, config.embed_dim), values)
        .map_err(|error| file.failed(&error.to_string()))?;
    let weights = file.take_prefixed(ENCODER)?;
    let (weights, memory) = (weights.into(), memory.into());
    let learned_from = std::mem::take(&mut file.learned_from);
    let memory = FeatureMemory { options, config, weights, memory, learned_from };
    memory.network().map_err(|error| file.failed(&error.to_string()))?;
    Ok(memory)
}
