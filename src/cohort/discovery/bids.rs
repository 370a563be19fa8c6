//! Subjects from a BIDS tree or from a plain folder of images.
//!
//! **BIDS.** `participants.tsv` is optional. Images are `*_T2w.nii` or `*_T2w.nii.gz` in
//! `sub-*/anat/`, `sub-*/ses-*/anat/`, or directly in `sub-*/` or `sub-*/ses-*/`. A subject with
//! one image is called after its folder (`sub-01`); with several (sessions, acquisitions, runs)
//! each is an entry of its own, called after its file without `_T2w` (`sub-01_ses-2_run-1`).
//!
//! Labels lie beside the image or in `derivatives/*/` under the image's own path, and are called
//! after the image, with or without `_T2w`, followed by one of
//!
//! | label | names, the preferred one first |
//! |---|---|
//! | spinal cord (needed) | `_label-SC_seg`, `_label-SC_mask`, `_label-cord_seg`, `_label-cord_mask`, `_seg-manual`, `_seg` |
//! | fluid | `_label-CSF_seg`, `_label-CSF_mask`, `_csf-manual`, `_CSF_seg`, `_CSF-seg`, `_csf` |
//! | discs | `_labels-disc-manual`, `_labels-disc`, `_label-discs_dlabel`, `_label-disc` |
//! | lesions | `_label-lesion_seg`, `_label-lesion_mask`, `_lesion-manual`, `_lesion_seg`, `_lesion_mask`, `_lesionseg`, `_lesion` |
//!
//! and `.nii` or `.nii.gz`. All must be on the image's grid. A label under the same name in two
//! derivatives folders is refused rather than guessed;
//! [`LoadOptions::derivatives`](crate::cohort::LoadOptions::derivatives) chooses.
//!
//! **Plain folder.** Without `sub-*` folders, every `NAME.nii` or `NAME.nii.gz` that has a cord
//! mask beside it is a subject called `NAME` (without `_T2w`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::naming::{IMAGE_SUFFIX, Label, Listing, file_name, find_label};
use super::participants::Participants;
use super::volume_files::VolumeFiles;
use crate::cohort::entry::{Entry, Source};
use crate::{Error, Result};

/// What [`discover`] looked for, for the message that nothing was found.
pub(in crate::cohort) const LOOKED_FOR: &str =
    "sub-*/anat/*_T2w.nii.gz, NAME.nii.gz with NAME_seg.nii.gz beside it";

/// Finds the subjects of `root` by file names; one that lacks a file is a broken entry. Empty if
/// the folder holds no images of these forms.
pub(in crate::cohort) fn discover(
    root: &Path,
    listing: &Listing,
    derivatives: Option<&str>,
    participants: &Participants,
) -> Result<Vec<Entry>> {
    let derivatives = derivative_folders(root, derivatives)?;
    let is_subject = |path: &&PathBuf| file_name(path).starts_with("sub-");
    let mut entries = Vec::new();
    let mut any_image = false;
    for folder in listing.folders.iter().filter(is_subject) {
        let subject = file_name(folder);
        let columns = participants.row(&subject).cloned().unwrap_or_default();
        let entry =
            |name: &str, source| Entry::new(Arc::from(name), columns.clone(), Source::from(source));
        let images = match images_of(root, folder, &derivatives) {
            Ok(images) => images,
            Err(error) => {
                entries.push(entry(&subject, Err(error.to_string())));
                continue;
            }
        };
        any_image |= !images.is_empty();
        match images.as_slice() {
            [] => {
                let reason =
                    format!("no *{IMAGE_SUFFIX}.nii or *{IMAGE_SUFFIX}.nii.gz in its folder");
                entries.push(entry(&subject, Err(reason)));
            }
            [one] => entries.push(entry(&subject, one.files.clone())),
            several => entries.extend(
                several.iter().map(|image| entry(image_name(&image.stem), image.files.clone())),
            ),
        }
    }
    if !any_image {
        entries = plain(listing, participants);
    }
    refuse_same_names(root, &entries)?;
    Ok(entries)
}

/// An image of a subject and, if it has what it needs, its files.
struct Image {
    stem: String,
    files: Result<VolumeFiles, String>,
}

/// The images below a subject's folder, in the order of their paths.
fn images_of(root: &Path, subject: &Path, derivatives: &[PathBuf]) -> Result<Vec<Image>> {
    let top = Listing::read(subject)?;
    let sessions = top.folders.iter().filter(|path| file_name(path).starts_with("ses-"));
    let mut images = Vec::new();
    for place in std::iter::once(subject).chain(sessions.map(PathBuf::as_path)) {
        for folder in [place.to_path_buf(), place.join("anat")] {
            let beside = Listing::read_if_there(&folder)?;
            let below = folder.strip_prefix(root).unwrap_or(&folder);
            let mut elsewhere = Vec::new();
            for derivative in derivatives {
                elsewhere.push(Listing::read_if_there(&derivative.join(below))?);
            }
            let places: Vec<&Listing> = std::iter::once(&beside).chain(&elsewhere).collect();
            for (stem, path) in beside.niftis().filter(|(stem, _)| stem.ends_with(IMAGE_SUFFIX)) {
                images.push(Image { files: VolumeFiles::locate(path, &stem, &places), stem });
            }
        }
    }
    Ok(images)
}

/// The folders under `derivatives/`, or the one of them that was asked for.
fn derivative_folders(root: &Path, only: Option<&str>) -> Result<Vec<PathBuf>> {
    let all = Listing::read_if_there(&root.join("derivatives"))?.folders;
    let Some(only) = only else { return Ok(all) };
    match all.iter().find(|path| file_name(path) == only) {
        Some(folder) => Ok(vec![folder.clone()]),
        None => {
            let there: Vec<_> = all.iter().map(|path| file_name(path)).collect();
            let there = if there.is_empty() { "nothing".into() } else { there.join(", ") };
            Err(Error::file(
                root.join("derivatives"),
                format!("has no folder {only}; there is {there}"),
            ))
        }
    }
}

/// Images with a cord mask beside them.
fn plain(listing: &Listing, participants: &Participants) -> Vec<Entry> {
    let has_cord = |stem: &str| !find_label(Label::Cord, stem, &[listing]).is_empty();
    listing
        .niftis()
        .filter(|(stem, _)| has_cord(stem))
        .map(|(stem, path)| {
            let name = image_name(&stem);
            let columns = participants.row(name).cloned().unwrap_or_default();
            let files = VolumeFiles::locate(path, &stem, &[listing]);
            Entry::new(Arc::from(name), columns, files.into())
        })
        .collect()
}

fn image_name(stem: &str) -> &str {
    stem.strip_suffix(IMAGE_SUFFIX).unwrap_or(stem)
}

impl From<Result<VolumeFiles, String>> for Source {
    fn from(located: Result<VolumeFiles, String>) -> Self {
        located.map_or_else(Self::Broken, Self::Volumes)
    }
}

/// An error if two files would be the same subject, such as `a_T2w.nii` beside `a_T2w.nii.gz`.
fn refuse_same_names(root: &Path, entries: &[Entry]) -> Result<()> {
    let mut names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(pair) => Err(Error::file(
            root,
            format!("{} exists twice, perhaps as .nii and as .nii.gz; keep one", pair[0]),
        )),
    }
}
