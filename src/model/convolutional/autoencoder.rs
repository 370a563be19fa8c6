//! A convolutional autoencoder with four halvings and four doublings and no connection around its bottleneck,
//! after the architecture that Baur et al. share among their methods (2021, "Autoencoders for unsupervised
//! anomaly segmentation in brain MR images: a comparative study").
//!
//! The channels are theirs (`width`, 2 · `width`, 4 · `width`, 4 · `width`, with `width` = 32). Each
//! strided convolution of 5 × 5 pixels is here one of 3 × 3 and a mean over 2 × 2 pixels, each transposed
//! one a doubling and a convolution, batch normalisation is group normalisation, and there is no dropout.

use candle_core::{Result, Tensor};
use serde::{Deserialize, Serialize};

use super::layers::{
    GROUPS, Shapes, Weights, add_convolution, add_linear, add_normalised, convolved, normalised,
    projected,
};
use crate::ops::{doubled, halved};

/// Halvings and doublings.
const LEVELS: usize = 4;
/// Images must be this many pixels, or a multiple, high and wide.
pub(crate) const STEP: usize = 1 << LEVELS;
/// Of the channels at the lowest resolution, one in this many goes into a dense bottleneck (published).
const REDUCTION: usize = 8;

/// What stands between encoder and decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bottleneck {
    /// The image at a sixteenth of its resolution, with this many channels, a multiple of 4.
    Spatial { channels: usize },
    /// One vector of this many numbers for the whole image.
    Dense { latent: usize },
    /// A Gaussian of this many dimensions for the whole image, by mean and log σ.
    Gaussian { latent: usize },
}

/// The sizes of an autoencoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Autoencoder {
    /// Channels at full resolution, a multiple of 4.
    pub width: usize,
    pub bottleneck: Bottleneck,
    /// Maps that it draws per image.
    pub outputs: usize,
}

/// The latent code of a batch.
pub(crate) enum Latent {
    /// (batch, channels, rows, columns) or (batch, numbers).
    Code(Tensor),
    /// Mean and log σ, each (batch, dimensions).
    Gaussian { mean: Tensor, log_deviation: Tensor },
}

impl Autoencoder {
    /// Channels after each halving.
    fn channels(&self) -> [usize; LEVELS] {
        [self.width, 2 * self.width, 4 * self.width, 4 * self.width]
    }

    /// Channels that go into a dense bottleneck.
    fn reduced(&self) -> usize {
        (self.channels()[LEVELS - 1] / REDUCTION).next_multiple_of(GROUPS)
    }

    /// Every tensor by name with its shape, for images of this many rows and columns, multiples of [`STEP`].
    pub fn shapes(&self, (rows, columns): (usize, usize)) -> Shapes {
        let mut shapes = Shapes::new();
        let channels = self.channels();
        for level in 0..LEVELS {
            let from = if level == 0 { 1 } else { channels[level - 1] };
            add_normalised(&mut shapes, &format!("encoder.{level}"), from, channels[level]);
            let to = if level == 0 { self.width } else { channels[level - 1] };
            add_normalised(&mut shapes, &format!("decoder.{level}"), channels[level], to);
        }
        add_convolution(&mut shapes, "output", self.width, self.outputs);
        let (coarsest, reduced) = (channels[LEVELS - 1], self.reduced());
        let numbers = reduced * (rows / STEP) * (columns / STEP);
        let mut dense = |names: &[&str], latent: usize| {
            add_normalised(&mut shapes, "reduce", coarsest, reduced);
            for name in names {
                add_linear(&mut shapes, name, numbers, latent);
            }
            add_linear(&mut shapes, "expand", latent, numbers);
            add_normalised(&mut shapes, "restore", reduced, coarsest);
        };
        match self.bottleneck {
            Bottleneck::Spatial { channels } => {
                add_normalised(&mut shapes, "reduce", coarsest, channels);
                add_normalised(&mut shapes, "restore", channels, coarsest);
            }
            Bottleneck::Dense { latent } => dense(&["latent"], latent),
            Bottleneck::Gaussian { latent } => dense(&["mean", "log_deviation"], latent),
        }
        shapes
    }

    /// The code of images (batch, 1, rows, columns).
    pub fn encode(&self, weights: &Weights, images: &Tensor) -> Result<Latent> {
        let mut x = images.clone();
        for level in 0..LEVELS {
            x = halved(&normalised(weights, &format!("encoder.{level}"), &x)?)?;
        }
        let x = normalised(weights, "reduce", &x)?;
        let flat = |x: &Tensor| x.flatten_from(1);
        Ok(match self.bottleneck {
            Bottleneck::Spatial { .. } => Latent::Code(x),
            Bottleneck::Dense { .. } => Latent::Code(projected(weights, "latent", &flat(&x)?)?),
            Bottleneck::Gaussian { .. } => {
                let x = flat(&x)?;
                let mean = projected(weights, "mean", &x)?;
                Latent::Gaussian { mean, log_deviation: projected(weights, "log_deviation", &x)? }
            }
        })
    }

    /// The maps (batch, outputs, rows, columns) of a code, for images of this many rows and columns.
    pub fn decode(
        &self,
        weights: &Weights,
        code: &Tensor,
        (rows, columns): (usize, usize),
    ) -> Result<Tensor> {
        let code = match self.bottleneck {
            Bottleneck::Spatial { .. } => code.clone(),
            Bottleneck::Dense { .. } | Bottleneck::Gaussian { .. } => {
                let shape = (code.dim(0)?, self.reduced(), rows / STEP, columns / STEP);
                projected(weights, "expand", code)?.reshape(shape)?
            }
        };
        let mut x = normalised(weights, "restore", &code)?;
        for level in (0..LEVELS).rev() {
            x = normalised(weights, &format!("decoder.{level}"), &doubled(&x)?)?;
        }
        convolved(weights, "output", &x)
    }

    /// The maps (batch, outputs, rows, columns) of images (batch, 1, rows, columns), from the mean of their
    /// code if that is a distribution.
    pub fn outputs(&self, weights: &Weights, images: &Tensor) -> Result<Tensor> {
        let (_, _, rows, columns) = images.dims4()?;
        let code = match self.encode(weights, images)? {
            Latent::Code(code) => code,
            Latent::Gaussian { mean, .. } => mean,
        };
        self.decode(weights, &code, (rows, columns))
    }
}
