//! What the scoring networks learn from: slices with painted lesions, as the autoencoder reconstructs
//! them.

use std::sync::Arc;

use ndarray::{Array2, Array3, ArrayView2, Axis, Zip, s};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use super::channels::{CORD, DEPTH, FLUID, INTENSITIES, channels, depth};
use super::scorer_training::ScorerTraining;
use crate::Result;
use crate::cohort::{Slice, Subject};
use crate::context::{Context, Silent, Stream};
use crate::model::Network;
use crate::model::convolutional::Window;
use crate::uncertainty::MonteCarlo;
use crate::volume::{dilated, eroded};

/// A painted lesion counts as such from this share of fluid − cord.
const TOUCHED: f32 = 0.02;
/// Pixels by which windows are shifted at random to either side.
const SHIFT: i64 = 4;

/// One painted slice, cut to its window.
pub(super) struct Sample {
    input: Array3<f32>,
    lesion: Array2<f32>,
    /// Pixels that count: the cord.
    counted: Array2<f32>,
    /// Pixels whose intensity a painted lesion changes.
    touched: Array2<bool>,
    /// The unpainted clinical slice it was made from, by its place among these.
    pub clinical: Option<usize>,
}

/// Paints lesions and has the autoencoder reconstruct the result.
pub(super) struct Painter<'a> {
    pub training: &'a ScorerTraining,
    pub network: &'a Network,
    pub monte_carlo: MonteCarlo,
    /// First of the rounds of Monte-Carlo draws.
    pub round: u64,
    pub context: &'a Context,
}

impl Painter<'_> {
    /// Every subject, painted as often as asked for.
    ///
    /// # Errors
    /// If a subject has no cord, and [`crate::Error::Cancelled`] if the user interrupts.
    pub fn samples(
        &self,
        healthy: &[Arc<Subject>],
        clinical: &[Arc<Subject>],
    ) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        let ScorerTraining { healthy_rounds, clinical_rounds, .. } = *self.training;
        let passes = healthy_rounds * healthy.len() + clinical_rounds * clinical.len();
        let progress = self.context.progress("paint lesions", "subject", passes);
        for (group, subjects, rounds) in
            [("healthy", healthy, healthy_rounds), ("clinical", clinical, clinical_rounds)]
        {
            for round in 0..rounds {
                let mut place = 0;
                for (index, subject) in subjects.iter().enumerate() {
                    self.context.check()?;
                    let name = format!("scorer/lesions/{group}");
                    let at = [round as u64, index as u64];
                    let mut stream = self.context.streams.stream(&name, &at);
                    let first = (group == "clinical").then_some(place);
                    samples.extend(self.paint(subject, round, first, &mut stream)?);
                    place += subject.slices.len();
                    progress.advance(1, &[]);
                }
            }
        }
        Ok(samples)
    }

    fn paint(
        &self,
        subject: &Subject,
        round: usize,
        first: Option<usize>,
        stream: &mut Stream,
    ) -> Result<Vec<Sample>> {
        let painted = self.training.lesions.paint(subject, stream)?;
        let slices: Vec<&Slice> = painted.subject.slices.iter().collect();
        let (window, inputs) = self.inputs(&slices, self.round + 1 + round as u64)?;
        let cut = |mask: &Array2<bool>| {
            window.cut(mask.mapv(|inside| if inside { 1.0 } else { 0.0 }).view())
        };
        let sample = |(place, input): (usize, Array3<f32>)| Sample {
            input,
            lesion: slices[place]
                .lesion
                .as_ref()
                .map_or_else(|| Array2::zeros(window.padded()), cut),
            counted: cut(&slices[place].cord),
            touched: window.cut(painted.added[place].view()).mapv(|added| added > TOUCHED),
            clinical: first.map(|first| first + place),
        };
        Ok(inputs.into_iter().enumerate().map(sample).collect())
    }

    /// Inputs of the clinical slices as they are, in order.
    ///
    /// # Errors
    /// As [`Self::samples`].
    pub fn unpainted(&self, clinical: &[Arc<Subject>]) -> Result<Vec<Array3<f32>>> {
        let mut all = Vec::new();
        for subject in clinical {
            let slices: Vec<&Slice> = subject.slices.iter().collect();
            all.extend(self.inputs(&slices, self.round)?.1);
        }
        Ok(all)
    }

    /// What the networks see of the slices of one subject.
    fn inputs(&self, slices: &[&Slice], round: u64) -> Result<(Window, Vec<Array3<f32>>)> {
        let quiet = self.context.clone().with_reporter(Arc::new(Silent));
        let maps = self.monte_carlo.estimate(self.network, slices, round, &quiet)?;
        channels(slices, &maps)
    }
}

