//! Shapes beyond what phantoms show, for the training of a segmentation: other proportions, narrow canals, dented
//! walls, and the cross-sections of real people.

use rand::RngExt;

use super::anatomy::{Anatomy, STEP, Section, TOP};
use super::outline::{ANGLES, Outline};
use super::real_shape::{RealShape, Wall};
use super::texture::{bump, smooth_step};
use super::wave::Wave;
use crate::context::Stream;

impl Anatomy {
    /// Makes the canal wider or narrower, the cord thicker or thinner, and moves the cord towards a wall of the
    /// canal, beyond what phantoms of people show.
    pub fn exaggerate(&mut self, stream: &mut Stream) {
        let canal = stream.random_range(0.85..1.15f32);
        let cord = stream.random_range(0.75..1.25f32);
        let towards_wall = Wave::draw(stream, 2.5, 60.0..200.0);
        let thickness = Wave::draw(stream, 0.2, 20.0..80.0);
        for (i, section) in self.sections.iter_mut().enumerate() {
            let z = TOP - i as f32 * STEP;
            section.canal_front *= canal;
            section.canal_back *= canal;
            section.canal_half_width *= canal;
            section.cord_half_width *= cord;
            let half_depth = section.cord_half_depth * cord * (1.0 + thickness.at(z));
            section.place_cord(section.cord_centre + towards_wall.at(z), half_depth, 0.2);
        }
    }

    /// Narrows the canal from front to back over a long stretch until no fluid is left beside the cord.
    pub fn narrow(&mut self, stream: &mut Stream) {
        let (centre, half) = (stream.random_range(-90.0..5.0f32), stream.random_range(12.0..45.0));
        let gap = stream.random_range(0.0..0.8);
        for (i, section) in self.sections.iter_mut().enumerate() {
            let z = TOP - i as f32 * STEP;
            let share = smooth_step(1.3, 0.8, ((z - centre) / half).abs());
            let front = section.cord_centre + section.cord_half_depth + gap;
            let back = section.cord_centre - section.cord_half_depth - gap;
            section.canal_front += share * (front.min(section.canal_front) - section.canal_front);
            section.canal_back += share * (back.max(section.canal_back) - section.canal_back);
        }
    }

    /// Dents and bulges in the walls of canal and cord.
    pub fn dent(&mut self, stream: &mut Stream) {
        self.canal_outline = Outline::random(stream, 0.12);
        self.cord_outline = Outline::random(stream, 0.08);
    }

    /// Gives the person the cross-sections of a real one, at a random height, a little longer or shorter, maybe
    /// right for left. Above and below what the shape covers, its ends fade into the person's own.
    pub fn take_shape(&mut self, stream: &mut Stream, shape: &RealShape) {
        let top = stream.random_range(5.0..40.0f32);
        let spacing = shape.spacing * stream.random_range(0.85..1.2);
        let mirrored: bool = stream.random();
        // The walls at a height, and how far beyond the shape it lies.
        let walls = |z: f32| -> ([Wall; 2], f32) {
            let last = shape.sections.len() - 1;
            let place = (top - z) / spacing;
            let (i, t) =
                (place.clamp(0.0, last as f32 - 0.001) as usize, place.clamp(0.0, last as f32));
            let [a, b] = [&shape.sections[i], &shape.sections[(i + 1).min(last)]];
            let mixed = [0, 1].map(|wall: usize| a[wall].mix(&b[wall], t - i as f32));
            let beyond = (-place).max(place - last as f32).max(0.0) * spacing;
            (if mirrored { mixed.map(|wall| wall.mirrored()) } else { mixed }, beyond)
        };
        let bottom = top - spacing * (shape.sections.len() - 1) as f32;
        let own = [top, bottom].map(|z| self.section(z));
        for (i, section) in self.sections.iter_mut().enumerate() {
            let z = TOP - i as f32 * STEP;
            let ([canal, cord], beyond) = walls(z);
            let fade = smooth_step(35.0, 0.0, beyond);
            // Beyond its ends the person keeps the proportions of the end.
            let end = &own[usize::from(z < bottom)];
            let size = |real: f32, end: f32, here: f32| {
                if beyond > 0.0 { here * real / end } else { real }
            };
            let depth = |section: &Section| 0.5 * (section.canal_front - section.canal_back);
            let half = size(canal.half[0], depth(end), depth(section));
            let bulge: f32 =
                self.discs.iter().map(|disc| disc.bulge * bump(z, disc.along, 2.2)).sum();
            let middle = 0.5 * (section.canal_front + section.canal_back) * (1.0 - fade);
            section.canal_front = middle + half + fade * canal.centre[0] - bulge;
            section.canal_back = middle - half + fade * canal.centre[0] + 0.35 * bulge;
            section.x += fade * canal.centre[1];
            section.canal_half_width =
                size(canal.half[1], end.canal_half_width, section.canal_half_width);
            section.cord_half_width =
                size(cord.half[1], end.cord_half_width, section.cord_half_width);
            section.cord_side = fade * (cord.centre[1] - canal.centre[1]);
            let half_depth = size(cord.half[0], end.cord_half_depth, section.cord_half_depth);
            let centre = section.cord_centre * (1.0 - fade) + fade * cord.centre[0];
            section.place_cord(centre, half_depth, 0.3);
        }
        let ring = |wall: usize| {
            move |z: f32| {
                let (walls, beyond) = walls(z);
                let fade = smooth_step(35.0, 0.0, beyond);
                let ring = walls[wall].ring;
                std::array::from_fn::<f32, ANGLES, _>(|i| 1.0 + fade * (ring[i] - 1.0))
            }
        };
        self.canal_outline = Outline::new(ring(0));
        self.cord_outline = Outline::new(ring(1));
    }
}
