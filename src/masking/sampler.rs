//! Draws the masks of a cohort from its uncertainty: the variance of each patch of a slice, and
//! which patches are spared.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::scores::{BatchStatistics, MaskingStrategy, Normalisation, TEMPERATURE, draw_order};
use crate::cohort::Slice;
use crate::context::Stream;
use crate::model::{PatchOrder, patch_counts, patch_sums, uniform_noise};
use crate::uncertainty::{IslandRule, Uncertainty};
use crate::{Error, Result};

/// What the masks of one slice depend on; each vector has L entries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PatchStatistics {
    /// Sum of the Monte-Carlo variance over the patch.
    pub variance: Vec<f32>,
    /// Whether the patch holds a high-error island.
    pub spared: Vec<bool>,
    /// A hash of the image and region of the slice; `None` in files of earlier versions, whose masks are not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<String>,
}

/// A masking strategy with the statistics it needs. Masks themselves are drawn anew at every batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaskSampler {
    pub strategy: MaskingStrategy,
    pub normalisation: Normalisation,
    /// Temperature of the softmax over patch variances (τ, 1 in the paper).
    pub temperature: f64,
    /// Edge of a patch, pixels.
    pub patch: usize,
    /// Mean Monte-Carlo variance inside the regions of the slices.
    pub mean_variance: Option<f64>,
    /// Mean Monte-Carlo |error| inside the regions of the slices.
    pub mean_error: Option<f64>,
    #[serde(with = "as_pairs")]
    slices: BTreeMap<(Arc<str>, usize), PatchStatistics>,
}

/// Serialises a map whose keys are not strings as a list of pairs for JSON.
mod as_pairs {
    use super::*;

    type Slices = BTreeMap<(Arc<str>, usize), PatchStatistics>;

    pub fn serialize<S: Serializer>(
        slices: &Slices,
        to: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        to.collect_seq(
            slices.iter().map(|((subject, index), statistics)| (&**subject, index, statistics)),
        )
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> std::result::Result<Slices, D::Error> {
        let pairs = Vec::<(String, usize, PatchStatistics)>::deserialize(from)?;
        let keyed = |(subject, index, statistics): (String, usize, _)| {
            ((subject.into(), index), statistics)
        };
        Ok(pairs.into_iter().map(keyed).collect())
    }
}

impl MaskSampler {
    /// Uniform masks: what pretraining uses.
    pub fn random(patch: usize) -> Self {
        Self {
            strategy: MaskingStrategy::Random,
            normalisation: Normalisation::default(),
            temperature: TEMPERATURE,
            patch,
            mean_variance: None,
            mean_error: None,
            slices: BTreeMap::new(),
        }
    }

    /// Masks that follow the uncertainty of each slice.
    pub fn from_uncertainty<'a>(
        strategy: MaskingStrategy,
        maps: impl IntoIterator<Item = (&'a Slice, &'a Uncertainty)>,
        patch: usize,
    ) -> Self {
        let (mut variance, mut error, mut pixels) = (0.0, 0.0, 0usize);
        let slices = maps.into_iter().map(|(slice, map)| {
            variance += map.variance.iter().map(|v| f64::from(*v)).sum::<f64>();
            error += map.error.iter().map(|v| f64::from(*v)).sum::<f64>();
            pixels += slice.region.iter().filter(|inside| **inside).count();
            let islands = IslandRule::default().filter(&map.error);
            let spared = patch_sums(islands.view(), patch).into_iter().map(|sum| sum > 0.0);
            let statistics = PatchStatistics {
                variance: patch_sums(map.variance.view(), patch),
                spared: spared.collect(),
                made_of: Some(slice.content_hash()),
            };
            ((slice.subject.clone(), slice.index), statistics)
        });
        let slices = slices.collect();
        let mean = |sum: f64| (pixels > 0).then(|| sum / pixels as f64);
        let (mean_variance, mean_error) = (mean(variance), mean(error));
        Self { strategy, slices, mean_variance, mean_error, ..Self::random(patch) }
    }

