//! What reads bytes from elsewhere, as one function for each kind of input. The targets of cargo-fuzz call
//! them, and `tests/fuzzing` replays the corpus on them.
//!
//! A function must return, whatever the bytes: a panic is a fault, also one that is caught on its way (which
//! only `tests/fuzzing` notices). What is refused must be refused in one line.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use candle_core::Device;
use u2ad::Error;
use u2ad::baselines::Baseline;
use u2ad::cohort::{Cohort, HealthRule, LoadOptions, SliceGrid};
use u2ad::context::Context;
use u2ad::dicom::DicomFolder;
use u2ad::files::LazyFolder;
use u2ad::frontends::jupyter;
use u2ad::frontends::tools::convert::{NotebookCell, notebook_cells, notebook_of};
use u2ad::language::{
    completeness, only_sets_parameters, question, rust_cell, script_cells, script_of,
};
use u2ad::session::{Cell, Output, Session, Settings, Sink, check_resumable, highlight};
use u2ad::training::Model;
use u2ad::volume::{ImageHeader, Volume};

/// A kind of input: its name, which is that of its folder in the corpus, and what reads it.
pub type Target = (&'static str, fn(&[u8]));

/// All kinds.
pub const TARGETS: [Target; 9] = [
    ("checkpoint", checkpoint),
    ("dicom", dicom),
    ("journal", journal),
    ("kernel_frames", kernel_frames),
    ("nifti", nifti),
    ("notebook", notebook),
    ("npy", npy),
    ("participants", participants),
    ("starlark", starlark),
];

/// The target of a name.
///
/// # Panics
/// If there is none.
#[allow(dead_code)]
pub fn target(name: &str) -> fn(&[u8]) {
    TARGETS.iter().find(|(known, _)| *known == name).expect("a target").1
}

/// A folder in which only the file of this name changes from input to input.
struct Place {
    folder: tempfile::TempDir,
    file: PathBuf,
}

impl Place {
    fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join(file);
        Self { folder, file }
    }

    fn put(&self, bytes: &[u8]) -> &Path {
        // Some file systems write a file at once if it is only shortened.
        fs::remove_file(&self.file).ok();
        fs::write(&self.file, bytes).expect("the temporary folder can be written");
        &self.file
    }
}

/// What a file is refused with names it and is one line.
fn refused(path: &Path, error: &Error) {
    let said = error.to_string();
    assert!(said.starts_with(&*path.to_string_lossy()), "{said}");
    one_line(&said);
}

fn one_line(said: &str) {
    assert!(!said.is_empty() && said.lines().count() == 1, "{said:?}");
}

/// A NIfTI image, compressed or not.
pub fn nifti(bytes: &[u8]) {
    thread_local!(static PLACE: Place = Place::new("image.nii.gz"));
    PLACE.with(|place| {
        let path = place.put(bytes);
        let header = ImageHeader::read(path);
        match Volume::read(path) {
            Ok(volume) => {
                let header = header.expect("what was read has a header");
                assert_eq!(header.geometry, volume.geometry());
                header.other_plane();
                header.notes.iter().for_each(|note| one_line(note));
            }
            Err(error) => refused(path, &error),
        }
    });
}

/// Loads a folder as a cohort, with all of its slices.
fn cohort(root: &Path, options: &LoadOptions) {
    let context = Context::new(0);
    let loaded = Cohort::load(root, options, &context);
    match loaded.and_then(|cohort| Ok((cohort.subjects(&context)?, cohort))) {
        Ok((_, cohort)) => {
            for entry in cohort.entries() {
                entry.is_healthy();
                entry.has_lesion();
            }
            cohort.broken().iter().for_each(|(_, reason)| one_line(reason));
        }
        Err(error) => one_line(&error.to_string()),
    }
}

/// A preprocessed slice of 8 × 8 pixels.
pub fn npy(bytes: &[u8]) {
    thread_local!(static PLACE: Place = Place::new("sub-01_003.npy"));
    PLACE.with(|place| {
        place.put(bytes);
        let options = LoadOptions { grid: SliceGrid::of_size(8), ..LoadOptions::default() };
        cohort(place.folder.path(), &options);
    });
}

/// A table of participants beside the images of two subjects.
pub fn participants(bytes: &[u8]) {
    thread_local!(static PLACE: Place = {
        let place = Place::new("participants.tsv");
        for name in ["sub-01", "sub-02"] {
            let anat = place.folder.path().join(name).join("anat");
            fs::create_dir_all(&anat).expect("the temporary folder can be written");
            for label in ["T2w", "T2w_label-SC_seg"] {
                let path = anat.join(format!("{name}_{label}.nii"));
                fs::write(path, small_image()).expect("the temporary folder can be written");
            }
        }
        place
    });
    PLACE.with(|place| {
        place.put(bytes);
        let grid = SliceGrid { size: 8, fov_mm: 8, ..SliceGrid::default() };
        let rule = HealthRule::parse("group == 'HC'").ok();
        for healthy in [None, rule] {
            let options = LoadOptions { grid, healthy, ..LoadOptions::default() };
            cohort(place.folder.path(), &options);
        }
    });
}

