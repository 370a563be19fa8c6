//! One entry of a cohort: its name and where its voxels come from, before any is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::Array2;

use super::discovery::loaded_files::{LoadedFiles, LoadedFolder};
use super::discovery::naming::dataset_root;
use super::discovery::slice_files::{self, SliceFile};
use super::discovery::volume_files::VolumeFiles;
use super::found_labels::SureMasks;
use super::found_masks::FoundMasks;
use super::health::{self, SaidBySession};
use super::note::Note;
use super::preprocessing::thick_slices::{lost_by_averaging, thick_slices};
use super::preprocessing::{flat_slices, said_of_found_mask};
use super::{Preprocessing, SliceGrid, Subject};
use crate::context::Streams;
use crate::files::sha256;
use crate::phantom::{self, PhantomOptions};
use crate::volume::LabelledVolume;
use crate::{Error, Result};

/// A subject that may not be preprocessed yet.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, as in the folder or table: `sub-01`.
    pub name: Arc<str>,
    /// Columns of the participants table; empty if it has no row.
    pub participant: BTreeMap<String, String>,
    /// What of these columns the table of its session says; `None` where no such table counts.
    pub(super) said_by_session: Option<SaidBySession>,
    /// Whether it is healthy, where a rule was given that decides it.
    pub(super) healthy: Option<bool>,
    /// What discovery found out about its files.
    pub(super) remarks: Vec<Note>,
    /// Its image file, also where that cannot be used.
    pub(super) found_at: Option<PathBuf>,
    pub(super) source: Source,
    /// What its files were when a folder was loaded; `None` of other entries.
    pub(super) loaded: Option<LoadedFiles>,
}

/// Where an entry's slices come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// An image and its labels, preprocessed in any grid.
    Volumes(VolumeFiles),
    /// An image without a cord mask, with the clause that says so.
    Unsegmented { files: VolumeFiles, reason: String },
    /// An image whose cord mask was found by the program.
    Found { files: VolumeFiles, masks: Arc<FoundMasks> },
    /// Slices preprocessed elsewhere, in the grid they have.
    Slices(Vec<SliceFile>),
    /// A subject made in memory.
    Ready(Arc<Subject>),
    /// The subject at this position of a phantom cohort, generated when needed.
    Phantom { options: Arc<PhantomOptions>, index: usize, streams: Streams },
    /// Known to be unusable, and why.
    Broken(String),
}

/// A preprocessed entry and notes for the user.
pub(super) struct PreprocessedEntry {
    pub(super) subject: Arc<Subject>,
    pub(super) notes: Vec<Note>,
    /// How many of the notes, the first ones, came with the same entry in another grid.
    pub(super) repeated: usize,
    /// Slice files left out because their region of interest is empty.
    pub(super) empty: Vec<PathBuf>,
}

impl PreprocessedEntry {
    /// With the thickness and intensities of a grid of the same pixels. The notes hold for it, too.
    pub(super) fn fitted_to(&self, grid: SliceGrid) -> Self {
        let (mut subject, mut notes) = (self.subject.clone(), self.notes.clone());
        notes.extend(fit_to(Arc::make_mut(&mut subject), grid));
        Self { subject, notes, repeated: self.notes.len(), empty: Vec::new() }
    }
}

/// The files that subjects of a folder are made of: their number, and the SHA-256 of their names and the subjects'.
pub(super) fn names_of_files<'a>(
    folder: &Path,
    entries: impl Iterator<Item = &'a Entry>,
) -> (u64, String) {
    let (mut names, mut files) = (Vec::new(), 0);
    for entry in entries {
        names.push(entry.name.to_string());
        for file in entry.files() {
            names.push(file.strip_prefix(folder).unwrap_or(file).display().to_string());
            files += 1;
        }
    }
    names.sort();
    (files, sha256(names.join("\n").as_bytes()))
}

impl Entry {
    pub(super) fn new(
        name: Arc<str>,
        participant: BTreeMap<String, String>,
        source: Source,
    ) -> Self {
        let (said_by_session, remarks, found_at, loaded) = Default::default();
        Self {
            name,
            participant,
            said_by_session,
            healthy: None,
            remarks,
            found_at,
            source,
            loaded,
        }
    }

    /// Of a subject that is preprocessed already.
    pub(super) fn ready(subject: Subject) -> Self {
        let (name, columns) = (subject.name.clone(), subject.participant.clone());
        let healthy = subject.healthy;
        Self { healthy, ..Self::new(name, columns, Source::Ready(Arc::new(subject))) }
    }

    /// The same entry under another name.
    pub(super) fn renamed(&self, name: Arc<str>) -> Self {
        let mut entry = Self { name: name.clone(), ..self.clone() };
        if let Source::Ready(subject) = &mut entry.source {
            let subject = Arc::make_mut(subject);
            subject.slices.iter_mut().for_each(|slice| slice.subject = name.clone());
            subject.name = name;
        }
        entry
    }