    /// Another temperature of the softmax; must be positive.
    pub fn with_temperature(mut self, temperature: f64) -> Result<Self> {
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(Error::input(format!("temperature must be positive, not {temperature}")));
        }
        self.temperature = temperature;
        Ok(self)
    }

    /// Another normalisation of patch variances.
    pub fn with_normalisation(mut self, normalisation: Normalisation) -> Self {
        self.normalisation = normalisation;
        self
    }

    /// The statistics of one slice, if there are any.
    pub fn slice(&self, slice: &Slice) -> Option<&PatchStatistics> {
        self.slices.get(&(slice.subject.clone(), slice.index))
    }

    /// Whether these are the slices that the masks were made for. Slices without masks pass: [`Self::draw`] tells of
    /// them.
    ///
    /// # Errors
    /// For the first slice whose image or region is another one.
    pub(crate) fn check_made_for(&self, slices: &[&Slice]) -> Result<()> {
        let is_other = |slice: &&&Slice| {
            let made_of = self.slice(slice).and_then(|statistics| statistics.made_of.as_ref());
            made_of.is_some_and(|made_of| *made_of != slice.content_hash())
        };
        match slices.iter().find(is_other) {
            None => Ok(()),
            Some(slice) => Err(Error::input(format!(
                "the masks of {} were made for another image, region or grid; estimate the uncertainty of this \
                 cohort and regenerate them",
                slice.subject
            ))),
        }
    }

    /// Number of slices with statistics.
    pub fn len(&self) -> usize {
        self.slices.len()
    }

    /// Whether no slice has statistics, as for random masks.
    pub fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Draws the masks of a batch, which hide `mask_ratio` of the regions' patches on average. Of the visible patches
    /// `nearest` take part, as [`PatchOrder::near`] chooses them; 0 stands for all.
    pub fn draw(
        &self,
        batch: &[&Slice],
        mask_ratio: f64,
        nearest: usize,
        stream: &mut Stream,
    ) -> Result<PatchOrder> {
        let region = region_counts(batch, self.patch);
        let (shape, patches) = (region.dim(), region.ncols());
        let mut variance = Array2::zeros(shape);
        let mut spared = Array2::from_elem(shape, false);
        for (row, slice) in batch.iter().enumerate() {
            if self.strategy == MaskingStrategy::Random {
                continue;
            }
            let statistics = self.slice(slice).ok_or_else(|| {
                Error::subject(
                    &*slice.subject,
                    format!(
                        "slice {} has no uncertainty for its masks; \
                         estimate the uncertainty of this cohort and regenerate the masks",
                        slice.index
                    ),
                )
            })?;
            if statistics.variance.len() != patches {
                return Err(Error::subject(
                    &*slice.subject,
                    format!(
                        "the masks were made for {} patches but the slice has {patches}",
                        statistics.variance.len()
                    ),
                ));
            }
            variance.row_mut(row).assign(&ArrayView1::from(&statistics.variance));
            spared.row_mut(row).assign(&ArrayView1::from(&statistics.spared));
        }
        let statistics = BatchStatistics {
            region: region.view(),
            variance: variance.view(),
            spared: spared.view(),
        };
        let noise = uniform_noise(shape, stream);
        let (normalisation, temperature) = (self.normalisation, self.temperature);
        let order = draw_order(
            self.strategy,
            normalisation,
            temperature,
            noise.view(),
            &statistics,
            mask_ratio,
        );
        Ok(order.near(region.view(), nearest))
    }
}

/// Pixels of the region in each patch of some slices of one size: (N, L).
fn region_counts(batch: &[&Slice], patch: usize) -> Array2<u32> {
    let size = batch.first().map_or(0, |slice| slice.size());
    let mut counts = Array2::zeros((batch.len(), (size / patch).pow(2)));
    for (mut row, slice) in counts.rows_mut().into_iter().zip(batch) {
        row.assign(&ArrayView1::from(&patch_counts(slice.region.view(), patch)));
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(brightness: f32, inside: bool) -> Slice {
        let mask = || Array2::from_elem((8, 8), inside);
        Slice {
            subject: "sub-014".into(),
            index: 3,
            voxels: None,
            image: Array2::from_elem((8, 8), brightness),
            cord: mask(),
            csf: mask(),
            region: mask(),
            scoring: mask(),
            lesion: None,
            pixel_spacing_mm: (1.0, 1.0),
        }
    }

    fn sampler(slice: &Slice) -> MaskSampler {
        let map = || Array2::from_elem((8, 8), 0.5);
        let maps = Uncertainty { variance: map(), mean: map(), error: map(), passes: 2 };
        MaskSampler::from_uncertainty(MaskingStrategy::Eu, [(slice, &maps)], 4)
    }

    #[test]
    fn masks_of_another_image_or_region_of_the_same_name_are_refused() {
        let made_for = slice(0.5, true);
        let sampler = sampler(&made_for);
        sampler.check_made_for(&[&made_for]).unwrap();
        for other in [slice(0.25, true), slice(0.5, false)] {
            let error = sampler.check_made_for(&[&made_for, &other]).unwrap_err().to_string();
            assert!(
                error.starts_with("the masks of sub-014 were made for another image"),
                "{error}"
            );
        }
        let stranger = Slice { index: 4, ..slice(0.25, true) };
        sampler.check_made_for(&[&stranger]).unwrap();
    }

    #[test]
    fn masks_of_earlier_versions_are_read_and_not_checked() {
        let sampler = sampler(&slice(0.5, true));
        let mut json = serde_json::to_value(&sampler).unwrap();
        assert_eq!(serde_json::from_value::<MaskSampler>(json.clone()).unwrap(), sampler);
        let statistics = json["slices"][0][2].as_object_mut().unwrap();
        assert!(statistics.remove("made_of").is_some());
        let earlier: MaskSampler = serde_json::from_value(json).unwrap();
        earlier.check_made_for(&[&slice(0.25, true)]).unwrap();
    }
}
