//! Cohorts of single images, and of one participant of a BIDS tree: what is screened without a study.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cohort::{Cohort, Discovered};
use super::discovery::naming::{Listing, nifti_stem, session_name, subject_name};
use super::discovery::participants::Participants;
use super::discovery::same_images::same_images;
use super::discovery::{bids, given_files};
use super::entry::{Entry, Source};
use super::load_options::LoadOptions;
use super::member::Member;
use super::slice_grid::SliceGrid;
use crate::context::{Context, counted};
use crate::files::file_name;
use crate::{Error, Result};

/// The files that the subjects of a folder are made of, as [`Cohort::load`] finds them by default: their number, and
/// the SHA-256 of their names and the subjects'. It tells whether subjects or masks came or went since.
///
/// # Errors
/// If the folder cannot be read, or holds no subjects.
#[cfg(feature = "shell")]
pub(crate) fn listed_files(folder: &Path) -> Result<(u64, String)> {
    let found = Cohort::discover(folder, &LoadOptions::default(), &Context::new(0))?;
    Ok(super::entry::names_of_files(folder, found.cohort.entries()))
}

impl Cohort {
    /// What a user gives to be screened: one folder, as [`Self::load`] takes it, or image files, as
    /// [`Self::of_images`] does. Masks may be missing. Nothing is said about subjects that cannot be used: they
    /// stay in the list with the reason, also if none can be used. Copies of one image are warned of.
    ///
    /// # Errors
    /// If a folder is given beside something else, and as [`Self::load`] and [`Self::of_images`].
    /// [`Error::Cancelled`] if interrupted.
    pub fn to_screen(paths: &[PathBuf], options: &LoadOptions, context: &Context) -> Result<Self> {
        let cohort = match paths {
            [folder] if folder.is_dir() => {
                let Discovered { cohort, unused, .. } = Self::discover(folder, options, context)?;
                if let Some(unused) = unused {
                    context.note(unused);
                }
                Ok(cohort.with_names_of_files(options.grid))
            }
            _ => match paths.iter().find(|path| path.is_dir()) {
                Some(folder) => Err(Error::file(
                    folder,
                    "is a folder beside other arguments; give one folder, or image files only",
                )),
                None => Self::of_images(paths, options, context),
            },
        }?;
        let same = same_images(cohort.entries(), &context.cancel)?;
        same.into_iter().for_each(|same| context.warn(same));
        Ok(cohort)
    }

    /// The same images, each called after its file instead of its subject, which says the same at greater length where a
    /// subject has several: so its name, and with it its random draws, does not depend on the other images.
    fn with_names_of_files(&self, grid: SliceGrid) -> Self {
        let mut entries: Vec<Entry> = self.entries().cloned().collect();
        for entry in &mut entries {
            let name = entry.found_at().and_then(bids::name_of_file);
            if let Some(name) = name.filter(|name| name.starts_with(&*entry.name)) {
                entry.name = Arc::from(name);
            }
        }
        bids::join_same_names(&mut entries);
        self.with_members(
            entries.into_iter().map(|entry| Arc::new(Member::new(entry, grid))).collect(),
        )
    }

    /// A cohort of image files, each a subject called after it; their labels are found beside them, or in the
    /// derivatives of the BIDS tree that they lie in. Labels among the files, and files that are given again, are left out
    /// with a note. A file that cannot be used stays in the list with the reason, also if it is the only one.
    ///
    /// # Errors
    /// If no file is given, all of them are labels, or the grid is invalid.
    pub fn of_images(paths: &[PathBuf], options: &LoadOptions, context: &Context) -> Result<Self> {
        options.grid.check()?;
        let (labels, images): (Vec<&PathBuf>, Vec<&PathBuf>) =
            paths.iter().partition(|path| bids::is_label_file(path));
        if images.is_empty() {
            return Err(Error::input(match labels.first() {
                Some(first) => format!(
                    "{} is a mask or label by its name, not an image; give the image that it belongs to",
                    first.display()
                ),
                None => "no image is given".to_owned(),
            }));
        }
        if let Some(first) = labels.first() {
            context.note(format!(
                "{} of the files: masks or labels by their names, the first {}; they are used with their \
                 images and not screened",
                labels.len(),
                first.display()
            ));
        }
        let (images, repeated) = given_files::each_once(images);
        if let Some(first) = repeated.first() {
            context.note(format!(
                "{} of the files are given more than once, or are links to others of them, the first {}: each image is \
                 screened once",
                repeated.len(),
                first.display()
            ));
        }
        let mut entries: Vec<Entry> = images
            .into_iter()
            .map(|path| {
                bids::image_file(path).unwrap_or_else(|error| {
                    let name = file_name(path);
                    let name = nifti_stem(&name).unwrap_or(&name);
                    let source = Source::Broken(reason(error));
                    let entry = Entry::new(Arc::from(name), Default::default(), source);
                    Entry { found_at: Some(path.clone()), ..entry }
                })
            })
            .collect();
        given_files::name_apart(&mut entries);
        bids::join_same_names(&mut entries);
        for entry in &mut entries {
            context.check()?;
            entry.check_headers(options.grid);
        }
        let name = match entries.as_slice() {
            [one] => one.name.to_string(),
            several => counted(several.len(), "image"),
        };
        Ok(Self::of(name, entries, options.grid, false))
    }

