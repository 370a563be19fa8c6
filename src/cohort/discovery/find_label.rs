//! Which files are labels of an image, by their names.

use std::path::PathBuf;

use super::naming::{
    IMAGE_SUFFIX, Label, Listing, is_own_finding, label_stems, without_description,
};

/// The files that hold `label` of the image called `stem`, under its preferred name that exists;
/// more than one if several folders have it. A description (`_desc-…`) in the name is ignored where
/// no file has the name without it. Names in other letters count, in capital or small ones, unless a file has the very name,
/// or theirs is that of another image's label.
pub(in crate::cohort) fn find_label(
    label: Label,
    stem: &str,
    folders: &[&Listing],
) -> Vec<PathBuf> {
    for described in [false, true] {
        for suffix in label.suffixes() {
            for begin in label_stems(stem) {
                let wanted = format!("{begin}{suffix}");
                let plain = |name: &str| match described {
                    false => name.to_owned(),
                    true => without_description(name),
                };
                let mut found: Vec<(String, &PathBuf)> = folders
                    .iter()
                    .flat_map(|folder| folder.niftis())
                    .filter(|(name, _)| plain(name).eq_ignore_ascii_case(&wanted))
                    .filter(|(name, _)| !is_own_finding(name))
                    .filter(|(name, _)| !is_of_another_image(&plain(name), begin, folders))
                    .collect();
                if found.iter().any(|(name, _)| plain(name) == wanted) {
                    found.retain(|(name, _)| plain(name) == wanted);
                }
                if !found.is_empty() {
                    return found.into_iter().map(|(_, path)| path.clone()).collect();
                }
            }
        }
    }
    Vec::new()
}

/// Whether a label that begins like an image, in other letters, begins with the very name of another image.
fn is_of_another_image(label: &str, begin: &str, folders: &[&Listing]) -> bool {
    let Some(own) = label.get(..begin.len()).filter(|own| *own != begin) else { return false };
    let mut images = folders.iter().flat_map(|folder| folder.niftis());
    images.any(|(name, _)| name == own || name.strip_suffix(IMAGE_SUFFIX) == Some(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::file_name;

    #[test]
    fn a_label_is_found_by_any_of_its_names_and_the_preferred_one_wins() {
        let listing = |names: &[&str]| Listing {
            files: names.iter().map(PathBuf::from).collect(),
            ..Listing::default()
        };
        let images = listing(&["sub-01_T2w.nii.gz", "sub-01_T2w_seg.nii.gz"]);
        let find = |label, other: &[&str]| {
            find_label(label, "sub-01_T2w", &[&images, &listing(other)])
                .iter()
                .map(|path| file_name(path))
                .collect::<Vec<_>>()
        };
        assert_eq!(find(Label::Cord, &[]), ["sub-01_T2w_seg.nii.gz"]);
        let manual = "sub-01_T2w_seg-manual.nii.gz";
        assert_eq!(find(Label::Cord, &[manual]), [manual]);
        let derivative = "sub-01_label-SC_mask.nii";
        assert_eq!(find(Label::Cord, &[derivative, manual]), [manual]);
        assert_eq!(find(Label::Cord, &[derivative]), [derivative]);
        let found = "sub-01_T2w_label-lesion_seg.nii.gz";
        let drawn = "sub-01_T2w_lesion-manual.nii.gz";
        assert_eq!(find(Label::Lesion, &[found, drawn]), [drawn]);
        assert!(find(Label::Lesion, &["sub-02_T2w_lesion.nii.gz"]).is_empty());
    }

    #[test]
    fn descriptions_in_a_label_s_name_are_ignored() {
        let listing = |names: &[&str]| Listing {
            files: names.iter().map(PathBuf::from).collect(),
            ..Listing::default()
        };
        let find = |label, names: &[&str]| {
            find_label(label, "sub-01_T2w", &[&listing(names)])
                .iter()
                .map(|path| file_name(path))
                .collect::<Vec<_>>()
        };
        let soft = "sub-01_T2w_desc-softseg_label-SC_seg.nii.gz";
        assert_eq!(find(Label::Cord, &[soft]), [soft]);
        let binary = "sub-01_T2w_label-SC_seg.nii.gz";
        assert_eq!(find(Label::Cord, &[soft, binary]), [binary]);
        let raters =
            ["sub-01_T2w_lesion_desc-rater1_seg.NII.GZ", "sub-01_T2w_lesion_desc-rater2_seg.nii"];
        assert_eq!(find(Label::Lesion, &raters[..1]), raters[..1]);
        assert_eq!(find(Label::Lesion, &raters).len(), 2, "the user chooses");
        let own = "sub-01_label-lesion_desc-u2ad_mask.nii.gz";
        assert!(find(Label::Lesion, &[own]).is_empty(), "findings are no ground truth");
    }

    #[test]
    fn images_that_differ_in_capital_letters_have_labels_of_their_own() {
        let files: Vec<PathBuf> = [
            "p1A_T2w.nii",
            "p1A_T2w_label-SC_seg.nii",
            "p1A_lesion.nii",
            "p1a_T2w.nii",
            "p1a_T2w_label-SC_seg.nii",
            "p1a_T2w_LABEL-sc_SEG.nii",
            "p2_T2W_seg.nii",
            "p2_T2w.nii",
        ]
        .map(PathBuf::from)
        .to_vec();
        let listing = Listing { files, ..Listing::default() };
        let find = |label, stem: &str| {
            let found = find_label(label, stem, &[&listing]);
            found.iter().map(|path| file_name(path)).collect::<Vec<_>>()
        };
        assert_eq!(find(Label::Cord, "p1A_T2w"), ["p1A_T2w_label-SC_seg.nii"]);
        assert_eq!(find(Label::Cord, "p1a_T2w"), ["p1a_T2w_label-SC_seg.nii"]);
        assert_eq!(find(Label::Lesion, "p1A_T2w"), ["p1A_lesion.nii"]);
        assert!(find(Label::Lesion, "p1a_T2w").is_empty(), "that of another image");
        assert_eq!(find(Label::Cord, "p2_T2w"), ["p2_T2W_seg.nii"]);
    }
}
