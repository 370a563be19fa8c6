//! The random shape of one person: everything that is drawn once and then only looked up.
//!
//! Lengths in mm. The patient frame has x to the right, y to the front and z to the head, with
//! the canal of the C2/C3 disc near the origin. The spine has its own frame: `along` is the
//! height z of the nearest point of the canal's centre line, `depth` the distance in front of
//! that line and `side` the distance to the right of it.

use rand::RngExt;

use super::outline::Outline;
use super::texture::{bump, smooth_step};
use super::wave::Wave;
use crate::context::Stream;

/// Range of the tabulated centre line, z in mm.
pub(super) const TOP: f32 = 170.0;
const BOTTOM: f32 = -190.0;
pub(super) const STEP: f32 = 0.5;

/// Cross-section of the spinal canal at one height.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Section {
    /// Centre line: front-back and right-left position.
    pub y: f32,
    pub x: f32,
    /// dy/dz of the centre line.
    pub slope: f32,
    /// Depth of the front wall of the canal (positive) and of its back wall (negative).
    pub canal_front: f32,
    pub canal_back: f32,
    pub canal_half_width: f32,
    /// Depth of the cord's centre, and its half axes.
    pub cord_centre: f32,
    pub cord_half_depth: f32,
    pub cord_half_width: f32,
    /// Distance of the cord's centre to the right of the canal's.
    pub cord_side: f32,
    /// Relative change of the cord's signal along its length.
    pub cord_tone: f32,
}

/// An intervertebral disc, numbered as in the Spinal Cord Toolbox.
#[derive(Clone, Copy, Debug)]
pub(super) struct IntervertebralDisc {
    pub value: u8,
    pub along: f32,
    pub height: f32,
    /// 0 = young and bright, 1 = dark and flat.
    pub degeneration: f32,
    /// How far it bulges into the canal.
    pub bulge: f32,
}

/// A vertebra from C2 to T4.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertebra {
    /// 2 = C2 … 7 = C7, 8 = T1 ….
    pub number: u8,
    /// Upper and lower endplate.
    pub top: f32,
    pub bottom: f32,
    /// Front-back length and half width of its body.
    pub depth: f32,
    pub half_width: f32,
    /// Spinous process: length, drop of its tip, radius.
    pub process: [f32; 3],
    /// Relative brightness of its marrow.
    pub tone: f32,
}

/// Shape of one person.
#[derive(Clone, Debug)]
pub(super) struct Anatomy {
    /// From [`TOP`] downwards, every [`STEP`] mm.
    pub sections: Vec<Section>,
    /// Superior first; discs[i] lies below vertebrae[i].
    pub discs: Vec<IntervertebralDisc>,
    pub vertebrae: Vec<Vertebra>,
    /// How the walls of canal and cord depart from ellipses.
    pub canal_outline: Outline,
    pub cord_outline: Outline,
    /// Height of the foramen magnum: cord and fluid are labelled below it.
    pub foramen: f32,
    /// Distance from the canal to the skin of the back of the neck, and to that of its front.
    pub neck_back: f32,
    pub neck_front: f32,
    /// Thickness of the fat under the skin of the back.
    pub fat: f32,
    /// Height of the underside of the chin.
    pub chin: f32,
    /// Share of fat in the muscles of the neck, 0 to 1.
    pub fatty_muscle: f32,
    /// Seed of all textures.
    pub seed: u32,
}

impl Anatomy {
    /// Draws a person. `worn` from 0 to 1 makes degenerate discs likelier; without `bulges` no disc
    /// reaches into the canal.
    pub fn draw(stream: &mut Stream, worn: f32, bulges: bool) -> Self {
        let size = stream.random_range(0.92..1.08);
        let (mut discs, vertebrae) = draw_levels(stream, size, worn);
        if !bulges {
            discs.iter_mut().for_each(|disc| disc.bulge = 0.0);
        }
        let foramen = 22.0 * size + stream.random_range(22.0..27.0);
        let sections = draw_sections(stream, size, foramen, &discs);
        Self {
            sections,
            discs,
            vertebrae,
            canal_outline: Outline::default(),
            cord_outline: Outline::default(),
            foramen,
            neck_back: stream.random_range(50.0..64.0),
            neck_front: stream.random_range(58.0..72.0),
            fat: stream.random_range(8.0..16.0),
            chin: stream.random_range(-32.0..-12.0),
            fatty_muscle: stream.random_range(0.15..0.75),
            seed: stream.random(),
        }
    }

