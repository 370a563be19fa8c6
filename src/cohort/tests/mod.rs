//! Cohorts from folders that the tests build themselves.

mod bids;
mod cohort;
mod found_masks;
mod preprocessed;
mod unusual_files;
mod unusual_masks;
mod unusual_tables;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Cohort, LoadOptions, SliceGrid};
use crate::context::{Context, Event, Reporter};

/// A NIfTI-1 file of 32-bit floats with 1 mm voxels along the scanner's axes, written by hand so
/// that tests can make every mistake.
pub(super) fn nifti(shape: &[i16], voxels: &[f32]) -> Vec<u8> {
    let mut header = vec![0u8; 352];
    header[..4].copy_from_slice(&348i32.to_le_bytes());
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(40, &(shape.len() as i16).to_le_bytes());
    for axis in 0..7 {
        put(42 + 2 * axis, &shape.get(axis).unwrap_or(&1).to_le_bytes());
        put(80 + 4 * axis, &1f32.to_le_bytes());
    }
    put(70, &16i16.to_le_bytes()); // float32
    put(72, &32i16.to_le_bytes());
    put(76, &1f32.to_le_bytes()); // qfac
    put(108, &352f32.to_le_bytes());
    put(112, &1f32.to_le_bytes()); // slope
    put(123, &[2]); // millimetres
    put(254, &1i16.to_le_bytes()); // sform
    for row in 0..3 {
        put(280 + 16 * row + 4 * row, &1f32.to_le_bytes());
    }
    put(344, b"n+1\0");
    header.extend(voxels.iter().flat_map(|voxel| voxel.to_le_bytes()));
    header
}

/// The grid of all test volumes: slices, columns from posterior, rows from inferior.
pub(super) const SHAPE: [i16; 3] = [3, 40, 40];

/// Voxels of the test grid by position.
pub(super) fn voxels(value: impl Fn(usize, usize, usize) -> f32) -> Vec<f32> {
    let [i, j, k] = SHAPE.map(|edge| edge as usize);
    (0..i * j * k).map(|at| value(at % i, at / i % j, at / i / j)).collect()
}

/// A smooth image, never flat.
pub(super) fn image() -> Vec<u8> {
    nifti(&SHAPE, &voxels(|i, j, k| (1 + i + 3 * j + k) as f32))
}

/// The same for a subject of this name: brighter by a number of its own.
pub(super) fn image_of(name: &str) -> Vec<u8> {
    let own = name.bytes().fold(1, |sum, byte| (7 * sum + usize::from(byte)) % 997);
    nifti(&SHAPE, &voxels(|i, j, k| (1 + own + i + 3 * j + k) as f32))
}

/// A cord ten voxels wide, or as much of it as `wide` says.
pub(super) fn mask(wide: usize) -> Vec<u8> {
    nifti(
        &SHAPE,
        &voxels(|_, j, k| f32::from((15..15 + wide).contains(&j) && (5..35).contains(&k))),
    )
}

pub(super) fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A BIDS subject with image and cord mask.
pub(super) fn write_subject(root: &Path, name: &str) {
    write(&image_path(root, name), image_of(name));
    write(&label_path(root, name, "label-SC_seg"), mask(10));
}

pub(super) fn image_path(root: &Path, name: &str) -> std::path::PathBuf {
    root.join(format!("{name}/anat/{name}_T2w.nii"))
}

pub(super) fn label_path(root: &Path, name: &str, label: &str) -> std::path::PathBuf {
    root.join(format!("derivatives/labels/{name}/anat/{name}_T2w_{label}.nii"))
}

/// Loads small slices.
pub(super) fn load(root: &Path, context: &Context) -> crate::Result<Cohort> {
    Cohort::load(
        root,
        &LoadOptions { grid: SliceGrid::of_size(32), ..LoadOptions::default() },
        context,
    )
}

/// The sentence a folder is refused with, the folder itself written as `ROOT`.
pub(super) fn refusal(root: &Path, options: &LoadOptions) -> String {
    let error = Cohort::load(root, options, &Context::new(0)).expect_err("it must be refused");
    in_root(root, &error.to_string())
}

pub(super) fn in_root(root: &Path, sentence: &str) -> String {
    sentence.replace(&*root.to_string_lossy(), "ROOT")
}

/// Keeps notes and warnings.
#[derive(Default)]
pub(super) struct Listener {
    pub(super) notes: Mutex<Vec<String>>,
    pub(super) warnings: Mutex<Vec<String>>,
    pub(super) steps: Mutex<usize>,
}

impl Reporter for Listener {
    fn report(&self, event: Event) {
        match event {
            Event::Note(text) | Event::Remark(text) => self.notes.lock().unwrap().push(text),
            Event::Warning(text) => self.warnings.lock().unwrap().push(text),
            Event::Advanced { .. } => *self.steps.lock().unwrap() += 1,
            Event::Started { .. } | Event::Finished { .. } => {}
        }
    }
}

impl Listener {
    /// Notes and warnings about single subjects.
    pub(super) fn about_subjects(&self) -> Vec<String> {
        self.all().into_iter().filter(|line| line.starts_with("subject ")).collect()
    }

    /// Notes, then warnings.
    pub(super) fn all(&self) -> Vec<String> {
        [&self.notes, &self.warnings]
            .into_iter()
            .flat_map(|lines| lines.lock().unwrap().clone())
            .collect()
    }
}

pub(super) fn listening() -> (Arc<Listener>, Context) {
    let listener = Arc::new(Listener::default());
    (listener.clone(), Context::new(0).with_reporter(listener))
}
