//! Sagittal slices of random people under random contrasts: what a segmentation network learns from
//! (domain randomisation, Billot et al. 2023, "SynthSeg").
//!
//! Shapes come from the phantom's anatomy, stretched, turned and warped beyond what people show, and from masks of
//! real cords and canals where they are given; the signal of every tissue is drawn anew for every slice. No
//! intensity of a real image is used.

use ndarray::Array2;
use rand::{Rng, RngExt};

use super::acquisition::rotation;
use super::anatomy::Anatomy;
use super::kspace::KSpace;
use super::lesion::Lesion;
use super::real_shape::RealShape;
use super::structure::{NormalStructure, Structure};
use super::texture::{cover, noise, smooth_step};
use super::tissue::{Painter, Palette, Sample};
use crate::context::Stream;

/// Share of the slices that have the cross-sections of a real person, if there are any.
const REAL: f32 = 0.6;
/// Share of the slices whose canal is narrowed to the width of the cord.
const NARROWED: f32 = 0.35;
/// Height up to which cord and fluid are labelled, as a share of the way from C2/C3 to the foramen magnum: about
/// 37 mm above C2/C3, a little above the dens. Masks that people draw end between 25 and 42 mm above it.
const LABELLED_TO: f32 = 0.8;

/// A slice without coil, noise and blur, on pixels of 1 mm; rows from superior to inferior, columns from
/// anterior to posterior.
#[derive(Clone, Debug)]
pub(crate) struct RandomisedSlice {
    /// Signal, 0 to about 1.3: of the slice to one side, of the slice itself and of the one to the other side.
    pub images: [Array2<f32>; 3],
    /// Distance between the centres of neighbouring slices, mm.
    pub spacing: f32,
    /// Share of each pixel that is spinal cord, 0 to 1.
    pub cord: Array2<f32>,
    /// Share of each pixel that is cerebrospinal fluid, 0 to 1.
    pub fluid: Array2<f32>,
    /// Number in the Spinal Cord Toolbox, row and column of the back edge of each disc in the field.
    pub discs: Vec<(u8, [f32; 2])>,
    /// Whether the slice runs through the middle of the cord, where discs have their labels.
    pub is_midsagittal: bool,
}

/// Where and how a slice lies in the person.
struct Placement {
    centre: [f32; 3],
    rotation: [[f32; 3]; 3],
    /// Size of a pixel in the person, mm: front-back and foot-head.
    scale: [f32; 2],
    /// Seed, height and size of the warp, mm.
    warp: (u32, f32, f32),
    size: (usize, usize),
}

impl Placement {
    fn draw(stream: &mut Stream, anatomy: &Anatomy, size: (usize, usize)) -> Self {
        let height = stream.random_range(-75.0..35.0f32);
        let section = anatomy.section(height.clamp(-120.0, 20.0));
        // Most slices meet the cord; some lie beside the canal, where nothing is labelled.
        let side = match stream.random_range(0..10) {
            0..=3 => stream.random_range(-2.0..2.0),
            4..=7 => stream.random_range(-9.0..9.0),
            _ => stream.random_range(-28.0..28.0f32),
        };
        let mut angle = |most: f32| stream.random_range(-most..most);
        let angles = [angle(0.3), angle(0.08), angle(0.1)];
        let overall = stream.random_range(0.85..1.2f32);
        Self {
            centre: [section.x + side, section.y + stream.random_range(-25.0..45.0), height],
            rotation: rotation(angles),
            scale: [0, 1].map(|_| overall * stream.random_range(0.92..1.08)),
            warp: (
                stream.next_u32(),
                stream.random_range(0.0..5.0),
                stream.random_range(25.0..70.0),
            ),
            size,
        }
    }

    /// Patient position of a place of the slice, `right` mm beside it.
    fn position(&self, row: f32, column: f32, right: f32) -> [f32; 3] {
        let (rows, columns) = self.size;
        let front = (0.5 * (columns as f32 - 1.0) - column) * self.scale[0];
        let head = (0.5 * (rows as f32 - 1.0) - row) * self.scale[1];
        let (seed, height, size) = self.warp;
        let warp = |salt: u32| height * noise(seed ^ salt, [front, 0.0, head], [size; 3]);
        let offset = [right, front + warp(1), head + warp(2)];
        std::array::from_fn(|axis| {
            self.centre[axis] + (0..3).map(|k| self.rotation[axis][k] * offset[k]).sum::<f32>()
        })
    }
}

