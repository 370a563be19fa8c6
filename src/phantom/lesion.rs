//! T2 hyperintensities of the cord, and their ground truth.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::anatomy::Anatomy;
use super::texture::smooth_step;
use crate::context::Stream;

/// The ground truth of one drawn lesion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LesionTruth {
    /// Vertebral segments it reaches, superior first: "C4", "C5".
    pub segments: Vec<String>,
    /// (lesion − white matter) / (fluid − white matter) at its centre, before blur and noise: 0.2 to
    /// 0.45. The central canal of a healthy cord can be brighter.
    pub contrast: f32,
    /// Length along the cord, front-back and right-left width, mm.
    pub length_mm: f32,
    pub depth_mm: f32,
    pub width_mm: f32,
}

/// An ellipsoid with a soft edge, in the frame of the spine.
#[derive(Clone, Debug)]
pub(super) struct Lesion {
    along: f32,
    depth: f32,
    side: f32,
    half: [f32; 3],
    pub contrast: f32,
}

impl Lesion {
    /// Draws one to three lesions that keep clear of each other. `slices` are the right-left
    /// positions of the slices, so that none falls unseen between two of them; `lowest` is the
    /// height below which nothing is imaged.
    pub fn draw(
        stream: &mut Stream,
        anatomy: &Anatomy,
        slices: &[f32],
        lowest: f32,
    ) -> Vec<(Lesion, LesionTruth)> {
        let count = [1, 1, 2, 2, 3][stream.random_range(0..5)];
        let mut taken: Vec<(f32, f32)> = Vec::new();
        let mut lesions = Vec::new();
        // Rejection with a bound: a crowded cord carries fewer lesions.
        for _ in 0..20 * count {
            if lesions.len() == count {
                break;
            }
            let level = stream.random_range(0..anatomy.discs.len() - 3);
            let (disc, below) = (&anatomy.discs[level], &anatomy.vertebrae[level + 1]);
            let centre =
                if stream.random() { disc.along } else { 0.5 * (below.top + below.bottom) };
            let along = centre + stream.random_range(-3.0..3.0);
            let length: f32 = (stream.random_range(4.0f32.ln()..20.0f32.ln())).exp();
            let span = (along - 0.5 * length, along + 0.5 * length);
            let clear = taken.iter().all(|t| span.1 + 8.0 < t.0 || t.1 + 8.0 < span.0);
            if !clear || span.0 < lowest {
                continue;
            }
            taken.push(span);
            lesions.push(Self::draw_at(stream, anatomy, slices, along, length));
        }
        lesions.sort_by(|a, b| b.0.along.total_cmp(&a.0.along));
        lesions
    }

    fn draw_at(
        stream: &mut Stream,
        anatomy: &Anatomy,
        slices: &[f32],
        along: f32,
        length: f32,
    ) -> (Lesion, LesionTruth) {
        let section = anatomy.section(along);
        let room = section.cord_half_depth;
        let half_depth = stream.random_range(1.0..2.5f32).min(0.8 * room);
        let depth = section.cord_centre + (room - half_depth) * stream.random_range(-0.8..0.8);
        let spacing = slices.windows(2).map(|w| (w[1] - w[0]).abs()).next().unwrap_or(3.5);
        let reachable: Vec<f32> = slices
            .iter()
            .map(|x| x - section.x)
            .filter(|side| side.abs() < 0.5 * section.cord_half_width)
            .collect();
        let side = match reachable.len() {
            0 => 0.0,
            n => reachable[stream.random_range(0..n)] + spacing * stream.random_range(-0.15..0.15),
        };
        let half_width = stream.random_range(0.65..1.4) * spacing;
        let contrast = stream.random_range(0.2..0.45);
        let lesion =
            Self { along, depth, side, half: [0.5 * length, half_depth, half_width], contrast };
        let truth = LesionTruth {
            segments: segments(anatomy, along + 0.5 * length, along - 0.5 * length),
            contrast,
            length_mm: length,
            depth_mm: 2.0 * half_depth,
            width_mm: 2.0 * half_width,
        };
        (lesion, truth)
    }

    /// Share of the lesion's contrast at a point of the spine frame: 1 in its core, ½ on its
    /// surface, 0 outside.
    pub fn weight(&self, along: f32, depth: f32, side: f32) -> f32 {
        let part = |value: f32, centre: f32, half: f32| ((value - centre) / half).powi(2);
        let radius = (part(along, self.along, self.half[0])
            + part(depth, self.depth, self.half[1])
            + part(side, self.side, self.half[2]))
        .sqrt();
        smooth_step(1.3, 0.7, radius)
    }
}

/// Names of the vertebral segments between two heights; discs are the borders.
fn segments(anatomy: &Anatomy, top: f32, bottom: f32) -> Vec<String> {
    let borders: Vec<f32> =
        std::iter::once(f32::INFINITY).chain(anatomy.discs.iter().map(|disc| disc.along)).collect();
    anatomy
        .vertebrae
        .iter()
        .zip(borders.windows(2))
        .filter(|(_, border)| bottom < border[0] && top > border[1])
        .map(|(vertebra, _)| vertebra.name())
        .collect()
}
