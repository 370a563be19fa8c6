//! The image files of a folder that belong to no subject.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::naming::{IMAGE_SUFFIX, Label, Listing, label_stems, nifti_stem};
use crate::Result;
use crate::context::CancelToken;
use crate::files::file_name;

/// Folders are searched this deep.
const DEPTH: usize = 6;
/// Kinds of files that a sentence names.
const NAMED: usize = 5;
/// Endings of images that are not NIfTI, and what to do about them.
const OTHER_FORMATS: [(&str, &str); 7] = [
    (".mgz", "FreeSurfer; convert it with mri_convert"),
    (".mgh", "FreeSurfer; convert it with mri_convert"),
    (".dcm", "DICOM; convert it with `u2ad import`"),
    (".nrrd", "NRRD; convert it to NIfTI"),
    (".mha", "MetaImage; convert it to NIfTI"),
    (".mhd", "MetaImage; convert it to NIfTI"),
    (".mnc", "MINC; convert it to NIfTI"),
];
/// Suffixes of contrasts that are not T2-weighted spin echo.
const CONTRASTS: [&str; 14] = [
    "_T1w",
    "_T2star",
    "_T2starw",
    "_dwi",
    "_bold",
    "_PD",
    "_PDw",
    "_FLAIR",
    "_MTS",
    "_MTon",
    "_MToff",
    "_inplaneT2",
    "_epi",
    "_UNIT1",
];

/// The contrast in an image's name, if it is not T2-weighted.
pub(super) fn contrast(stem: &str) -> Option<&'static str> {
    let lower = stem.to_ascii_lowercase();
    CONTRASTS.into_iter().find(|suffix| lower.ends_with(&suffix.to_ascii_lowercase()))
}

/// Whether a file is a label by its name: it begins like another image, or ends like a known label.
pub(super) fn is_label(stem: &str, stems: &[String]) -> bool {
    let begins = |image: &String| {
        image != stem && label_stems(image).iter().any(|image| ends_as_label(stem, image))
    };
    stems.iter().any(begins) || label_suffix(stem).is_some()
}

/// The known label that a file's name ends like.
fn label_suffix(stem: &str) -> Option<&'static str> {
    let lower = stem.to_ascii_lowercase();
    [Label::Cord, Label::Csf, Label::Discs, Label::Lesion]
        .into_iter()
        .flat_map(Label::suffixes)
        .copied()
        .find(|suffix| lower.ends_with(&suffix.to_ascii_lowercase()))
}

/// Whether a name is an image's followed by something that no other image's name has.
fn ends_as_label(stem: &str, image: &str) -> bool {
    let rest = stem.strip_prefix(image).and_then(|rest| rest.strip_prefix('_'));
    rest.is_some_and(|rest| rest != IMAGE_SUFFIX.trim_start_matches('_'))
}

/// A sentence that accounts for the image files below `root` which are not `used`, by kind; `None` if
/// all are used. Of `derivatives/`, only the folders in `derivatives` are searched.
pub(super) fn sentence(
    root: &Path,
    listing: &Listing,
    used: &BTreeSet<&Path>,
    derivatives: &[PathBuf],
    cancel: &CancelToken,
) -> Result<Option<String>> {
    let mut files = Vec::new();
    collect(listing, DEPTH, &root.join("derivatives"), &mut files, cancel)?;
    for folder in derivatives {
        collect(&Listing::read_if_there(folder)?, DEPTH, Path::new(""), &mut files, cancel)?;
    }
    let images: BTreeSet<String> =
        used.iter().filter_map(|path| Some(nifti_stem(&file_name(path))?.to_owned())).collect();
    // Kind of file: how many, and the first.
    let mut kinds: BTreeMap<String, (usize, &Path)> = BTreeMap::new();
    for path in files.iter().filter(|path| !used.contains(path.as_path())) {
        kinds.entry(kind(path, &images)).or_insert((0, path)).0 += 1;
    }
    if kinds.is_empty() {
        return Ok(None);
    }
    let number: usize = kinds.values().map(|(count, _)| count).sum();
    let mut parts: Vec<String> = kinds
        .iter()
        .take(NAMED)
        .map(|(kind, (count, first))| {
            let first = first.strip_prefix(root).unwrap_or(first).display();
            format!("{count} {kind}, the first {first}")
        })
        .collect();
    if kinds.len() > NAMED {
        parts.push(format!("{} other kinds", kinds.len() - NAMED));
    }
    let files = if number == 1 { "1 image file is" } else { &format!("{number} image files are") };
    Ok(Some(format!("{files} not used: {}", parts.join("; "))))
}

/// What kind of file an unused one is.
fn kind(path: &Path, images: &BTreeSet<String>) -> String {
    let name = file_name(path);
    let lower = name.to_ascii_lowercase();
    if let Some((ending, what)) = OTHER_FORMATS.iter().find(|(ending, _)| lower.ends_with(ending)) {
        return format!("*{ending} ({what})");
    }
    let stem = nifti_stem(&name).unwrap_or(&name);
    if let Some(contrast) = contrast(stem) {
        return format!("*{contrast} (not T2-weighted)");
    }
    let of = images
        .iter()
        .flat_map(|image| label_stems(image))
        .filter(|image| ends_as_label(stem, image));
    if let Some(image) = of.max_by_key(|image| image.len()) {
        let suffix = stem.get(image.len()..).unwrap_or_default();
        if label_suffix(stem).is_some_and(|known| known.eq_ignore_ascii_case(suffix)) {
            return format!("*{suffix} (another label of its kind is used instead)");
        }
        return format!("*{suffix} (no label that is used; `help(load_cohort)` lists their names)");
    }
    if let Some(suffix) = label_suffix(stem) {
        format!("*{suffix} (labels without their image)")
    } else if stem.ends_with(IMAGE_SUFFIX) {
        format!("*{IMAGE_SUFFIX} (belongs to no subject's folder)")
    } else {
        "others (belong to no subject by their names)".into()
    }
}

fn collect(
    listing: &Listing,
    depth: usize,
    skip: &Path,
    files: &mut Vec<PathBuf>,
    cancel: &CancelToken,
) -> Result<()> {
    files.extend(listing.niftis().map(|(_, path)| path.clone()));
    let endings = OTHER_FORMATS.map(|(ending, _)| ending);
    files.extend(listing.with_ending(&endings).cloned());
    if depth > 0 {
        // Links are not followed: they may lead out of the folder, or in a circle.
        let is_own = |folder: &&PathBuf| folder.as_path() != skip && !folder.is_symlink();
        for folder in listing.folders.iter().filter(is_own) {
            cancel.check()?;
            // A folder that cannot be read has no files to mention.
            if let Ok(listing) = Listing::read(folder) {
                collect(&listing, depth - 1, skip, files, cancel)?;
            }
        }
    }
    Ok(())
}
