//! What makes a normal cord bright or uneven, so that bright alone does not mean lesion.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::texture::{cover, ellipse, noise, smooth_step};
use super::wave::Wave;
use crate::context::Stream;

/// Normal structure of healthy and clinical subjects alike. Each can be switched off; that changes
/// nothing else about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NormalStructure {
    /// Grey matter and central canal: a bright line in mid-sagittal slices, which comes and goes
    /// along the levels.
    pub grey_matter: bool,
    /// Lines along the edges of the cord (Gibbs ringing), because the scanner samples only the
    /// centre of k-space. Off: a smooth blur.
    pub truncation: bool,
    /// Slices as thick as the scanner's, which mix cord and fluid at the cord's edge and in
    /// parasagittal slices. Off: each voxel shows the middle of its slice.
    pub partial_volume: bool,
    /// Discs that bulge into the canal and press on the cord.
    pub disc_bulges: bool,
    /// Coil sensitivity that falls off along the neck, and a brighter stretch near one element.
    /// Off: the coil only sees depth.
    pub coil_fall_off: bool,
    /// Displaced copies of the pulsating fluid, some of them over the cord.
    pub ghosts: bool,
    /// Signal lost where the fluid flows.
    pub flow_voids: bool,
}

impl NormalStructure {
    /// Everything.
    pub const ALL: Self = Self::new(true);
    /// Nothing: an even cord in still fluid.
    pub const NONE: Self = Self::new(false);

    const fn new(on: bool) -> Self {
        Self {
            grey_matter: on,
            truncation: on,
            partial_volume: on,
            disc_bulges: on,
            coil_fall_off: on,
            ghosts: on,
            flow_voids: on,
        }
    }
}

impl Default for NormalStructure {
    fn default() -> Self {
        Self::ALL
    }
}

/// The structure of one person and examination, drawn whole whatever is switched off. Lengths in mm
/// in the frame of the spine; brightness as a share of fluid − cord.
#[derive(Clone, Debug)]
pub(super) struct Structure {
    pub on: NormalStructure,
    /// Brightness of grey matter, and how it changes along the cord.
    grey: f32,
    grey_waves: [Wave; 2],
    canal: Vec<CanalStretch>,
    /// Most signal that flow takes, as a share.
    flow: f32,
    /// Height where the coil sees most, and distance over which its sensitivity falls to 1/e.
    coil_centre: f32,
    coil_reach: f32,
    /// Height, half length and gain of the element whose neighbourhood is bright.
    element: [f32; 3],
    /// Size of an acquired pixel, front-back, mm; and how much the scanner damps the edge of
    /// k-space, as a share.
    pub acquired_mm: f32,
    pub damping: f32,
    /// Displacement of the first ghost towards the back, mm, and strength of each, as a share of
    /// the fluid's signal; negative: dark.
    pub ghost_mm: f32,
    pub ghosts: [f32; 2],
    seed: u32,
}

/// A stretch of the cord where the central canal is visible.
#[derive(Clone, Copy, Debug)]
struct CanalStretch {
    along: f32,
    half: f32,
    brightness: f32,
    radius: f32,
}

impl Structure {
    /// Draws the structure. Scanners of a hospital sample fewer pixels.
    pub fn draw(stream: &mut Stream, on: NormalStructure, clinical: bool) -> Self {
        let grey = stream.random_range(0.14..0.32);
        let grey_waves =
            [Wave::draw(stream, 0.45, 45.0..90.0), Wave::draw(stream, 0.35, 18.0..36.0)];
        let stretches = stream.random_range(1..=3);
        let canal = (0..stretches).map(|_| CanalStretch {
            along: stream.random_range(-105.0..5.0),
            half: stream.random_range(3.0..14.0),
            brightness: stream.random_range(0.45..0.95),
            radius: stream.random_range(0.6..1.2),
        });
        Self {
            on,
            grey,
            grey_waves,
            canal: canal.collect(),
            flow: stream.random_range(0.35..0.75),
            coil_centre: stream.random_range(-60.0..-10.0),
            coil_reach: stream.random_range(75.0..115.0),
            element: [
                stream.random_range(-95.0..10.0),
                stream.random_range(12.0..26.0),
                stream.random_range(0.08..0.25),
            ],
            acquired_mm: match clinical {
                true => stream.random_range(1.15..1.55),
                false => stream.random_range(0.95..1.25),
            },
            damping: stream.random_range(0.05..0.35),
            ghost_mm: stream.random_range(5.0..13.0),
            ghosts: [stream.random_range(0.04..0.12), stream.random_range(-0.06..-0.02)],
            seed: stream.random(),
        }
    }

