//! Trains the segmentation network on slices of random people under random contrasts.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::Array4;
use rand::RngExt;
use rayon::prelude::*;

use super::loss::loss;
use super::outputs::{Inputs, Outputs};
use super::sample::{Sample, sample};
use crate::context::{Context, Streams};
use crate::files::{read_regular, write_whole};
use crate::model::convolutional::{
    Shapes, TrainableWeights, Weights, batch, deep_unet, initial, weights_of,
};
use crate::phantom::{RandomisedSlice, RealShape, randomised_slice};
use crate::{Error, Result};

/// Rows and columns of a training image, mm: multiples of the network's step.
const SIZE: (usize, usize) = (208, 176);
const KEPT_EVERY: usize = 250;
const REPORT_EVERY: usize = 25;
/// What a fresh network says: most pixels are neither cord nor disc.
const FIRST_LOGIT: f32 = -3.0;

/// The settings of a training.
#[derive(Clone, Copy, Debug)]
pub struct SegmentationTraining {
    /// Steps of the optimiser.
    pub steps: usize,
    /// Images per step.
    pub batch_size: usize,
    /// Channels at full resolution, a multiple of 4.
    pub width: usize,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Slices that are kept to be seen again under another contrast.
    pub pool: usize,
    /// Slices of the pool that are replaced at every step.
    pub fresh: usize,
}

impl Default for SegmentationTraining {
    fn default() -> Self {
        Self { steps: 6000, batch_size: 8, width: 12, learning_rate: 3e-3, pool: 256, fresh: 2 }
    }
}

impl SegmentationTraining {
    /// Trains from the weights in the file `from`, or from fresh ones, and writes them to `out`; every 250 steps
    /// they are written as they are then. The learning rate rises and falls anew either way (a warm restart,
    /// Loshchilov and Hutter 2017). `anatomies` is a folder with masks of real cords (`NAME_seg-manual.nii.gz`) and of
    /// the fluid around them (`NAME_csfseg-manual.nii.gz`), whose shapes some of the slices get. `report` receives
    /// the step and the mean loss since the last report.
    ///
    /// # Errors
    /// If a file cannot be read or written, its weights are those of another network, or the training is
    /// cancelled.
    pub fn train(
        &self,
        from: Option<&Path>,
        anatomies: Option<&Path>,
        out: &Path,
        context: &Context,
        mut report: impl FnMut(usize, f64),
    ) -> Result<()> {
        let mut sum = 0.0;
        let shapes = deep_unet::shapes(Inputs::COUNT, self.width, Outputs::COUNT);
        let first = match from {
            Some(file) => read(file, &shapes)?,
            None => {
                let mut stream = context.streams.stream("segmentation/initialisation", &[]);
                initial(&shapes, &[(deep_unet::OUTPUT_BIAS, FIRST_LOGIT)], &mut stream)?
            }
        };
        let anatomies = anatomies.map_or_else(|| Ok(Vec::new()), RealShape::read_all)?;
        let weights = self.run(first, &anatomies, context, |step, loss, network| {
            sum += loss;
            if (step + 1).is_multiple_of(REPORT_EVERY) {
                report(step + 1, sum / REPORT_EVERY as f64);
                sum = 0.0;
            }
            if (step + 1).is_multiple_of(KEPT_EVERY) {
                write(&network.detached(), out)?;
            }
            Ok(())
        })?;
        write(&weights, out)
    }

    /// Trains from these weights. `report` is called after each step with the loss and the weights.
    fn run(
        &self,
        first: Weights,
        anatomies: &[RealShape],
        context: &Context,
        mut report: impl FnMut(usize, f64, &TrainableWeights) -> Result<()>,
    ) -> Result<Weights> {
        let streams = &context.streams;
        let mut network = TrainableWeights::new(first)?;
        let mut pool = drawn(streams, 0, self.pool, anatomies);
        let mut next = self.pool;
        for step in 0..self.steps {
            context.check()?;
            for slice in drawn(streams, next, self.fresh, anatomies) {
                let place = next % self.pool;
                pool[place] = slice;
                next += 1;
            }
            let samples = self.samples(&pool, streams, step as u64);
            let images: Vec<_> = samples.iter().map(|sample| sample.inputs.clone()).collect();
            let logits = deep_unet::outputs(&network.weights(), &batch(&images, &Device::Cpu)?)?;
            let shape = logits.dims4()?;
            let values = logits.flatten_all()?.to_vec1::<f32>()?;
            let values = Array4::from_shape_vec(shape, values)
                .map_err(|error| Error::input(error.to_string()))?;
            let (value, gradient) = loss(&values, &samples);
            // A loss whose gradient is the one computed: the product of both, summed.
            let (gradient, _) = gradient.into_raw_vec_and_offset();
            let gradient = Tensor::from_vec(gradient, shape, &Device::Cpu)?;
            let surrogate = (logits * gradient)?.sum_all()?;
            network.step(&surrogate, self.learning_rate, self.steps)?;
            report(step, value, &network)?;
        }
        Ok(network.detached())
    }

    fn samples(&self, pool: &[RandomisedSlice], streams: &Streams, step: u64) -> Vec<Sample> {
        let one = |number: usize| {
            let mut stream = streams.stream("segmentation/sample", &[step, number as u64]);
            let slice = &pool[stream.random_range(0..pool.len())];
            sample(slice, &mut stream)
        };
        (0..self.batch_size).into_par_iter().map(one).collect()
    }
}

/// Reads the weights that an earlier training wrote.
fn read(file: &Path, shapes: &Shapes) -> Result<Weights> {
    let bytes = read_regular(file)?;
    let weights = weights_of(&bytes)?;
    let fits = weights.len() == shapes.len()
        && shapes.iter().all(|(name, shape)| {
            weights.get(name).is_some_and(|tensor| tensor.dims() == shape.as_slice())
        });
    if fits { Ok(weights) } else { Err(Error::file(file, "holds weights of another network")) }
}

/// Writes weights in half precision: the file ships inside the program.
fn write(weights: &Weights, out: &Path) -> Result<()> {
    let half = weights
        .iter()
        .map(|(name, tensor)| Ok((name.clone(), tensor.to_dtype(DType::F16)?)))
        .collect::<candle_core::Result<BTreeMap<_, _>>>()?;
    let bytes =
        safetensors::serialize(&half, None).map_err(|error| Error::file(out, error.to_string()))?;
    write_whole(out, &bytes)
}

/// Slices `first`, `first + 1`, … of the endless series.
fn drawn(
    streams: &Streams,
    first: usize,
    count: usize,
    anatomies: &[RealShape],
) -> Vec<RandomisedSlice> {
    let one = |number: usize| {
        let mut stream = streams.stream("segmentation/slice", &[number as u64]);
        randomised_slice(&mut stream, SIZE, anatomies)
    };
    (first..first + count).into_par_iter().map(one).collect()
}
