//! A named list of subjects, each preprocessed when first needed and then kept.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::discovery::loaded_files::{LoadedFolder, tell_changes};
use super::discovery::naming::Listing;
use super::discovery::participants::Participants;
use super::discovery::participants_told::{tell_participants, unmatched};
use super::discovery::{bids, preprocessed, same_images, session_tables};
use super::entry::{Entry, Source, names_of_files};
use super::load_options::LoadOptions;
use super::member::{self, Member};
use super::provenance::{Origin, Provenance, Step};
use super::{Note, Slice, SliceGrid, Subject};
use crate::context::{Context, Streams};
use crate::dicom::holds_dicom;
use crate::files::{file_name, note_listed};
use crate::phantom::{self, PhantomOptions};
use crate::{Error, Result};

/// A named list of subjects. Cheap to clone; clones and the cohorts derived by [`Self::filter`],
/// [`Self::slice`], [`Self::healthy`] and [`Self::clinical`] share the preprocessed subjects.
///
/// A subject is **healthy** if the first of the participants columns `dataset`, `group`, `cohort`,
/// `pathology` that has a value says so (`public`, `healthy`, `control`, `hc`, `hv`, `normal` and the like, in any
/// case), or by the rule given when loading ([`HealthRule`](super::HealthRule)); all others are clinical.
///
/// The **ground truth** of a slice is the subject's lesion mask; without one it is all false for
/// a subject whose column `has_lesion` is 0, or who is healthy, and unknown (`None`) for others.
#[derive(Clone)]
pub struct Cohort {
    name: String,
    pub(super) members: Vec<Arc<Member>>,
    grid: SliceGrid,
    strict: bool,
    /// `None` for subjects that were passed in.
    provenance: Option<Arc<Provenance>>,
}

/// The subjects found in a folder.
pub(super) struct Discovered {
    pub cohort: Cohort,
    pub participants: Participants,
    /// A sentence on the image files that belong to no subject.
    pub unused: Option<String>,
}

impl Cohort {
    /// Finds the subjects of a folder and checks their headers; voxels are read later. The folder
    /// is a BIDS tree, a folder of images with their masks beside them ([`bids`]), or
    /// one of preprocessed `.npy` slices, in its top or in subfolders ([`preprocessed`]). A subject
    /// that cannot be used stays in the list, is reported as a warning by name and reason, and is
    /// left out of [`Self::subjects`].
    ///
    /// # Errors
    /// If the folder cannot be read, holds no subjects or only unusable ones, if its participants
    /// table is damaged, or, with [`LoadOptions::strict`], if any subject cannot be used. [`Error::Cancelled`] if
    /// interrupted.
    pub fn load(path: &Path, options: &LoadOptions, context: &Context) -> Result<Self> {
        let Discovered { cohort, participants, unused } = Self::discover(path, options, context)?;
        if let Some(unused) = unused {
            context.note(unused);
        }
        session_tables::told(cohort.entries()).into_iter().for_each(|told| context.note(told));
        let entries: Vec<&Entry> = cohort.entries().collect();
        tell_participants(&entries, &participants, options.healthy.as_ref(), context);
        let same = same_images::same_images(cohort.entries(), &context.cancel)?;
        same.into_iter().for_each(|same| context.warn(same));
        if let Some(sentence) =
            cohort.unsegmented().filter(|_| !cohort.strict && cohort.usable().is_empty())
        {
            context.note(sentence);
            return Ok(cohort);
        }
        member::tell(&cohort.members, cohort.strict, context)?;
        Ok(cohort)
    }

