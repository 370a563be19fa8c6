//! Subjects from a BIDS tree or from a plain folder of images.
//!
//! **BIDS.** `participants.tsv` is optional; where it does not say who is healthy, a subject's table of sessions does.
//! Images are `*_T2w.nii` or `*_T2w.nii.gz` in `sub-*/anat/`, `sub-*/ses-*/anat/`, or directly in `sub-*/` or `sub-*/ses-*/`. A subject with
//! one image is called after its folder (`sub-01`); with several (sessions, acquisitions, runs)
//! each is an entry of its own, called after its file without `_T2w` (`sub-01_ses-2_run-1`).
//!
//! Labels lie beside the image or in `derivatives/*/` under the image's own path, and are called
//! after the image, with or without `_T2w`, followed by one of
//!
//! | label | names, the preferred one first |
//! |---|---|
//! | spinal cord (needed) | `_label-SC_seg-manual`, `_label-SC_mask-manual`, `_seg-manual`, `_label-SC_seg`, `_label-SC_mask`, `_label-cord_seg`, `_label-cord_mask`, `_label-spinalcord_seg`, `_label-spinalcord_mask`, `_seg`, `_softseg-manual`, `_label-SC_softseg`, `_softseg` |
//! | fluid | `_label-CSF_seg-manual`, `_label-CSF_mask-manual`, `_csf-manual`, `_csfseg-manual`, `_csf_seg-manual`, `_label-CSF_seg`, `_label-CSF_mask`, `_CSF_seg`, `_CSF-seg`, `_csfseg`, `_csf`, `_label-CSF_softseg` |
//! | discs | `_labels-disc-manual`, `_labels-disc`, `_label-discs_dlabel`, `_label-disc_dlabel`, `_label-discs_dseg`, `_label-discs`, `_label-disc`, `_labels_discs`, `_seg_labeled_discs`, `_discs` |
//! | lesions | `_label-lesion_seg-manual`, `_label-lesion_mask-manual`, `_lesion-manual`, `_lesion_seg-manual`, `_lesionseg-manual`, `_label-lesion_seg`, `_label-lesion_mask`, `_label-lesion`, `_lesion_seg`, `_lesion_mask`, `_lesionseg`, `_lesion` |
//!
//! and `.nii`, `.nii.gz` or `.hdr` with its `.img`, in any case. A description (`_desc-rater1`) may stand
//! anywhere in a label's name. All must be on the image's grid. A label under the same name in two
//! derivatives folders is refused rather than guessed;
//! [`LoadOptions::derivatives`](crate::cohort::LoadOptions::derivatives) chooses. Every NIfTI file that
//! is not used is accounted for.
//!
//! A subject's axial or coronal series are left out where it has a sagittal one.
//!
//! **Plain folder.** Without `sub-*` folders, every `NAME.nii` or `NAME.nii.gz` is a subject called `NAME`
//! (without `_T2w`), unless its name says that it is a label or another contrast. It needs a cord
//! mask beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::find_label::find_label;
use super::naming::{
    IMAGE_SUFFIX, Label, Listing, dataset_root, folder_of, nifti_stem, subject_of,
};
use super::participants::Participants;
use super::session_tables::complete;
use super::several_images::{Image, choose};
use super::unused::{self, Accounted};
use super::volume_files::{NotLocated, VolumeFiles};
use crate::cohort::entry::{Entry, Source};
use crate::cohort::health::Columns;
use crate::context::CancelToken;
use crate::dicom::is_dicom;
use crate::files::{content_pointer, file_name, read_regular_unlogged};
use crate::{Error, Result};

/// What [`discover`] looked for, for the message that nothing was found.
pub(in crate::cohort) const LOOKED_FOR: &str =
    "sub-*/anat/*_T2w.nii.gz, NAME.nii.gz with NAME_seg.nii.gz beside it";

/// What was found in a folder.
#[derive(Default)]
pub(in crate::cohort) struct Discovered {
    /// The entries of all subjects; an entry that lacks a file is broken.
    pub(in crate::cohort) entries: Vec<Entry>,
    /// A sentence on the image files that belong to no entry.
    pub(in crate::cohort) unused: Option<String>,
}

