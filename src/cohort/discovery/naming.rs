//! File names of images and of the labels that belong to them, and folder listings: the only place
//! that defines file names.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::files::file_name;
use crate::{Error, Result};

/// What BIDS calls the image this crate works on.
pub(in crate::cohort) const IMAGE_SUFFIX: &str = "_T2w";

/// A label map that belongs to an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cohort) enum Label {
    Cord,
    Csf,
    Discs,
    Lesion,
}

impl Label {
    /// What follows the image's name in the label's name, the preferred one first: what a person drew or corrected comes
    /// before what a program found.
    pub(in crate::cohort) fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Cord => &[
                "_label-SC_seg-manual",
                "_label-SC_mask-manual",
                "_seg-manual",
                "_label-SC_seg",
                "_label-SC_mask",
                "_label-cord_seg",
                "_label-cord_mask",
                "_label-spinalcord_seg",
                "_label-spinalcord_mask",
                "_seg",
                "_softseg-manual",
                "_label-SC_softseg",
                "_softseg",
            ],
            Self::Csf => &[
                "_label-CSF_seg-manual",
                "_label-CSF_mask-manual",
                "_csf-manual",
                "_csfseg-manual",
                "_csf_seg-manual",
                "_label-CSF_seg",
                "_label-CSF_mask",
                "_CSF_seg",
                "_CSF-seg",
                "_csfseg",
                "_csf",
                "_label-CSF_softseg",
            ],
            Self::Discs => &[
                "_labels-disc-manual",
                "_labels-disc",
                "_label-discs_dlabel",
                "_label-disc_dlabel",
                "_label-discs_dseg",
                "_label-discs",
                "_label-disc",
                "_labels_discs",
                "_seg_labeled_discs",
                "_discs",
            ],
            Self::Lesion => &[
                "_label-lesion_seg-manual",
                "_label-lesion_mask-manual",
                "_lesion-manual",
                "_lesion_seg-manual",
                "_lesionseg-manual",
                "_label-lesion_seg",
                "_label-lesion_mask",
                "_label-lesion",
                "_lesion_seg",
                "_lesion_mask",
                "_lesionseg",
                "_lesion",
            ],
        }
    }

    /// All kinds of labels.
    pub(super) const ALL: [Self; 4] = [Self::Cord, Self::Csf, Self::Discs, Self::Lesion];

    /// The kind of label whose name ends with `suffix` behind the image's name, in any case and whatever its description.
    pub(super) fn with_suffix(suffix: &str) -> Option<Self> {
        let plain = without_description(suffix);
        let has =
            |label: &Self| label.suffixes().iter().any(|own| own.eq_ignore_ascii_case(&plain));
        Self::ALL.into_iter().find(has)
    }

    /// The label's name in messages.
    pub(in crate::cohort) fn title(self) -> &'static str {
        match self {
            Self::Cord => "cord mask",
            Self::Csf => "CSF mask",
            Self::Discs => "disc labels",
            Self::Lesion => "lesion mask",
        }
    }
}

/// What is in a folder, in alphabetical order; hidden entries left out. A folder that is called like a NIfTI file stands
/// among the files, so that it is found in place of one and refused with its name instead of overlooked.
#[derive(Clone, Debug, Default)]
pub(in crate::cohort) struct Listing {
    pub(in crate::cohort) folders: Vec<PathBuf>,
    pub(in crate::cohort) files: Vec<PathBuf>,
}

impl Listing {
    /// Lists `folder`.
    pub(in crate::cohort) fn read(folder: &Path) -> Result<Self> {
        Self::read_all(folder, false)
    }

    /// Lists the folder of an image that is given by name. If it is hidden, its labels are, too.
    pub(in crate::cohort) fn around(image: &Path) -> Result<Self> {
        Self::read_all(folder_of(image), file_name(image).starts_with('.'))
    }

    fn read_all(folder: &Path, with_hidden: bool) -> Result<Self> {
        let refuse = |error| Error::file(folder, folder_error(&error));
        let mut listing = Self::default();
        for entry in fs::read_dir(folder).map_err(refuse)? {
            let path = entry.map_err(refuse)?.path();
            if file_name(&path).starts_with('.') && !with_hidden {
                continue;
            }
            if path.is_dir() && nifti_stem(&file_name(&path)).is_none() {
                listing.folders.push(path);
            } else {
                listing.files.push(path);
            }
        }
        listing.folders.sort();
        listing.files.sort();
        Ok(listing)
    }

    /// As [`Self::read`], empty where there is no such folder.
    pub(in crate::cohort) fn read_if_there(folder: &Path) -> Result<Self> {
        if folder.is_dir() { Self::read(folder) } else { Ok(Self::default()) }
    }

    /// Files with one of these endings, in any case.
    pub(in crate::cohort) fn with_ending(
        &self,
        endings: &[&str],
    ) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|path| {
            let name = file_name(path).to_ascii_lowercase();
            endings.iter().any(|ending| name.ends_with(ending))
        })
    }

    /// NIfTI files with their name without extension.
    pub(in crate::cohort) fn niftis(&self) -> impl Iterator<Item = (String, &PathBuf)> {
        self.files.iter().filter_map(|path| Some((nifti_stem(&file_name(path))?.to_owned(), path)))
    }
}