/// A person beyond what phantoms show; some have the cross-sections of a real one.
fn person(stream: &mut Stream, shapes: &[RealShape]) -> Anatomy {
    let worn = stream.random_range(0.0..1.0);
    let mut anatomy = Anatomy::draw(stream, worn, true);
    if !shapes.is_empty() && stream.random::<f32>() < REAL {
        let shape = &shapes[stream.random_range(0..shapes.len())];
        anatomy.take_shape(stream, shape);
    } else if stream.random::<f32>() < 0.7 {
        anatomy.dent(stream);
    }
    anatomy.exaggerate(stream);
    if stream.random::<f32>() < NARROWED {
        anatomy.narrow(stream);
    }
    anatomy
}

/// Draws one slice of this many rows and columns.
pub(crate) fn randomised_slice(
    stream: &mut Stream,
    size: (usize, usize),
    shapes: &[RealShape],
) -> RandomisedSlice {
    let anatomy = person(stream, shapes);
    let clinical = stream.random();
    let structure = Structure::draw(stream, NormalStructure::ALL, clinical);
    let placement = Placement::draw(stream, &anatomy, size);
    let mut lesions: Vec<Lesion> = if stream.random::<f32>() < 0.6 {
        let drawn = Lesion::draw(stream, &anatomy, &[placement.centre[0]], f32::NEG_INFINITY);
        drawn.into_iter().map(|(lesion, _)| lesion).collect()
    } else {
        Vec::new()
    };
    // Some are as bright as fluid.
    lesions.iter_mut().for_each(|lesion| lesion.contrast *= stream.random_range(1.0..2.2));
    let palette = Palette::random(stream);
    let clutter = Clutter::draw(stream);
    let highest_disc = anatomy.discs[0].along;
    let painter = Painter {
        anatomy: &anatomy,
        palette,
        structure: &structure,
        lesions: &lesions,
        edge: stream.random_range(0.6..1.2),
        labelled_to: highest_disc + LABELLED_TO * (anatomy.foramen - highest_disc),
    };
    let thickness = stream.random_range(0.5..4.5f32);
    let spacing = thickness * stream.random_range(1.0..1.3);
    let sample = |row: usize, column: usize, right: f32| {
        let site = painter.site(placement.position(row as f32, column as f32, right));
        let count = if site.near_spine() { (thickness / 1.2).ceil() } else { 1.0 };
        let mut mean = Sample::default();
        for part in 0..count as usize {
            let moved = site.moved(thickness * ((part as f32 + 0.5) / count - 0.5));
            let one = painter.sample(&moved);
            mean.signal += one.signal / count;
            mean.cord += one.cord / count;
            mean.fluid += one.fluid / count;
        }
        let outside = smooth_step(2.0, 8.0, painter.canal(&site));
        mean.signal = clutter.signal([site.x, site.y, site.z], mean.signal, outside);
        mean
    };
    let slices = [-spacing, 0.0, spacing]
        .map(|right| Array2::from_shape_fn(size, |(row, column)| sample(row, column, right)));
    let scanner = Scanner::draw(stream, &structure, size.1);
    let discs = disc_places(&anatomy, &placement);
    let beside = (placement.centre[0] - anatomy.section(placement.centre[2]).x).abs();
    RandomisedSlice {
        images: slices.each_ref().map(|samples| scanner.image(&structure, samples)),
        spacing,
        cord: slices[1].map(|sample| sample.cord),
        fluid: slices[1].map(|sample| sample.fluid),
        discs,
        is_midsagittal: beside < 4.0,
    }
}

/// Ghosts of the pulsating fluid, and lines beside sharp edges.
struct Scanner {
    /// Displacement in pixels, positive towards the back, and strength as a share of the fluid's signal.
    ghosts: Vec<(isize, f32)>,
    kspace: Option<KSpace>,
}

impl Scanner {
    fn draw(stream: &mut Stream, structure: &Structure, columns: usize) -> Self {
        let mut ghosts = Vec::new();
        if stream.random() {
            for _ in 0..2 {
                let pixels = stream.random_range(4..16i32) as isize;
                let side = if stream.random::<f32>() < 0.7 { 1 } else { -1 };
                ghosts.push((side * pixels, stream.random_range(-0.1..0.16)));
            }
        }
        let bandwidth = stream.random_range(0.75..0.95);
        let truncates: bool = stream.random();
        let kspace = truncates.then(|| KSpace::new(structure, bandwidth, 1.0, columns));
        Self { ghosts, kspace }
    }

