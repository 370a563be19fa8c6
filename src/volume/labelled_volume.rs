//! An image with the labels that belong to it.

use super::Volume;

/// An image with its labels, all on the image's grid.
#[derive(Clone, Debug)]
pub struct LabelledVolume {
    pub image: Volume,
    /// Spinal cord, non-zero inside.
    pub cord: Volume,
    /// Cerebrospinal fluid, non-zero inside.
    pub csf: Option<Volume>,
    /// One voxel per disc, valued by its number in the Spinal Cord Toolbox; of several equal voxels
    /// the centre counts. Values beyond 30 mark other landmarks and are left out.
    pub discs: Option<Volume>,
    /// Lesions, non-zero inside.
    pub lesion: Option<Volume>,
}
