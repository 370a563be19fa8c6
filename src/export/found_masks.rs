//! Masks that the program found, as files that a later session loads and a person can correct.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use serde_json::json;

use crate::cohort::{
    Cohort, Disc, Entry, FoundMasks, MASK_CONFIDENCE, MASK_HASH, MASK_REMARKS, SureMasks,
    nifti_stem,
};
use crate::context::Context;
use crate::files::{make_folder, sha256_of, write_json};
use crate::volume::{ImageHeader, write_labels, write_mask};
use crate::{Error, Result};

/// Writes the found masks of a cohort below `folder`, on the grids of their images: `_label-SC_seg`,
/// `_label-CSF_seg` and, where discs have names, `_labels-disc`, each with a JSON file. The files of a BIDS subject
/// go to its own path below the folder (`sub-01/anat/`), others into the folder itself. Returns the number of
/// subjects.
///
/// The JSON file holds the hash of its mask, so that a cohort which is loaded from the files knows whether somebody
/// corrected them. Slices whose cord is uncertain are empty in the files, as they are left out of the cohort: loaded
/// again, all slices of a mask count. A subject that is uncertain in all slices is named in a warning and not written.
///
/// # Errors
/// If no subject has found masks that can be used, a file exists already (nothing is written then), or the folder
/// refuses.
pub fn save_found_masks(cohort: &Cohort, folder: &Path, context: &Context) -> Result<usize> {
    let mut planned = Vec::new();
    for entry in cohort.entries() {
        if let (Some(found), Some(image)) = (entry.found_masks(), entry.image()) {
            planned.push((entry, found, image, base(image, folder)?));
        }
    }
    if planned.is_empty() {
        return Err(Error::input(format!(
            "{} has no masks that the program found; `segment(cohort)` finds them",
            cohort.name()
        )));
    }
    for (_, found, _, base) in &planned {
        for name in names(found) {
            let path = with_ending(base, name, "nii.gz");
            if path.exists() {
                let reason =
                    "exists already, perhaps corrected by hand; remove it or choose another folder";
                return Err(Error::file(path, reason));
            }
        }
    }
    let progress = context.progress("save masks", "subject", planned.len());
    let (mut saved, mut unused) = (0, None);
    for (entry, found, image, base) in &planned {
        context.check()?;
        match entry.sure_masks() {
            Ok(Some(sure)) => {
                write(entry, found, &sure, image, base)?;
                saved += 1;
            }
            Ok(None) => {}
            Err(error) => {
                context.warn(format!("masks of {} are not saved: {error}", entry.name));
                unused = Some(error);
            }
        }
        progress.advance(1, &[]);
    }
    match unused {
        Some(error) if saved == 0 => Err(error),
        _ => Ok(saved),
    }
}

const CORD: &str = "label-SC_seg";
const FLUID: &str = "label-CSF_seg";
const DISCS: &str = "labels-disc";

/// The masks that there are.
fn names(found: &FoundMasks) -> impl Iterator<Item = &'static str> {
    [CORD, FLUID].into_iter().chain((!found.discs.is_empty()).then_some(DISCS))
}

/// Path of the masks of an image up to its name without ending.
fn base(image: &Path, folder: &Path) -> Result<PathBuf> {
    let name = image.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let stem =
        nifti_stem(name).ok_or_else(|| Error::file(image, "has a name that masks cannot use"))?;
    // The path below the root of a BIDS tree begins with the subject's folder.
    let parent = image.parent().unwrap_or(Path::new(""));
    let is_subject = |part: &Component| part.as_os_str().to_string_lossy().starts_with("sub-");
    let parts: Vec<Component> = parent.components().collect();
    let subject = parts.iter().rposition(is_subject).unwrap_or(parts.len());
    let below: PathBuf = parts[subject..].iter().collect();
    Ok(folder.join(below).join(stem))
}

fn with_ending(base: &Path, name: &str, ending: &str) -> PathBuf {
    let mut path = base.as_os_str().to_owned();
    path.push(format!("_{name}.{ending}"));
    path.into()
}