/// A sample as a network is shown it once.
pub(super) struct Shown {
    pub input: Array3<f32>,
    pub lesion: Array2<f32>,
    pub counted: Array2<f32>,
}

impl Sample {
    /// Whether any of its pixels is painted lesion.
    pub fn has_lesion(&self) -> bool {
        self.lesion.iter().any(|lesion| *lesion > 0.0)
    }

    /// The sample with another brightness, contrast and noise, perhaps turned upside down, with its
    /// neighbours exchanged, and shifted, and in the share `mask_augmentation` of the views with its cord
    /// drawn differently. Pixels of `left_out` that no lesion was painted on do not count.
    pub fn augmented(
        &self,
        mask_augmentation: f64,
        left_out: Option<&Array2<bool>>,
        stream: &mut Stream,
    ) -> Shown {
        let mut input = self.input.clone();
        let mut counted = self.counted.clone();
        if mask_augmentation > 0.0 && stream.random_bool(mask_augmentation) {
            counted = augment_masks(&mut input, stream);
        }
        if let Some(left_out) = left_out {
            Zip::from(&mut counted).and(left_out).and(&self.touched).for_each(|c, out, touched| {
                if *out && !touched {
                    *c = 0.0;
                }
            });
        }
        let mut normal = || -> f32 { StandardNormal.sample(stream) };
        let (gain, offset) = (1.0 + 0.08 * normal(), 0.05 * normal());
        let noise = stream.random_range(0.0..0.04f32);
        for value in input.slice_mut(s![..INTENSITIES, .., ..]) {
            let extra: f32 = StandardNormal.sample(stream);
            *value = *value * gain + offset + noise * extra;
        }
        if stream.random() {
            let (before, after) =
                (input.index_axis(Axis(0), 1).to_owned(), input.index_axis(Axis(0), 2).to_owned());
            input.index_axis_mut(Axis(0), 1).assign(&after);
            input.index_axis_mut(Axis(0), 2).assign(&before);
        }
        let mut lesion = self.lesion.clone();
        if stream.random() {
            input = input.slice(s![.., ..;-1, ..]).to_owned();
            lesion = upside_down(lesion.view());
            counted = upside_down(counted.view());
        }
        let shift = stream.random_range(-SHIFT..=SHIFT);
        for mut channel in input.outer_iter_mut() {
            let moved = shifted(channel.view(), shift);
            channel.assign(&moved);
        }
        Shown {
            input,
            lesion: shifted(lesion.view(), shift),
            counted: shifted(counted.view(), shift),
        }
    }
}

/// Draws the cord of some inputs as another person or program might, up to a pixel wider, narrower or aside: a
/// network that knows one kind of mask only takes the pixels that another kind adds for lesions. Returns the pixels of
/// this cord.
fn augment_masks(input: &mut Array3<f32>, stream: &mut Stream) -> Array2<f32> {
    let mask = input.index_axis(Axis(0), CORD).mapv(|inside| inside > 0.5);
    let mask = match stream.random_range(0..3) {
        0 => eroded(&mask),
        1 => dilated(&mask),
        _ => mask,
    };
    let cord = mask.mapv(|inside| if inside { 1.0 } else { 0.0 });
    let aside = stream.random_range(-1..=1);
    let cord = shifted(cord.view(), aside);
    let depth = depth(&cord.mapv(|inside| inside > 0.5));
    input.index_axis_mut(Axis(0), FLUID).zip_mut_with(&cord, |fluid, cord| *fluid *= 1.0 - cord);
    input.index_axis_mut(Axis(0), CORD).assign(&cord);
    input.index_axis_mut(Axis(0), DEPTH).assign(&depth);
    cord
}

/// A map moved by some columns; what leaves it on one side comes back on the other.
fn shifted(map: ArrayView2<f32>, by: i64) -> Array2<f32> {
    let columns = map.ncols() as i64;
    Array2::from_shape_fn(map.dim(), |(row, column)| {
        map[[row, (column as i64 - by).rem_euclid(columns) as usize]]
    })
}

/// A map turned upside down.
fn upside_down(map: ArrayView2<f32>) -> Array2<f32> {
    map.slice(s![..;-1, ..]).to_owned()
}
