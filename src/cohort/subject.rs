//! One subject: preprocessed slices, disc labels, and what the participants table says.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::discovery::naming::subject_of;
use super::health;
use super::{NativeTransform, Slice};
use crate::files::Fingerprint;
use crate::volume::Affine;

/// Stands in an image hash between that of the file and that of what was painted into it.
pub(crate) const PAINTED: char = '+';

/// The beginning of an image hash. Hashes of earlier versions have none: they hold the order of the stored axes, so those
/// of the same image may differ from one of this kind.
pub(crate) const HASH_KIND: &str = "v2-";

/// Whether two image hashes belong to different images. Those of another kind tell nothing.
pub(crate) fn hashes_differ(one: &str, other: &str) -> bool {
    one.starts_with(HASH_KIND) == other.starts_with(HASH_KIND) && one != other
}

/// The person whom an image shows, by the name of its subject: that of a BIDS tree begins with the participant, such as
/// `sub-01` of `sub-01_ses-2`; any other name is a person's own.
pub(crate) fn person_of(name: &str) -> &str {
    subject_of(name).unwrap_or(name)
}

/// [`Subject::file_hash`] of an image with this [`Subject::image_hash`].
pub(crate) fn file_hash(image_hash: &str) -> &str {
    image_hash.split(PAINTED).next().unwrap_or(image_hash)
}

/// An intervertebral disc label in preprocessed coordinates (subpixel, may lie outside the image).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disc {
    /// Spinal Cord Toolbox numbering: 3 = C2/C3, 4 = C3/C4 … 8 = C7/T1.
    pub value: u8,
    /// Row in preprocessed pixels, from superior.
    pub row: f64,
    /// Column in preprocessed pixels, from anterior.
    pub column: f64,
}

impl Disc {
    /// The disc's name, such as "C2/C3", "T12/L1" or "L5/S1".
    pub fn name(value: u8) -> String {
        let vertebra = |n: u8| match n {
            0..=7 => format!("C{n}"),
            8..=19 => format!("T{}", n - 7),
            20..=24 => format!("L{}", n - 19),
            25.. => format!("S{}", n - 24),
        };
        let upper = value.saturating_sub(1);
        format!("{}/{}", vertebra(upper), vertebra(value))
    }
}

/// A preprocessed subject.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name, as in the folder or table: `sub-01`.
    pub name: Arc<str>,
    /// Columns of the participants table.
    pub participant: BTreeMap<String, String>,
    /// Whether it is healthy, where a rule given when loading decides it; else the table's known words do.
    pub healthy: Option<bool>,
    /// Slices with a region of interest, from the patient's right to left.
    pub slices: Vec<Slice>,
    /// Acquired slices in each of them: more than 1 where thin slices were averaged. A slice shows the
    /// acquired slices from `index − averaged / 2` on.
    pub averaged: usize,
    /// Disc labels, superior first; empty if the subject has none.
    pub discs: Vec<Disc>,
    /// Where the slices lie in the original volume; `None` for slices that were loaded preprocessed.
    pub native_transform: Option<NativeTransform>,
    /// A hash of its image: different images nearly always differ in it, whoever they are called after, and copies that
    /// are stored in another order of axes or another data type do not. `None` for slices that were loaded preprocessed.
    pub image_hash: Option<String>,
    /// Whether its lesion mask marks any voxel of the image, also where the slices do not show it: outside the field,
    /// in slices without cord, or in one of several slices that are averaged. `false` without a mask.
    pub lesion_marked: bool,
    /// Whether the program found its cord mask, now or earlier, and nobody has corrected it since. `false` of given
    /// masks, and of slices that were loaded preprocessed.
    pub masks_found: bool,
}

impl Subject {
    /// Whether this subject has a lesion: a marked voxel of its mask anywhere, else what the participants
    /// table says (`has_lesion`; a healthy subject has none), else whether the pixelwise ground
    /// truth of all slices is known and empty. `None` if it is unknown.
    pub fn has_lesion(&self) -> Option<bool> {
        let mut maps = self.slices.iter().map(|slice| slice.lesion.as_ref());
        if self.lesion_marked || maps.clone().flatten().flatten().any(|&lesion| lesion) {
            return Some(true);
        }
        let known_without =
            (!self.slices.is_empty() && maps.all(|map| map.is_some())).then_some(false);
        health::has_lesion(&self.participant, self.health()).or(known_without)
    }

