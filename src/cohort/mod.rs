//! Subjects and their preprocessed slices: from a BIDS tree, from preprocessed `.npy` slices or
//! synthetic. (Paper section 3.1; [`Preprocessing`] states the published recipe.)
//!
//! | folder or file | what it holds |
//! |---|---|
//! | `discovery` | which files belong to a subject: [`bids`] for image and label names, [`preprocessed`] for the layout of `.npy` slices |
//! | `preprocessing` | from voxels to slices: field (also the one that holds the cords of a cohort), region of interest, intensities, thickness, and the way back |
//! | `cohort`, `member`, `entry` | the list of subjects, each read and preprocessed when it is first needed |
//! | `found_masks`, `found_labels`, `segmented` | masks that the program found, and a cohort that carries them |
//! | `images` | cohorts of single image files, and of one participant of a BIDS tree |
//! | `health` | who is healthy, by the participants table or by a rule |
//! | `subject`, `slice`, `slice_grid` | what comes out |
//! | `note` | what a user should know about a subject that can be used all the same |
//! | `load_options`, `provenance`, `remake` | how a cohort was made, and making it again |

#[allow(clippy::module_inception)]
mod cohort;
mod discovery;
mod entry;
mod found_labels;
mod found_masks;
mod health;
mod images;
mod load_options;
mod member;
mod note;
mod preprocessing;
mod provenance;
mod remake;
mod segmented;
mod selection;
mod slice;
mod slice_grid;
mod subject;
#[cfg(test)]
mod tests;

pub use cohort::Cohort;
pub(crate) use discovery::naming::{dataset_root, nifti_stem, session_name, subject_name};
pub use discovery::{bids, preprocessed};
pub use entry::Entry;
pub(crate) use found_labels::SureMasks;
pub use found_masks::FoundMasks;
pub(crate) use found_masks::{MASK_CONFIDENCE, MASK_HASH, MASK_REMARKS};
pub use health::HealthRule;
#[cfg(feature = "shell")]
pub(crate) use images::listed_files;
pub use images::participant_folders;
pub use load_options::LoadOptions;
pub use note::Note;
pub(crate) use note::{LOST_LESIONS, first_of, same_image};
pub(crate) use preprocessing::settle_voxels;
pub use preprocessing::{
    IntensityScale, NativeTransform, Preprocessed, Preprocessing, TissueIntensity,
};
pub use provenance::{Origin, Provenance, Step};
pub use segmented::FindMasks;
pub use slice::Slice;
pub use slice_grid::SliceGrid;
pub use subject::{Disc, Subject};
pub(crate) use subject::{HASH_KIND, PAINTED, file_hash, hashes_differ, person_of};
