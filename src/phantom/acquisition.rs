//! The scanner: slices through the person, coil, ghosts, noise and storage.

use ndarray::{Array3, ArrayView2, ArrayViewMut2, Axis};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::anatomy::Anatomy;
use super::kspace::KSpace;
use super::structure::Structure;
use super::tissue::{Painter, Sample};
use crate::context::{Stream, Streams};
use crate::volume::LabelledVolume;
use crate::volume::{Affine, Volume};

/// Storage orders that scanners and converters leave behind: where each stored axis points.
const ORDERS: [&str; 8] = ["RAS", "PSR", "LPI", "PIR", "LAS", "ASL", "RPI", "LSA"];

/// One protocol: what distinguishes a site.
#[derive(Clone, Copy, Debug)]
pub(super) struct Protocol {
    /// Distance between slices and their thickness, mm.
    pub spacing: f32,
    pub thickness: f32,
    pub slices: usize,
    /// Edge of a pixel and of the square field of view, mm.
    pub pixel: f32,
    pub field: f32,
    /// Standard deviation of the noise, relative to fluid.
    pub noise: f32,
    /// Brightening towards the coil at the back.
    pub coil: f32,
    /// Stored value of signal 1.
    pub scale: f32,
}

/// One examination, with everything random decided except the noise.
#[derive(Clone, Debug)]
pub(super) struct Acquisition {
    protocol: Protocol,
    /// Pixels along the front-back and foot-head axes.
    pixels: usize,
    /// Columns: directions of the slice, front and head axes of the image, in patient space.
    rotation: [[f32; 3]; 3],
    /// Patient position of the middle of the volume.
    centre: [f32; 3],
    /// Where the scanner's origin lies.
    origin: [f32; 3],
    /// Gradients of the bias field per 100 mm: right, front, head.
    tilt: [f32; 3],
    /// Share of k-space that is sampled.
    bandwidth: f32,
    order: &'static str,
}

impl Acquisition {
    /// Draws the examination of the subject at `index`; storage orders take turns.
    pub fn draw(stream: &mut Stream, protocol: Protocol, anatomy: &Anatomy, index: usize) -> Self {
        let oblique = if stream.random::<f32>() < 0.5 { 0.08 } else { 0.0 };
        let angles: [f32; 3] = std::array::from_fn(|_| oblique * stream.random_range(-1.0..1.0));
        let height = stream.random_range(-8.0..6.0) - 14.0;
        let section = anatomy.section(height - 15.0);
        Self {
            pixels: (protocol.field / protocol.pixel).round() as usize,
            // Turning about the slice axis shifts little; tilting the slices is limited, as the
            // technician lines them up with the cord.
            rotation: rotation([angles[0], 0.4 * angles[1], 0.4 * angles[2]]),
            centre: [
                section.x + stream.random_range(-0.4..0.4) * protocol.spacing,
                section.y + stream.random_range(6.0..16.0),
                height,
            ],
            origin: std::array::from_fn(|_| stream.random_range(-40.0..40.0)),
            tilt: std::array::from_fn(|_| stream.random_range(-0.12..0.12)),
            bandwidth: stream.random_range(0.78..0.95),
            order: ORDERS[index % ORDERS.len()],
            protocol,
        }
    }

    /// Right-left positions of the slices at mid-height, mm.
    pub fn slice_positions(&self) -> Vec<f32> {
        let [_, row, column] = self.middle();
        (0..self.protocol.slices).map(|i| self.position([i as f32, row, column])[0]).collect()
    }

    /// Height of the lowest imaged point with a margin, mm.
    pub fn lowest(&self) -> f32 {
        self.centre[2] - 0.5 * self.protocol.field + 8.0
    }

    /// Index of the middle of the volume.
    fn middle(&self) -> [f32; 3] {
        [self.protocol.slices, self.pixels, self.pixels].map(|count| 0.5 * (count as f32 - 1.0))
    }

    /// Distance between neighbouring voxels, mm.
    fn step(&self) -> [f32; 3] {
        [self.protocol.spacing, self.protocol.pixel, self.protocol.pixel]
    }

