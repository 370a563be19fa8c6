//! Sines with which shapes and signals of phantoms vary along the spine.

use rand::RngExt;

use crate::context::Stream;

/// A sine with random phase, and an amplitude drawn up to a maximum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wave {
    amplitude: f32,
    wavelength: f32,
    phase: f32,
}

impl Wave {
    pub fn draw(stream: &mut Stream, amplitude: f32, wavelength: std::ops::Range<f32>) -> Self {
        Self {
            amplitude: amplitude * stream.random_range(0.3..1.0),
            wavelength: stream.random_range(wavelength),
            phase: stream.random_range(0.0..std::f32::consts::TAU),
        }
    }

    pub fn at(&self, z: f32) -> f32 {
        self.amplitude * (std::f32::consts::TAU * z / self.wavelength + self.phase).sin()
    }
}
