//! All baselines as one type: what a session holds and a file may hold.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::method_file::{MethodFile, write_method};
use super::slice_network::{SliceNetwork, Trained, validate};
use super::{
    ConvolutionalAutoencoder, ConvolutionalTraining, DenoisingAutoencoder, DenoisingTraining,
    IntensityThreshold,
};
use crate::Result;
use crate::cohort::SliceGrid;
use crate::detection::Reconstructor;
use crate::model::convolutional::Window;

/// A method to compare with, trained if it needs training.
#[derive(Clone, Debug)]
pub enum Baseline {
    IntensityThreshold(IntensityThreshold),
    DenoisingAutoencoder(DenoisingAutoencoder),
    ConvolutionalAutoencoder(ConvolutionalAutoencoder),
}

/// Most pixels along the edge of a slice.
const LARGEST: usize = 4096;
/// Name of the intensity threshold in files.
const THRESHOLD: &str = "intensity threshold";

impl Baseline {
    /// The method itself.
    pub fn reconstructor(&self) -> &dyn Reconstructor {
        match self {
            Self::IntensityThreshold(method) => method,
            Self::DenoisingAutoencoder(method) => method,
            Self::ConvolutionalAutoencoder(method) => method,
        }
    }

    /// Mean loss of every epoch of its training; empty if it is not trained by epochs.
    pub fn losses(&self) -> &[f64] {
        match self {
            Self::IntensityThreshold(_) => &[],
            Self::DenoisingAutoencoder(method) => method.losses(),
            Self::ConvolutionalAutoencoder(method) => method.losses(),
        }
    }

    /// Saves its settings and what it learned. Atomic.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        match self {
            Self::IntensityThreshold(method) => {
                write_method(path, THRESHOLD, method, &BTreeMap::new())
            }
            Self::DenoisingAutoencoder(method) => write(path, method),
            Self::ConvolutionalAutoencoder(method) => write(path, method),
        }
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
            name => Err(file.failed(&format!("it does not know the method \"{name}\""))),
        }
    }
}

/// The settings of a network in a file.
#[derive(Serialize, Deserialize)]
struct NetworkSettings<N> {
    network: N,
    grid: SliceGrid,
    losses: Vec<f64>,
}

fn write<N: SliceNetwork>(path: &Path, method: &Trained<N>) -> Result<()> {
    let Trained { network, grid, losses, weights } = method;
    let settings =
        NetworkSettings { network: network.clone(), grid: *grid, losses: losses.clone() };
    write_method(path, N::NAME, &settings, weights)
}

fn read<N: SliceNetwork>(mut file: MethodFile) -> Result<Trained<N>> {
    let NetworkSettings { network, grid, losses } = file.settings::<NetworkSettings<N>>()?;
    validate(&network).map_err(|error| file.failed(&error.to_string()))?;
    if !(1..=LARGEST).contains(&grid.size) {
        return Err(file.failed(&format!("its slices have {} pixels", grid.size)));
    }
    let weights = file.take(&network.shapes(Window::padded_on(grid.size, N::STEP)))?;
    Ok(Trained { network, weights: weights.into(), grid, losses })
}