    /// Patient position of a voxel given as (right, front, head) index.
    fn position(&self, index: [f32; 3]) -> [f32; 3] {
        let (middle, step) = (self.middle(), self.step());
        std::array::from_fn(|row| {
            let offset: f32 = (0..3)
                .map(|axis| self.rotation[row][axis] * step[axis] * (index[axis] - middle[axis]))
                .sum();
            self.centre[row] + offset
        })
    }

    /// Images the person. `place` names the noise stream of this examination.
    pub fn image(&self, painter: &Painter, streams: &Streams, place: u64) -> LabelledVolume {
        let shape = [self.protocol.slices, self.pixels, self.pixels];
        let structure = painter.structure;
        let kspace = KSpace::new(structure, self.bandwidth, self.protocol.pixel, self.pixels);
        let mut samples = Array3::from_elem(shape, Sample::default());
        let mut image = Array3::zeros(shape);
        let planes: Vec<_> = samples.outer_iter_mut().zip(image.outer_iter_mut()).collect();
        planes.into_par_iter().enumerate().for_each(|(slice, (mut samples, mut image))| {
            for ((row, column), sample) in samples.indexed_iter_mut() {
                *sample = self.voxel(painter, [slice, row, column]);
            }
            image.zip_mut_with(&samples, |pixel, sample| *pixel = sample.signal);
            if structure.on.ghosts {
                self.add_ghosts(structure, slice, &samples.view(), &mut image);
            }
            kspace.truncate(&mut image);
            let mut noise = streams.stream("phantom noise", &[place, slice as u64]);
            for pixel in &mut image {
                let [real, imaginary]: [f32; 2] =
                    std::array::from_fn(|_| StandardNormal.sample(&mut noise));
                let sigma = self.protocol.noise;
                let magnitude = (*pixel + sigma * real).hypot(sigma * imaginary);
                *pixel = (magnitude * self.protocol.scale).round().min(4095.0);
            }
        });
        let mask = |inside: &dyn Fn(&Sample) -> bool| {
            self.store(samples.map(|sample| f32::from(u8::from(inside(sample)))))
        };
        let is_cord = |sample: &Sample| sample.cord >= 0.5;
        LabelledVolume {
            cord: mask(&is_cord),
            csf: Some(mask(&|s| !is_cord(s) && s.cord + s.fluid >= 0.5)),
            discs: Some(self.store(self.disc_labels(painter.anatomy, shape))),
            lesion: (!painter.lesions.is_empty()).then(|| mask(&|s| is_cord(s) && s.lesion > 0.5)),
            image: self.store(image),
        }
    }

    /// Averages the person over the thickness of the slice, as the coil sees it.
    fn voxel(&self, painter: &Painter, [slice, row, column]: [usize; 3]) -> Sample {
        let site = painter.site(self.position([slice as f32, row as f32, column as f32]));
        let mixes = painter.structure.on.partial_volume;
        let thickness = if mixes { self.protocol.thickness } else { 0.0 };
        let count = if site.near_spine() { (thickness / 0.9).ceil().max(1.0) } else { 1.0 };
        let mut total = Sample::default();
        for part in 0..count as usize {
            let shift = thickness * ((part as f32 + 0.5) / count - 0.5);
            let sample = painter.sample(&site.moved(shift));
            total.signal += sample.signal / count;
            total.cord += sample.cord / count;
            total.fluid += sample.fluid / count;
            total.lesion += sample.lesion / count;
        }
        let skin = painter.nape(site.z);
        total.signal *= self.bias([site.x, site.y, site.z], skin, painter.structure);
        total
    }

    /// Multiplicative bias: a surface coil behind the neck, and gentle gradients.
    fn bias(&self, position: [f32; 3], skin: f32, structure: &Structure) -> f32 {
        let depth = (position[1] - skin).max(0.0);
        let near = (-depth / 62.0).exp() * structure.coil(position[2]);
        let coil = 0.40 + self.protocol.coil * near;
        let gradient: f32 =
            (0..3).map(|a| self.tilt[a] * (position[a] - self.centre[a]) / 100.0).sum();
        coil * structure.element(position[2], depth) * (1.0 + gradient)
    }

