//! What looks for anomalies: a saved model, a saved baseline, or the threshold that needs no training.

use std::path::Path;

use candle_core::Device;

use crate::Result;
use crate::baselines::{Baseline, IntensityThreshold};
use crate::detection::{MaskedAutoencoder, Reconstructor, Scoring};
use crate::files::{Fingerprint, read_regular, sha256};
use crate::options::Choice;
use crate::training::{METHOD_METADATA, Model};
use crate::uncertainty::MonteCarlo;

/// Length along the cord over which the threshold without a model averages intensity, mm: that of the
/// studies in docs/results.md.
const LOCAL_MM: f64 = 40.0;

/// A method that is ready to examine images, and where it comes from.
pub struct Detector {
    method: Method,
    digest: String,
    remark: Option<String>,
}

enum Method {
    Model { model: Box<Model>, reconstructor: Box<MaskedAutoencoder> },
    Baseline(Box<Baseline>),
}

impl Detector {
    /// A model that `save_model` wrote, published weights, or a baseline that `save_method` wrote.
    ///
    /// Uncertainty is estimated with the settings of the model's calibration with healthy subjects, else with
    /// those of its scorer, so that both hold.
    ///
    /// # Errors
    /// If the file cannot be read, or holds neither.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        let bytes = read_regular(path)?;
        let digest = sha256(&bytes);
        let header = safetensors::SafeTensors::read_metadata(&bytes).ok();
        let metadata = header.and_then(|(_, header)| header.metadata().clone());
        if metadata.is_some_and(|all| all.contains_key(METHOD_METADATA)) {
            let method = Method::Baseline(Box::new(Baseline::load(path)?));
            return Ok(Self { method, digest, remark: None });
        }
        let mut model = Model::load(path, device)?;
        let monte_carlo = settings(&model);
        let reconstructor = Box::new(MaskedAutoencoder::of(&mut model, monte_carlo)?);
        let scoring = reconstructor.scoring().name();
        let is_calibrated = model.calibrations.iter().any(|one| one.scoring == scoring);
        let remark = (!is_calibrated).then(|| {
            "the model is not calibrated with healthy subjects, so its scores have no p-values and no \
             threshold; `calibrate(model, healthy)` and `save_model` give it both"
                .to_owned()
        });
        let method = Method::Model { model: Box::new(model), reconstructor };
        Ok(Self { method, digest, remark })
    }

    /// What needs no model: a threshold on intensity that follows the signal along the cord. No trained model
    /// is shipped with the program.
    pub fn without_model() -> Self {
        let threshold = IntensityThreshold { local_mm: Some(LOCAL_MM) };
        let mut digest = Fingerprint::default();
        digest.add(threshold.name());
        Self {
            method: Method::Baseline(Box::new(Baseline::IntensityThreshold(threshold))),
            digest: digest.finish(),
            remark: Some(
                "no model is given and none is shipped, so a plain intensity threshold looks for places that \
                 are brighter than the cord around them: its scores rank places to look at, and have no \
                 threshold; train a model on your own images for more"
                    .to_owned(),
            ),
        }
    }

    /// The method itself.
    pub fn reconstructor(&self) -> &dyn Reconstructor {
        match &self.method {
            Method::Model { reconstructor, .. } => &**reconstructor,
            Method::Baseline(baseline) => baseline.reconstructor(),
        }
    }

    /// The model, where it is one, for reports.
    pub fn model(&self) -> Option<&Model> {
        match &self.method {
            Method::Model { model, .. } => Some(model),
            Method::Baseline(_) => None,
        }
    }

    /// The method's name.
    pub fn name(&self) -> String {
        self.reconstructor().name()
    }

    /// SHA-256 of the file that it was loaded from, or of its settings, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// A sentence on what its scores lack, if they lack something.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }
}

/// The settings with which a model's calibration holds and its scorer learned.
fn settings(model: &Model) -> MonteCarlo {
    let scoring = if model.scorer.is_some() { Scoring::Learned } else { Scoring::Residual };
    let calibration = model.calibrations.iter().find(|one| one.scoring == scoring.name());
    let of_scorer = || model.scorer.as_ref().map(|scorer| scorer.description().monte_carlo);
    calibration.map(|one| one.state.monte_carlo).or_else(of_scorer).unwrap_or_default()
}
