//! Masking strategies: the score that each gives a patch.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::model::{PatchOrder, keep_count, order_from_scores};
use crate::options::Choice;

/// How hidden patches are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskingStrategy {
    /// Uniformly.
    #[default]
    Random,
    /// By epistemic uncertainty, in the paper's reading.
    Eu,
    /// By epistemic uncertainty, sparing patches of high aleatoric error.
    Au,
    /// The published code's rule for EU.
    EuPublished,
    /// The published code's rule for AU.
    AuPublished,
}

impl Choice for MaskingStrategy {
    const WHAT: &'static str = "strategy";
    const ALL: &'static [Self] =
        &[Self::Random, Self::Eu, Self::Au, Self::EuPublished, Self::AuPublished];

    fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Eu => "eu",
            Self::Au => "au",
            Self::EuPublished => "eu-published",
            Self::AuPublished => "au-published",
        }
    }
}

impl MaskingStrategy {
    /// Whether patches with a high-error island are spared.
    fn spares_islands(self) -> bool {
        matches!(self, Self::Au | Self::AuPublished)
    }
}

/// Temperature of the softmax over patch variances, unless the user chooses (τ = 1 in the paper).
pub const TEMPERATURE: f64 = 1.0;

/// How patch variances become logits of the paper's softmax. Raw variances are small (0.001 to
/// 0.1), so with a temperature of 1 the guidance would be close to uniform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// Zero mean and unit deviation over the patches of each slice's region.
    #[default]
    Standardised,
    /// As they are, as written in the paper.
    Raw,
}

impl Choice for Normalisation {
    const WHAT: &'static str = "normalisation";
    const ALL: &'static [Self] = &[Self::Standardised, Self::Raw];

    fn name(self) -> &'static str {
        match self {
            Self::Standardised => "standardised",
            Self::Raw => "raw",
        }
    }
}

/// What the scores of one batch depend on; every array is (N, L).
pub struct BatchStatistics<'a> {
    /// Pixels of the region per patch.
    pub region: ArrayView2<'a, u32>,
    /// Sum of the Monte-Carlo variance per patch.
    pub variance: ArrayView2<'a, f32>,
    /// Patches that hold a high-error island.
    pub spared: ArrayView2<'a, bool>,
}

/// Draws the masks of a batch from uniform `noise` in (0, 1), (N, L).
pub fn draw_order(
    strategy: MaskingStrategy,
    normalisation: Normalisation,
    temperature: f64,
    noise: ArrayView2<f32>,
    statistics: &BatchStatistics,
    mask_ratio: f64,
) -> PatchOrder {
    let scores = match strategy {
        MaskingStrategy::Random => noise.to_owned(),
        MaskingStrategy::Eu | MaskingStrategy::Au => {
            paper_scores(strategy, normalisation, temperature as f32, noise, statistics)
        }
        MaskingStrategy::EuPublished | MaskingStrategy::AuPublished => {
            published_scores(strategy, temperature as f32, noise, statistics)
        }
    };
    order_from_scores(scores.view(), statistics.region, keep_count(statistics.region, mask_ratio))
}

/// When a patch is hidden: the patches of an image with the highest keys are. Spared patches come after all others.
#[derive(Clone, Copy)]
struct Key {
    is_hidden_first: bool,
    value: f32,
}

/// Scores in (0, 1) in the order of the paper's reading: hidden patches are drawn without replacement from
/// softmax(variance / temperature) inside each slice's region, as Gumbel top-k. Spared patches come last; if some of them
/// must be hidden nevertheless, they are drawn in the same way.
fn paper_scores(
    strategy: MaskingStrategy,
    normalisation: Normalisation,
    temperature: f32,
    noise: ArrayView2<f32>,
    statistics: &BatchStatistics,
) -> Array2<f32> {
    let mut scores = noise.to_owned();
    for (image, mut scores) in scores.outer_iter_mut().enumerate() {
        let inside: Vec<usize> =
            (0..noise.ncols()).filter(|p| statistics.region[[image, *p]] > 0).collect();
        let variance: Vec<f32> = inside.iter().map(|p| statistics.variance[[image, *p]]).collect();
        let (centre, scale) = match normalisation {
            Normalisation::Raw => (0.0, 1.0),
            Normalisation::Standardised => mean_and_deviation(&variance),
        };
        let key = |(patch, variance): (&usize, f32)| {
            let gumbel = -(-noise[[image, *patch]].ln()).ln();
            Key {
                is_hidden_first: !(strategy.spares_islands() && statistics.spared[[image, *patch]]),
                value: (variance - centre) / scale / temperature + gumbel,
            }
        };
        let keys: Vec<Key> = inside.iter().zip(variance).map(key).collect();
        // The order itself: at a low temperature, whatever squashes the keys would round many of them to the same score.
        for (patch, rank) in inside.iter().zip(ranks(&keys)) {
            scores[*patch] = (rank + 1) as f32 / (keys.len() + 1) as f32;
        }
    }
    scores
}

/// How many keys lie below each of them; equal ones have the same rank.
fn ranks(keys: &[Key]) -> Vec<usize> {
    let order = |a: &Key, b: &Key| {
        a.is_hidden_first.cmp(&b.is_hidden_first).then(a.value.total_cmp(&b.value))
    };
    let mut sorted = keys.to_vec();
    sorted.sort_by(order);
    keys.iter().map(|key| sorted.partition_point(|other| order(other, key).is_lt())).collect()
}

fn mean_and_deviation(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
    let spread = values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
    // A slice whose patches are all alike is masked uniformly.
    let deviation = if spread > 0.0 { spread.sqrt() } else { 1.0 };
    (mean as f32, deviation as f32)
}

