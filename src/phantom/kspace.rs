//! What the scanner samples of k-space, and what that does to an image.

use std::f32::consts::PI;

use ndarray::{ArrayViewMut2, Axis};

use super::structure::Structure;

/// Half length of the smooth point spread function, pixels.
const REACH: usize = 8;

/// The point spread functions of one examination.
pub(super) struct KSpace {
    /// Blurs; hardly rings.
    smooth: [f32; 2 * REACH + 1],
    /// Circular, front-back: rings beside sharp edges, several pixels deep into the cord. `None`
    /// without truncation.
    truncated: Option<Vec<f32>>,
}

impl KSpace {
    /// For images of `pixels` × `pixels` of edge `pixel` mm, of whose k-space the share `bandwidth`
    /// is sampled foot-head, and as much as the structure says front-back.
    pub fn new(structure: &Structure, bandwidth: f32, pixel: f32, pixels: usize) -> Self {
        let share = (pixel / structure.acquired_mm).clamp(0.45, 0.95);
        let truncated = || circular(pixels, share, structure.damping);
        Self {
            smooth: windowed_sinc(bandwidth),
            truncated: structure.on.truncation.then(truncated),
        }
    }

    /// Leaves of a slice (front, head) what the scanner samples.
    pub fn truncate(&self, image: &mut ArrayViewMut2<f32>) {
        for mut lane in image.lanes_mut(Axis(0)) {
            let line = lane.to_vec();
            let blurred = match &self.truncated {
                Some(kernel) => convolve_circular(&line, kernel),
                None => self.blur(&line),
            };
            lane.iter_mut().zip(blurred).for_each(|(value, blurred)| *value = blurred);
        }
        for mut lane in image.lanes_mut(Axis(1)) {
            let blurred = self.blur(&lane.to_vec());
            lane.iter_mut().zip(blurred).for_each(|(value, blurred)| *value = blurred);
        }
        image.mapv_inplace(|value| value.max(0.0));
    }

    fn blur(&self, line: &[f32]) -> Vec<f32> {
        let last = line.len() as isize - 1;
        let value = |i: usize| {
            let weighted = self.smooth.iter().enumerate().map(|(k, weight)| {
                let from = i as isize + k as isize - REACH as isize;
                weight * line[from.clamp(0, last) as usize]
            });
            weighted.sum()
        };
        (0..line.len()).map(value).collect()
    }
}

/// The sinc of a truncated k-space under the window that scanners apply by default.
fn windowed_sinc(bandwidth: f32) -> [f32; 2 * REACH + 1] {
    let mut kernel = std::array::from_fn(|k| {
        let x = k as f32 - REACH as f32;
        let phase = PI * bandwidth * x;
        let sinc = if x == 0.0 { 1.0 } else { phase.sin() / phase };
        let window = 0.6 + 0.4 * (PI * x / (REACH as f32 + 1.0)).cos();
        sinc * window
    });
    let total: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|weight| *weight /= total);
    kernel
}

/// The point spread of `pixels` frequencies of which the lowest `share` is kept, the outermost of
/// them damped by `damping`: a Dirichlet kernel, which is what the Fourier transform of a cut-off
/// k-space is.
fn circular(pixels: usize, share: f32, damping: f32) -> Vec<f32> {
    let highest = (0.5 * share * pixels as f32) as usize;
    let weight = |frequency: usize| {
        let edge = frequency as f32 / highest.max(1) as f32;
        1.0 - damping * 0.5 * (1.0 - (PI * edge).cos())
    };
    let at = |pixel: usize| {
        let waves = (1..=highest).map(|frequency| {
            // Modulo first, in whole numbers, so that large products keep their precision.
            let turn = (frequency * pixel % pixels) as f32 / pixels as f32;
            2.0 * weight(frequency) * (2.0 * PI * turn).cos()
        });
        (1.0 + waves.sum::<f32>()) / pixels as f32
    };
    (0..pixels).map(at).collect()
}

fn convolve_circular(line: &[f32], kernel: &[f32]) -> Vec<f32> {
    let count = line.len();
    // Twice in a row, so that no index wraps inside the sum. The kernel is symmetric.
    let doubled: Vec<f32> = line.iter().chain(line).copied().collect();
    (0..count)
        .map(|i| {
            doubled[i..i + count].iter().zip(kernel).map(|(value, weight)| value * weight).sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step from 0 to 1 and back, far from both ends.
    fn step() -> Vec<f32> {
        (0..128).map(|i| if (40..90).contains(&i) { 1.0 } else { 0.0 }).collect()
    }

    #[test]
    fn a_truncated_edge_overshoots_by_nine_percent_and_rings_on() {
        let rung = convolve_circular(&step(), &circular(128, 0.5, 0.0));
        let highest = rung.iter().copied().fold(0.0, f32::max);
        assert!((1.06..1.12).contains(&highest), "{highest}");
        // Ten pixels inside, the lines are still there.
        let deep = &rung[50..58];
        let spread =
            deep.iter().copied().fold(0.0, f32::max) - deep.iter().copied().fold(2.0, f32::min);
        assert!((0.01..0.1).contains(&spread), "{spread}");
        let mean = rung.iter().sum::<f32>() / 128.0;
        assert!((mean - 50.0 / 128.0).abs() < 1e-5, "the total signal stays, {mean}");
    }

    #[test]
    fn the_whole_k_space_gives_the_image_back_and_damping_weakens_the_lines() {
        let line = step();
        let odd: Vec<f32> = line[..127].to_vec();
        let whole = convolve_circular(&odd, &circular(127, 1.0, 0.0));
        assert!(whole.iter().zip(&odd).all(|(a, b)| (a - b).abs() < 1e-4));
        let highest = |damping| {
            let rung = convolve_circular(&line, &circular(128, 0.5, damping));
            rung.into_iter().fold(0.0, f32::max)
        };
        assert!(highest(0.35) < highest(0.0));
    }
}