/// 2 × 8 × 8 voxels of 1 byte.
fn small_image() -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348i32.to_le_bytes());
    put(40, &[3i16, 2, 8, 8, 1, 1, 1, 1].map(i16::to_le_bytes).concat());
    put(70, &[2i16, 8].map(i16::to_le_bytes).concat());
    put(76, &[1f32; 8].map(f32::to_le_bytes).concat());
    put(108, &352f32.to_le_bytes());
    put(254, &1i16.to_le_bytes());
    put(280, &[1f32, 0., 0., 0., 0., 1., 0., 0., 0., 0., 1., 0.].map(f32::to_le_bytes).concat());
    put(344, b"n+1\0");
    bytes.extend((0..128).map(|n| n % 7));
    bytes
}

/// A model, in the files of this program or of PyTorch, or a baseline.
pub fn checkpoint(bytes: &[u8]) {
    thread_local!(static PLACE: Place = Place::new("model"));
    PLACE.with(|place| {
        let path = place.put(bytes);
        if let Err(error) = Model::load(path, &Device::Cpu) {
            refused(path, &error);
        }
        if let Err(error) = Baseline::load(path) {
            refused(path, &error);
        }
    });
}

struct Deaf;

impl Sink for Deaf {
    fn emit(&self, _: Output) {}
}

/// The journal of a session, which is resumed if it can be.
pub fn journal(bytes: &[u8]) {
    let place = Place::new("journal.json");
    let path = place.put(bytes);
    if let Err(error) = check_resumable(place.folder.path()) {
        refused(path, &error);
        return;
    }
    let keep = LazyFolder::at(place.folder.path());
    let settings = Settings { keep, journal: true, ..Settings::default() };
    let session = Session::start(settings, Arc::new(Deaf)).expect("a session starts");
    session.resume().map(drop).ok();
    // The journal is written behind the reply to a cell.
    let cell = Cell { name: "cell".into(), source: "1".into(), folder: PathBuf::new() };
    session.run(cell).expect("a session goes on after it was resumed");
}

/// A notebook or a script, which become each other.
pub fn notebook(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let cells = match notebook_cells(text) {
        Ok(cells) => cells,
        Err(error) => {
            one_line(&error.to_string());
            script_cells(text)
        }
    };
    let script = script_of(&cells);
    let again = script_cells(&script);
    assert_eq!(script_of(&again), script, "a script stays as it is");
    let written = notebook_of(again.iter().cloned().map(NotebookCell::from)).expect("a notebook");
    let read = notebook_cells(&written).expect("a notebook that can be read");
    assert_eq!(script_of(&read), script, "a notebook holds its script");
}

/// A session in which a study is under way.
static SESSION: LazyLock<Session> = LazyLock::new(|| {
    let session = Session::start(Settings::default(), Arc::new(Deaf)).expect("a session starts");
    let source = "\
clinic = phantom_cohort(subjects = 2, pixel_spacing_mm = 3.0)
scores = {\"sub-a\": 1.0}
def score(subject, scale = 2.0):
    \"\"\"Scales a score.\"\"\"
    return scale
";
    let cell = Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() };
    session.run(cell).expect("the cell runs");
    session
});

/// What is typed into a cell. Nothing of it runs.
pub fn starlark(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let length = text.chars().count();
    completeness(&text);
    only_sets_parameters(&text);
    rust_cell(&text);
    let mut end = 0;
    for (range, _) in highlight(&text) {
        assert!(end <= range.start && text.get(range.clone()).is_some(), "{range:?}");
        end = range.end;
    }
    for cursor in [length, length / 2, length / 7] {
        let found = SESSION.complete(&text, cursor);
        assert!(found.start <= found.end && found.end <= length);
        SESSION.inspect(&text, cursor);
    }
    if let Some(question) = question(&text) {
        SESSION.answer(&question).map(drop).ok();
    }
}

/// What a client or a stranger sends to a kernel.
pub fn kernel_frames(bytes: &[u8]) {
    jupyter::read_sent(bytes);
}

/// A DICOM file, with its pixels.
pub fn dicom(bytes: &[u8]) {
    thread_local!(static PLACE: Place = Place::new("file.dcm"));
    PLACE.with(|place| {
        place.put(bytes);
        match DicomFolder::read(place.folder.path()) {
            Ok(found) => {
                for series in &found.series {
                    if let Err(error) = series.read() {
                        one_line(&error.to_string());
                    }
                }
                found.notes.iter().for_each(|note| one_line(note));
            }
            Err(error) => one_line(&error.to_string()),
        }
    });
}
