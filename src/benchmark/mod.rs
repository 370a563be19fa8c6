//! Timings of the steps that cost the most, on a batch that any implementation can rebuild: the
//! images and regions of the reference implementation's own benchmark (no noise seed in common,
//! but the same shapes, the same regions and so the same amount of work).

mod operation;
mod roofline;
mod toy;

pub use operation::{Operation, time_operation};
pub use roofline::{KernelTime, Roofline, roofline};
pub use toy::toy_batch;

use std::path::Path;
use std::time::Instant;

use candle_core::Tensor;
use serde::Serialize;

use crate::cohort::{Cohort, LoadOptions, Slice};
use crate::context::{Context, device_name};
use crate::masking::MaskSampler;
use crate::model::{Config, PatchOrder, patchify};
use crate::ops::peak_resident_bytes;
use crate::statistics::median;
use crate::training::{Model, Stage, Target, TrainingOptions, augmented, train_epoch};
use crate::uncertainty::MonteCarlo;
use crate::{Error, Result};

/// One benchmark's result, as `u2ad bench --json` prints it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// "train": one step on a batch; "image": one pass of one image; "mc": the Monte-Carlo maps of
    /// a batch of slices; "batch": augmentation, masks and targets of a batch; "load": loading and
    /// preparing a cohort.
    pub what: &'static str,
    /// "cpu", "cuda" or "metal".
    pub device: &'static str,
    pub median_s: f64,
    pub min_s: f64,
    /// Highest resident memory of the process so far, MB; `None` if the system does not report it.
    pub peak_rss_mb: Option<f64>,
    pub threads: usize,
    pub batch_size: usize,
    /// Network passes per run, for "mc".
    pub passes: Option<usize>,
    pub runs: usize,
    pub config: Config,
}

/// Times `runs` training steps on a batch, after an untimed warm-up.
pub fn train(config: Config, batch: usize, runs: usize, context: &Context) -> Result<Timing> {
    let slices = toy_batch(&config, batch);
    let slices: Vec<&Slice> = slices.iter().collect();
    let mut model = Model::new(config, context)?;
    let sampler = MaskSampler::random(config.patch);
    let options =
        TrainingOptions { batch_size: batch, augment: false, ..TrainingOptions::default() };
    let times = time(runs, context, || {
        train_epoch(&mut model, &slices, &sampler, Stage::Pretrain, &options, context).map(|_| ())
    })?;
    Ok(timing("train", times, batch, None, config, context))
}

/// Times one pass of one image through the network, without a graph.
pub fn image(config: Config, runs: usize, context: &Context) -> Result<Timing> {
    let slices = toy_batch(&config, 1);
    let network = Model::new(config, context)?.frozen()?;
    let order = masks(&config, &[&slices[0]], 0, context)?;
    let patches = patchify(slices[0].image.view(), config.patch);
    let shape = (1, patches.nrows(), patches.ncols());
    let patches = Tensor::from_iter(patches, &context.device)?.reshape(shape)?;
    let times = time(runs, context, || {
        network.forward(&patches, &order, &context.cancel)?;
        Ok(())
    })?;
    Ok(timing("image", times, 1, Some(1), config, context))
}

/// Times what a training step needs before the network: augmentation, masks and targets.
pub fn assemble(config: Config, batch: usize, runs: usize, context: &Context) -> Result<Timing> {
    let slices = toy_batch(&config, batch);
    let slices: Vec<&Slice> = slices.iter().collect();
    let mut number = 0;
    let times = time(runs, context, || {
        number += 1;
        let masks = masks(&config, &slices, number, context)?;
        let images = augmented(&slices, [1, number], context);
        Target::new(&images, &slices, &masks, masks.hidden_patches(), config.patch)?;
        Ok(())
    })?;
    Ok(timing("batch", times, batch, None, config, context))
}

/// Times the Monte-Carlo maps (K = `samples`) of a batch of slices.
pub fn monte_carlo(
    config: Config,
    batch: usize,
    samples: usize,
    runs: usize,
    context: &Context,
) -> Result<Timing> {
    let slices = toy_batch(&config, batch);
    let slices: Vec<&Slice> = slices.iter().collect();
    let network = Model::new(config, context)?.frozen()?;
    let settings = MonteCarlo { samples, ..MonteCarlo::default() };
    let mut passes = 0;
    let times = time(runs, context, || {
        let maps = settings.estimate(&network, &slices, 0, context)?;
        passes = maps.iter().map(|map| map.passes).sum();
        Ok(())
    })?;
    Ok(timing("mc", times, batch, Some(passes), config, context))
}

/// Times loading and preparing every subject of a cohort; `batch` of the result counts subjects.
pub fn load(path: &Path, config: Config, runs: usize, context: &Context) -> Result<Timing> {
    let options = LoadOptions { grid: config.slice_grid(), ..LoadOptions::default() };
    let mut subjects = 0;
    let times = time(runs, context, || {
        let cohort = Cohort::load(path, &options, context)?;
        subjects = cohort.subjects(context)?.len();
        Ok(())
    })?;
    Ok(timing("load", times, subjects, None, config, context))
}

/// Random masks of a batch, as training draws them.
fn masks(config: &Config, slices: &[&Slice], number: u64, context: &Context) -> Result<PatchOrder> {
    let mut stream = context.streams.stream("masking", &[number]);
    let mask_ratio = TrainingOptions::default().mask_ratio;
    MaskSampler::random(config.patch).draw(slices, mask_ratio, config.nearest_patches, &mut stream)
}

/// Sorted seconds of `runs` runs. A device works on after the calls that give it work: its clock stops when
/// all of it is done.
fn time(runs: usize, context: &Context, mut run: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
    let mut run = || {
        run()?;
        Ok::<_, Error>(context.device.synchronize()?)
    };
    if runs == 0 {
        return Err(Error::input("a benchmark needs at least 1 run"));
    }
    run()?; // warm-up: allocations, thread pool, kernels of a device
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn timing(
    what: &'static str,
    times: Vec<f64>,
    batch: usize,
    passes: Option<usize>,
    config: Config,
    context: &Context,
) -> Timing {
    Timing {
        what,
        device: device_name(&context.device),
        median_s: median(times.iter().copied()).unwrap_or(f64::NAN),
        min_s: times[0],
        peak_rss_mb: peak_resident_bytes().map(|bytes| bytes as f64 / (1 << 20) as f64),
        threads: rayon::current_num_threads(),
        batch_size: batch,
        passes,
        runs: times.len(),
        config,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_benchmarks_run_and_count_their_passes() {
        let config = Config { image: 64, depth: 1, decoder_depth: 1, ..Config::small() };
        let context = Context::new(0);
        let train = train(config, 2, 2, &context).unwrap();
        assert_eq!(train.device, "cpu");
        assert!(train.min_s > 0.0 && train.min_s <= train.median_s);
        let timing = monte_carlo(config, 2, 3, 1, &context).unwrap();
        assert_eq!(timing.passes, Some(2 * 4), "3 samples at a ratio of 0.75 take 4 passes");
        assert_eq!(image(config, 1, &context).unwrap().passes, Some(1));
        assert!(assemble(config, 2, 1, &context).unwrap().min_s > 0.0);
        assert!(super::train(config, 2, 0, &context).is_err());
    }
}
