//! The image files of a folder that belong to no subject.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::naming::{
    IMAGE_SUFFIX, Label, Listing, is_own_finding, label_stems, nifti_stem, without_description,
};
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
    let all = Label::ALL.into_iter().flat_map(Label::suffixes).copied();
    // The longest: a name that ends with `_lesion_seg` also ends with `_seg`.
    all.filter(|suffix| lower.ends_with(&suffix.to_ascii_lowercase())).max_by_key(|one| one.len())
}

/// Whether a name is an image's followed by something that no other image's name has.
fn ends_as_label(stem: &str, image: &str) -> bool {
    let rest = stem.strip_prefix(image).and_then(|rest| rest.strip_prefix('_'));
    rest.is_some_and(|rest| rest != IMAGE_SUFFIX.trim_start_matches('_'))
}

/// The files that an account of a folder need not name.
pub(super) struct Accounted<'a> {
    /// Images and labels that subjects are made of.
    pub(super) used: BTreeSet<&'a Path>,
    /// Images of which an entry, broken or not, or a remark speaks.
    pub(super) images: &'a [PathBuf],
}

impl Accounted<'_> {
    /// Whether any of it lies in a folder.
    pub(super) fn has_any_in(&self, folder: &Path) -> bool {
        self.used
            .iter()
            .copied()
            .chain(self.images.iter().map(PathBuf::as_path))
            .any(|path| path.starts_with(folder))
    }
}

/// A sentence that accounts for the image files below `root` which are not `accounted` for, by kind; `None` if
/// all are. Of `derivatives/`, only the folders in `derivatives` are searched.
pub(super) fn sentence(
    root: &Path,
    listing: &Listing,
    accounted: &Accounted,
    derivatives: &[PathBuf],
    cancel: &CancelToken,
) -> Result<Option<String>> {
    let mut files = Vec::new();
    collect(listing, DEPTH, &root.join("derivatives"), &mut files, cancel)?;
    for folder in derivatives {
        collect(&Listing::read_if_there(folder)?, DEPTH, Path::new(""), &mut files, cancel)?;
    }
    let known = Names::new(accounted);
    let others: BTreeSet<&Path> = accounted.images.iter().map(PathBuf::as_path).collect();
    // Kind of file: how many, and the first.
    let mut kinds: BTreeMap<String, (usize, &Path)> = BTreeMap::new();
    let is_named = |path: &&PathBuf| {
        !accounted.used.contains(path.as_path()) && !others.contains(path.as_path())
    };
    for path in files.iter().filter(is_named) {
        kinds.entry(kind(path, &known)).or_insert((0, path)).0 += 1;
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

/// The names, without extension, of the files that are accounted for.
struct Names {
    /// Of images and of used labels.
    all: BTreeSet<String>,
    /// Of used images and labels, without descriptions, in lower case.
    used: BTreeSet<String>,
}

impl Names {
    fn new(accounted: &Accounted) -> Self {
        let stem = |path: &Path| Some(nifti_stem(&file_name(path))?.to_owned());
        let used = || accounted.used.iter().filter_map(|path| stem(path));
        let images = accounted.images.iter().filter_map(|path| stem(path));
        Self {
            all: used().chain(images).collect(),
            used: used().map(|name| without_description(&name).to_ascii_lowercase()).collect(),
        }
    }

    fn is_used(&self, name: &str) -> bool {
        self.used.contains(&without_description(name).to_ascii_lowercase())
    }

    /// Why a label that has a known name behind that of an image is not used.
    fn why_unused(&self, label: Label, image: &str) -> &'static str {
        let stems = || label_stems(image).into_iter();
        let named = |suffix: &&str| stems().any(|stem| self.is_used(&format!("{stem}{suffix}")));
        if !self.is_used(image) {
            "labels of an image that is not used"
        } else if label.suffixes().iter().any(named) {
            "another label of its kind is used instead"
        } else {
            "neither beside the image nor in its place under derivatives"
        }
    }
}

/// What kind of file an unused one is.
fn kind(path: &Path, known: &Names) -> String {
    let name = file_name(path);
    let lower = name.to_ascii_lowercase();
    if let Some((ending, what)) = OTHER_FORMATS.iter().find(|(ending, _)| lower.ends_with(ending)) {
        return format!("*{ending} ({what})");
    }
    let stem = nifti_stem(&name).unwrap_or(&name);
    if let Some(contrast) = contrast(stem) {
        return format!("*{contrast} (not T2-weighted)");
    }
    let stems = |image| label_stems(image).into_iter().map(move |begin| (begin, image));
    let of = known.all.iter().flat_map(|image| stems(image.as_str()));
    let of = of.filter(|(begin, _)| ends_as_label(stem, begin));
    if let Some((begin, image)) = of.max_by_key(|(begin, _)| begin.len()) {
        let suffix = stem.get(begin.len()..).unwrap_or_default();
        let label = Label::with_suffix(suffix).filter(|_| !is_own_finding(stem));
        return match label {
            Some(label) => format!("*{suffix} ({})", known.why_unused(label, image)),
            None => {
                format!("*{suffix} (no label that is used; `help(load_cohort)` lists their names)")
            }
        };
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
