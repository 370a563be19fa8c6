//! The maps of one subject, in the grid of its source image.

use std::fs;
use std::path::Path;

use ndarray::{Array2, Array3};
use serde_json::{Value, json};

use super::dataset::{source, write_json};
use super::lesions::{self, DetectedLesion};
use super::names::{OutputName, dataset_root};
use crate::cohort::NativeTransform;
use crate::detection::{Finding, Findings, SliceFinding};
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

/// Gives the map of a slice.
type MapOf<'a> = dyn Fn(&'a SliceFinding) -> Option<&'a Array2<f32>>;

/// A map of all slices in the native grid. A slice that is an average fills all that it was made of.
fn to_native<'a>(
    finding: &'a Finding,
    native: &NativeTransform,
    map: &MapOf<'a>,
) -> Result<Array3<f32>> {
    let subject = &finding.subject;
    let mut maps = Vec::new();
    for found in &finding.slices {
        let Some(map) = map(found) else { continue };
        let acquired = subject.acquired(&subject.slices[found.slice]);
        maps.extend(acquired.map(|index| (index, map)));
    }
    native.to_native(&maps).map_err(|error| Error::subject(&*subject.name, error))
}

/// The lesions that are detected in one subject at a threshold > 0 of the anomaly map, as an export
/// writes them; `None` of a subject whose slices came preprocessed.
///
/// # Errors
/// If its maps do not fit its volume.
pub fn detected_lesions(finding: &Finding, threshold: f64) -> Result<Option<Vec<DetectedLesion>>> {
    let Some(native) = &finding.subject.native_transform else { return Ok(None) };
    let anomaly = to_native(finding, native, &|slice| Some(&slice.anomaly))?;
    let (_, groups) = lesions::detect(&anomaly, threshold);
    Ok(Some(lesions::measure(finding, native, &groups, &anomaly)))
}

impl<'a> SubjectMaps<'a> {
    /// Writes all maps and gives the detected lesions; `None` of a subject without a grid to go back to.
    pub fn write(&self, dataset: &Path, name: &OutputName) -> Result<Option<Vec<DetectedLesion>>> {
        let Some(native) = &self.finding.subject.native_transform else { return Ok(None) };
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
        let anomaly = to_native(self.finding, native, &|slice| Some(&slice.anomaly))?;
        let scoring = self.findings.scoring;
        let detected = self.threshold.map(|threshold| lesions::detect(&anomaly, threshold.value));
        let lesions = detected
            .as_ref()
            .map(|(_, groups)| lesions::measure(self.finding, native, groups, &anomaly));
        write(
            "_desc-anomaly_T2w",
            anomaly,
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
        if let Some((detected, _)) = detected {
            let map = detected.mapv(|inside| if inside { 1.0 } else { 0.0 });
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