    /// Whether it has a lesion although the ground truth of every slice is known and empty: the lesion lies outside
    /// the field or in slices that are left out.
    pub fn has_unseen_lesion(&self) -> bool {
        let empty =
            |slice: &Slice| slice.lesion.as_ref().is_some_and(|map| !map.iter().any(|set| *set));
        !self.slices.is_empty() && self.has_lesion() == Some(true) && self.slices.iter().all(empty)
    }

    /// The acquired slices that a slice shows, by their position in the canonical volume.
    pub fn acquired(&self, slice: &Slice) -> Range<usize> {
        let first = slice.index.saturating_sub(self.averaged / 2);
        first..first + self.averaged.max(1)
    }

    /// How many slices lie between the first slice and this one, plus one; 0 for the first. Those that have no
    /// region of interest and hence are not in [`Self::slices`] count, so numbers of neighbours differ by 1.
    pub fn slice_number(&self, slice: &Slice) -> usize {
        let first = self.slices.first().map_or(0, |first| first.index);
        slice.index.saturating_sub(first) / self.averaged.max(1)
    }

    /// Where the pixels of slices from this one on lie in the scanner, for an image of slices × rows ×
    /// columns; `None` for slices that came preprocessed.
    pub fn slices_affine(&self, first: &Slice) -> Option<Affine> {
        let native = self.native_transform.as_ref()?;
        let (acquired, step) = (self.acquired(first), self.averaged.max(1) as f64);
        Some(native.slices_affine(acquired.start as f64 + (step - 1.0) / 2.0, step))
    }

    /// The voxel index of a slice in the image file, counted from 0; the middle one of an average. Of slices that came
    /// preprocessed it is their number.
    pub fn voxel_of(&self, slice: &Slice) -> usize {
        let native = self.native_transform.as_ref();
        native.map_or(slice.index, |native| native.slice_voxel(slice.index))
    }

    /// Distance between the centres of neighbouring slices as they were acquired, mm: of slices whose `index` differs
    /// by 1. `None` for slices that came preprocessed.
    pub fn acquired_spacing_mm(&self) -> Option<f64> {
        self.native_transform.as_ref().map(NativeTransform::slice_mm)
    }

    /// The slice with the most cord; of equal ones the first. `None` without slices.
    pub fn mid_cord(&self) -> Option<&Slice> {
        let cord = |slice: &&Slice| slice.cord.iter().filter(|set| **set).count();
        self.slices.iter().rev().max_by_key(cord)
    }

    /// Whether the participants table says that this subject is healthy; the rule is that of
    /// [`Cohort`](super::Cohort).
    pub fn is_healthy(&self) -> bool {
        self.health() == Some(true)
    }

    /// Adds everything that it holds to a fingerprint.
    pub(crate) fn add_to(&self, all: &mut Fingerprint) {
        let Self {
            name,
            participant,
            healthy,
            slices,
            averaged,
            discs,
            native_transform,
            image_hash: _,
            lesion_marked,
            masks_found: _,
        } = self;
        all.add(name.as_bytes());
        all.add(format!(
            "{participant:?} {healthy:?} {averaged} {discs:?} {native_transform:?} {lesion_marked}"
        ));
        slices.iter().for_each(|slice| slice.add_to(all));
    }

    /// The hash of the file of its image: of an image with painted lesions, that of the image that they were painted
    /// into. As [`Self::image_hash`] otherwise.
    pub fn file_hash(&self) -> Option<&str> {
        self.image_hash.as_deref().map(file_hash)
    }

    /// Whether this subject is healthy; `None` where neither the participants table nor a rule says so.
    pub fn health(&self) -> Option<bool> {
        self.healthy.or_else(|| health::is_healthy(&self.participant))
    }
}
