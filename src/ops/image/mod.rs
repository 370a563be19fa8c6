//! Operations of convolutional networks on images (batch, channels, rows, columns).

mod convolution;
mod group_norm;
mod planes;
mod scale;

pub use convolution::convolution;
pub use group_norm::group_norm_relu;
pub use scale::{doubled, halved};
