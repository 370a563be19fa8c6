//! Which tissue lies at a point and how bright it is: painted back to front, every structure with
//! a soft edge one pixel wide.

use rand::RngExt;

use super::anatomy::{Anatomy, Section};
use super::lesion::Lesion;
use super::structure::Structure;
use super::texture::{cover, noise, smooth_step};
use crate::context::Stream;

/// T2-weighted signal of each tissue; fluid is about 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub fluid: f32,
    pub cord: f32,
    pub brain: f32,
    pub marrow: f32,
    pub disc: f32,
    pub muscle: f32,
    pub fat: f32,
    /// Ligament, cortical bone, flowing blood.
    pub dark: f32,
    /// Share of the signal that fluid lacks in front of the cord and behind it.
    pub lacking: [f32; 2],
}

impl Palette {
    /// 3-D fast spin echo of a research site: heavy T2 weighting, moderate fat.
    pub fn research(stream: &mut Stream) -> Self {
        Self {
            fluid: 1.0,
            cord: 0.44,
            brain: 0.46,
            marrow: 0.30,
            disc: 0.40,
            muscle: 0.16,
            fat: 0.55,
            dark: 0.03,
            lacking: [0.0; 2],
        }
        .varied(stream)
    }

    /// 2-D turbo spin echo of a hospital: bright fat and marrow, darker cord.
    pub fn hospital(stream: &mut Stream) -> Self {
        Self {
            fluid: 0.95,
            cord: 0.36,
            brain: 0.37,
            marrow: 0.45,
            disc: 0.36,
            muscle: 0.19,
            fat: 0.85,
            dark: 0.04,
            lacking: [0.0; 2],
        }
        .varied(stream)
    }

    fn varied(mut self, stream: &mut Stream) -> Self {
        for signal in [
            &mut self.fluid,
            &mut self.cord,
            &mut self.brain,
            &mut self.marrow,
            &mut self.disc,
            &mut self.muscle,
            &mut self.fat,
            &mut self.dark,
        ] {
            *signal *= stream.random_range(0.92..1.08);
        }
        self
    }
}

/// What is at a point: signal, and how much of it is each labelled structure (0 to 1).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub signal: f32,
    pub cord: f32,
    pub fluid: f32,
    pub lesion: f32,
}

/// A point in both frames, with the cross-section of the spine at its height.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub x: f32,
    pub y: f32,
    pub z: f32,
    pub along: f32,
    pub depth: f32,
    pub side: f32,
    pub section: Section,
}

impl Site {
    /// Whether vertebrae, canal or cord are near: elsewhere little changes across a slice.
    pub fn near_spine(&self) -> bool {
        (-44.0..32.0).contains(&self.depth)
    }

    /// The point `shift` mm further to the right.
    pub fn moved(&self, shift: f32) -> Self {
        Self { x: self.x + shift, side: self.side + shift, ..*self }
    }
}

/// A person ready to be imaged.
pub(super) struct Painter<'a> {
    pub anatomy: &'a Anatomy,
    pub palette: Palette,
    pub structure: &'a Structure,
    pub lesions: &'a [Lesion],
    /// Width of soft edges, mm.
    pub edge: f32,
    /// Height up to which cord and fluid are labelled.
    pub labelled_to: f32,
}

