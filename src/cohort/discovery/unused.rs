//! The image files of a folder that belong to no subject.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::naming::{
    IMAGE_SUFFIX, Label, Listing, is_own_finding, label_stems, nifti_stem, without_description,
};
use crate::Result;
use crate::context::{CancelToken, counted};
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
/// Endings of texts and tables that programs write places of discs to.
const TEXTS: [&str; 6] = [".mrk.json", ".json", ".txt", ".csv", ".tsv", ".fcsv"];
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

/// A sentence that accounts for the image files, and disc labels as text, below `root` which are not `accounted` for, by kind; `None` if
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
    let mut any_text = false;
    for path in files.iter().filter(is_named) {
        let kind = match text_ending(&file_name(path)) {
            None => Some(kind(path, &known)),
            Some(ending) => kind_of_text(path, ending, &known),
        };
        let Some(kind) = kind else { continue };
        any_text |= text_ending(&file_name(path)).is_some();
        kinds.entry(kind).or_insert((0, path)).0 += 1;
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
    let files = counted(number, if any_text { "file" } else { "image file" });
    let are = if number == 1 { "is" } else { "are" };
    Ok(Some(format!("{files} {are} not used: {}", parts.join("; "))))
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

    /// What stands behind the name of an image in that of another file, and the image; of several images, the one with the
    /// longest name.
    fn behind_image<'a>(&'a self, stem: &'a str) -> Option<(&'a str, &'a str)> {
        let stems = |image| label_stems(image).into_iter().map(move |begin| (begin, image));
        let of = self.all.iter().flat_map(|image| stems(image.as_str()));
        let of = of.filter(|(begin, _)| ends_as_label(stem, begin));
        let (begin, image) = of.max_by_key(|(begin, _)| begin.len())?;
        Some((stem.get(begin.len()..).unwrap_or_default(), image))
    }

    fn is_used(&self, name: &str) -> bool {
        self.used.contains(&without_description(name).to_ascii_lowercase())
    }

    /// Whether an image has such a label that is used.
    fn uses(&self, label: Label, image: &str) -> bool {
        let stems = || label_stems(image).into_iter();
        let named = |suffix: &&str| stems().any(|stem| self.is_used(&format!("{stem}{suffix}")));
        label.suffixes().iter().any(named)
    }

    /// Why a label that has a known name behind that of an image is not used.
    fn why_unused(&self, label: Label, image: &str) -> &'static str {
        if !self.is_used(image) {
            "labels of an image that is not used"
        } else if self.uses(label, image) {
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
    if let Some((suffix, image)) = known.behind_image(stem) {
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

/// The ending of a text or table.
fn text_ending(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    TEXTS.into_iter().find(|ending| lower.ends_with(ending))
}

/// What kind of disc labels a text or table is, by its name; `None` of those that are none of an image.
fn kind_of_text(path: &Path, ending: &str, known: &Names) -> Option<String> {
    let name = file_name(path);
    let stem = name.get(..name.len() - ending.len())?;
    let (suffix, image) = known.behind_image(stem)?;
    let label = Label::with_suffix(suffix).filter(|label| *label == Label::Discs)?;
    let why = match known.is_used(image) {
        true if !known.uses(label, image) => {
            "disc labels as text; they are read from a NIfTI file on the grid of its image, where each disc has its number \
             in one place"
        }
        _ => known.why_unused(label, image),
    };
    Some(format!("*{suffix}{ending} ({why})"))
}

/// Texts and tables that may hold disc labels, without those that describe a NIfTI file of their name.
fn texts(listing: &Listing) -> impl Iterator<Item = &PathBuf> {
    listing.with_ending(&TEXTS).filter(|path| {
        let name = file_name(path);
        let stem = text_ending(&name).and_then(|ending| name.get(..name.len() - ending.len()));
        let Some(stem) = stem.filter(|stem| {
            label_suffix(stem).is_some_and(|suffix| Label::Discs.suffixes().contains(&suffix))
        }) else {
            return false;
        };
        path.is_file() && !listing.niftis().any(|(nifti, _)| nifti == stem)
    })
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
    files.extend(texts(listing).cloned());
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
