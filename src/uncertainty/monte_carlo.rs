//! Monte-Carlo estimation: reconstruct every patch of the region several times under different
//! masks.

use candle_core::Tensor;
use ndarray::{Array2, Array3, ArrayView1, ArrayView2, Axis, Zip, s};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::Uncertainty;
use crate::cohort::Slice;
use crate::context::{Context, Progress, Stream};
use crate::model::{
    MASK_RATIO, Network, PatchOrder, keep_count, order_from_scores, patch_counts, patchify,
    uniform_noise, unpatchify,
};
use crate::options::Choice;
use crate::options::setters;
use crate::{Error, Result};

/// How the masks of the passes are drawn. In both, every pass hides the same share of the region's patches, and each patch
/// is as likely to be hidden as any other; with balanced passes it also depends on the passes before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Passes {
    /// Every patch is hidden at least K times in ⌈K / mask_ratio⌉ passes or barely more: each pass
    /// shows the patches shown least so far, ties broken at random.
    #[default]
    Balanced,
    /// The published loop: independent masks until every patch was hidden K times, at most 400
    /// passes.
    Independent,
}

impl Choice for Passes {
    const WHAT: &'static str = "kind of passes";
    const ALL: &'static [Self] = &[Self::Balanced, Self::Independent];

    fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Independent => "independent",
        }
    }
}

/// Settings of the estimation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonteCarlo {
    /// Reconstructions kept per patch: K (10 in the paper).
    pub samples: usize,
    /// Share of the region's patches hidden in a pass (0.75 in the paper).
    #[serde(alias = "ratio")]
    pub mask_ratio: f64,
    pub passes: Passes,
}

impl Default for MonteCarlo {
    fn default() -> Self {
        Self { samples: 10, mask_ratio: MASK_RATIO, passes: Passes::Balanced }
    }
}

setters!(MonteCarlo {
    /// With this many reconstructions kept per patch.
    samples: usize,
    /// With this share of the region's patches hidden in a pass.
    mask_ratio: f64,
});

/// Most passes of the published loop.
const MOST_PASSES: usize = 400;
/// Images that run through the network together.
const IMAGES_PER_RUN: usize = 8;