    fn image(&self, structure: &Structure, samples: &Array2<Sample>) -> Array2<f32> {
        let mut image = samples.map(|sample| sample.signal);
        for (shift, strength) in &self.ghosts {
            for ((row, column), sample) in samples.indexed_iter() {
                let Some(target) = column.checked_add_signed(*shift) else { continue };
                if let Some(pixel) = image.get_mut([row, target]) {
                    let pulsation = structure.pulsation(-(row as f32));
                    *pixel += strength * pulsation * sample.fluid * sample.signal;
                }
            }
        }
        if let Some(kspace) = &self.kspace {
            // Phase is encoded front-back, along the columns.
            kspace.truncate(&mut image.view_mut().reversed_axes());
        }
        image.mapv_inplace(|value| value.max(0.0));
        image
    }
}

/// The pixel nearest to the back edge of each disc, for those in the field.
fn disc_places(anatomy: &Anatomy, placement: &Placement) -> Vec<(u8, [f32; 2])> {
    let craniocervical = anatomy.vertebrae[0].bottom + 21.0;
    let discs = std::iter::once((2, craniocervical))
        .chain(anatomy.discs.iter().map(|disc| (disc.value, disc.along)));
    let mut places = Vec::new();
    for (value, along) in discs {
        let target = anatomy.patient_frame(along, anatomy.section(along).canal_front, 0.0);
        // The placement is smooth and nearly rigid: a few corrections invert it.
        let (rows, columns) = placement.size;
        let (mut row, mut column) = (0.5 * rows as f32, 0.5 * columns as f32);
        for _ in 0..12 {
            let at = placement.position(row, column, 0.0);
            let [front, head] = [1, 2].map(|k: usize| {
                (1..3)
                    .map(|axis| placement.rotation[axis][k] * (target[axis] - at[axis]))
                    .sum::<f32>()
            });
            column -= front / placement.scale[0];
            row -= head / placement.scale[1];
        }
        let inside = (0.0..rows as f32 - 0.5).contains(&row)
            && (0.0..columns as f32 - 0.5).contains(&column);
        if inside {
            places.push((value, [row, column]));
        }
    }
    places
}

impl Palette {
    /// A contrast in which fluid is brighter than the cord and everything else is arbitrary.
    fn random(stream: &mut Stream) -> Self {
        let fluid = stream.random_range(0.7..1.1);
        let cord = fluid * stream.random_range(0.15..0.8);
        Self {
            fluid,
            cord,
            brain: cord * stream.random_range(0.85..1.2),
            marrow: stream.random_range(0.05..0.8),
            disc: stream.random_range(0.08..0.8),
            muscle: stream.random_range(0.04..0.45),
            fat: stream.random_range(0.05..1.2),
            dark: stream.random_range(0.0..0.12),
            lacking: [0, 1].map(|_| match stream.random() {
                true => stream.random_range(0.0..0.65),
                false => 0.0,
            }),
        }
    }
}

/// Arbitrary texture and shapes outside the canal, so that nothing is learned from what only phantoms show.
struct Clutter {
    seed: u32,
    /// Strength and size in mm of a texture that multiplies the signal.
    texture: (f32, f32),
    /// Threshold, size in mm, and signal of blobs that cover it.
    blobs: Option<(f32, f32, f32)>,
}

impl Clutter {
    fn draw(stream: &mut Stream) -> Self {
        let blobs = (stream.random::<f32>() < 0.5).then(|| {
            let size = stream.random_range(5.0..30.0);
            (stream.random_range(0.25..0.6), size, stream.random_range(0.0..1.1))
        });
        Self {
            seed: stream.next_u32(),
            texture: (stream.random_range(0.0..0.6), stream.random_range(2.0..20.0)),
            blobs,
        }
    }

    /// The signal with the clutter, `outside` of the canal from 0 to 1.
    fn signal(&self, point: [f32; 3], signal: f32, outside: f32) -> f32 {
        if outside <= 0.0 {
            return signal;
        }
        let (strength, size) = self.texture;
        let mut cluttered = signal * (1.0 + strength * noise(self.seed, point, [size; 3])).max(0.0);
        if let Some((threshold, size, value)) = self.blobs {
            let covered = cover(threshold - noise(self.seed ^ 5, point, [size; 3]), 0.1);
            cluttered += covered * (value - cluttered);
        }
        signal + outside * (cluttered - signal)
    }
}
