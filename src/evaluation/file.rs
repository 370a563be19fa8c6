//! Evaluations as files, so that a study does not compute them again.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use super::Evaluation;
use super::cases::Cases;
use crate::files::{read_regular, write_whole_making_folder};
use crate::{Error, Result};

const VERSION: u32 = 1;

/// What a file holds: JSON, compressed by gzip.
#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    evaluation: Evaluation,
    names: Vec<String>,
    cases: Cases,
}

impl Evaluation {
    /// Saves everything that tables, figures and comparisons need, but no images and maps. Atomic; makes
    /// the folder.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let kept = Kept {
            version: VERSION,
            evaluation: self.clone(),
            names: self.cases.names.iter().map(|name| name.to_string()).collect(),
            cases: (*self.cases).clone(),
        };
        let failed = |error: &dyn std::fmt::Display| Error::file(path, error.to_string());
        let json = serde_json::to_vec(&kept).map_err(|error| failed(&error))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&json).map_err(|error| failed(&error))?;
        let bytes = encoder.finish().map_err(|error| failed(&error))?;
        write_whole_making_folder(path, &bytes)
    }

    /// Loads a file that [`Self::save`] wrote.
    ///
    /// # Errors
    /// If it cannot be read, is no evaluation, or comes from a newer version.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = read_regular(path)?;
        let foreign = || Error::file(path, "is not an evaluation that u2ad saved");
        let mut json = Vec::new();
        GzDecoder::new(&*bytes).read_to_end(&mut json).map_err(|_| foreign())?;
        let kept: Kept = serde_json::from_slice(&json).map_err(|_| foreign())?;
        if kept.version > VERSION {
            return Err(Error::newer_version(path));
        }
        let names: Vec<Arc<str>> = kept.names.into_iter().map(Arc::from).collect();
        if names.len() != kept.cases.scores.len() || !kept.cases.fit(names.len()) {
            return Err(foreign());
        }
        Ok(Self { cases: Arc::new(Cases { names, ..kept.cases }), ..kept.evaluation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::detection::{Findings, Scoring};
    use crate::evaluation::tests::finding;
    use crate::evaluation::{EvaluationOptions, compare, evaluate};

    #[test]
    fn an_evaluation_comes_back_as_it_was() {
        let context = Context::new(0);
        let subjects = [0.9, 0.2, 0.6, 0.4].into_iter().enumerate().map(|(place, score)| {
            let mut finding = finding(score, Some(place % 2 == 0), true);
            let mut subject = (*finding.subject).clone();
            subject.name = format!("sub-{place}").into();
            finding.subject = subject.into();
            finding
        });
        let findings = Findings {
            method: "drawn".into(),
            scoring: Scoring::Published,
            subjects: subjects.collect(),
            reconstructs: true,
            made_by: None,
            calibration: None,
        };
        let evaluation = evaluate(&findings, &EvaluationOptions::default(), &context).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/evaluation.json.gz");
        evaluation.save(&path).unwrap();
        let loaded = Evaluation::load(&path).unwrap();
        assert_eq!(loaded, evaluation);
        let same = compare(&loaded, &evaluation, &context).unwrap();
        assert_eq!(same.measures[0].difference, Some(0.0));

        std::fs::write(&path, "something else").unwrap();
        let error = Evaluation::load(&path).unwrap_err().to_string();
        assert!(error.contains("is not an evaluation that u2ad saved"), "{error}");
    }
}
