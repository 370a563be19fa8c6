//! The recipes for containers copy everything that the build needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Top-level folders that the files below `folder` include at build time (`include_str!("../../…")`).
fn included_folders(folder: &Path, depth: usize, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            included_folders(&path, depth + 1, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let up = "../".repeat(depth);
            for line in fs::read_to_string(&path).unwrap().lines() {
                let Some((_, rest)) = line.split_once(&format!("\"{up}")) else { continue };
                if line.contains("include_") && !rest.starts_with("..") {
                    found.extend(rest.split('/').next().map(str::to_owned));
                }
            }
        }
    }
}

#[test]
fn recipes_copy_every_folder_that_the_sources_include() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = BTreeSet::new();
    included_folders(&root.join("src"), 1, &mut folders);
    assert!(folders.contains("tutorials"), "the search finds nothing: {folders:?}");
    let recipe =
        |name: &str| fs::read_to_string(root.join("scripts/containers").join(name)).unwrap();
    let (docker, apptainer) = (recipe("Dockerfile"), recipe("u2ad.def"));
    for folder in &folders {
        assert!(docker.contains(&format!("COPY {folder} {folder}\n")), "Dockerfile: {folder}");
        assert!(apptainer.contains(&format!(" {folder} /source/{folder}\n")), "u2ad.def: {folder}");
    }
}