impl MonteCarlo {
    /// Whether the settings are valid.
    ///
    /// # Errors
    /// If they are not.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.samples < 2 {
            return Err(Error::input(format!(
                "a variance needs at least 2 samples, not {}",
                self.samples
            )));
        }
        if !(self.mask_ratio > 0.0 && self.mask_ratio < 1.0) {
            return Err(Error::input(format!(
                "mask_ratio must lie between 0 and 1, not {}",
                self.mask_ratio
            )));
        }
        Ok(())
    }

    /// Estimates the maps of each slice. Draws come from the stream `monte-carlo/<subject>` at
    /// (`round`, slice index), so they do not depend on which other slices are asked for.
    pub fn estimate(
        &self,
        network: &Network,
        slices: &[&Slice],
        round: u64,
        context: &Context,
    ) -> Result<Vec<Uncertainty>> {
        self.validate()?;
        let patch = network.config().patch;
        let mut orders = Vec::with_capacity(slices.len());
        for slice in slices {
            slice.check_size(network.config().image, "model")?;
            let region = patch_counts(slice.region.view(), patch);
            let name = format!("monte-carlo/{}", slice.subject);
            let mut stream = context.streams.stream(&name, &[round, slice.index as u64]);
            let order = self.draw(&region, &mut stream);
            let region = ArrayView2::from_shape((1, region.len()), &region).expect("one row");
            orders.push(order.near(region, network.config().nearest_patches));
        }
        let passes = orders.iter().map(PatchOrder::batch).sum();
        let progress = context.progress("estimating uncertainty", "pass", passes);
        if let Some(ranks) = &context.ranks {
            return self.on_ranks(ranks.as_ref(), network, slices, &orders, context, &progress);
        }
        let maps = slices
            .iter()
            .zip(&orders)
            .map(|(slice, order)| self.reconstruct(network, slice, order, context, &progress));
        maps.collect()
    }

    /// Reconstructs one slice under the masks of `order`, and the maps of each patch's first K samples.
    pub fn reconstruct(
        &self,
        network: &Network,
        slice: &Slice,
        order: &PatchOrder,
        context: &Context,
        progress: &Progress,
    ) -> Result<Uncertainty> {
        let image = patchify(slice.image.view(), network.config().patch);
        let done = |passes| progress.advance(passes, &[]);
        let samples = self.reconstructions(network, &image, order, context, done)?;
        Ok(self.maps(slice, &image, &samples, order))
    }

    /// The masks of all passes over one slice: an order with one row per pass.
    fn draw(&self, region: &[u32], stream: &mut Stream) -> PatchOrder {
        let view = ArrayView2::from_shape((1, region.len()), region).expect("one row");
        let keep = keep_count(view, self.mask_ratio);
        match self.passes {
            Passes::Balanced => balanced(region, keep, self.samples, stream),
            Passes::Independent => {
                let inside: Vec<usize> = indices(region, |pixels| pixels > 0);
                let mut hidden = vec![0; region.len()];
                let mut rows = Vec::new();
                while rows.len() < MOST_PASSES && inside.iter().any(|p| hidden[*p] < self.samples) {
                    let noise = uniform_noise((1, region.len()), stream);
                    let order = order_from_scores(noise.view(), view, keep);
                    order.hidden(0).for_each(|patch| hidden[patch] += 1);
                    rows.push(order.order().row(0).to_owned());
                    if order.hidden(0).next().is_none() {
                        break; // the region is too small for anything to be hidden
                    }
                }
                stack(&rows.iter().map(|row| row.view()).collect::<Vec<_>>(), region.len(), keep)
            }
        }
    }

    /// Reconstructs an image (L, patch²) under the masks of `order` and gathers each patch's first K samples:
    /// (K, L, patch²), 0 where a patch has fewer. `done` hears of passes as they end.
    pub(super) fn reconstructions(
        &self,
        network: &Network,
        image: &Array2<f32>,
        order: &PatchOrder,
        context: &Context,
        mut done: impl FnMut(usize),
    ) -> Result<Array3<f32>> {
        let (count, pixels) = image.dim();
        let mut samples = Array3::<f32>::zeros((self.samples, count, pixels));
        let mut seen = vec![0usize; count];
        let tensor = Tensor::from_iter(image.iter().copied(), &context.device)?;
        let tensor = tensor.reshape((1, count, pixels))?;
        for from in (0..order.batch()).step_by(IMAGES_PER_RUN) {
            context.check()?;
            let run = order.images(from, order.batch().min(from + IMAGES_PER_RUN));
            let batch = tensor.broadcast_as((run.batch(), count, pixels))?.contiguous()?;
            let reconstructed = network.reconstruct(&batch, &run, &context.cancel)?.contiguous()?;
            let reconstructed = reconstructed.flatten_all()?.to_vec1::<f32>()?;
            let reconstructed = Array3::from_shape_vec((run.batch(), count, pixels), reconstructed)
                .map_err(|error| {
                    Error::input(format!(
                        "the network reconstructed patches of the wrong size: {error}"
                    ))
                })?;
            for pass in 0..run.batch() {
                for patch in run.hidden(pass) {
                    if seen[patch] < self.samples {
                        let drawn = reconstructed.slice(s![pass, patch, ..]);
                        samples.slice_mut(s![seen[patch], patch, ..]).assign(&drawn);
                        seen[patch] += 1;
                    }
                }
            }
            done(run.batch());
        }
        Ok(samples)
    }

    /// Variance, mean and error maps of a slice from what [`Self::reconstructions`] gathered.
    pub(super) fn maps(
        &self,
        slice: &Slice,
        image: &Array2<f32>,
        samples: &Array3<f32>,
        order: &PatchOrder,
    ) -> Uncertainty {
        let mut seen = vec![0usize; order.patches()];
        (0..order.batch()).flat_map(|pass| order.hidden(pass)).for_each(|patch| seen[patch] += 1);
        seen.iter_mut().for_each(|seen| *seen = self.samples.min(*seen));
        let patch = (image.ncols()).isqrt();
        maps(slice, image, samples, &seen, patch, order.batch())
    }
}

/// Variance, mean and error maps from the samples (K, L, patch²), of which each patch has `seen`.
fn maps(
    slice: &Slice,
    image: &Array2<f32>,
    samples: &Array3<f32>,
    seen: &[usize],
    patch: usize,
    passes: usize,
) -> Uncertainty {
    let mut mean = image.clone();
    let mut variance = Array2::zeros(image.dim());
    for (index, count) in seen.iter().enumerate().filter(|(_, count)| **count > 0) {
        let drawn = samples.slice(s![..*count, index, ..]);
        for (pixel, values) in drawn.axis_iter(Axis(1)).enumerate() {
            let average = values.iter().map(|v| f64::from(*v)).sum::<f64>() / *count as f64;
            let spread = values.iter().map(|v| (f64::from(*v) - average).powi(2)).sum::<f64>();
            mean[[index, pixel]] = average as f32;
            variance[[index, pixel]] = (spread / *count as f64) as f32;
        }
    }
    let inside = slice.region.mapv(|inside| if inside { 1.0 } else { 0.0 });
    let mut mean = unpatchify(mean.view(), patch);
    // Patches at the region's edge are hidden as a whole, but nothing was learned of what lies outside of it.
    Zip::from(&mut mean).and(&slice.image).and(&slice.region).for_each(|mean, image, inside| {
        if !inside {
            *mean = *image;
        }
    });
    let error = (&slice.image - &mean).mapv(f32::abs) * &inside;
    Uncertainty { variance: unpatchify(variance.view(), patch) * &inside, mean, error, passes }
}

