//! Copies of one image that belong to several subjects.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::Result;
use crate::cohort::entry::Entry;
use crate::cohort::note::{first_of, same_image};
use crate::context::CancelToken;
use crate::files::{open_regular, sha256, sha256_while};
use crate::volume::voxel_file;

/// Bytes that are compared of the beginning, the middle and the end of files of one size, before whole files are: so a
/// folder of uncompressed images, all of one size, is not read twice.
const COMPARED: usize = 1 << 14;

/// A sentence on subjects whose image files are equal; `None` without any. Whole files are read only where they are as good
/// as known to be equal. Copies whose files differ, as after another compression, are not found.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled) if interrupted.
pub(in crate::cohort) fn same_images<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    cancel: &CancelToken,
) -> Result<Option<String>> {
    let images: Vec<(&str, PathBuf)> = entries
        .filter_map(|entry| {
            let image = entry.image()?;
            Some((&*entry.name, voxel_file(image).unwrap_or_else(|| image.to_owned())))
        })
        .collect();
    let size = |path: &Path| Some(fs::metadata(path).ok()?.len().to_string());
    // What cannot be read, or is left unread after an interruption, has no hash.
    let go_on = || cancel.check();
    let hash = |path: &Path| sha256_while(path, go_on).ok().map(|(_, hash)| hash);
    let of_one_size = alike(images, size);
    let alike_in_places = alike(of_one_size, |path| go_on().ok().and_then(|()| sampled(path)));
    let hashed = alike_in_places.into_par_iter().map(|(name, path)| (name, hash(&path)));
    let hashed: Vec<(&str, Option<String>)> = hashed.collect();
    cancel.check()?;
    let same = same_image(hashed.iter().map(|(name, hash)| (*name, hash.as_deref())));
    let names = first_of(&same);
    Ok(match same.len() {
        0 => None,
        1 => Some(format!(
            "{names} hold the same image and count as different subjects; find out whose image it is"
        )),
        _ => Some(format!(
            "subjects hold the same image and count as different ones: {names}; find out whose images they are"
        )),
    })
}

/// Those images that share what `of` says of their files with another one, in order.
fn alike(
    images: Vec<(&str, PathBuf)>,
    of: impl Fn(&Path) -> Option<String> + Sync,
) -> Vec<(&str, PathBuf)> {
    let keys: Vec<Option<String>> = images.par_iter().map(|(_, path)| of(path)).collect();
    let mut counts = BTreeMap::<&str, usize>::new();
    keys.iter().flatten().for_each(|key| *counts.entry(key).or_default() += 1);
    let is_alike = |key: &Option<String>| key.as_deref().is_some_and(|key| counts[key] > 1);
    images.into_iter().zip(&keys).filter(|(_, key)| is_alike(key)).map(|(image, _)| image).collect()
}

/// The size of a file and a hash of some of its bytes; `None` where it cannot be read.
fn sampled(path: &Path) -> Option<String> {
    let mut file = open_regular(path).ok()?;
    let size = file.metadata().ok()?.len();
    let last = size.saturating_sub(COMPARED as u64);
    let mut bytes = Vec::with_capacity(3 * COMPARED);
    for from in [0, last / 2, last] {
        file.seek(SeekFrom::Start(from)).ok()?;
        (&mut file).take(COMPARED as u64).read_to_end(&mut bytes).ok()?;
    }
    Some(format!("{size} {}", sha256(&bytes)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Error;
    use crate::cohort::discovery::volume_files::VolumeFiles;
    use crate::cohort::entry::Source;

    #[test]
    fn an_interruption_ends_the_comparison() {
        let folder = tempfile::tempdir().unwrap();
        let entries = ["a", "b"].map(|name| {
            let path = folder.path().join(format!("{name}.nii"));
            fs::write(&path, "one image").unwrap();
            let files = VolumeFiles::locate(&path, name, &[]).unwrap_err().without_cord.unwrap();
            let source = Source::Unsegmented { files: *files, reason: String::new() };
            Entry::new(Arc::from(name), Default::default(), source)
        });
        let cancel = CancelToken::default();
        let told = same_images(entries.iter(), &cancel).unwrap().unwrap();
        assert!(told.starts_with("a and b hold the same image"), "{told}");
        cancel.cancel();
        assert!(matches!(same_images(entries.iter(), &cancel), Err(Error::Cancelled)));
    }
}