    /// As [`Self::load`], but nothing is said about the subjects, and it is no error that none can be used.
    pub(super) fn discover(
        path: &Path,
        options: &LoadOptions,
        context: &Context,
    ) -> Result<Discovered> {
        options.grid.check()?;
        let listing = Listing::read(path)?;
        let participants = Participants::read(&listing)?;
        let bids::Discovered { mut entries, mut unused } = bids::discover(
            path,
            &listing,
            options.derivatives.as_deref(),
            &participants,
            &context.cancel,
        )?;
        // Slices beside images that only wait for masks belong to somebody else's analysis.
        if entries.iter().all(|entry| entry.is_broken() && !entry.is_unsegmented()) {
            let slices = preprocessed::discover(path, &listing, &participants)?;
            if !slices.is_empty() {
                entries = slices;
            }
        } else if let Some(slices) = preprocessed::unused(path, &listing) {
            unused = Some(unused.into_iter().chain([slices]).collect::<Vec<_>>().join("; "));
        }
        if entries.is_empty() && holds_dicom(path) {
            return Err(Error::file(
                path,
                format!(
                    "holds DICOM files; `u2ad import {} BIDS_FOLDER` turns them into a BIDS dataset without \
                     names, which load_cohort takes",
                    path.display()
                ),
            ));
        }
        if entries.is_empty() {
            let there = unused.map_or_else(String::new, |unused| format!("; {unused}"));
            return Err(Error::file(
                path,
                format!(
                    "no subjects found; looked for {}, and {}{there}",
                    bids::LOOKED_FOR,
                    preprocessed::LOOKED_FOR
                ),
            ));
        }
        if let Some(rule) = &options.healthy {
            rule.check(entries.iter().map(|entry| &entry.participant)).map_err(|error| {
                let unmatched = unmatched(&entries.iter().collect::<Vec<_>>(), &participants);
                unmatched.map_or(error, |told| Error::input(format!("healthy: {told}")))
            })?;
            for entry in &mut entries {
                entry.healthy = Some(rule.decide(&entry.participant) == Some(true));
            }
        }
        let loaded = LoadedFolder::new(path, participants.path_in(path).as_deref());
        entries.par_iter_mut().try_for_each(|entry| {
            context.check()?;
            entry.stamp_files(session_tables::file_of(entry), &loaded);
            entry.check_headers(options.grid);
            Ok::<_, Error>(())
        })?;
        if options.derivatives.is_none() {
            let (files, sha256) = names_of_files(path, entries.iter());
            note_listed(path, files, sha256);
        }
        let whole_path = fs::canonicalize(path).map_err(|error| Error::file(path, error))?;
        let name = file_name(&whole_path);
        let origin = Origin::Folder { path: whole_path, options: options.clone() };
        let cohort = Self::of(name, entries, options.grid, options.strict).made_by(origin);
        Ok(Discovered { cohort, participants, unused })
    }

    /// A cohort of subjects that are preprocessed already; their field of view follows from their pixels.
    ///
    /// # Errors
    /// If there is no slice, or slices differ in size.
    pub fn from_subjects(name: impl Into<String>, subjects: Vec<Subject>) -> Result<Self> {
        let name = name.into();
        let mut sizes = subjects.iter().flat_map(|subject| &subject.slices).map(Slice::size);
        let size = sizes
            .next()
            .ok_or_else(|| Error::input(format!("the subjects of {name} have no slices")))?;
        if let Some(other) = sizes.find(|&other| other != size) {
            return Err(Error::input(format!(
                "the slices of {name} differ in size ({size} and {other} pixels); preprocess all alike"
            )));
        }
        let pixel_spacing_mm =
            subjects.iter().flat_map(|subject| &subject.slices).map(|s| s.pixel_spacing_mm.0);
        // Preprocessing maps pixels of 1 mm end to end onto the preprocessed ones.
        let fov_mm = |mm: f64| (mm * (size - 1) as f64).round() as usize + 1;
        let fov_mm = pixel_spacing_mm.take(1).map(fov_mm).sum();
        let grid = SliceGrid { size, fov_mm, ..SliceGrid::default() };
        Ok(Self::of(name, subjects.into_iter().map(Entry::ready).collect(), grid, false))
    }