    /// Brightness that grey matter and central canal add to white matter at a point of the cord;
    /// `depth` and `side` from the cord's centre.
    pub fn inner_brightness(&self, along: f32, depth: f32, side: f32) -> f32 {
        if !self.on.grey_matter {
            return 0.0;
        }
        let wave = self.grey_waves[0].at(along) + self.grey_waves[1].at(along);
        let level = (1.0 + wave).clamp(0.15, 1.7);
        // The commissure joins two horns, which are longer from front to back.
        let commissure = cover(ellipse([depth, side], [1.0, 2.4]), 0.9);
        let horns = cover(ellipse([depth + 0.2, side.abs() - 2.0], [2.3, 0.9]), 0.9);
        let mut brightness = self.grey * level * commissure.max(horns);
        for stretch in &self.canal {
            let ends = smooth_step(1.25, 0.75, ((along - stretch.along) / stretch.half).abs());
            let canal = cover(ellipse([depth, side], [stretch.radius, 1.6 * stretch.radius]), 0.5);
            brightness = brightness.max(stretch.brightness * ends * canal);
        }
        brightness
    }

    /// Share of the fluid's signal that flow takes at a point; `behind` is the distance behind the
    /// cord's centre.
    pub fn flow(&self, point: [f32; 3], behind: f32) -> f32 {
        if !self.on.flow_voids {
            return 0.0;
        }
        // Fast jets are blobs along the canal, most of them behind the cord.
        let jets = smooth_step(0.1, 0.55, noise(self.seed, point, [7.0, 5.0, 24.0]));
        let slow = noise(self.seed ^ 9, point, [8.0, 5.0, 22.0]).max(0.0);
        let behind = smooth_step(-2.0, 6.0, behind);
        (0.12 * slow + self.flow * jets * (0.35 + 0.65 * behind)).min(0.9)
    }

    /// Sensitivity of the coil at a height, 1 where it is largest.
    pub fn coil(&self, height: f32) -> f32 {
        if !self.on.coil_fall_off {
            return 1.0;
        }
        (-((height - self.coil_centre) / self.coil_reach).powi(2)).exp()
    }

    /// Factor by which the nearest element brightens a height; `depth` below the skin, mm.
    pub fn element(&self, height: f32, depth: f32) -> f32 {
        if !self.on.coil_fall_off {
            return 1.0;
        }
        let [centre, half, gain] = self.element;
        1.0 + gain * (-((height - centre) / half).powi(2) - depth / 120.0).exp()
    }

    /// How strongly the fluid at a height pulsates, 0 to 1: ghosts are patchy.
    pub fn pulsation(&self, height: f32) -> f32 {
        0.5 + 0.5 * noise(self.seed ^ 17, [0.0, 0.0, height], [1.0, 1.0, 16.0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Streams;

    fn structure(on: NormalStructure) -> Structure {
        Structure::draw(&mut Streams::new(3).stream("phantom structure", &[0]), on, true)
    }

    #[test]
    fn grey_matter_varies_along_the_cord_and_is_brighter_than_white_matter() {
        let structure = structure(NormalStructure::ALL);
        let middle: Vec<f32> =
            (0..100).map(|mm| structure.inner_brightness(-(mm as f32), 0.0, 0.0)).collect();
        let (low, high) =
            middle.iter().fold((1.0_f32, 0.0_f32), |(low, high), b| (low.min(*b), high.max(*b)));
        assert!(low > 0.0 && high > 1.5 * low && high < 0.9, "{low} to {high}");
        assert_eq!(structure.inner_brightness(-40.0, 0.0, 5.0), 0.0);
    }

    #[test]
    fn what_is_switched_off_does_nothing() {
        let none = structure(NormalStructure::NONE);
        assert_eq!(none.inner_brightness(-40.0, 0.0, 0.0), 0.0);
        assert_eq!(none.flow([0.0, 0.0, -40.0], 5.0), 0.0);
        assert_eq!((none.coil(80.0), none.element(-40.0, 30.0)), (1.0, 1.0));
    }
}
