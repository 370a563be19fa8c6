//! Uncertainty as BIDS derivatives: the two maps, apart.

use std::path::Path;

use ndarray::{Array2, Array3};
use serde_json::json;

use super::dataset::{Dataset, Kind, described};
use super::lesions::slices_to_native;
use super::map_files::{About, MapFiles};
use super::names::OutputName;
use super::sources::Sources;
use super::{Export, distinct_names, source_image, warn_without_grid};
use crate::Result;
use crate::cohort::{Cohort, Slice, Subject};
use crate::context::Context;
use crate::report::{Cell, Column, Table};
use crate::uncertainty::Uncertainty;

/// Name and meaning of one kind of uncertainty.
pub(super) struct UncertaintyKind {
    ending: &'static str,
    description: &'static str,
    unit: &'static str,
}

/// Uncertainty of the model: the variance of its reconstructions.
pub(super) const EPISTEMIC: UncertaintyKind = UncertaintyKind {
    ending: "_desc-epistemic_T2w",
    description: "Epistemic uncertainty: variance of the reconstruction over Monte-Carlo passes with different masks. 0 outside the region of interest.",
    unit: "squared preprocessed intensity",
};

/// Its proxy is the difference between the image and the mean reconstruction.
pub(super) const ALEATORIC: UncertaintyKind = UncertaintyKind {
    ending: "_desc-aleatoric_T2w",
    description: "Proxy of the aleatoric uncertainty: absolute difference between the image and the mean of its Monte-Carlo reconstructions. 0 outside the region of interest.",
    unit: "preprocessed intensity",
};

/// The variance that a method predicts itself.
pub(super) const PREDICTED: UncertaintyKind = UncertaintyKind {
    ending: "_desc-variance_T2w",
    description: "Aleatoric uncertainty as the method predicts it: variance of its reconstruction of healthy tissue. 0 outside the region of interest.",
    unit: "squared preprocessed intensity",
};

impl UncertaintyKind {
    pub fn write(&self, files: &MapFiles, voxels: Array3<f32>) -> Result<()> {
        files.map(self.ending, voxels, About::new(self.description, self.unit))
    }
}

/// The Monte-Carlo maps of one subject.
pub struct SubjectUncertainty<'a> {
    pub subject: &'a Subject,
    /// Position in [`Subject::slices`], and the maps of that slice.
    pub slices: Vec<(usize, &'a Uncertainty)>,
}

impl SubjectUncertainty<'_> {
    /// Mean of a map over the regions of interest of all slices; `None` where they are empty.
    fn mean(&self, map: impl Fn(&Uncertainty) -> &Array2<f32>) -> Option<f64> {
        let (mut sum, mut pixels) = (0.0, 0_usize);
        for (slice, maps) in &self.slices {
            let Slice { region, .. } = &self.subject.slices[*slice];
            for (value, _) in map(maps).iter().zip(region).filter(|(_, inside)| **inside) {
                sum += f64::from(*value);
                pixels += 1;
            }
        }
        (pixels > 0).then(|| sum / pixels as f64)
    }
}

/// Writes Monte-Carlo maps as BIDS derivatives into `folder`, which is made, or replaced if it holds an
/// earlier export: of each subject the epistemic and the aleatoric uncertainty and the mean reconstruction
/// in the grid of its image, and a table of their means. `cohort` knows the source images.
///
/// # Errors
/// As [`export`](super::export).
pub fn export_uncertainty(
    subjects: &[SubjectUncertainty],
    cohort: &Cohort,
    folder: &Path,
    context: &Context,
) -> Result<Export> {
    let dataset = Dataset::begin(folder)?;
    let progress = context.progress("export", "subject", subjects.len());
    let of = |one: &SubjectUncertainty| source_image(&one.subject.name, cohort);
    let images = subjects.iter().map(of).collect::<Result<Vec<_>>>()?;
    let sources = Sources::of(images.iter().flatten().map(|image| image.as_path()));
    let subject_names = subjects.iter().map(|one| &*one.subject.name);
    let names = distinct_names(subject_names.zip(images.iter().map(|image| image.as_deref())))?;
    let mut table = means();
    let mut without_grid = Vec::new();
    for ((one, image), name) in subjects.iter().zip(&images).zip(&names) {
        context.check()?;
        table.push(vec![
            Cell::from(&*one.subject.name),
            Cell::from(one.mean(|maps| &maps.variance)),
            Cell::from(one.mean(|maps| &maps.error)),
        ])?;
        if !write_maps(one, image.as_deref(), dataset.path(), name, &sources)? {
            without_grid.push(&*one.subject.name);
        }
        progress.advance(1, &[]);
    }
    warn_without_grid(&without_grid, context);
    let columns = COLUMNS.iter().map(|(name, text, unit)| described(name, text, *unit));
    dataset.write_table("uncertainty", &table, columns)?;
    dataset.describe(Kind::Uncertainty, "U²AD", "Monte-Carlo uncertainty", &sources)?;
    dataset.finish()?;
    Ok(Export {
        folder: folder.to_path_buf(),
        subjects: subjects.len() - without_grid.len(),
        lesions: None,
    })
}

const COLUMNS: [(&str, &str, Option<&str>); 3] = [
    ("participant_id", "subject", None),
    (
        "epistemic",
        "mean epistemic uncertainty over the regions of interest: variance of the reconstructions",
        Some("squared preprocessed intensity"),
    ),
    (
        "aleatoric",
        "mean of its aleatoric proxy: absolute difference between image and mean reconstruction",
        Some("preprocessed intensity"),
    ),
];

fn means() -> Table {
    Table::new("uncertainty", COLUMNS.map(|(name, ..)| Column::number(name, 5)).to_vec())
}

/// Writes the maps of one subject; false if it has no grid to go back to.
fn write_maps(
    one: &SubjectUncertainty,
    image: Option<&Path>,
    dataset: &Path,
    name: &OutputName,
    sources: &Sources,
) -> Result<bool> {
    let Some(native) = &one.subject.native_transform else { return Ok(false) };
    let passes = one.slices.iter().map(|(_, maps)| maps.passes).max().unwrap_or_default();
    let settings = json!({ "Method": "U²AD", "MonteCarloPasses": passes });
    let files = MapFiles::new(dataset, name, (one.subject, native), image, sources, settings)?;
    let map = |map: fn(&Uncertainty) -> &Array2<f32>| {
        let maps = one.slices.iter().map(|(slice, maps)| (*slice, map(maps)));
        slices_to_native(one.subject, native, maps)
    };
    EPISTEMIC.write(&files, map(|maps| &maps.variance)?)?;
    ALEATORIC.write(&files, map(|maps| &maps.error)?)?;
    let about = About::new(
        "Mean of the Monte-Carlo reconstructions inside the region of interest; preprocessed image elsewhere in the field.",
        "preprocessed intensity",
    );
    files.map("_desc-reconstruction_T2w", map(|maps| &maps.mean)?, about)?;
    Ok(true)
}
