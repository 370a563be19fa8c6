//! Masks that the program found in an image itself.

use ndarray::Array3;

/// The field of a saved mask's JSON file with the SHA-256 of the mask as it was written.
pub(crate) const MASK_HASH: &str = "MaskSha256";
/// The field with the mean confidence.
pub(crate) const MASK_CONFIDENCE: &str = "Confidence";
/// The field with clauses for the user.
pub(crate) const MASK_REMARKS: &str = "Remarks";

/// Cord, fluid and discs found in an image, on its stored grid.
#[derive(Clone, Debug)]
pub struct FoundMasks {
    pub cord: Array3<bool>,
    pub csf: Array3<bool>,
    /// Number of a disc in the Spinal Cord Toolbox (2 = C1/C2 … 9 = T1/T2) and its voxel, superior first;
    /// empty if the levels are uncertain.
    pub discs: Vec<(u8, [usize; 3])>,
    /// The number of the disc among them that a person gave.
    pub disc_by_hand: Option<u8>,
    /// Canonical sagittal slices with cord, counted from the patient's right, each with the mean confidence
    /// of its cord's pixels, 0 to 1.
    pub slice_confidence: Vec<(usize, f32)>,
    /// Mean confidence of all pixels of the cord, 0 to 1.
    pub confidence: f32,
    /// Clauses for the user.
    pub notes: Vec<String>,
}
