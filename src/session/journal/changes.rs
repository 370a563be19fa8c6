//! What is told of a cohort whose folder has changed since a value was kept.

use std::collections::BTreeMap;

use crate::cohort::Cohort;
use crate::context::counted;

/// How a cohort differs from what it was, as far as names, sizes and times of its files tell; `None` if it does not.
pub(super) fn changes(
    cohort: &Cohort,
    names: &[String],
    files: &BTreeMap<String, String>,
) -> Option<String> {
    let now = cohort.names();
    if now.len() != names.len() {
        return Some(format!(
            "its folder has changed: it had {} and now has {}",
            counted(names.len(), "subject"),
            now.len()
        ));
    }
    if now != *names {
        let new = now.iter().find(|name| !names.iter().any(|old| old == *name));
        return Some(match new {
            Some(new) => format!("its folder has changed: it has other subjects, such as {new}"),
            None => "its folder has changed: its subjects come in another order".to_owned(),
        });
    }
    let stamps = cohort.file_stamps();
    let differing = files.iter().filter(|(name, stamp)| stamps.get(*name) != Some(stamp));
    let differing: Vec<&str> = differing.map(|(name, _)| name.as_str()).collect();
    let (of_subjects, tables): (Vec<&str>, Vec<&str>) =
        differing.into_iter().partition(|name| now.contains(name));
    let subjects = of_subjects.first().map(|first| {
        format!("files of {} (first: {first})", counted(of_subjects.len(), "subject"))
    });
    let parts: Vec<String> =
        subjects.into_iter().chain(tables.into_iter().map(str::to_owned)).collect();
    (!parts.is_empty())
        .then(|| format!("its folder has changed: {} changed since", parts.join(" and ")))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::cohort::{LoadOptions, SliceGrid};
    use crate::context::Context;
    use crate::phantom::{PhantomOptions, write_bids};

    #[test]
    fn changed_files_are_told_where_the_names_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("b");
        let made =
            PhantomOptions { subjects: 2, pixel_spacing_mm: 3.0, ..PhantomOptions::default() };
        write_bids(&root, &made, &Context::new(3)).unwrap();
        let options = LoadOptions { grid: SliceGrid::of_size(32), ..LoadOptions::default() };
        let load = || Cohort::load(&root, &options, &Context::new(0)).unwrap();
        let before = load();
        let names: Vec<String> = before.names().into_iter().map(str::to_owned).collect();
        let files = before.file_stamps();
        assert_eq!(changes(&load(), &names, &files), None);
        let image = root.join(format!("{0}/anat/{0}_T2w.nii.gz", names[1]));
        let file = std::fs::File::options().append(true).open(image).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        let expected = format!("changed: files of 1 subject (first: {}) changed since", names[1]);
        let told = changes(&load(), &names, &files).unwrap();
        assert!(told.ends_with(&expected), "{told}");
        let table = root.join("participants.tsv");
        let text = std::fs::read_to_string(&table).unwrap();
        std::fs::write(&table, format!("{text}\n\n")).unwrap();
        let told = changes(&load(), &names, &files).unwrap();
        assert!(told.contains("files of 1 subject") && told.contains("participants.tsv"), "{told}");
        // What earlier versions kept says nothing of files.
        assert_eq!(changes(&load(), &names, &BTreeMap::new()), None);
        let others = ["sub-a".to_owned(), "sub-b".to_owned()];
        let told = changes(&load(), &others, &files).unwrap();
        assert!(told.contains("other subjects, such as sub-"), "{told}");
        let told = changes(&load(), &others[..1], &files).unwrap();
        assert!(told.ends_with("it had 1 subject and now has 2"), "{told}");
    }
}