/// Finds the subjects of `root` by file names. Empty if the folder holds no images of these forms.
pub(in crate::cohort) fn discover(
    root: &Path,
    listing: &Listing,
    derivatives: Option<&str>,
    participants: &Participants,
    cancel: &CancelToken,
) -> Result<Discovered> {
    let derivatives = derivative_folders(root, derivatives)?;
    let is_subject = |path: &&PathBuf| file_name(path).starts_with("sub-");
    let mut entries = Vec::new();
    // Images that an entry, broken or not, or a remark speaks about.
    let mut images: Vec<PathBuf> = Vec::new();
    let mut any_image = false;
    for folder in listing.folders.iter().filter(is_subject) {
        let found = subject(root, folder, &derivatives, participants);
        any_image |= !found.images.is_empty();
        images.extend(found.images);
        entries.extend(found.entries);
    }
    if !any_image {
        entries = plain(listing, participants, &mut images);
    }
    join_same_names(&mut entries);
    let used: BTreeSet<&Path> = entries.iter().flat_map(Entry::files).collect();
    let accounted = Accounted { used, images: &images };
    // The program's own exports, from which nothing is used, are no news.
    let is_news = |folder: &&PathBuf| !is_own_export(folder) || accounted.has_any_in(folder);
    let derivatives: Vec<PathBuf> = derivatives.iter().filter(is_news).cloned().collect();
    let unused = unused::sentence(root, listing, &accounted, &derivatives, cancel)?;
    Ok(Discovered { entries, unused })
}

/// Whether a dataset's description says that this program made it.
fn is_own_export(folder: &Path) -> bool {
    let description = read_regular_unlogged(&folder.join("dataset_description.json"));
    let description: Option<serde_json::Value> =
        description.ok().and_then(|text| serde_json::from_slice(&text).ok());
    let name = description.as_ref().and_then(|of| of.pointer("/GeneratedBy/0/Name")?.as_str());
    name == Some(env!("CARGO_PKG_NAME"))
}

/// The entries of one subject, and all its images.
pub(in crate::cohort) struct SubjectFiles {
    /// At least one entry; a subject without an image has one broken entry.
    pub(in crate::cohort) entries: Vec<Entry>,
    images: Vec<PathBuf>,
}

/// Finds the images of the subject in `folder`, which is a `sub-…` folder of `root`.
pub(in crate::cohort) fn subject(
    root: &Path,
    folder: &Path,
    derivatives: &[PathBuf],
    participants: &Participants,
) -> SubjectFiles {
    let subject = file_name(folder);
    let entry = |name: &str, image: Option<&Path>, source| {
        Entry::new(Arc::from(name), columns_of(participants, name, image), Source::from(source))
    };
    let mut images = match images_of(root, folder, derivatives) {
        Ok(images) => images,
        Err(error) => {
            let broken = entry(&subject, None, Err(NotLocated::from(error.to_string())));
            return SubjectFiles { entries: vec![broken], images: Vec::new() };
        }
    };
    let of_image = |name: &str, image: &Image| {
        let entry = entry(name, Some(&image.path), image.files.clone());
        complete(Entry { found_at: Some(image.path.clone()), ..entry })
    };
    let paths = images.iter().map(|image| image.path.clone()).collect();
    let remarks = choose(&subject, &mut images);
    let mut entries: Vec<Entry> = match images.as_slice() {
        [] => {
            let reason = format!("no *{IMAGE_SUFFIX}.nii or *{IMAGE_SUFFIX}.nii.gz in its folder");
            vec![entry(&subject, None, Err(NotLocated::from(reason)))]
        }
        [one] => vec![of_image(&subject, one)],
        several => several.iter().map(|image| of_image(image_name(&image.stem), image)).collect(),
    };
    if let Some(first) = entries.first_mut() {
        first.remarks = remarks;
    }
    SubjectFiles { entries, images: paths }
}

/// The entry of one image file, called after it. Its labels lie beside it and, if it lies in a subject's
/// folder of a BIDS tree, also in the tree's derivatives.
///
/// # Errors
/// If it is no NIfTI file by its name, a folder cannot be read or the participants table is damaged.
pub(in crate::cohort) fn image_file(path: &Path) -> Result<Entry> {
    let name = file_name(path);
    let Some(stem) = nifti_stem(&name) else {
        return Err(Error::file(
            path,
            match is_dicom(path) {
                true => {
                    "is a DICOM file; `u2ad import FOLDER BIDS_FOLDER` turns the folder of its series into a BIDS \
                     dataset without names, which can be screened"
                }
                false => "is not a NIfTI image by its name (.nii, .nii.gz or .hdr)",
            },
        ));
    };
    if fs::metadata(path).is_err() {
        return Err(Error::file(path, content_pointer::missing_content(path)));
    }
    let folder = folder_of(path);
    let beside = Listing::around(path)?;
    let (root, mut elsewhere) = (dataset_root(path), Vec::new());
    if let Some(root) = root {
        let below = folder.strip_prefix(root).unwrap_or(folder);
        for derivative in derivative_folders(root, None)? {
            let folder = derivative.join(below);
            if folder.is_dir() {
                elsewhere.push(Listing::around(&folder.join(&name))?);
            }
        }
    }
    let participants = match root {
        Some(root) => Participants::read(&Listing::read(root)?)?,
        None => Participants::read(&beside)?,
    };
    let short = image_name(stem);
    let columns = columns_of(&participants, short, Some(path));
    let places: Vec<&Listing> = std::iter::once(&beside).chain(&elsewhere).collect();
    let files = VolumeFiles::locate(path, stem, &places);
    let entry = Entry::new(Arc::from(short), columns, files.into());
    Ok(complete(Entry { found_at: Some(path.to_path_buf()), ..entry }))
}

