//! A memory of healthy features: what has no near relative in it is abnormal.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::coreset::{greedy_coreset, nearest_distances};
use super::method_file::identity;
use crate::cohort::{Slice, SliceGrid, Subject};
use crate::context::Context;
use crate::detection::{Reconstruction, Reconstructor, Scoring};
use crate::model::convolutional::Weights;
use crate::model::{Config, Network, Parameters, PatchOrder, patch_counts, patchify};
use crate::options::setters;
use crate::scoring::LearnedFrom;
use crate::training::Model;
use crate::{Error, Result};

/// The name of the memory among the tensors of a file.
pub(super) const FEATURES: &str = "memory";

/// Share of the healthy features that the memory keeps, unless the user chooses (published).
pub const MEMORY_SHARE: f64 = 0.1;

/// Settings of a [`FeatureMemory`], as published for "PatchCore-10 %".
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureMemoryOptions {
    /// Share of the healthy features that the memory keeps, in (0, 1].
    pub share: f64,
    /// Edge of the square of patches whose features are averaged to one, an odd number; 1: no averaging.
    pub neighbourhood: usize,
}

impl Default for FeatureMemoryOptions {
    fn default() -> Self {
        Self { share: MEMORY_SHARE, neighbourhood: 3 }
    }
}

setters!(FeatureMemoryOptions {
    /// With this share of the healthy features in the memory, in (0, 1].
    share: f64,
    /// With features averaged over a square of patches with this edge, an odd number.
    neighbourhood: usize,
});

/// PatchCore (Roth et al. 2022, "Towards total recall in industrial anomaly detection") on the tokens of a
/// pretrained masked autoencoder's encoder, from which no patch is hidden here. The memory is a greedy coreset of the
/// tokens of healthy subjects' regions of interest. A patch is as abnormal as its token is far from the
/// nearest one of the memory (Euclidean distance); between the middles of the patches the distance is
/// interpolated linearly.
///
/// It reconstructs nothing: the reconstruction is the image, and both the error and the method's own measure
/// of anomaly ([`Scoring::Own`], its default) are the distance. Bright and dark lesions count alike.
#[derive(Clone, Debug)]
pub struct FeatureMemory {
    pub(super) options: FeatureMemoryOptions,
    pub(super) config: Config,
    /// The network's tensors by name.
    pub(super) weights: Arc<Weights>,
    /// (features, channels).
    pub(super) memory: Arc<Array2<f32>>,
    /// Whose images the network learned from, and whose features the memory was filled with.
    pub(super) learned_from: LearnedFrom,
}

impl FeatureMemoryOptions {
    /// Fills a memory with features of healthy subjects, whose slices are preprocessed in the model's grid. The
    /// model is not changed, and training it further does not change the memory.
    ///
    /// # Errors
    /// If an option makes no sense or there are no slices with a region of interest, and [`Error::Cancelled`]
    /// if the user interrupts.
    pub fn fill(
        &self,
        model: &Model,
        healthy: &[Arc<Subject>],
        context: &Context,
    ) -> Result<FeatureMemory> {
        self.validate()?;
        let weights: Weights = model.parameters.tensors();
        let weights: Result<Weights> = weights
            .into_iter()
            // A copy: training changes the model's own tensors in place.
            .map(|(name, tensor)| Ok((name, tensor.to_device(&Device::Cpu)?.copy()?.detach())))
            .collect();
        let nothing = Array2::zeros((0, model.config.embed_dim));
        let mut learned_from = model.learned_from.clone();
        learned_from.extend(&LearnedFrom::of_healthy(healthy));
        let empty = FeatureMemory {
            options: *self,
            config: model.config,
            weights: Arc::new(weights?),
            memory: Arc::new(nothing.clone()),
            learned_from,
        };
        let network = empty.network()?;
        let slices: Vec<&Slice> = healthy.iter().flat_map(|subject| &subject.slices).collect();
        let progress = context.progress("gather healthy features", "slice", slices.len());
        let mut all = nothing;
        for slice in slices {
            context.check()?;
            let (_, features) = empty.features(&network, slice, context)?;
            all.append(Axis(0), features.view())
                .map_err(|error| Error::input(error.to_string()))?;
            progress.advance(1, &[]);
        }
        if all.is_empty() {
            return Err(Error::input(
                "the feature memory needs healthy subjects with a region of interest",
            ));
        }
        let count = ((all.nrows() as f64 * self.share).round() as usize).max(1);
        let mut stream = context.streams.stream("feature-memory/start", &[]);
        let chosen = greedy_coreset(all.view(), count, &mut stream, context)?;
        Ok(FeatureMemory { memory: Arc::new(all.select(Axis(0), &chosen)), ..empty })
    }

    pub(super) fn validate(&self) -> Result<()> {
        if !(self.share > 0.0 && self.share <= 1.0) {
            return Err(Error::input(format!(
                "share of the feature memory must lie in (0, 1], not {}",
                self.share
            )));
        }
        if self.neighbourhood.is_multiple_of(2) {
            return Err(Error::input(format!(
                "neighbourhood of the feature memory must be an odd number, not {}",
                self.neighbourhood
            )));
        }
        Ok(())
    }
}

impl FeatureMemory {
    /// Its settings.
    pub fn settings(&self) -> &FeatureMemoryOptions {
        &self.options
    }

