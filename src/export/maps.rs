//! The maps of one subject's finding.

use std::path::Path;

use ndarray::Array2;
use serde_json::{Value, json};

use super::lesions::{SubjectLesions, SubjectVolume, slices_to_native, to_native};
use super::map_files::{About, MapFiles};
use super::names::OutputName;
use super::sources::Sources;
use super::uncertainty_maps::{ALEATORIC, EPISTEMIC, PREDICTED};
use crate::Result;
use crate::cohort::NativeTransform;
use crate::detection::{Finding, Findings, MadeBy, SliceFinding, curve_points};
use crate::evaluation::{DETECTION_PIXELS, Threshold};

/// One subject and what its maps are made of.
pub(super) struct SubjectMaps<'a> {
    pub findings: &'a Findings,
    pub finding: &'a Finding,
    pub image: Option<&'a Path>,
    pub threshold: Option<&'a Threshold>,
    /// What a user should know about the image and its masks.
    pub remarks: &'a [String],
}

/// Adds what a methods section needs to a JSON object.
fn describe(made_by: &MadeBy, settings: &mut Value) {
    settings["Seed"] = json!(made_by.seed);
    let Some(model) = &made_by.model else { return };
    settings["MonteCarloSamples"] = json!(model.monte_carlo.samples);
    settings["MaskRatio"] = json!(model.monte_carlo.mask_ratio);
    settings["ModelEpochs"] = json!(model.epochs);
    settings["ModelSHA256"] = json!(model.weights);
    if !model.seeds.is_empty() {
        settings["ModelSeeds"] = json!(model.seeds);
    }
}

impl<'a> SubjectMaps<'a> {
    /// Writes all maps and gives the detected lesions; `None` of a subject without a grid to go back to.
    pub fn write(
        &self,
        dataset: &Path,
        name: &OutputName,
        sources: &Sources,
    ) -> Result<Option<SubjectLesions>> {
        let Some(volume) = SubjectVolume::new(self.finding)? else { return Ok(None) };
        let subject = (&*self.finding.subject, volume.native);
        let mut settings = json!({
            "Method": self.findings.method,
            "Scoring": self.findings.scoring.to_string(),
        });
        if let Some(made_by) = &self.findings.made_by {
            describe(made_by, &mut settings);
        }
        if !self.remarks.is_empty() {
            settings["Remarks"] = json!(self.remarks);
        }
        let files = MapFiles::new(dataset, name, subject, self.image, sources, settings)?;
        self.write_anomaly(&files, &volume)?;
        self.write_curve_points(&files)?;
        self.write_reconstruction(&files, volume.native)?;
        self.write_uncertainty(&files, volume.native)?;
        self.write_probability(&files, volume.native)?;
        match self.threshold {
            Some(threshold) => write_lesions(&files, &volume, threshold).map(Some),
            None => Ok(Some(SubjectLesions::default())),
        }
    }

    /// Writes what the scores are made of, in both grids.
    fn write_anomaly(&self, files: &MapFiles, volume: &SubjectVolume) -> Result<()> {
        let anomaly = About::new(
            "Anomaly map: what the scores are made of. 0 outside the scoring region, which is the cord without its border.",
            self.findings.scoring.map_unit(),
        );
        files.map("_desc-anomaly_T2w", volume.anomaly.clone(), anomaly)?;
        let maps = self.finding.slices.iter().map(|found| (found.slice, &found.anomaly));
        files.preprocessed_map("_desc-anomaly_T2w", maps, anomaly)
    }

    fn write_reconstruction(&self, files: &MapFiles, native: &NativeTransform) -> Result<()> {
        files.map(
            "_desc-reconstruction_T2w",
            to_native(self.finding, native, &|slice| Some(&slice.reconstruction.reconstruction))?,
            About::new(
                "The image as the method reconstructs it inside the region of interest; preprocessed image elsewhere in the field.",
                "preprocessed intensity",
            ),
        )
    }

    /// Writes the variance of a method that has one: its own, or that of several reconstructions with their error.
    fn write_uncertainty(&self, files: &MapFiles, native: &NativeTransform) -> Result<()> {
        let finding = self.finding;
        let variance = |slice: &'a SliceFinding| slice.reconstruction.variance.as_ref();
        if !finding.slices.iter().any(|slice| slice.reconstruction.variance.is_some()) {
            return Ok(());
        }
        if finding.slices.iter().any(|slice| slice.reconstruction.anomaly.is_some()) {
            return PREDICTED.write(files, to_native(finding, native, &variance)?);
        }
        EPISTEMIC.write(files, to_native(finding, native, &variance)?)?;
        // A method with a variance reconstructs several times, and its error is that of the mean.
        let error = to_native(finding, native, &|slice| Some(&slice.reconstruction.error))?;
        ALEATORIC.write(files, error)
    }

    /// Writes the lesion probability of a model with a scorer.
    fn write_probability(&self, files: &MapFiles, native: &NativeTransform) -> Result<()> {
        let finding = self.finding;
        let probabilities: Vec<(usize, Array2<f32>)> = finding
            .slices
            .iter()
            .filter_map(|found| {
                let cord = &finding.subject.slices[found.slice].cord;
                Some((found.slice, found.reconstruction.probability_in(cord)?))
            })
            .collect();
        if probabilities.is_empty() {
            return Ok(());
        }
        let maps = probabilities.iter().map(|(slice, map)| (*slice, map));
        files.map(
            "_label-lesion_desc-u2ad_probseg",
            slices_to_native(&finding.subject, native, maps)?,
            About::new(
                "Lesion probability of the model's scorer inside the cord; 0 outside, where the scorer has learned nothing.",
                "probability",
            ),
        )
    }

    /// Writes which pixels make which point of the anomaly curves, so that scores can be computed again.
    fn write_curve_points(&self, files: &MapFiles) -> Result<()> {
        let subject = &self.finding.subject;
        let points: Vec<(usize, Array2<u16>)> = self
            .finding
            .slices
            .iter()
            .filter_map(|found| {
                let curve = found.curve.as_ref()?;
                Some((found.slice, curve_points(&subject.slices[found.slice], curve)))
            })
            .collect();
        files.preprocessed_labels(
            "_desc-curve_dseg",
            points.iter().map(|(slice, points)| (*slice, points)),
            About::new(
                "The point of the anomaly curve of its slice that a pixel belongs to, numbered as in the table of the curve.",
                "number of the point, 0 where the anomaly is not scored",
            ),
        )
    }
}

/// Writes the lesions that are detected at a threshold, as a mask and with their numbers.
fn write_lesions(
    files: &MapFiles,
    volume: &SubjectVolume,
    threshold: &Threshold,
) -> Result<SubjectLesions> {
    let lesions = SubjectLesions::new(volume, threshold.value);
    let detected = format!(
        "groups of at least {DETECTION_PIXELS} connected pixels (26 neighbours) of the preprocessed slices in which the \
         anomaly map reaches the threshold, by nearest neighbour."
    );
    files.mask(
        "_label-lesion_desc-u2ad_mask",
        &lesions.mask,
        About::new(&format!("Detected lesions: {detected}"), "1 inside, 0 outside"),
        origin(threshold),
    )?;
    files.labels(
        "_desc-lesions_dseg",
        &lesions.numbered,
        About::new(
            &format!("Detected lesions with their number in lesions.tsv: {detected}"),
            "number of the lesion, 0 outside",
        ),
    )?;
    Ok(lesions)
}

fn origin(threshold: &Threshold) -> Value {
    json!({
        "Type": "Lesion",
        "Threshold": threshold.value,
        "ThresholdOrigin": threshold.origin,
    })
}
