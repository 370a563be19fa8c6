//! A procedural phantom: sagittal T2-weighted volumes of the cervical spine drawn from seeded
//! streams, with labels and ground truth.
//!
//! Healthy subjects come from a research site, clinical ones from a hospital with another
//! contrast, thicker slices, more noise and more worn discs: a real domain shift. Both sites show
//! what a plain intensity threshold falls for ([`NormalStructure`]): grey matter and central canal,
//! partial volume, truncation lines, disc bulges that press on the cord, coil fall-off, ghosts and
//! flow voids.
//!
//! | file | what it draws |
//! |---|---|
//! | `anatomy` | the shape of one person: curvature, canal, cord, discs, vertebrae |
//! | `outline`, `real_shape`, `variation` | cross-sections that are no ellipses; those of real people, from masks; people beyond what phantoms show |
//! | `tissue`, `bone`, `soft` | which tissue is at a point and how bright |
//! | `lesion` | T2 hyperintensities and their ground truth |
//! | `structure` | what makes a normal cord bright or uneven, and its switches |
//! | `acquisition` | slices, coil, ghosts, noise, storage order |
//! | `kspace` | what the scanner samples of k-space |
//! | `bids` | a cohort as files |
//! | `wave`, `texture` | sines and noise with which all of it varies |
//! | `randomised` | slices under random contrasts, for the training of a segmentation |

mod acquisition;
mod anatomy;
mod bids;
mod bone;
mod kspace;
mod lesion;
mod outline;
mod randomised;
mod real_shape;
mod soft;
mod structure;
#[cfg(test)]
mod tests;
mod texture;
mod tissue;
mod variation;
mod wave;

use std::collections::BTreeMap;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use self::acquisition::{Acquisition, Protocol};
use self::anatomy::Anatomy;
use self::lesion::Lesion;
use self::structure::Structure;
use self::tissue::{Painter, Palette};
use crate::context::Streams;
use crate::volume::LabelledVolume;
use crate::{Error, Result};

pub use self::bids::write_bids;
pub use self::lesion::LesionTruth;
pub(crate) use self::randomised::{RandomisedSlice, randomised_slice};
pub(crate) use self::real_shape::RealShape;
pub use self::structure::NormalStructure;

/// Mean edge of a pixel of a phantom, unless the user chooses, mm.
pub const PIXEL_SPACING_MM: f64 = 0.8;

/// What cohort to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhantomOptions {
    /// Subjects in all.
    pub subjects: usize,
    /// How many of them are clinical; `None`: half, rounded up. They follow the healthy ones.
    pub clinical: Option<usize>,
    /// How many of the clinical ones have lesions; `None`: half, rounded up.
    pub with_lesions: Option<usize>,
    /// Mean edge of a pixel, mm. Larger pixels are faster to generate.
    #[serde(alias = "pixel_mm")]
    pub pixel_spacing_mm: f64,
    /// What makes a normal cord bright or uneven.
    pub normal_structure: NormalStructure,
}

impl Default for PhantomOptions {
    fn default() -> Self {
        Self {
            subjects: 12,
            clinical: None,
            with_lesions: None,
            pixel_spacing_mm: PIXEL_SPACING_MM,
            normal_structure: NormalStructure::ALL,
        }
    }
}

/// Far more than anyone needs. Their names alone take a second.
const MOST_SUBJECTS: usize = 10_000;

/// A drawn subject.
#[derive(Clone, Debug)]
pub struct Phantom {
    /// `sub-healthy01` …, `sub-clinic01` ….
    pub name: String,
    /// Columns `dataset`, `site`, `has_lesion` and `lesion_segments`.
    pub participant: BTreeMap<String, String>,
    pub volume: LabelledVolume,
    /// Superior first.
    pub lesions: Vec<LesionTruth>,
}

/// A subject before any voxel is drawn.
struct Plan {
    name: String,
    clinical: bool,
    anatomy: Anatomy,
    acquisition: Acquisition,
    palette: Palette,
    structure: Structure,
    lesions: Vec<(Lesion, LesionTruth)>,
}

impl PhantomOptions {
    /// Number of (clinical subjects, clinical subjects with lesions).
    fn counts(&self) -> Result<(usize, usize)> {
        let clinical = self.clinical.unwrap_or(self.subjects.div_ceil(2));
        let with_lesions = self.with_lesions.unwrap_or(clinical.div_ceil(2));
        if self.subjects == 0 {
            return Err(Error::input("a phantom cohort needs at least one subject"));
        }
        if self.subjects > MOST_SUBJECTS {
            return Err(Error::input(format!(
                "a phantom cohort has at most {MOST_SUBJECTS} subjects, not {}",
                self.subjects
            )));
        }
        if clinical > self.subjects || with_lesions > clinical {
            return Err(Error::input(format!(
                "a phantom cohort of {} subjects cannot have {clinical} clinical ones, \
                 {with_lesions} of them with lesions",
                self.subjects
            )));
        }
        if !(0.4..=4.0).contains(&self.pixel_spacing_mm) {
            return Err(Error::input(format!(
                "pixel_spacing_mm of a phantom cohort must be between 0.4 and 4, not {}",
                self.pixel_spacing_mm
            )));
        }
        Ok((clinical, with_lesions))
    }
}