    /// Adds displaced copies of the pulsating fluid, front-back as the phase is encoded.
    fn add_ghosts(
        &self,
        structure: &Structure,
        slice: usize,
        samples: &ArrayView2<Sample>,
        image: &mut ArrayViewMut2<f32>,
    ) {
        let middle = self.middle()[1];
        for (order, strength) in structure.ghosts.into_iter().enumerate() {
            let shift = structure.ghost_mm * (order + 1) as f32 / self.protocol.pixel;
            let shift = shift.round() as usize;
            for ((row, column), sample) in samples.indexed_iter() {
                // Rows count towards the front: the copy lies behind.
                let Some(target) = row.checked_sub(shift) else { continue };
                let height = self.position([slice as f32, middle, column as f32])[2];
                let fluid = sample.fluid * sample.signal;
                image[[target, column]] += strength * structure.pulsation(height) * fluid;
            }
        }
    }

    /// One voxel per disc, where its back edge meets the canal in the midline.
    fn disc_labels(&self, anatomy: &Anatomy, shape: [usize; 3]) -> Array3<f32> {
        let mut labels = Array3::zeros(shape);
        let craniocervical = anatomy.vertebrae[0].bottom + 21.0;
        let discs = std::iter::once((2, craniocervical))
            .chain(anatomy.discs.iter().map(|disc| (disc.value, disc.along)))
            .filter(|(value, _)| *value <= 9);
        for (value, along) in discs {
            let depth = anatomy.section(along).canal_front;
            let index = self.index(anatomy.patient_frame(along, depth, 0.0));
            if let Some(voxel) = index.and_then(|index| labels.get_mut(index)) {
                *voxel = f32::from(value);
            }
        }
        labels
    }

    /// Voxel that holds a patient position; `None` in front of the first voxel of an axis.
    fn index(&self, position: [f32; 3]) -> Option<[usize; 3]> {
        let (middle, step) = (self.middle(), self.step());
        let mut index = [0; 3];
        for axis in 0..3 {
            let along: f32 = (0..3)
                .map(|row| self.rotation[row][axis] * (position[row] - self.centre[row]))
                .sum();
            let place = (along / step[axis] + middle[axis]).round();
            if place < 0.0 {
                return None;
            }
            index[axis] = place as usize;
        }
        Some(index)
    }

    /// Turns (right, front, head) voxels into this examination's storage order.
    fn store(&self, mut voxels: Array3<f32>) -> Volume {
        let shape = voxels.shape().to_vec();
        let step = self.step();
        let mut affine = [[0.0; 4]; 3];
        let mut first = [0.0f32; 3];
        let mut source = [0; 3];
        for (stored, letter) in self.order.chars().enumerate() {
            let (axis, flipped) = match letter {
                'R' => (0, false),
                'L' => (0, true),
                'A' => (1, false),
                'P' => (1, true),
                'S' => (2, false),
                _ => (2, true),
            };
            source[stored] = axis;
            if flipped {
                voxels.invert_axis(Axis(axis));
                first[axis] = shape[axis] as f32 - 1.0;
            }
            let sign = if flipped { -1.0 } else { 1.0 };
            for (row, direction) in affine.iter_mut().zip(&self.rotation) {
                row[stored] = f64::from(sign * step[axis] * direction[axis]);
            }
        }
        let corner = self.position(first);
        for row in 0..3 {
            affine[row][3] = f64::from(corner[row] + self.origin[row]);
        }
        let voxels = voxels.permuted_axes(source).as_standard_layout().into_owned();
        Volume { voxels, affine: Affine(affine) }
    }
}

/// Rotation matrix from small angles about the right, front and head axes, radians.
pub(super) fn rotation([right, front, head]: [f32; 3]) -> [[f32; 3]; 3] {
    let ((sa, ca), (sb, cb), (sc, cc)) = (right.sin_cos(), front.sin_cos(), head.sin_cos());
    [
        [cc * cb, cc * sb * sa - sc * ca, cc * sb * ca + sc * sa],
        [sc * cb, sc * sb * sa + cc * ca, sc * sb * ca - cc * sa],
        [-sb, cb * sa, cb * ca],
    ]
}
