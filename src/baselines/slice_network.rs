//! Convolutional networks that learn from slices alone: what they have in common, and how each becomes a
//! [`Reconstructor`].

use std::fmt;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use ndarray::{Array2, Zip};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::method_file::identity;
use crate::cohort::{Slice, SliceGrid};
use crate::context::{Context, Stream, Streams};
use crate::detection::{MadeBy, Reconstruction, Reconstructor, Scoring};
use crate::model::convolutional::{Shapes, Weights, Window, batch};
use crate::scoring::LearnedFrom;
use crate::{Error, Result};

/// A method to compare with that is one convolutional network. The type holds its settings.
pub trait SliceNetwork:
    Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Scheduled
{
    /// The method's name in errors and files.
    const NAME: &'static str;
    /// Where its random streams begin.
    const STREAM: &'static str;
    /// Images must be this many pixels, or a multiple, high and wide.
    const STEP: usize;
    /// Biases that begin with a value of their own.
    const CONSTANTS: &'static [(&'static str, f32)] = &[];
    /// How its reconstructions are scored unless the user chooses.
    const SCORING: Scoring = Scoring::Residual;

    /// The method's name as figures and tables show it.
    fn label(&self) -> String {
        Self::NAME.to_owned()
    }

    /// Settings that must be positive and finite, besides those of the schedule, by name.
    fn positive(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Settings that must be 1 or more, besides those of the schedule, by name.
    fn counts(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }

    /// Settings that have a largest value, by name: the value and the largest.
    fn largest(&self) -> Vec<(&'static str, usize, usize)> {
        Vec::new()
    }

    /// Channels that are normalised in groups, by the name of the setting: multiples of 4.
    fn grouped(&self) -> Vec<(&'static str, usize)>;

    /// Every tensor of the network by name with its shape, for images of these rows and columns.
    fn shapes(&self, image: (usize, usize)) -> Shapes;

    /// The loss of a batch of images, with random draws from `stream`: a scalar.
    ///
    /// # Errors
    /// If the weights do not fit.
    fn loss(
        &self,
        weights: &Weights,
        images: &[Array2<f32>],
        stream: &mut Stream,
    ) -> Result<Tensor>;

    /// What it makes of images (batch, 1, rows, columns), with random draws from the streams of `context`, which are
    /// those of its training.
    ///
    /// # Errors
    /// If the weights do not fit, and [`Error::Cancelled`] if the user interrupts.
    fn restore(&self, weights: &Weights, images: &Tensor, context: &Context) -> Result<Restored>;
}

/// What a network makes of images, each map (batch, rows, columns).
pub struct Restored {
    pub reconstruction: Tensor,
    /// The variance that the network predicts for the image around its reconstruction, if it does.
    pub variance: Option<Tensor>,
}

/// Settings that say how a network is trained.
pub trait Scheduled {
    /// How long and how fast it is trained.
    fn schedule(&self) -> Schedule;
}

/// How long and how fast a network is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// How often every slice is shown.
    pub epochs: usize,
    /// Slices per batch.
    pub batch_size: usize,
    /// Learning rate at its highest; it falls to 0 along a cosine.
    pub learning_rate: f64,
}

/// A trained network with its settings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TrainedNetwork<N> {
    pub(super) network: N,
    pub(super) weights: Arc<Weights>,
    pub(super) grid: SliceGrid,
    pub(super) losses: Vec<f64>,
    /// The seed of its training, from which it also draws when it reconstructs, so that its scores are the same in any
    /// session. `None` in files of earlier versions: it draws from the seed of the session then.
    pub(super) seed: Option<u64>,
    pub(super) learned_from: LearnedFrom,
}

impl<N> TrainedNetwork<N> {
    /// Its settings.
    pub fn settings(&self) -> &N {
        &self.network
    }

    /// Mean loss of every epoch of its training.
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }
}

/// Far above every sensible count, and small enough that no product overflows.
const MOST: usize = 65_536;