/// Names and table rows of the cohort, without drawing any voxel.
///
/// # Errors
/// If the options contradict each other.
pub fn participants(
    options: &PhantomOptions,
    streams: &Streams,
) -> Result<Vec<(String, BTreeMap<String, String>)>> {
    options.counts()?;
    (0..options.subjects)
        .map(|index| {
            Plan::draw(options, index, streams).map(|plan| (plan.name.clone(), plan.row()))
        })
        .collect()
}

/// Draws one subject, independent of all others: the same options, index and seed give the same
/// bits on any number of threads.
///
/// # Errors
/// If the options contradict each other or `index` is not below `options.subjects`.
pub fn draw(options: &PhantomOptions, index: usize, streams: &Streams) -> Result<Phantom> {
    let plan = Plan::draw(options, index, streams)?;
    let participant = plan.row();
    let (lesions, truth): (Vec<_>, Vec<_>) = plan.lesions.into_iter().unzip();
    let painter = Painter {
        anatomy: &plan.anatomy,
        palette: plan.palette,
        structure: &plan.structure,
        lesions: &lesions,
        edge: options.pixel_spacing_mm as f32,
        // A little above the foramen magnum.
        labelled_to: plan.anatomy.foramen + 2.0,
    };
    let volume = plan.acquisition.image(&painter, streams, index as u64);
    Ok(Phantom { name: plan.name, participant, volume, lesions: truth })
}

impl Plan {
    fn draw(options: &PhantomOptions, index: usize, streams: &Streams) -> Result<Self> {
        let (clinical_count, with_lesions) = options.counts()?;
        if index >= options.subjects {
            return Err(Error::input(format!(
                "phantom subject {index} does not exist: the cohort has {}",
                options.subjects
            )));
        }
        let healthy_count = options.subjects - clinical_count;
        let clinical = index.checked_sub(healthy_count);
        let name = match clinical {
            Some(rank) => format!("sub-clinic{:02}", rank + 1),
            None => format!("sub-healthy{:02}", index + 1),
        };
        // Spreads the subjects with lesions evenly over the clinical ones.
        let has_lesion =
            clinical.is_some_and(|rank| rank * with_lesions % clinical_count < with_lesions);

        let place = &[index as u64];
        // Shape, structure, examination and lesions have streams of their own: whether a subject has
        // lesions, or ghosts, changes nothing else about it.
        let worn = if clinical.is_some() { 0.45 } else { 0.15 };
        let on = options.normal_structure;
        let mut stream = streams.stream("phantom anatomy", place);
        let anatomy = Anatomy::draw(&mut stream, worn, on.disc_bulges);
        let mut stream = streams.stream("phantom structure", place);
        let structure = Structure::draw(&mut stream, on, clinical.is_some());
        let mut stream = streams.stream("phantom acquisition", place);
        let jitter = stream.random_range(0.92..1.08);
        let pixel = options.pixel_spacing_mm as f32 * jitter;
        let field = stream.random_range(200.0..232.0);
        let (palette, protocol) = if clinical.is_some() {
            let protocol = Protocol {
                spacing: stream.random_range(3.3..4.0),
                thickness: 3.2,
                slices: stream.random_range(10..=12),
                pixel,
                field,
                noise: stream.random_range(0.012..0.024),
                coil: stream.random_range(0.9..1.5),
                scale: stream.random_range(550.0..900.0),
            };
            (Palette::hospital(&mut stream), protocol)
        } else {
            let protocol = Protocol {
                spacing: stream.random_range(2.5..3.1),
                thickness: 2.4,
                slices: stream.random_range(11..=13),
                pixel,
                field,
                noise: stream.random_range(0.008..0.015),
                coil: stream.random_range(0.5..0.9),
                scale: stream.random_range(350.0..600.0),
            };
            (Palette::research(&mut stream), protocol)
        };
        let acquisition = Acquisition::draw(&mut stream, protocol, &anatomy, index);
        let lesions = if has_lesion {
            Lesion::draw(
                &mut streams.stream("phantom lesions", place),
                &anatomy,
                &acquisition.slice_positions(),
                acquisition.lowest(),
            )
        } else {
            Vec::new()
        };
        let clinical = clinical.is_some();
        Ok(Self { name, clinical, anatomy, acquisition, palette, structure, lesions })
    }

    /// Columns of the participants table.
    fn row(&self) -> BTreeMap<String, String> {
        let (dataset, site) =
            if self.clinical { ("clinical", "hospital") } else { ("public", "research") };
        let mut segments: Vec<&str> = Vec::new();
        for segment in self.lesions.iter().flat_map(|(_, truth)| &truth.segments) {
            if !segments.contains(&segment.as_str()) {
                segments.push(segment);
            }
        }
        let segments = if segments.is_empty() { "n/a".to_string() } else { segments.join(";") };
        let has_lesion = if self.lesions.is_empty() { "0" } else { "1" };
        [
            ("dataset", dataset),
            ("site", site),
            ("has_lesion", has_lesion),
            ("lesion_segments", &segments),
        ]
        .into_iter()
        .map(|(column, value)| (column.to_string(), value.to_string()))
        .collect()
    }
}