fn write(
    entry: &Entry,
    found: &FoundMasks,
    sure: &SureMasks,
    image: &Path,
    base: &Path,
) -> Result<()> {
    if let Some(parent) = base.parent() {
        make_folder(parent)?;
    }
    let affine = ImageHeader::read(image)?.geometry.affine;
    let mut remarks = found.notes.clone();
    let by_hand = found.disc_by_hand.map(Disc::name);
    if let Some(disc) = &by_hand {
        remarks.push(format!("the disc {disc} was given by hand; the others are named from it"));
    }
    if sure.uncertain > 0 {
        let of = found.slice_confidence.len();
        remarks.push(format!(
            "in {} of {of} slices the cord is uncertain; {} empty here",
            sure.uncertain,
            if sure.uncertain == 1 { "it is" } else { "they are" }
        ));
    }
    for name in names(found) {
        let path = with_ending(base, name, "nii.gz");
        match name {
            CORD => write_mask(&sure.cord, affine, &path, Some(image))?,
            FLUID => write_mask(&sure.csf, affine, &path, Some(image))?,
            _ => {
                let labels = found.disc_labels().mapv(|value| value as u16);
                write_labels(&labels, affine, &path, Some(image))?;
            }
        }
        let about = json!({
            "Description": format!("found by the segmentation of u2ad in the image of {}", entry.name),
            "GeneratedBy": [{ "Name": "u2ad", "Version": env!("CARGO_PKG_VERSION") }],
            "Manual": false,
            MASK_CONFIDENCE: found.confidence,
            MASK_HASH: sha256_of(&path)?.1,
            "DiscGivenByHand": by_hand,
            MASK_REMARKS: remarks,
        });
        write_json(&with_ending(base, name, "json"), &about)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use std::fs;

    use super::*;
    use crate::cohort::{LoadOptions, SliceGrid};
    use crate::phantom::{PhantomOptions, write_bids};
    use crate::study::Study;

    #[test]
    fn saved_masks_count_as_found_until_they_are_corrected_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("clinic");
        let options =
            PhantomOptions { subjects: 2, pixel_spacing_mm: 1.4, ..PhantomOptions::default() };
        let context = Context::new(3);
        write_bids(&root, &options, &context).unwrap();
        fs::remove_dir_all(root.join("derivatives")).unwrap();
        let options = LoadOptions {
            grid: SliceGrid { size: 64, ..SliceGrid::default() },
            ..Default::default()
        };
        let load = || Cohort::load(&root, &options, &context).unwrap();
        let bare = load();
        let refused = save_found_masks(&bare, &root, &context).unwrap_err().to_string();
        assert!(refused.contains("has no masks that the program found"), "{refused}");

        let found = Study::from(context.clone()).segment(&bare, &BTreeMap::new()).unwrap();
        let masks = root.join("derivatives/masks");
        assert_eq!(save_found_masks(&found, &masks, &context).unwrap(), 2);
        let given = load();
        assert!(given.has_found_masks() && !bare.has_found_masks());
        for ((_, here), (_, then)) in given.mask_origins().iter().zip(found.mask_origins()) {
            assert_eq!(*here, then.replace("found", "found and saved"));
        }
        let (found, given) = (found.subjects(&context).unwrap(), given.subjects(&context).unwrap());
        assert_eq!(given.len(), 2);
        for (found, given) in found.iter().zip(&given) {
            let slices = found.slices.iter().zip(&given.slices);
            assert!(slices.clone().count() > 2);
            assert!(
                slices
                    .clone()
                    .all(|(a, b)| a.index == b.index && a.cord == b.cord && a.csf == b.csf)
            );
            assert_eq!(found.discs, given.discs);
        }
        let again = Study::from(context.clone()).segment(&bare, &BTreeMap::new()).unwrap();
        let refused = save_found_masks(&again, &masks, &context).unwrap_err().to_string();
        assert!(refused.contains("exists already, perhaps corrected by hand"), "{refused}");

        // Somebody fills a voxel of the first mask.
        let name = load().entries().next().unwrap().name.to_string();
        let path = masks.join(format!("{name}/anat/{name}_T2w_{CORD}.nii.gz"));
        let mask = crate::volume::Volume::read(&path).unwrap();
        let mut corrected = mask.voxels.mapv(|value| value > 0.5);
        corrected[[0, 0, 0]] = true;
        write_mask(&corrected, mask.affine, &path, None).unwrap();
        let origins: Vec<String> = load().mask_origins().into_iter().map(|(_, o)| o).collect();
        assert!(origins[0] == "given" && origins[1].starts_with("found and saved"), "{origins:?}");
    }

    #[test]
    fn slices_that_segment_leaves_out_are_not_given_ones_afterwards() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("clinic");
        let options =
            PhantomOptions { subjects: 3, pixel_spacing_mm: 1.4, ..PhantomOptions::default() };
        let context = Context::new(3);
        write_bids(&root, &options, &context).unwrap();
        fs::remove_dir_all(root.join("derivatives")).unwrap();
        let options = LoadOptions {
            grid: SliceGrid { size: 64, ..SliceGrid::default() },
            ..Default::default()
        };
        let load = || Cohort::load(&root, &options, &context).unwrap();
        let segmenter = crate::segmentation::Segmenter::shipped().unwrap();
        // The first subject is uncertain in its first slice with cord, the last one everywhere.
        let names: Vec<String> = load().entries().map(|entry| entry.name.to_string()).collect();
        let images: Vec<_> = load()
            .entries()
            .map(|e| crate::volume::Volume::read(e.image().unwrap()).unwrap())
            .collect();
        let find = |_: &str, image: &crate::volume::Volume| {
            let found = segmenter.segment(image, None, &context.cancel)?;
            Ok(found.map(|mut found| {
                let position = images.iter().position(|known| known.voxels == image.voxels);
                let uncertain = match position {
                    Some(0) => 1,
                    Some(1) => 0,
                    _ => found.slice_confidence.len(),
                };
                found.slice_confidence.iter_mut().take(uncertain).for_each(|(_, sure)| *sure = 0.1);
                found
            }))
        };
        let found = load().segmented(&find, &context).unwrap();
        let masks = root.join("derivatives/masks");
        assert_eq!(save_found_masks(&found, &masks, &context).unwrap(), 2);
        let slices = |cohort: &Cohort, name: &str| -> Vec<usize> {
            let position = cohort.entries().position(|entry| &*entry.name == name).unwrap();
            let subject = cohort.subject(position, &context).unwrap();
            subject.slices.iter().map(|slice| slice.index).collect()
        };
        let given = load();
        for name in &names[..2] {
            assert_eq!(slices(&given, name), slices(&found, name), "{name}");
        }
        assert!(
            !given
                .entries()
                .any(|entry| entry.name.as_ref() == names[2] && !entry.is_unsegmented())
        );
        // What was said when they were found is said again.
        let said = |cohort: &Cohort| {
            let notes = cohort.notes(&names[0]).iter();
            let mut said: Vec<_> = notes.map(|note| (note.to_string(), note.is_warning)).collect();
            said.sort();
            said
        };
        assert_eq!(said(&given), said(&found));
        let uncertain = |(note, is_warning): &(String, bool)| {
            note.ends_with("slices the cord is uncertain; it is left out") && *is_warning
        };
        assert!(said(&given).iter().any(uncertain), "{:?}", said(&given));
        let subject = given.subject(given.find(&names[0]).unwrap(), &context).unwrap();
        assert!(subject.masks_found);
        let about = masks.join(format!("{0}/anat/{0}_T2w_label-SC_seg.json", names[0]));
        let about = fs::read_to_string(about).unwrap();
        assert!(about.contains("slices the cord is uncertain; it is empty here"), "{about}");
    }

    #[test]
    fn masks_are_called_after_their_image() {
        let named = |image: &str| {
            base(Path::new(image), Path::new("out")).map(|path| path.display().to_string())
        };
        assert_eq!(
            named("a/sub-1/ses-2/anat/sub-1_T2w.nii.gz").unwrap(),
            "out/sub-1/ses-2/anat/sub-1_T2w"
        );
        assert_eq!(named("images/x.NII").unwrap(), "out/x");
        assert!(named("images/x.png").is_err());
    }
}
