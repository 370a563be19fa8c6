//! Monte-Carlo uncertainty: epistemic variance, mean reconstruction, error (paper section 3.3).

mod islands;
mod monte_carlo;
mod ranks;

pub use islands::{HighErrorIsland, IslandRule};
pub use monte_carlo::{MonteCarlo, Passes};
pub(crate) use ranks::answer;

use ndarray::Array2;

/// Monte-Carlo maps of one slice. Variance and error are 0 outside the region of interest.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncertainty {
    /// Epistemic uncertainty: variance over the K reconstructions of each pixel.
    pub variance: Array2<f32>,
    /// Mean over the K reconstructions; the image itself outside the region of interest and where nothing was ever
    /// hidden.
    pub mean: Array2<f32>,
    /// |image − mean|: the aleatoric proxy.
    pub error: Array2<f32>,
    /// Network passes used.
    pub passes: usize,
}