    /// A cohort of phantoms, each generated and preprocessed when first needed. The same options and
    /// streams give the same voxels, whatever context preprocesses them.
    ///
    /// # Errors
    /// If the options contradict each other or the grid is invalid.
    pub fn phantom(options: &PhantomOptions, grid: SliceGrid, streams: &Streams) -> Result<Self> {
        grid.check()?;
        let shared = Arc::new(options.clone());
        let entry = |(index, (name, columns)): (usize, (String, _))| {
            let source = Source::Phantom { options: shared.clone(), index, streams: *streams };
            Entry::new(Arc::from(name), columns, source)
        };
        let people = phantom::participants(options, streams)?;
        let entries = people.into_iter().enumerate().map(entry).collect();
        let origin = Origin::Phantom { options: options.clone(), grid, seed: streams.seed() };
        Ok(Self::of("phantoms".into(), entries, grid, false).made_by(origin))
    }

    pub(super) fn of(name: String, entries: Vec<Entry>, grid: SliceGrid, strict: bool) -> Self {
        let member = |entry| Arc::new(Member::new(entry, grid));
        let members = entries.into_iter().map(member).collect();
        Self { name, members, grid, strict, provenance: None }
    }

    fn made_by(self, origin: Origin) -> Self {
        Self { provenance: Some(Arc::new(Provenance::of(origin))), ..self }
    }