/// Whether the settings make sense.
///
/// # Errors
/// [`Error::Input`] for the first that does not.
pub(super) fn validate<N: SliceNetwork>(network: &N) -> Result<()> {
    let Schedule { epochs, batch_size, learning_rate } = network.schedule();
    let wrong = |name: &str, must: &str, value: &dyn fmt::Display| {
        Err(Error::input(format!("{name} of the {} must be {must}, not {value}", N::NAME)))
    };
    let grouped = network.grouped();
    let counts = [("epochs", epochs), ("batch_size", batch_size)];
    for (name, value) in counts.into_iter().chain(network.counts()).chain(grouped.clone()) {
        if value == 0 {
            return wrong(name, "1 or more", &value);
        }
        if value > MOST {
            return wrong(name, &format!("at most {MOST}"), &value);
        }
    }
    for (name, value, most) in network.largest() {
        if value > most {
            return wrong(name, &format!("at most {most}"), &value);
        }
    }
    for (name, value) in grouped {
        if !value.is_multiple_of(4) {
            return wrong(name, "a multiple of 4", &value);
        }
    }
    for (name, value) in [("learning_rate", learning_rate)].into_iter().chain(network.positive()) {
        if !(value > 0.0 && value.is_finite()) {
            return wrong(name, "positive", &value);
        }
    }
    Ok(())
}

impl<N: SliceNetwork> Reconstructor for TrainedNetwork<N> {
    fn name(&self) -> String {
        self.network.label()
    }

    fn identity(&self) -> String {
        identity(&self.name(), &self.network, &self.weights)
    }

    fn made_by(&self, seed: u64) -> MadeBy {
        MadeBy { identity: self.identity(), seed: self.seed.unwrap_or(seed), model: None }
    }

    fn grid(&self) -> Option<SliceGrid> {
        Some(self.grid)
    }

    fn scoring(&self) -> Scoring {
        N::SCORING
    }

    fn learned_from(&self, _scoring: Scoring) -> LearnedFrom {
        self.learned_from.clone()
    }

    fn reconstruct(&self, slices: &[&Slice], context: &Context) -> Result<Vec<Reconstruction>> {
        let mut own = context.clone();
        own.streams = self.seed.map_or(context.streams, Streams::new);
        let mut reconstructions = Vec::with_capacity(slices.len());
        let subjects: Vec<&[&Slice]> = slices.chunk_by(|a, b| a.subject == b.subject).collect();
        let progress = context.progress("reconstruct", "subject", subjects.len());
        for subject in subjects {
            context.check()?;
            subject.iter().try_for_each(|slice| slice.check_size(self.grid.size, "network"))?;
            let window = Window::around(subject, N::STEP);
            window.warn_of_left_out(subject, context);
            let images: Vec<_> =
                subject.iter().map(|slice| window.cut(slice.image.view())).collect();
            let input = batch(&images, &Device::Cpu)?.unsqueeze(1)?;
            let restored = self.network.restore(&self.weights, &input, &own)?;
            for (place, slice) in subject.iter().enumerate() {
                let pasted = |maps, elsewhere| pasted(maps, place, window, elsewhere);
                let no_variance = Array2::zeros(slice.image.dim());
                let variance = restored.variance.as_ref();
                let variance = variance.map(|maps| pasted(maps, no_variance)).transpose()?;
                // Where the network does not look, nothing is found.
                let reconstruction = pasted(&restored.reconstruction, slice.image.clone())?;
                reconstructions.push(inside_region(slice, &reconstruction, variance));
            }
            progress.advance(1, &[]);
        }
        Ok(reconstructions)
    }
}

/// The map of one image of a batch in the whole slice, with `elsewhere` around the window.
fn pasted(
    maps: &Tensor,
    place: usize,
    window: Window,
    elsewhere: Array2<f32>,
) -> Result<Array2<f32>> {
    let values = maps.get(place)?.to_vec2::<f32>()?;
    let part = Array2::from_shape_fn(window.padded(), |(row, column)| values[row][column]);
    Ok(window.paste(part.view(), elsewhere))
}

/// The image, with the network's output inside the region of interest. A predicted variance makes the
/// method's own measure of anomaly: the squared positive residual over it.
fn inside_region(
    slice: &Slice,
    restored: &Array2<f32>,
    variance: Option<Array2<f32>>,
) -> Reconstruction {
    let reconstruction = Zip::from(&slice.image)
        .and(restored)
        .and(&slice.region)
        .map_collect(|image, restored, inside| if *inside { *restored } else { *image });
    let residual = &slice.image - &reconstruction;
    let variance = variance.map(|variance| {
        Zip::from(&variance)
            .and(&slice.region)
            .map_collect(|variance, inside| if *inside { *variance } else { 0.0 })
    });
    let anomaly = variance.as_ref().map(|variance| {
        Zip::from(&residual).and(variance).map_collect(|residual, variance| {
            if *variance > 0.0 { residual.max(0.0).powi(2) / variance } else { 0.0 }
        })
    });
    let error = residual.mapv(f32::abs);
    Reconstruction { reconstruction, error, variance, probability: None, anomaly }
}