    /// The images of one participant of a BIDS tree, without a look at the others. `label` is its name with or
    /// without `sub-`. Of several sessions, only `sessions` (with or without `ses-`) are kept, or all if none
    /// is named. Each is called after its file, so that its name does not change when other images come. An image that
    /// cannot be used stays in the list with the reason.
    ///
    /// # Errors
    /// If there is no such participant or session, the participants table is damaged, or the grid is invalid.
    pub fn of_participant(
        root: &Path,
        label: &str,
        sessions: &[String],
        options: &LoadOptions,
        context: &Context,
    ) -> Result<Self> {
        options.grid.check()?;
        let name = subject_name(label);
        let folder = root.join(&name);
        if !folder.is_dir() {
            return Err(Error::subject(&name, format!("there is no folder {}", folder.display())));
        }
        let participants = Participants::read(&Listing::read(root)?)?;
        let derivatives = bids::derivative_folders(root, options.derivatives.as_deref())?;
        let mut entries = bids::subject(root, &folder, &derivatives, &participants).entries;
        if !sessions.is_empty() {
            let wanted: Vec<String> =
                sessions.iter().map(|session| session_name(session)).collect();
            entries.retain(|entry| entry.session().is_some_and(|of| wanted.contains(&of)));
            if entries.is_empty() {
                let wanted = wanted.join(", ");
                return Err(Error::subject(&name, format!("has no image of session {wanted}")));
            }
        }
        for entry in &mut entries {
            if let Some(name) = entry.found_at().and_then(bids::name_of_file) {
                entry.name = Arc::from(name);
            }
        }
        bids::join_same_names(&mut entries);
        for entry in &mut entries {
            context.check()?;
            refuse_foreign_name(entry, &name);
            entry.check_headers(options.grid);
        }
        Ok(Self::of(name, entries, options.grid, false))
    }

    /// The same, but the images at these positions count as unusable for these reasons.
    pub fn with_unusable(&self, reasons: &[(usize, String)]) -> Self {
        let unusable = |(position, entry): (usize, &Entry)| {
            let (_, reason) = reasons.iter().find(|(at, _)| *at == position)?;
            let found_at = entry.found_at().map(Path::to_path_buf);
            Some(Entry { source: Source::Broken(reason.clone()), found_at, ..entry.clone() })
        };
        self.with_entries(self.entries().enumerate().map(unusable).collect())
    }

    /// The images of each session, in the order of the sessions; those without session come first.
    pub fn by_session(&self) -> Vec<(Option<String>, Self)> {
        let mut sessions: BTreeMap<Option<String>, Vec<Arc<Member>>> = BTreeMap::new();
        for member in &self.members {
            sessions.entry(member.entry.session()).or_default().push(member.clone());
        }
        let part = |(session, members)| (session, self.with_members(members));
        sessions.into_iter().map(part).collect()
    }
}

/// Participants of a BIDS tree by their folders `sub-…`, in alphabetical order.
///
/// # Errors
/// If the folder cannot be read.
pub fn participant_folders(root: &Path) -> Result<Vec<String>> {
    let folders = Listing::read(root)?.folders;
    Ok(folders.iter().map(|path| file_name(path)).filter(|name| name.starts_with("sub-")).collect())
}

/// Makes an image unusable if its file name does not begin with the participant's name: its findings
/// would go to somebody else.
fn refuse_foreign_name(entry: &mut Entry, participant: &str) {
    let name = entry.found_at().map(file_name).unwrap_or_default();
    if !name.is_empty() && !name.starts_with(&format!("{participant}_")) {
        entry.source = Source::Broken(format!(
            "its file is called {name}; names begin with {participant}_ in a BIDS tree, so rename it"
        ));
    }
}