    /// How to load or generate this cohort again; `None` for subjects that were passed in.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_deref()
    }

    /// The folder's name, with what was selected from it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of entries, including unusable ones.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Positions of the entries that could be used as far as their headers tell: the same before and after voxels turn
    /// out to be unusable, so that picking and slicing do not depend on what ran before.
    pub fn usable(&self) -> Vec<usize> {
        (0..self.len()).filter(|&position| !self.members[position].entry.is_broken()).collect()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Size and field of view of the preprocessed slices.
    pub fn grid(&self) -> SliceGrid {
        self.grid
    }

    /// Names in order.
    pub fn names(&self) -> Vec<&str> {
        self.entries().map(|entry| &*entry.name).collect()
    }

    /// The entries in order, without voxels.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.members.iter().map(|member| &member.entry)
    }

    /// Names of the participants columns that any entry has, in alphabetical order.
    pub fn columns(&self) -> BTreeSet<&str> {
        self.entries().flat_map(|entry| entry.participant.keys().map(String::as_str)).collect()
    }

    /// One entry, without voxels.
    ///
    /// # Errors
    /// If there is no such position.
    pub fn entry(&self, position: usize) -> Result<&Entry> {
        Ok(&self.member(position)?.entry)
    }

    /// One subject, preprocessed now if it was not yet.
    ///
    /// # Errors
    /// If there is no such position or the subject cannot be used.
    pub fn subject(&self, position: usize, context: &Context) -> Result<Arc<Subject>> {
        let member = self.member(position)?;
        context.check()?;
        let is_new = !member.is_settled();
        let subject = member.subject();
        if is_new {
            tell_changes(member.entry.loaded.iter(), context);
        }
        subject
    }

    /// All subjects that can be used, in order, preprocessed in parallel where they were not yet.
    ///
    /// Others are reported once as warnings. Interrupting keeps the subjects preprocessed so far.
    ///
    /// # Errors
    /// If interrupted, if no subject can be used, or, with [`LoadOptions::strict`], if any cannot.
    pub fn subjects(&self, context: &Context) -> Result<Vec<Arc<Subject>>> {
        let waiting: Vec<_> = self.members.iter().filter(|member| !member.is_settled()).collect();
        if !waiting.is_empty() {
            let title = format!("preprocess {}", self.name);
            let progress = context.progress(title, "subject", waiting.len());
            waiting.par_iter().try_for_each(|member| {
                context.check()?;
                member.outcome();
                progress.advance(1, &[]);
                Ok::<_, Error>(())
            })?;
            tell_changes(self.entries().filter_map(|entry| entry.loaded.as_ref()), context);
        }
        member::tell(&self.members, self.strict, context)?;
        Ok(self.members.iter().filter_map(|member| member.subject().ok()).collect())
    }

    /// Names and reasons of the entries that are known to be unusable by now.
    pub fn broken<'a>(&'a self) -> Vec<(&'a str, &'a str)> {
        let broken = |member: &'a Arc<Member>| Some((&*member.entry.name, member.reason()?));
        self.members.iter().filter_map(broken).collect()
    }

    /// What was noted about a subject when it was preprocessed; empty before that.
    pub fn notes(&self, name: &str) -> &[Note] {
        let member = self.members.iter().find(|member| *member.entry.name == *name);
        member.map_or(&[], |member| member.notes())
    }

    /// The same entries, to be preprocessed in another grid.
    ///
    /// # Errors
    /// If the grid is invalid, or the slices were loaded preprocessed and cannot be made again.
    pub fn on_grid(&self, grid: SliceGrid) -> Result<Self> {
        if grid == self.grid {
            return Ok(self.clone());
        }
        grid.check()?;
        let fixed = |entry: &&Entry| entry.has_fixed_frame();
        if let Some(entry) =
            self.entries().find(fixed).filter(|_| !grid.has_the_pixels_of(self.grid))
        {
            return Err(Error::input(format!(
                "{} came preprocessed with {} and cannot be preprocessed with {grid}; load the volumes it was made from",
                entry.name, self.grid
            )));
        }
        let members = self.members.iter().map(|member| member.on_grid(grid));
        let provenance =
            self.provenance.as_ref().map(|provenance| Arc::new(provenance.then(Step::Grid(grid))));
        Ok(Self { members: members.collect(), grid, provenance, ..self.clone() })
    }

    /// A sentence that counts the entries without a cord mask; `None` where all have one.
    pub fn unsegmented(&self) -> Option<String> {
        member::unsegmented(&self.members)
    }

    /// The same cohort, whose members carry these entries instead. Members that stay keep what they
    /// preprocessed. It has no provenance: voxels were made that no folder holds.
    pub(super) fn with_entries(&self, entries: Vec<Option<Entry>>) -> Self {
        let replaced = |(member, entry): (&Arc<Member>, Option<Entry>)| match entry {
            Some(entry) => Arc::new(Member::new(entry, self.grid)),
            None => member.clone(),
        };
        let members = self.members.iter().zip(entries).map(replaced).collect();
        self.with_members(members)
    }

    /// A cohort of the same name and grid, which does not know how to be made again.
    pub(super) fn with_members(&self, members: Vec<Arc<Member>>) -> Self {
        Self { members, provenance: None, ..self.clone() }
    }

    /// Warns once about subjects that are known to be unusable.
    pub(super) fn tell(&self, context: &Context) -> Result<()> {
        member::tell(&self.members, self.strict, context)
    }

    fn member(&self, position: usize) -> Result<&Member> {
        self.members.get(position).map(Arc::as_ref).ok_or_else(|| {
            let (name, len) = (&self.name, self.len());
            Error::input(format!("{name} has no subject {position}; it has {len}, counted from 0"))
        })
    }

    /// Its members, then those of another cohort in the same grid.
    pub(super) fn with_others(&self, other: &Self) -> Self {
        let provenance = self.provenance.as_deref().zip(other.provenance.as_deref());
        let provenance = provenance.map(|(first, second)| {
            let both = Box::new([first.clone(), second.clone()]);
            Arc::new(Provenance::of(Origin::Joined(both)))
        });
        Self {
            name: format!("{} + {}", self.name, other.name),
            members: self.members.iter().chain(&other.members).cloned().collect(),
            grid: self.grid,
            strict: self.strict || other.strict,
            provenance,
        }
    }

    /// These members of it, chosen by `step`; `selection` is added to its name.
    pub(super) fn part(&self, selection: &str, step: Step, members: Vec<Arc<Member>>) -> Self {
        let name = format!("{} [{selection}]", self.name);
        let provenance = self.provenance.as_ref().map(|provenance| Arc::new(provenance.then(step)));
        Self { name, members, provenance, ..self.clone() }
    }
}

impl fmt::Debug for Cohort {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Cohort({}: {}, {})", self.name, self.len(), self.grid)
    }
}
