//! DICOM files, written by another library than the one that reads them here: every encoding comes back voxel
//! for voxel, what is wrong with an export is said, and nobody's name gets into the dataset.

#[path = "../common/mod.rs"]
mod common;
mod encodings;
mod exports;
mod hostile;
mod import;
mod jpeg;
mod run_lengths;
mod scan;
