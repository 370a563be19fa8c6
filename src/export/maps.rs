//! The maps of one subject, in the grid of its source image.

use std::fs;
use std::path::Path;

use ndarray::Array3;
use serde_json::{Value, json};

use super::dataset::{source, write_json};
use super::lesions::{SubjectLesions, SubjectVolume, to_native};
use super::names::{OutputName, dataset_root};
use crate::detection::{Finding, Findings};
use crate::evaluation::Threshold;
use crate::volume::Volume;
use crate::{Error, Result};

/// One subject and what its maps are made of.
pub(super) struct SubjectMaps<'a> {
    pub findings: &'a Findings,
    pub finding: &'a Finding,
    pub image: Option<&'a Path>,
    pub threshold: Option<&'a Threshold>,
}

impl<'a> SubjectMaps<'a> {
    /// Writes all maps and gives the detected lesions; `None` of a subject without a grid to go back to.
    pub fn write(&self, dataset: &Path, name: &OutputName) -> Result<Option<SubjectLesions>> {
        let Some(volume) = SubjectVolume::new(self.finding)? else { return Ok(None) };
        let native = volume.native;
        let folder = dataset.join(&name.folder);
        fs::create_dir_all(&folder).map_err(|error| Error::file(&folder, error))?;
        let write = |ending: &str, map: Array3<f32>, description: &str, unit: &str| {
            let path = |kind: &str| dataset.join(name.file(&format!("{ending}.{kind}")));
            let volume = Volume { voxels: map, affine: native.native_geometry().affine };
            volume.write(&path("nii.gz"), self.image)?;
            let mut sidecar = self.sidecar(description, unit);
            if ending.ends_with("_mask")
                && let Some(threshold) = self.threshold
            {
                sidecar["Type"] = json!("Lesion");
                sidecar["Threshold"] = json!(threshold.value);
                sidecar["ThresholdOrigin"] = json!(threshold.origin);
            }
            write_json(&path("json"), &sidecar)
        };
        let scoring = self.findings.scoring;
        let lesions = self.threshold.map(|threshold| SubjectLesions::new(&volume, threshold.value));
        write(
            "_desc-anomaly_T2w",
            volume.anomaly.clone(),
            "Anomaly map: what the scores are made of. 0 outside the scoring region, which is the cord without its border.",
            scoring.map_unit(),
        )?;
        let reconstruction =
            to_native(self.finding, native, &|slice| Some(&slice.reconstruction.reconstruction))?;
        write(
            "_desc-reconstruction_T2w",
            reconstruction,
            "The image as the method reconstructs it inside the region of interest; preprocessed image elsewhere in the field.",
            "preprocessed intensity",
        )?;
        if self.finding.slices.iter().any(|slice| slice.reconstruction.variance.is_some()) {
            let variance =
                to_native(self.finding, native, &|slice| slice.reconstruction.variance.as_ref())?;
            let description =
                "Uncertainty: variance of the reconstruction over Monte-Carlo passes.";
            write("_desc-variance_T2w", variance, description, "squared preprocessed intensity")?;
        }
        if self.finding.slices.iter().any(|slice| slice.reconstruction.probability.is_some()) {
            let map = to_native(self.finding, native, &|slice| {
                slice.reconstruction.probability.as_ref()
            })?;
            let description = "Lesion probability of the model's scorer.";
            write("_label-lesion_desc-u2ad_probseg", map, description, "probability")?;
        }
        if let Some(lesions) = &lesions {
            let map = lesions.mask.mapv(|inside| if inside { 1.0 } else { 0.0 });
            let description = "Detected lesions: at least 3 connected voxels (26 neighbours) of the anomaly map at or above the threshold.";
            write("_label-lesion_desc-u2ad_mask", map, description, "1 inside, 0 outside")?;
        }
        Ok(Some(lesions.unwrap_or_default()))
    }

    /// What a map holds and where it comes from.
    fn sidecar(&self, description: &str, unit: &str) -> Value {
        let averaged = self.finding.subject.averaged;
        let mut sidecar = json!({
            "Description": description,
            "Units": unit,
            "SkullStripped": false,
            "Method": self.findings.method,
            "Scoring": self.findings.scoring.to_string(),
            "AveragedSlices": averaged,
        });
        if let Some(image) = self.image {
            let source = source(image, dataset_root(image));
            sidecar["SpatialReference"] = json!(source);
            sidecar["Sources"] = json!([source]);
        }
        sidecar
    }
}
