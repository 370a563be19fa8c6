//! Slices preprocessed elsewhere: `.npy` files in the layout of the published code, 3 × size × size
//! of 64- or 32-bit floats: image in [0, 1], region of interest, label map; rows from superior to
//! inferior, columns from anterior to posterior.
//!
//! **Labels.** 3 is the spinal cord, 4 the fluid, 6 a T2 hyperintensity (inside the cord); other
//! codes are tissues this method does not use. A subject with a 6 in any slice has its pixel
//! ground truth known in all of them.
//!
//! **Region.** The second channel is the region of interest as it is: whoever preprocessed the
//! file decided it, and the published loader takes it unchanged (the published example files hold
//! the undilated cord and fluid, where its recipe for volumes dilates by a pixel). The scoring
//! region is the cord with its lesions, eroded with a 3 × 3 square, as in the published loader. A
//! slice whose region is empty is left out.
//!
//! **Names.** Folders are searched at most four levels deep (`train/`, `test/`, …).
//! `NAME_INDEX.npy` is slice `INDEX` of subject `NAME`; a file without `_INDEX` is a subject of
//! its own. Subjects of a subfolder carry its path in their name (`train/private`).
//!
//! Pixels measure field of view / size: 200 mm / size as published, unless the cohort is loaded with
//! another field of view.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::naming::{Listing, split_index};
use super::participants::Participants;
use super::slice_files::SliceFile;
use crate::Result;
use crate::cohort::entry::{Entry, Source};
use crate::files::file_name;

const DEPTH: usize = 4;

/// What [`discover`] looked for, for the message that nothing was found.
pub(in crate::cohort) const LOOKED_FOR: &str = "preprocessed slices NAME_INDEX.npy";

/// Groups the `.npy` files below `root` by subject, slices in the order of their index.
pub(in crate::cohort) fn discover(
    root: &Path,
    listing: &Listing,
    participants: &Participants,
) -> Result<Vec<Entry>> {
    let mut paths = Vec::new();
    collect(listing, DEPTH, &mut paths)?;
    let mut subjects: BTreeMap<String, Vec<SliceFile>> = BTreeMap::new();
    for path in paths {
        let name = file_name(&path);
        let stem = name.strip_suffix(".npy").unwrap_or(&name);
        let (subject, index) = split_index(stem).unwrap_or((stem, 0));
        let folder = path.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let parts = folder.into_iter().flat_map(Path::iter).map(|part| part.to_string_lossy());
        let name = parts.chain([subject.into()]).collect::<Vec<_>>().join("/");
        subjects.entry(name).or_default().push(SliceFile { path, index });
    }
    let entry = |(name, mut files): (String, Vec<SliceFile>)| {
        files.sort_by_key(|file| file.index);
        let person = name.rsplit('/').next().unwrap_or(&name);
        let columns = participants.row(&name).or_else(|| participants.row(person));
        let columns = columns.cloned().unwrap_or_default();
        let same_index = files.windows(2).find(|pair| pair[0].index == pair[1].index);
        let source = match same_index {
            None => Source::Slices(files),
            Some(pair) => Source::Broken(format!(
                "{} and {} have the same slice index; rename one",
                file_name(&pair[0].path),
                file_name(&pair[1].path)
            )),
        };
        Entry::new(Arc::from(name), columns, source)
    };
    Ok(subjects.into_iter().map(entry).collect())
}

/// A sentence about `.npy` files of a folder whose subjects are images, so that these are not used; `None` if
/// there are none.
pub(in crate::cohort) fn unused(root: &Path, listing: &Listing) -> Option<String> {
    let mut paths = Vec::new();
    // A folder that cannot be read has no files to mention.
    collect(listing, DEPTH, &mut paths).ok();
    let first = paths.first()?;
    let first = first.strip_prefix(root).unwrap_or(first).display();
    let files = match paths.len() {
        1 => "1 .npy file is".to_owned(),
        many => format!("{many} .npy files are"),
    };
    Some(format!(
        "{files} not used, the first {first}: preprocessed slices are taken from a folder without images only"
    ))
}

fn collect(listing: &Listing, depth: usize, paths: &mut Vec<PathBuf>) -> Result<()> {
    paths.extend(listing.files.iter().filter(|path| file_name(path).ends_with(".npy")).cloned());
    if depth > 0 {
        for folder in &listing.folders {
            collect(&Listing::read(folder)?, depth - 1, paths)?;
        }
    }
    Ok(())
}