    /// Features in the memory.
    pub fn size(&self) -> usize {
        self.memory.nrows()
    }

    pub(super) fn network(&self) -> Result<Network> {
        let weights = (*self.weights).clone();
        let parameters = Parameters::from_tensors(&self.config, weights, &Device::Cpu)?;
        Ok(parameters.frozen_network(&self.config)?)
    }

    /// The patches of a slice's region, and the feature of each, (patches, channels).
    fn features(
        &self,
        network: &Network,
        slice: &Slice,
        context: &Context,
    ) -> Result<(Vec<usize>, Array2<f32>)> {
        slice.check_size(network.config().image, "model")?;
        let Config { patch, nearest_patches, embed_dim, .. } = self.config;
        let image = patchify(slice.image.view(), patch);
        let (count, pixels) = image.dim();
        let region = patch_counts(slice.region.view(), patch);
        let inside: Vec<usize> = (0..count).filter(|place| region[*place] > 0).collect();
        if inside.is_empty() {
            return Ok((inside, Array2::zeros((0, embed_dim))));
        }
        let all = Array2::from_shape_fn((1, count), |(_, place)| place as u32);
        let region = ArrayView2::from_shape((1, count), &region).expect("one row");
        let order = PatchOrder::new(all, count).near(region, nearest_patches);
        let images = Tensor::from_iter(image.iter().copied(), &Device::Cpu)?;
        let images = images.reshape((1, count, pixels))?;
        let tokens = network.encode(&images, &order, &context.cancel)?.get(0)?;
        let tokens = tokens.to_vec2::<f32>()?;
        // The class token comes first.
        let mut token_of = vec![None; count];
        order.visible(0).zip(&tokens[1..]).for_each(|(place, token)| token_of[place] = Some(token));
        let (grid, reach) = (self.config.grid(), self.options.neighbourhood / 2);
        let mut features = Array2::zeros((inside.len(), embed_dim));
        for (place, mut feature) in inside.iter().zip(features.rows_mut()) {
            let (row, column) = (place / grid, place % grid);
            let mut averaged = 0.0f32;
            for r in row.saturating_sub(reach)..=(row + reach).min(grid - 1) {
                for c in column.saturating_sub(reach)..=(column + reach).min(grid - 1) {
                    let Some(token) = token_of[r * grid + c] else { continue };
                    feature.iter_mut().zip(token).for_each(|(sum, value)| *sum += value);
                    averaged += 1.0;
                }
            }
            feature /= averaged;
        }
        Ok((inside, features))
    }

    /// Distances of patches as a map inside the region, linear between the patches' middles.
    fn map(&self, slice: &Slice, patches: &[usize], distances: &[f32]) -> Array2<f32> {
        let (grid, edge) = (self.config.grid(), self.config.patch as f32);
        let mut known = vec![None; grid * grid];
        patches.iter().zip(distances).for_each(|(place, distance)| known[*place] = Some(*distance));
        let neighbours = |at: usize| {
            let place = (at as f32 + 0.5) / edge - 0.5;
            let below = place.floor();
            let weight = place - below;
            [(below as isize, 1.0 - weight), (below as isize + 1, weight)]
        };
        let mut map = Array2::zeros(slice.image.dim());
        for ((row, column), _) in slice.region.indexed_iter().filter(|(_, inside)| **inside) {
            let (mut sum, mut weights) = (0.0, 0.0);
            for (r, down) in neighbours(row) {
                for (c, right) in neighbours(column) {
                    let range = 0..grid as isize;
                    if !range.contains(&r) || !range.contains(&c) {
                        continue;
                    }
                    if let Some(distance) = known[r as usize * grid + c as usize] {
                        sum += down * right * distance;
                        weights += down * right;
                    }
                }
            }
            // The pixel's own patch is one of the four, with at least a quarter of the weight.
            map[(row, column)] = sum / weights;
        }
        map
    }
}

impl Reconstructor for FeatureMemory {
    fn name(&self) -> String {
        "feature memory".to_owned()
    }

    fn identity(&self) -> String {
        // The memory follows from the features of the network, so both are what it learned.
        let features = Tensor::from_iter(self.memory.iter().copied(), &Device::Cpu);
        let mut learned = (*self.weights).clone();
        learned.extend(features.ok().map(|features| (FEATURES.to_owned(), features)));
        identity(&self.name(), &self.options, &learned)
    }

    fn grid(&self) -> Option<SliceGrid> {
        Some(self.config.slice_grid())
    }

    fn reconstructs(&self) -> bool {
        false
    }

    fn scoring(&self) -> Scoring {
        Scoring::Own
    }

    fn learned_from(&self, _scoring: Scoring) -> LearnedFrom {
        self.learned_from.clone()
    }

    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>> {
        let network = self.network()?;
        let progress = context.progress("compare with the memory", "slice", slices.len());
        let reconstruct = |slice: &&Slice| {
            context.check()?;
            let (patches, features) = self.features(&network, slice, context)?;
            let distances = nearest_distances(&features, &self.memory);
            let map = self.map(slice, &patches, &distances);
            progress.advance(1, &[]);
            Ok(Reconstruction {
                reconstruction: slice.image.clone(),
                error: map.clone(),
                variance: None,
                probability: None,
                anomaly: Some(map),
            })
        };
        slices.iter().map(reconstruct).collect()
    }
}
