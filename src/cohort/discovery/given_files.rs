//! Image files that a user gives one by one: each counts once, and has a name of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::naming::folder_of;
use crate::cohort::entry::Entry;

/// So many folders at most stand before the name of an image.
const FOLDERS: usize = 8;

/// The files without those that are given again, in whatever way they are written, and without links to others of them;
/// and those that are left out. Two links to a file that is not given are two files, as in a data set of git-annex.
pub(in crate::cohort) fn each_once(files: Vec<&PathBuf>) -> (Vec<&PathBuf>, Vec<&PathBuf>) {
    let mut first = BTreeMap::new();
    for (at, path) in files.iter().enumerate() {
        first.entry(place(path)).or_insert(at);
    }
    let is_repeated = |at: usize, path: &Path| {
        let place = place(path);
        let is_link = |target: PathBuf| target != place && first.contains_key(&target);
        first.get(&place) != Some(&at) || fs::canonicalize(path).is_ok_and(is_link)
    };
    let (repeated, kept): (Vec<_>, Vec<_>) =
        files.into_iter().enumerate().partition(|(at, path)| is_repeated(*at, path));
    let paths = |files: Vec<(usize, _)>| files.into_iter().map(|(_, path)| path).collect();
    (paths(kept), paths(repeated))
}

/// Where a file lies, whatever the way to its folder. A link lies where it is, not where it leads.
fn place(path: &Path) -> PathBuf {
    let folder = fs::canonicalize(folder_of(path));
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

/// Puts the name of its folder before that of an image which others are called like, and those of the folders above it
/// where that is not enough.
pub(in crate::cohort) fn name_apart(entries: &mut [Entry]) {
    let own: Vec<Arc<str>> = entries.iter().map(|entry| entry.name.clone()).collect();
    for depth in 1..=FOLDERS {
        let mut counts = BTreeMap::<Arc<str>, usize>::new();
        entries.iter().for_each(|entry| *counts.entry(entry.name.clone()).or_default() += 1);
        let shared = entries.iter_mut().zip(&own).filter(|(entry, _)| counts[&entry.name] > 1);
        for (entry, own) in shared {
            let folder = entry.found_at().map(|path| folders(path, depth)).unwrap_or_default();
            if !folder.is_empty() {
                entry.name = Arc::from(format!("{folder}-{own}"));
            }
        }
    }
}

/// The names of the last so many folders above a file, joined: `site-anat`.
fn folders(path: &Path, depth: usize) -> String {
    let names =
        path.parent().into_iter().flat_map(Path::components).filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy()),
            _ => None,
        });
    let names: Vec<_> = names.collect();
    names[names.len().saturating_sub(depth)..].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::entry::Source;

    #[test]
    fn a_file_counts_once_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("b")).unwrap();
        for name in ["a.nii", "b/a.nii"] {
            fs::write(path(name), "image").unwrap();
        }
        let given = ["a.nii", "b/../a.nii", "b/a.nii", "gone.nii", "gone.nii"].map(path);
        let (kept, repeated) = each_once(given.iter().collect());
        assert_eq!(kept, [&given[0], &given[2], &given[3]]);
        assert_eq!(repeated, [&given[1], &given[4]]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_given_file_is_left_out_wherever_it_stands() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.nii"), "image").unwrap();
        symlink("a.nii", path("link.nii")).unwrap();
        symlink("link.nii", path("other.nii")).unwrap();
        symlink(folder.path(), path("here")).unwrap();
        let given = ["other.nii", "link.nii", "a.nii", "here/a.nii"].map(path);
        let (kept, repeated) = each_once(given.iter().collect());
        assert_eq!(kept, [&given[2]]);
        assert_eq!(repeated, [&given[0], &given[1], &given[3]]);
        // Who keeps images elsewhere gives links only.
        assert_eq!(each_once(given[..2].iter().collect()).0.len(), 2);
    }

    #[test]
    fn images_of_one_name_get_as_many_folders_as_tell_them_apart() {
        let entry = |path: &str| Entry {
            found_at: Some(PathBuf::from(path)),
            ..Entry::new(Arc::from("a"), Default::default(), Source::Broken(String::new()))
        };
        let names = |paths: &[&str]| {
            let mut entries: Vec<Entry> = paths.iter().map(|path| entry(path)).collect();
            name_apart(&mut entries);
            entries.into_iter().map(|entry| entry.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&["/x/a.nii"]), ["a"]);
        assert_eq!(names(&["a.nii", "/x/a.nii", "/y/a.nii"]), ["a", "x-a", "y-a"]);
        assert_eq!(names(&["/x/s/a.nii", "/y/s/a.nii", "/t/a.nii"]), ["x-s-a", "y-s-a", "t-a"]);
        assert_eq!(
            names(&["/x/a.nii", "/x/a.nii.gz"]),
            ["x-a", "x-a"],
            "these cannot be told apart"
        );
    }
}