    /// Whether the participants table, or the rule given when loading, says that this subject is healthy.
    pub fn is_healthy(&self) -> bool {
        self.health() == Some(true)
    }

    /// Its columns, and which of them come from the table of its session.
    pub(super) fn said(&self) -> (&BTreeMap<String, String>, Option<&SaidBySession>) {
        (&self.participant, self.said_by_session.as_ref())
    }

    pub(super) fn health(&self) -> Option<bool> {
        self.healthy.or_else(|| health::is_healthy(&self.participant))
    }

    /// Whether this subject has a lesion according to the participants table: its column
    /// `has_lesion`, else a healthy subject has none. [`Subject::has_lesion`] also looks at masks.
    pub fn has_lesion(&self) -> Option<bool> {
        health::has_lesion(&self.participant, self.health())
    }

    /// Whether it is known to be unusable.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.source, Source::Broken(_) | Source::Unsegmented { .. })
    }

    /// Whether it lacks nothing but a cord mask, so that `segment` may find one.
    pub fn is_unsegmented(&self) -> bool {
        matches!(self.source, Source::Unsegmented { .. })
    }

    /// Whether a lesion mask lies beside its image, whatever it holds.
    pub fn has_lesion_mask(&self) -> bool {
        match &self.source {
            Source::Volumes(files)
            | Source::Unsegmented { files, .. }
            | Source::Found { files, .. } => files.has_lesion_mask(),
            Source::Slices(_) | Source::Ready(_) | Source::Phantom { .. } | Source::Broken(_) => {
                false
            }
        }
    }

    /// The masks that the program found in its image, if it did.
    pub fn found_masks(&self) -> Option<&FoundMasks> {
        match &self.source {
            Source::Found { masks, .. } => Some(masks),
            _ => None,
        }
    }

    /// The confidence, 0 to 1, of a cord mask that the program found: in this session, or earlier if nobody has
    /// changed the saved file since.
    pub fn found_confidence(&self) -> Option<f32> {
        match &self.source {
            Source::Found { masks, .. } => Some(masks.confidence),
            Source::Volumes(files) => files.saved_confidence(),
            _ => None,
        }
    }

    /// The usable part of the masks that the program found in its image: the slices whose cord is
    /// certain.
    ///
    /// # Errors
    /// If the cord is uncertain in all slices, or the image has changed.
    pub(crate) fn sure_masks(&self) -> Result<Option<SureMasks>> {
        match &self.source {
            Source::Found { files, masks } => files.sure_masks(masks).map(Some),
            _ => Ok(None),
        }
    }

    /// The image file, for entries that come from a volume.
    pub fn image(&self) -> Option<&Path> {
        match &self.source {
            Source::Volumes(files)
            | Source::Unsegmented { files, .. }
            | Source::Found { files, .. } => Some(&files.image),
            Source::Slices(_) | Source::Ready(_) | Source::Phantom { .. } | Source::Broken(_) => {
                None
            }
        }
    }

    /// The image file, also of an image that cannot be used.
    pub fn found_at(&self) -> Option<&Path> {
        self.found_at.as_deref().or_else(|| self.image())
    }

    /// The session that its image belongs to, such as `ses-1`, in a BIDS tree that has sessions.
    pub fn session(&self) -> Option<String> {
        let image = self.found_at()?;
        let folders = image.strip_prefix(dataset_root(image)?).ok()?.parent()?.components();
        let mut names = folders.map(|part| part.as_os_str().to_string_lossy().into_owned());
        names.rfind(|name| name.starts_with("ses-"))
    }

    /// The files that it is made of: an image and its labels, or preprocessed slices.
    pub fn files(&self) -> Vec<&Path> {
        match &self.source {
            Source::Volumes(files)
            | Source::Unsegmented { files, .. }
            | Source::Found { files, .. } => files.all(),
            Source::Slices(files) => files.iter().map(|file| file.path.as_path()).collect(),
            Source::Ready(_) | Source::Phantom { .. } | Source::Broken(_) => Vec::new(),
        }
    }

    /// Whether its slices exist in one grid only.
    pub(super) fn has_fixed_frame(&self) -> bool {
        matches!(self.source, Source::Slices(_) | Source::Ready(_))
    }

    /// Remembers what its files, and the table of its session, are now.
    pub(super) fn stamp_files(&mut self, table: Option<PathBuf>, folder: &Arc<LoadedFolder>) {
        let mut files = self.files();
        files.extend(table.as_deref());
        self.loaded = Some(LoadedFiles::new(&files, folder));
    }

    /// Reads headers only; an entry that fails becomes broken.
    pub(super) fn check_headers(&mut self, grid: SliceGrid) {
        let checked = match &self.source {
            Source::Volumes(files) => files.check_headers().map(drop),
            Source::Slices(files) => slice_files::check_headers(files, grid),
            Source::Ready(_)
            | Source::Phantom { .. }
            | Source::Unsegmented { .. }
            | Source::Found { .. }
            | Source::Broken(_) => Ok(()),
        };
        if let Err(error) = checked {
            self.source = Source::Broken(error.to_string());
        }
    }

    /// Reads and preprocesses the slices.
    pub(super) fn preprocess(&self, grid: SliceGrid) -> Result<PreprocessedEntry> {
        let mut notes = self.remarks.clone();
        let mut empty = Vec::new();
        let mut subject = Subject {
            name: self.name.clone(),
            participant: self.participant.clone(),
            healthy: self.healthy,
            slices: Vec::new(),
            averaged: 1,
            discs: Vec::new(),
            native_transform: None,
            image_hash: None,
            lesion_marked: false,
            masks_found: self.found_confidence().is_some(),
        };
        match &self.source {
            Source::Volumes(files) => {
                let volume;
                let read;
                (volume, read) = files.read(None)?;
                notes.extend(read);
                self.preprocess_volume(&volume, grid, &mut subject, &mut notes)?;
            }
            Source::Found { files, masks } => {
                let (volume, read) = files.read(Some(masks))?;
                notes.extend(read);
                self.preprocess_volume(&volume, grid, &mut subject, &mut notes)?;
            }
            Source::Phantom { options, index, streams } => {
                let volume = phantom::draw(options, *index, streams)?.volume;
                self.preprocess_volume(&volume, grid, &mut subject, &mut notes)?;
            }
            Source::Slices(files) => {
                let read = slice_files::read_slices(&self.name, files, grid)?;
                (subject.slices, subject.lesion_marked, empty) =
                    (read.slices, read.lesion_marked, read.empty);
                self.check_slices(&subject)?;
                notes.extend(flat_slices(&subject.slices));
            }
            Source::Ready(subject) => {
                self.check_slices(subject)?;
                let subject = subject.clone();
                let ready = PreprocessedEntry { subject, notes, repeated: 0, empty };
                let changes = grid != grid.as_acquired();
                return Ok(if changes { ready.fitted_to(grid) } else { ready });
            }
            Source::Broken(reason) | Source::Unsegmented { reason, .. } => {
                return Err(Error::subject(&*self.name, reason));
            }
        }
        self.settle_lesions(&mut subject, &mut notes);
        notes.extend(fit_to(&mut subject, grid));
        Ok(PreprocessedEntry { subject: Arc::new(subject), notes, repeated: 0, empty })
    }

    /// # Errors
    /// If there are no slices.
    fn check_slices(&self, subject: &Subject) -> Result<()> {
        if subject.slices.is_empty() {
            let reason = "all its slices have an empty region of interest";
            return Err(Error::subject(&*self.name, reason));
        }
        Ok(())
    }

    fn preprocess_volume(
        &self,
        volume: &LabelledVolume,
        grid: SliceGrid,
        subject: &mut Subject,
        notes: &mut Vec<Note>,
    ) -> Result<()> {
        let preprocessing = Preprocessing { grid, ..Preprocessing::default() };
        let made = preprocessing.preprocess(&self.name, volume)?;
        subject.slices = made.slices;
        subject.discs = made.discs;
        subject.native_transform = Some(made.native_transform);
        subject.image_hash = Some(made.image_hash);
        subject.lesion_marked = made.lesion_marked;
        let found = subject.masks_found;
        let said = |note| if found { said_of_found_mask(note) } else { note };
        notes.extend(made.notes.into_iter().map(said));
        if subject.slices.is_empty() {
            let reason = "no slice has a region of interest; check the cord mask";
            return Err(Error::subject(&*self.name, reason));
        }
        Ok(())
    }

    /// For a subject known to have no lesion, adds an all-false map to every slice without a map.
    fn settle_lesions(&self, subject: &mut Subject, notes: &mut Vec<Note>) {
        if self.has_lesion() != Some(false) {
            return;
        }
        for slice in &mut subject.slices {
            let shape = slice.image.dim();
            slice.lesion.get_or_insert_with(|| Array2::from_elem(shape, false));
        }
        if subject.has_lesion() == Some(true) {
            let text = "has a lesion mask, but counts as without a lesion in the participants table; the mask counts";
            notes.push(Note::warning("mask and participants table disagree on lesions", text));
        }
    }
}

/// Thickness and intensities of slices that have the grid's pixels already.
fn fit_to(subject: &mut Subject, grid: SliceGrid) -> Option<Note> {
    let mut note = None;
    if let Some(acquired_mm) = subject.acquired_spacing_mm() {
        let thin = &subject.slices;
        subject.averaged = subject.averaged.max(1);
        if let Some((thick, averaged)) =
            thick_slices(thin, subject.averaged, acquired_mm, grid.slice_mm)
        {
            note = lost_by_averaging(thin, &thick, averaged);
            subject.slices = thick;
            subject.averaged = averaged;
        }
    }
    grid.intensity.apply(&mut subject.slices);
    note
}