/// Passes in which every patch of the region is hidden at least `samples` times, as few as that
/// takes. The rule treats all patches alike, so each pass by itself is a uniform draw.
fn balanced(region: &[u32], keep: usize, samples: usize, stream: &mut Stream) -> PatchOrder {
    let mut inside = indices(region, |pixels| pixels > 0);
    let outside = indices(region, |pixels| pixels == 0);
    let shown = keep.saturating_sub(outside.len()); // of the region's patches, per pass
    if inside.is_empty() || shown >= inside.len() {
        return PatchOrder::new(Array2::zeros((0, region.len())), keep);
    }
    let mut times_shown = vec![0usize; region.len()];
    let mut rows = Vec::new();
    while rows.len() < samples + inside.iter().map(|p| times_shown[*p]).max().unwrap_or(0) {
        inside.shuffle(stream);
        inside.sort_by_key(|patch| times_shown[*patch]); // stable: ties stay shuffled
        inside[..shown].iter().for_each(|patch| times_shown[*patch] += 1);
        let row = outside.iter().chain(&inside).map(|patch| *patch as u32);
        rows.push(row.collect::<Vec<_>>());
    }
    stack(&rows.iter().map(ArrayView1::from).collect::<Vec<_>>(), region.len(), keep)
}

fn indices(region: &[u32], wanted: impl Fn(u32) -> bool) -> Vec<usize> {
    (0..region.len()).filter(|index| wanted(region[*index])).collect()
}

fn stack(rows: &[ArrayView1<u32>], patches: usize, keep: usize) -> PatchOrder {
    let mut order = Array2::zeros((rows.len(), patches));
    for (mut target, row) in order.axis_iter_mut(Axis(0)).zip(rows) {
        target.assign(row);
    }
    PatchOrder::new(order, keep)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Streams;

    #[test]
    fn balanced_passes_hide_every_patch_often_enough_in_the_fewest_passes() {
        for (count, passes) in [(51, 14), (4, 14), (8, 14), (100, 14)] {
            let region: Vec<u32> = (0..count + 20).map(|p| u32::from(p >= 20)).collect();
            let settings = MonteCarlo::default();
            let order = settings.draw(&region, &mut Streams::new(1).stream("test", &[]));
            let mut hidden = vec![0; region.len()];
            (0..order.batch()).flat_map(|pass| order.hidden(pass)).for_each(|p| hidden[p] += 1);
            assert!(hidden[..20].iter().all(|times| *times == 0));
            assert!(hidden[20..].iter().all(|times| *times >= 10), "{count}: {hidden:?}");
            assert!(order.batch() <= passes, "{count} patches took {} passes", order.batch());
        }
    }

    #[test]
    fn each_balanced_pass_is_a_uniform_draw() {
        // Every pair of patches must be equally likely to be hidden together, in every pass.
        let region = [0, 1, 1, 1, 1, 1];
        let settings = MonteCarlo { samples: 4, mask_ratio: 0.6, ..MonteCarlo::default() };
        let mut stream = Streams::new(2).stream("test", &[]);
        let trials = 6000;
        let mut together = vec![[[0f64; 6]; 6]; 4];
        for _ in 0..trials {
            let order = settings.draw(&region, &mut stream);
            for (pass, counts) in together.iter_mut().enumerate() {
                let hidden: Vec<usize> = order.hidden(pass).collect();
                assert_eq!(hidden.len(), 3);
                for a in &hidden {
                    hidden.iter().for_each(|b| counts[*a][*b] += 1.0 / f64::from(trials));
                }
            }
        }
        for counts in together {
            for (a, row) in counts.iter().enumerate().skip(1) {
                for (b, share) in row.iter().enumerate().skip(1) {
                    let expected = if a == b { 0.6 } else { 0.3 };
                    assert!((share - expected).abs() < 0.03, "{a} {b}: {share}");
                }
            }
        }
    }

    #[test]
    fn independent_passes_stop_when_every_patch_was_hidden_often_enough() {
        let region: Vec<u32> = (0..60).map(|p| u32::from(p >= 9)).collect();
        let settings = MonteCarlo { passes: Passes::Independent, ..MonteCarlo::default() };
        let order = settings.draw(&region, &mut Streams::new(3).stream("test", &[]));
        assert!((15..25).contains(&order.batch()), "{} passes", order.batch());
        let empty = settings.draw(&[0; 60], &mut Streams::new(3).stream("test", &[]));
        assert_eq!(empty.batch(), 0);
    }

    #[test]
    fn one_sample_is_refused() {
        let error = MonteCarlo { samples: 1, ..Default::default() }.validate().unwrap_err();
        assert_eq!(error.to_string(), "a variance needs at least 2 samples, not 1");
    }
}