/// Why a folder cannot be listed, as a clause.
fn folder_error(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such folder".into(),
        ErrorKind::NotADirectory => "is a file; give the folder that holds it".into(),
        ErrorKind::PermissionDenied => {
            "the folder cannot be read: permission denied; ask for read access".into()
        }
        _ => format!("the folder cannot be read ({error})"),
    }
}

/// What BIDS calls a subject, given with or without `sub-`.
pub(crate) fn subject_name(label: &str) -> String {
    format!("sub-{}", short_name(label))
}

/// A subject's name without `sub-`.
pub(in crate::cohort) fn short_name(name: &str) -> &str {
    name.strip_prefix("sub-").unwrap_or(name)
}

/// What BIDS calls a session, given with or without `ses-`.
pub(crate) fn session_name(label: &str) -> String {
    format!("ses-{}", label.strip_prefix("ses-").unwrap_or(label))
}

/// The subject with whom the name of an image begins: `sub-01` of `sub-01_ses-1`. `None` where it begins otherwise.
pub(crate) fn subject_of(image: &str) -> Option<&str> {
    image.split('_').next().filter(|subject| subject.starts_with("sub-"))
}

/// The folder of a file, `.` of a bare name.
pub(in crate::cohort) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The BIDS tree that an image lies in: the folder above its `sub-…` folder. `None` where there is no such folder.
pub(crate) fn dataset_root(image: &Path) -> Option<&Path> {
    let is_subject = |folder: &&Path| file_name(folder).starts_with("sub-");
    // The innermost one: a project's folder may be called sub-… as well.
    image.ancestors().skip(1).find(is_subject).map(folder_of)
}

/// A file name without `.nii`, `.nii.gz`, `.hdr` or `.hdr.gz`, in any case; `None` for other files.
pub(crate) fn nifti_stem(file_name: &str) -> Option<&str> {
    let lower = file_name.to_ascii_lowercase();
    let ending =
        [".nii.gz", ".nii", ".hdr.gz", ".hdr"].into_iter().find(|end| lower.ends_with(end))?;
    file_name.get(..file_name.len() - ending.len()).filter(|stem| !stem.is_empty())
}

/// The names a label of the image called `stem` may begin with: the image's own and, as BIDS
/// derivatives have it, the one without `_T2w`.
pub(in crate::cohort) fn label_stems(stem: &str) -> Vec<&str> {
    std::iter::once(stem).chain(stem.strip_suffix(IMAGE_SUFFIX)).collect()
}

/// Whether a file is what this program detected: an exported finding is no ground truth for the next one.
pub(super) fn is_own_finding(name: &str) -> bool {
    name.split('_').any(|part| part.eq_ignore_ascii_case("desc-u2ad"))
}

/// A name without its BIDS entity `_desc-…`.
pub(super) fn without_description(name: &str) -> String {
    let parts = name.split('_').filter(|part| !part.starts_with("desc-"));
    parts.collect::<Vec<_>>().join("_")
}

/// Splits `NAME_INDEX` into the name and the number; `None` if it does not end in `_digits`.
pub(in crate::cohort) fn split_index(stem: &str) -> Option<(&str, usize)> {
    let (name, index) = stem.rsplit_once('_')?;
    (!name.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| Some((name, index.parse().ok()?)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_name_a_label_may_have() {
        let documentation = include_str!("bids.rs");
        for label in [Label::Cord, Label::Csf, Label::Discs, Label::Lesion] {
            let names: Vec<_> = label.suffixes().iter().map(|name| format!("`{name}`")).collect();
            let row = format!("| {} |", names.join(", "));
            assert!(documentation.contains(&row), "{row}");
        }
    }

    #[test]
    fn the_documentation_lists_every_name() {
        let page = include_str!("../../../docs/data.md");
        for label in [Label::Cord, Label::Csf, Label::Discs, Label::Lesion] {
            for suffix in label.suffixes() {
                assert!(page.contains(&format!("`{suffix}`")), "{suffix}");
            }
        }
    }

    #[test]
    fn endings_are_known_in_any_case() {
        assert_eq!(nifti_stem("a_T2w.NII.GZ"), Some("a_T2w"));
        assert_eq!(nifti_stem("a.b.hdr"), Some("a.b"));
        assert_eq!(nifti_stem("a.img"), None);
        assert_eq!(nifti_stem(".nii"), None);
    }

    #[test]
    fn a_name_splits_at_its_last_number_only() {
        assert_eq!(split_index("private_12"), Some(("private", 12)));
        assert_eq!(split_index("sub-01_run-2_7"), Some(("sub-01_run-2", 7)));
        assert_eq!(split_index("12"), None);
        assert_eq!(split_index("_12"), None);
        assert_eq!(split_index("private_"), None);
        assert_eq!(split_index("private_1a"), None);
        assert_eq!(split_index("private_99999999999999999999999"), None);
    }

    #[test]
    fn every_reason_a_folder_cannot_be_listed_has_its_sentence() {
        let say = |kind: ErrorKind| folder_error(&std::io::Error::from(kind));
        assert_eq!(say(ErrorKind::NotFound), "no such folder");
        assert_eq!(say(ErrorKind::NotADirectory), "is a file; give the folder that holds it");
        assert_eq!(
            say(ErrorKind::PermissionDenied),
            "the folder cannot be read: permission denied; ask for read access"
        );
    }
}