    /// The cross-section at a height, linearly interpolated.
    pub fn section(&self, along: f32) -> Section {
        let (i, t) = place(along, self.sections.len());
        self.sections[i].mix(&self.sections[i + 1], t)
    }

    /// (along, depth) of a point of the sagittal plane. Far from the spine, where perpendiculars
    /// of a curved line would cross, the nearest point is that of a point 35 mm away.
    pub fn spine_frame(&self, y: f32, z: f32) -> (f32, f32) {
        let mut along = z;
        for _ in 0..3 {
            let (line, slope) = self.line(along);
            along = z + (y - line).clamp(-35.0, 35.0) * slope;
        }
        let (line, slope) = self.line(along);
        (along, (y - line) * (1.0 + slope * slope).sqrt())
    }

    /// Patient position of a point of the spine frame.
    pub fn patient_frame(&self, along: f32, depth: f32, side: f32) -> [f32; 3] {
        let section = self.section(along);
        let cos = 1.0 / (1.0 + section.slope * section.slope).sqrt();
        [section.x + side, section.y + depth * cos, along - depth * cos * section.slope]
    }

    fn line(&self, along: f32) -> (f32, f32) {
        let (i, t) = place(along, self.sections.len());
        let (a, b) = (&self.sections[i], &self.sections[i + 1]);
        (a.y + t * (b.y - a.y), a.slope + t * (b.slope - a.slope))
    }
}

impl Vertebra {
    /// "C2" … "C7", "T1" ….
    pub fn name(&self) -> String {
        if self.number <= 7 { format!("C{}", self.number) } else { format!("T{}", self.number - 7) }
    }
}

impl Section {
    /// Puts a cord of this half depth at a depth: the walls of the canal first push it, then flatten it, and leave
    /// `gap` mm.
    pub fn place_cord(&mut self, centre: f32, half_depth: f32, gap: f32) {
        let front = (centre + half_depth).min(self.canal_front - gap);
        let back = (front - 2.0 * half_depth).max(self.canal_back + gap);
        self.cord_centre = 0.5 * (front + back);
        self.cord_half_depth = (0.5 * (front - back)).max(0.5);
    }

    fn mix(&self, other: &Self, t: f32) -> Self {
        let mix = |a: f32, b: f32| a + t * (b - a);
        Self {
            y: mix(self.y, other.y),
            x: mix(self.x, other.x),
            slope: mix(self.slope, other.slope),
            canal_front: mix(self.canal_front, other.canal_front),
            canal_back: mix(self.canal_back, other.canal_back),
            canal_half_width: mix(self.canal_half_width, other.canal_half_width),
            cord_centre: mix(self.cord_centre, other.cord_centre),
            cord_half_depth: mix(self.cord_half_depth, other.cord_half_depth),
            cord_half_width: mix(self.cord_half_width, other.cord_half_width),
            cord_side: mix(self.cord_side, other.cord_side),
            cord_tone: mix(self.cord_tone, other.cord_tone),
        }
    }
}

/// Table index and fraction of a height, clamped to the table.
fn place(along: f32, len: usize) -> (usize, f32) {
    let position = ((TOP - along) / STEP).clamp(0.0, len as f32 - 1.001);
    (position as usize, position.fract())
}