/// A reason without the path, which the name of the entry stands for.
fn reason(error: Error) -> String {
    match error {
        Error::File { reason, .. } | Error::Subject { reason, .. } => reason,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::{PhantomOptions, write_bids};

    fn options() -> LoadOptions {
        LoadOptions { grid: SliceGrid::of_size(32), ..LoadOptions::default() }
    }

    fn tree(folder: &Path) -> PathBuf {
        let root = folder.join("bids");
        let phantoms =
            PhantomOptions { subjects: 2, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
        write_bids(&root, &phantoms, &Context::new(3)).unwrap();
        root
    }

    #[test]
    fn an_image_of_a_tree_finds_its_masks_and_its_row() {
        let folder = tempfile::tempdir().unwrap();
        let (root, context) = (tree(folder.path()), Context::new(0));
        let name = participant_folders(&root).unwrap().remove(0);
        let image = root.join(format!("{name}/anat/{name}_T2w.nii.gz"));
        let cohort = Cohort::of_images(&[image], &options(), &context).unwrap();
        assert_eq!(cohort.names(), [name.as_str()]);
        assert_eq!(cohort.mask_origins()[0].1, "given");
        assert!(!cohort.entry(0).unwrap().participant.is_empty());
        let same = Cohort::of_participant(&root, &name[4..], &[], &options(), &context).unwrap();
        let subject = |cohort: &Cohort| cohort.subject(0, &context).unwrap();
        assert_eq!(subject(&cohort).slices[0].image, subject(&same).slices[0].image);
        let error = Cohort::of_participant(&root, &name, &["9".into()], &options(), &context);
        assert!(error.unwrap_err().to_string().contains("has no image of session ses-9"));
        let error = Cohort::of_participant(&root, "nobody", &[], &options(), &context);
        assert!(error.unwrap_err().to_string().starts_with("subject sub-nobody: there is no"));
    }

    #[test]
    fn a_hidden_image_finds_its_masks_and_copies_of_an_image_are_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let tree = tree(folder.path());
        let name = participant_folders(&tree).unwrap().remove(0);
        let image = tree.join(format!("{name}/anat/{name}_T2w.nii.gz"));
        let mask = format!("derivatives/labels/{name}/anat/{name}_T2w_label-SC_seg.nii.gz");
        let path = |name: &str| folder.path().join(name);
        for copy in [".hidden", "other"] {
            std::fs::copy(&image, path(&format!("{copy}.nii.gz"))).unwrap();
            std::fs::copy(tree.join(&mask), path(&format!("{copy}_seg.nii.gz"))).unwrap();
        }
        let given = [".hidden.nii.gz", ".hidden_seg.nii.gz", "other.nii.gz"].map(path);
        let warned = Arc::new(Warned::default());
        let context = Context::new(0).with_reporter(warned.clone());
        let cohort = Cohort::to_screen(&given, &options(), &context).unwrap();
        assert_eq!(cohort.names(), [".hidden", "other"]);
        assert!(cohort.mask_origins().iter().all(|(_, origin)| origin == "given"));
        let warned = warned.0.lock().unwrap();
        let expected = ".hidden and other hold the same image and count as different subjects; find out whose image it is";
        assert_eq!(*warned, [expected]);
    }

    /// Keeps warnings.
    #[derive(Default)]
    struct Warned(std::sync::Mutex<Vec<String>>);

    impl crate::context::Reporter for Warned {
        fn report(&self, event: crate::context::Event) {
            if let crate::context::Event::Warning(text) = event {
                self.0.lock().unwrap().push(text);
            }
        }
    }

    #[cfg(feature = "shell")]
    #[test]
    fn a_listing_changes_when_a_mask_goes_or_a_subject_comes() {
        let folder = tempfile::tempdir().unwrap();
        let root = tree(folder.path());
        let name = participant_folders(&root).unwrap().remove(0);
        let first = listed_files(&root).unwrap();
        assert_eq!(first, listed_files(&root).unwrap());
        let labels = root.join(format!("derivatives/labels/{name}/anat"));
        std::fs::remove_file(labels.join(format!("{name}_T2w_label-CSF_seg.nii.gz"))).unwrap();
        let second = listed_files(&root).unwrap();
        assert_eq!(second.0, first.0 - 1);
        std::fs::create_dir_all(root.join("sub-new/anat")).unwrap();
        let image = root.join(format!("{name}/anat/{name}_T2w.nii.gz"));
        std::fs::copy(image, root.join("sub-new/anat/sub-new_T2w.nii.gz")).unwrap();
        assert_ne!(listed_files(&root).unwrap().1, second.1);
    }

    #[test]
    fn bad_files_stay_in_the_list_with_their_reasons_and_labels_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.nii.gz"), "no image").unwrap();
        std::fs::write(path("a_seg.nii.gz"), "no mask").unwrap();
        std::fs::write(path("notes.txt"), "text").unwrap();
        std::fs::create_dir(path("b")).unwrap();
        std::fs::write(path("b/a.nii.gz"), "no image").unwrap();
        let given = ["a.nii.gz", "a_seg.nii.gz", "notes.txt", "gone.nii", "b/a.nii.gz"].map(path);
        let cohort = Cohort::of_images(&given, &options(), &Context::new(0)).unwrap();
        let names = cohort.names();
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(names.contains(&"b-a") && names.contains(&"notes.txt"), "{names:?}");
        let broken = cohort.broken();
        let reason = |name: &str| broken.iter().find(|(of, _)| *of == name).unwrap().1;
        assert_eq!(reason("gone"), "there is no such file");
        assert!(reason("notes.txt").starts_with("is not a NIfTI image by its name"));
        let only = Cohort::of_images(&given[1..2], &options(), &Context::new(0)).unwrap_err();
        assert!(only.to_string().contains("give the image that it belongs to"), "{only}");
    }
}
