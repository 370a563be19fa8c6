//! From a volume to slices: field, region of interest, intensities, thickness, and the way back.

mod canal;
mod cord_contrast;
mod cord_shape;
mod disc_labels;
mod disc_places;
mod field;
mod fitting_field;
mod image_hash;
mod intensity;
mod lesion_mask;
mod mask_notes;
mod mask_relations;
mod native_transform;
mod preprocess;
mod region;
mod slice_order;
pub(super) mod thick_slices;

pub(super) use cord_contrast::flat_slices;
pub(super) use cord_shape::said_of_found_mask;
pub(crate) use intensity::settle_voxels;
pub use intensity::{IntensityScale, TissueIntensity};
pub use native_transform::NativeTransform;
pub use preprocess::{Preprocessed, Preprocessing};