impl Painter<'_> {
    /// Finds a point of the patient frame, mm, in the frame of the spine.
    pub fn site(&self, [x, y, z]: [f32; 3]) -> Site {
        let (along, depth) = self.anatomy.spine_frame(y, z);
        let section = self.anatomy.section(along);
        Site { x, y, z, along, depth, side: x - section.x, section }
    }

    /// What is there.
    pub fn sample(&self, site: &Site) -> Sample {
        let skin = self.skin(site);
        if skin > self.edge {
            return Sample::default();
        }
        let mut sample = Sample::default();
        let canal = self.canal(site);
        // Deep inside the canal nothing else shows.
        if canal > -1.5 * self.edge {
            self.neck(site, &mut sample.signal);
            self.head(site, &mut sample.signal);
            self.spine(site, &mut sample.signal);
            self.subcutaneous(site, skin, &mut sample.signal);
            // The skull has no such line between fluid and fluid.
            let below = smooth_step(4.0, -4.0, site.along - self.anatomy.foramen);
            let dura = self.cover(canal - 0.7) * below;
            self.paint(&mut sample.signal, dura, self.palette.dark);
        }
        self.fluid(site, canal, &mut sample);
        self.cord(site, canal, &mut sample);
        sample.signal *= self.cover(skin);
        sample
    }

    pub(super) fn cover(&self, distance: f32) -> f32 {
        cover(distance, self.edge)
    }

    pub(super) fn paint(&self, signal: &mut f32, coverage: f32, with: f32) {
        *signal += coverage * (with - *signal);
    }

    pub(super) fn noise(&self, salt: u32, site: &Site, scale: [f32; 3]) -> f32 {
        noise(self.anatomy.seed.wrapping_add(salt), [site.x, site.y, site.z], scale)
    }

    /// Signed distance to the wall of the canal.
    pub(super) fn canal(&self, site: &Site) -> f32 {
        let section = &site.section;
        let centre = 0.5 * (section.canal_front + section.canal_back);
        let half = 0.5 * (section.canal_front - section.canal_back);
        let place = [site.depth - centre, site.side];
        self.anatomy.canal_outline.distance(site.along, place, [half, section.canal_half_width])
    }

    fn fluid(&self, site: &Site, canal: f32, sample: &mut Sample) {
        let coverage = self.cover(canal);
        if coverage == 0.0 {
            return;
        }
        let behind = site.section.cord_centre - site.depth;
        let flow = self.structure.flow([site.x, site.y, site.z], behind);
        let [front, back] = self.palette.lacking;
        let lacking = if front == 0.0 && back == 0.0 {
            0.0
        } else {
            let patchy = 0.6 + 0.6 * self.noise(14, site, [9.0, 9.0, 28.0]);
            (front + (back - front) * smooth_step(-4.0, 4.0, behind)) * patchy.clamp(0.0, 1.0)
        };
        let mut signal = self.palette.fluid * (1.0 - flow) * (1.0 - lacking);
        // Nerve roots leave obliquely downwards beside the cord.
        let root = (0.055 * (site.along - 0.8 * site.side.abs())).fract().abs();
        let lateral = smooth_step(5.0, 8.0, site.side.abs());
        if site.along < self.anatomy.foramen {
            let dark = lateral * (1.0 - ((root - 0.5).abs() / 0.12).min(1.0));
            signal += 0.55 * dark * (self.palette.cord - signal);
        }
        self.paint(&mut sample.signal, coverage, signal);
        sample.fluid = coverage * self.labelled(site);
    }

    fn cord(&self, site: &Site, canal: f32, sample: &mut Sample) {
        let section = &site.section;
        let depth = site.depth - section.cord_centre;
        let outline = &self.anatomy.cord_outline;
        let reach = outline.largest();
        if canal > 0.0 || depth.abs() > section.cord_half_depth * reach + 1.0 {
            return;
        }
        let side = site.side - section.cord_side;
        let half = [section.cord_half_depth, section.cord_half_width];
        let distance = outline.distance(site.along, [depth, side], half);
        let coverage = self.cover(distance);
        if coverage == 0.0 {
            return;
        }
        let contrast = self.palette.fluid - self.palette.cord;
        let mut signal = self.palette.cord * (1.0 + section.cord_tone);
        let mut bright = self.structure.inner_brightness(site.along, depth, side);
        for lesion in self.lesions {
            let weight = lesion.weight(site.along, site.depth, site.side);
            // A lesion is bright itself, so grey matter adds less to it than to white matter.
            bright += weight * lesion.contrast * (1.0 - bright);
            sample.lesion = sample.lesion.max(weight * coverage);
        }
        signal *= 1.0 + 0.03 * self.noise(12, site, [3.0, 2.0, 4.0]);
        signal += bright * contrast;
        self.paint(&mut sample.signal, coverage, signal);
        sample.cord = coverage * self.labelled(site);
        sample.fluid *= 1.0 - coverage;
    }

    fn labelled(&self, site: &Site) -> f32 {
        self.cover(site.along - self.labelled_to)
    }
}