fn draw_levels(
    stream: &mut Stream,
    size: f32,
    worn: f32,
) -> (Vec<IntervertebralDisc>, Vec<Vertebra>) {
    // Distance from the disc above, disc height, body depth and half width; C2/C3 to T4/T5.
    const LEVELS: [(u8, f32, f32, f32, f32); 9] = [
        (3, 0.0, 5.0, 16.5, 9.0),
        (4, 18.0, 5.2, 17.0, 9.0),
        (5, 17.6, 5.4, 17.0, 9.3),
        (6, 17.4, 5.6, 17.5, 9.8),
        (7, 17.8, 5.6, 18.0, 10.5),
        (8, 19.2, 5.4, 18.0, 11.5),
        (9, 20.5, 5.0, 18.5, 12.0),
        (10, 21.5, 4.8, 18.5, 12.5),
        (11, 22.0, 4.6, 19.5, 12.5),
    ];
    let mut discs = Vec::with_capacity(LEVELS.len());
    let mut vertebrae = Vec::with_capacity(LEVELS.len());
    let mut along = 0.0;
    let mut above = None::<f32>;
    for (value, pitch, height, depth, half_width) in LEVELS {
        along -= pitch * size * stream.random_range(0.96..1.04);
        // C4/C5 to C6/C7 wear first.
        let prone = worn * if (5..=7).contains(&value) { 1.0 } else { 0.45 };
        let degeneration: f32 = if stream.random::<f32>() < prone {
            stream.random_range(0.5..1.0)
        } else {
            stream.random_range(0.0..0.4)
        };
        let height = height * size * (1.0 - 0.4 * degeneration);
        let bulge = stream.random_range(0.0..0.6)
            + if degeneration > 0.5 { stream.random_range(0.4..3.2) } else { 0.0 };
        discs.push(IntervertebralDisc { value, along, height, degeneration, bulge });
        let number = value - 1;
        let (length, drop, radius) = match number {
            2 => (24.0, 8.0, 6.2),
            3..=5 => (17.0, 8.0, 3.8),
            6 => (24.0, 11.0, 4.2),
            7 => (31.0, 15.0, 4.8),
            _ => (33.0, 21.0, 4.8),
        };
        let stretch = size * stream.random_range(0.85..1.15);
        vertebrae.push(Vertebra {
            number,
            top: above.unwrap_or(along + 20.0 * size),
            bottom: along + 0.5 * height,
            depth: depth * size * stream.random_range(0.96..1.04),
            half_width: half_width * size,
            process: [length * stretch, drop * stream.random_range(0.7..1.2), radius * size],
            tone: stream.random_range(0.9..1.1),
        });
        above = Some(along - 0.5 * height);
    }
    (discs, vertebrae)
}

fn draw_sections(
    stream: &mut Stream,
    size: f32,
    foramen: f32,
    discs: &[IntervertebralDisc],
) -> Vec<Section> {
    // Most necks are lordotic, some straight, a few kyphotic.
    let lordosis = stream.random_range(-3.0..9.0);
    let tilt = stream.random_range(0.05..0.17);
    let wave = Wave::draw(stream, 0.8, 70.0..110.0);
    let scoliosis = Wave::draw(stream, 2.0, 120.0..220.0);
    let lean = stream.random_range(-0.012..0.012);
    let canal = size * stream.random_range(0.92..1.1);
    let cord = stream.random_range(0.93..1.07);
    let sway = Wave::draw(stream, 0.7, 50.0..120.0);
    let tones = [Wave::draw(stream, 0.05, 60.0..140.0), Wave::draw(stream, 0.03, 18.0..40.0)];
    let enlargement = discs[2].along;

    let count = ((TOP - BOTTOM) / STEP) as usize + 1;
    let mut sections: Vec<Section> = (0..count)
        .map(|i| {
            let z = TOP - i as f32 * STEP;
            let thoracic = (-80.0 - z).max(0.0);
            let y = tilt * z.min(60.0) + lordosis * bump(z, -42.0, 38.0)
                - 0.0042 * thoracic * thoracic
                + wave.at(z);
            let high = smooth_step(-25.0, 30.0, z);
            let low = smooth_step(-75.0, -110.0, z);
            let half = canal * (6.3 + 1.8 * high + 0.3 * low);
            let flare = 5.0 * smooth_step(foramen - 8.0, foramen + 6.0, z);
            let bulge: f32 = discs.iter().map(|disc| disc.bulge * bump(z, disc.along, 2.2)).sum();
            let canal_front = half + flare - bulge;
            let canal_back = -half - 0.6 * flare + 0.35 * bulge;

            let swell = bump(z, enlargement, 22.0);
            let stem = smooth_step(foramen - 6.0, foramen + 38.0, z);
            let half_depth = cord * (3.45 + 0.35 * swell - 0.25 * low) + 7.5 * stem;
            let centre = sway.at(z) + 2.5 * stem;
            // A bulging disc first pushes the cord back, then flattens it.
            let front = (centre + half_depth).min(canal_front - 0.35);
            let back = (front - 2.0 * half_depth).max(canal_back + 0.35);
            Section {
                y,
                x: scoliosis.at(z) + lean * z,
                slope: 0.0,
                canal_front,
                canal_back,
                canal_half_width: canal * (11.0 + 1.5 * high) + flare,
                cord_centre: 0.5 * (front + back),
                cord_half_depth: 0.5 * (front - back),
                cord_half_width: cord * (5.6 + 1.3 * swell - 0.6 * low) + 7.0 * stem,
                cord_side: 0.0,
                cord_tone: tones[0].at(z) + tones[1].at(z),
            }
        })
        .collect();
    for i in 1..count - 1 {
        sections[i].slope = (sections[i - 1].y - sections[i + 1].y) / (2.0 * STEP);
    }
    sections
}