/// Whether an image file is a label of another one beside it, by its name.
pub(in crate::cohort) fn is_label_file(path: &Path) -> bool {
    let name = file_name(path);
    let Some(stem) = nifti_stem(&name) else { return false };
    let beside = Listing::around(path).unwrap_or_default();
    let stems: Vec<String> = beside.niftis().map(|(stem, _)| stem).collect();
    unused::is_label(stem, &stems)
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
                let files = VolumeFiles::locate(path, &stem, &places);
                images.push(Image { path: path.clone(), files, stem });
            }
        }
    }
    Ok(images)
}

/// The folders under `derivatives/`, or the one of them that was asked for.
pub(in crate::cohort) fn derivative_folders(
    root: &Path,
    only: Option<&str>,
) -> Result<Vec<PathBuf>> {
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

/// The images of a folder, each with its labels beside it.
fn plain(
    listing: &Listing,
    participants: &Participants,
    accounted: &mut Vec<PathBuf>,
) -> Vec<Entry> {
    let stems: Vec<String> = listing.niftis().map(|(stem, _)| stem).collect();
    let has_cord = |stem: &str| !find_label(Label::Cord, stem, &[listing]).is_empty();
    listing
        .niftis()
        .filter(|(stem, _)| {
            // Whatever masks it has, another contrast is not what the method is about.
            unused::contrast(stem).is_none() && (has_cord(stem) || !unused::is_label(stem, &stems))
        })
        .map(|(stem, path)| {
            accounted.push(path.clone());
            let name = image_name(&stem);
            let columns = columns_of(participants, name, Some(path));
            let files = VolumeFiles::locate(path, &stem, &[listing]);
            Entry::new(Arc::from(name), columns, files.into())
        })
        .collect()
}

/// The name, without `sub-`, of the row that an entry has in the table: that of its image, such as `sub-01_ses-1`, or else
/// that of the `sub-…` folder that the image lies in, or of the subject with whom the entry's name begins. `None` without a
/// row.
pub(in crate::cohort) fn row_id<'a>(
    participants: &'a Participants,
    name: &str,
    image: Option<&Path>,
) -> Option<&'a str> {
    let folder = image.and_then(|image| {
        let below = image.strip_prefix(dataset_root(image)?).ok()?;
        Some(below.components().next()?.as_os_str().to_string_lossy().into_owned())
    });
    // A file that is called after somebody else belongs to its folder.
    let is_own = |file: &String| {
        let Some(folder) = &folder else { return true };
        file.strip_prefix(folder.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    };
    let file = image.and_then(name_of_file).filter(is_own);
    let last = name.rsplit('/').next().unwrap_or(name);
    [file.as_deref(), folder.as_deref(), Some(name), Some(last), subject_of(last)]
        .into_iter()
        .flatten()
        .find_map(|name| participants.id_of(name))
}

/// The row itself; without one, no columns.
fn columns_of(participants: &Participants, name: &str, image: Option<&Path>) -> Columns {
    let id = row_id(participants, name, image);
    id.and_then(|id| participants.row(id)).cloned().unwrap_or_default()
}

/// What an image is called after its file: `sub-01_ses-2_run-1`; `None` of a file that is not a NIfTI image by its name.
pub(in crate::cohort) fn name_of_file(path: &Path) -> Option<String> {
    nifti_stem(&file_name(path)).map(|stem| image_name(stem).to_owned())
}

fn image_name(stem: &str) -> &str {
    stem.strip_suffix(IMAGE_SUFFIX).unwrap_or(stem)
}

impl From<Result<VolumeFiles, NotLocated>> for Source {
    fn from(located: Result<VolumeFiles, NotLocated>) -> Self {
        match located {
            Ok(files) => Self::Volumes(files),
            Err(NotLocated { reason, without_cord: Some(files) }) => {
                Self::Unsegmented { files: *files, reason }
            }
            Err(NotLocated { reason, without_cord: None }) => Self::Broken(reason),
        }
    }
}

/// Files that would be the same subject, such as `a_T2w.nii` beside `a_T2w.nii.gz`, become one broken
/// entry.
pub(in crate::cohort) fn join_same_names(entries: &mut Vec<Entry>) {
    let mut seen: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries.drain(..) {
        match seen.get(&entry.name).and_then(|&at| kept.get_mut(at)) {
            None => {
                seen.insert(entry.name.clone(), kept.len());
                kept.push(entry);
            }
            Some(first) => {
                first.source = Source::Broken(
                    "its image exists twice, perhaps as .nii and as .nii.gz; keep one".into(),
                );
            }
        }
    }
    *entries = kept;
}