/// The published code's rule: noise × −log(softmax over the whole batch + 1e-6).
pub fn published_scores(
    strategy: MaskingStrategy,
    temperature: f32,
    noise: ArrayView2<f32>,
    statistics: &BatchStatistics,
) -> Array2<f32> {
    let exponent = |index: (usize, usize)| {
        let spared = strategy.spares_islands() && statistics.spared[index];
        let variance = statistics.variance[index];
        let counts = statistics.region[index] > 0 && !spared && variance != 0.0;
        counts.then(|| variance / temperature)
    };
    // A softmax stays the same if its largest exponent is taken off all, and no power overflows then.
    let exponents = noise.indexed_iter().filter_map(|(index, _)| exponent(index));
    let largest = exponents.fold(f32::NEG_INFINITY, f32::max);
    let weight = |index: (usize, usize)| exponent(index).map(|power| (power - largest).exp());
    let total: f64 = noise.indexed_iter().filter_map(|(i, _)| weight(i)).map(f64::from).sum();
    Array2::from_shape_fn(noise.dim(), |index| {
        let log = weight(index).map_or(0.0, |e| -(e / total as f32 + 1e-6).ln());
        noise[index] * log
    })
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;

    /// How often each patch is hidden over many draws of one image with four patches inside.
    fn hidden_share(strategy: MaskingStrategy, variance: [f32; 6], spared: [bool; 6]) -> [f64; 6] {
        use rand::RngExt;
        let region = arr2(&[[0, 9, 9, 9, 9, 0]]);
        let (variance, spared) = (arr2(&[variance]), arr2(&[spared]));
        let statistics = BatchStatistics {
            region: region.view(),
            variance: variance.view(),
            spared: spared.view(),
        };
        let mut stream = crate::context::Streams::new(5).stream("test", &[]);
        let (mut share, draws) = ([0.0; 6], 4000);
        for _ in 0..draws {
            let noise = Array2::from_shape_simple_fn((1, 6), || stream.random_range(1e-6..1.0));
            let order =
                draw_order(strategy, Normalisation::default(), 1.0, noise.view(), &statistics, 0.5);
            order.hidden(0).for_each(|patch| share[patch] += 1.0 / f64::from(draws));
        }
        share
    }

    #[test]
    fn epistemic_masks_hide_uncertain_patches_more_often() {
        let share = hidden_share(MaskingStrategy::Eu, [0.0, 0.1, 0.1, 0.1, 0.4, 0.0], [false; 6]);
        assert_eq!((share[0], share[5]), (0.0, 0.0), "nothing outside the region is hidden");
        assert!(share[4] > 0.75, "{share:?}");
        assert!((share[1] - share[2]).abs() < 0.05, "{share:?}");
        let random = hidden_share(MaskingStrategy::Random, [0.0; 6], [false; 6]);
        assert!(random[1..5].iter().all(|s| (s - 0.5).abs() < 0.04), "{random:?}");
    }

    #[test]
    fn spared_patches_hide_only_when_no_other_can() {
        let variance = [0.0, 0.1, 0.1, 0.1, 0.4, 0.0];
        let one =
            hidden_share(MaskingStrategy::Au, variance, [false, false, false, false, true, false]);
        assert_eq!(one[4], 0.0);
        let variance = [0.0, 0.1, 0.1, 0.1, 0.1, 0.0];
        let three =
            hidden_share(MaskingStrategy::Au, variance, [false, true, true, true, false, false]);
        assert!((three[4] - 1.0).abs() < 1e-9, "{three:?}");
        // Which of them is hidden does not depend on where it lies.
        assert!(three[1..4].iter().all(|share| (share - 1.0 / 3.0).abs() < 0.04), "{three:?}");
    }

    #[test]
    fn a_low_temperature_hides_the_most_uncertain_and_still_spares() {
        let region = arr2(&[[0, 9, 9, 9, 9, 9, 9, 0]]);
        let variance = arr2(&[[0.0, 0.1, 0.3, 0.2, 0.5, 0.4, 0.6, 0.0]]);
        let spared = arr2(&[[false, false, false, false, false, true, false, false]]);
        let statistics = BatchStatistics {
            region: region.view(),
            variance: variance.view(),
            spared: spared.view(),
        };
        let noise = arr2(&[[0.5, 0.3, 0.9, 0.2, 0.6, 0.8, 0.4, 0.5]]);
        for temperature in [0.001, 1e-6] {
            let draw = |strategy| {
                let (normalisation, ratio) = (Normalisation::default(), 0.5);
                let noise = noise.view();
                let order =
                    draw_order(strategy, normalisation, temperature, noise, &statistics, ratio);
                let mut hidden: Vec<usize> = order.hidden(0).collect();
                hidden.sort();
                hidden
            };
            assert_eq!(draw(MaskingStrategy::Eu), [4, 5, 6]);
            assert_eq!(draw(MaskingStrategy::Au), [2, 4, 6]);
        }
    }

    #[test]
    fn the_published_rule_tends_the_other_way() {
        let variance = [0.0, 0.1, 0.1, 0.1, 3.0, 0.0];
        let share = hidden_share(MaskingStrategy::EuPublished, variance, [false; 6]);
        assert!(share[4] < 0.3, "{share:?}");
    }

    #[test]
    fn an_unknown_strategy_is_named_with_the_choices() {
        let error = MaskingStrategy::from_name("ue").unwrap_err().to_string();
        assert!(error.contains("\"ue\"") && error.contains("\"au-published\""), "{error}");
    }
}
