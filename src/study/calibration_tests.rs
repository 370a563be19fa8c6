//! One new patient with a saved model: the same score as in its cohort, and thresholds of its own.

use candle_core::Device;

use super::*;
use crate::evaluation::calibrated_threshold;
use crate::phantom::PhantomOptions;
use crate::scoring::InitialWeights;

fn config() -> Config {
    Config { image: 64, nearest_patches: 48, depth: 1, decoder_depth: 1, ..Config::small() }
}

fn study() -> Study {
    Study::from(Context::new(4))
}

fn people() -> Cohort {
    let options = PhantomOptions { subjects: 6, clinical: Some(3), ..PhantomOptions::default() };
    Cohort::phantom(&options, config().slice_grid(), &study().context.streams).unwrap()
}

fn monte_carlo() -> MonteCarlo {
    MonteCarlo::default().samples(2)
}

/// A model with a scorer, calibrated for two scorings, from its file.
fn saved(path: &Path) -> Model {
    let (study, people) = (study(), people());
    let mut model = study.model(config()).unwrap();
    let mut training = ScorerTraining::default().members(1).epochs(2).clinical_rounds(1);
    training.initial_weights = InitialWeights::Random;
    (training.width, training.healthy_rounds) = (4, 1);
    // Lesions that fill some of the small images' large pixels.
    let lesions = LesionSimulator::default().length_mm((20.0, 25.0)).width_mm((6.0, 8.0));
    training.lesions = lesions.count((1, 2)).contrast((0.5, 0.6));
    let healthy = people.healthy().unwrap();
    study.train_scorer(&mut model, Some(&healthy), None, &training, monte_carlo()).unwrap();
    for scoring in [Scoring::Learned, Scoring::Residual] {
        study.calibrate(&mut model, &healthy, monte_carlo(), Some(scoring)).unwrap();
    }
    model.save(path).unwrap();
    study.load_model(path).unwrap()
}

#[test]
fn a_patient_alone_gets_the_score_and_thresholds_of_its_cohort() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let first = saved(&path);
    assert_eq!(first.calibrations.len(), 2);
    let healthy = first.calibrations[0].scores.len();
    assert!(healthy > 1);
    let given = crate::scoring::MaskOrigins { given: healthy, found: 0 };
    assert_eq!(first.calibrations[0].masks, Some(given));
    let (study, patients) = (study(), people().clinical().unwrap());
    for scoring in [Scoring::Learned, Scoring::Residual, Scoring::Published] {
        let detect = |cohort: &Cohort| {
            // The same file draws the same masks.
            let mut model = Model::load(&path, &Device::Cpu).unwrap();
            let method = MaskedAutoencoder::of(&mut model, monte_carlo()).unwrap();
            study.detect_by(&method, cohort, Some(scoring)).unwrap()
        };
        let together = detect(&patients);
        let subject = &together.subjects[1];
        let alone = patients.slice(1..2);
        let alone = detect(&alone);
        assert_eq!(alone.subjects.len(), 1);
        assert_eq!(alone.subjects[0].subject.name, subject.subject.name);
        assert_eq!(alone.subjects[0].score.to_bits(), subject.score.to_bits(), "{scoring}");
        for (one, other) in alone.subjects[0].slices.iter().zip(&subject.slices) {
            assert_eq!(one.anomaly, other.anomaly, "{scoring}");
        }
        let threshold = calibrated_threshold(&alone).unwrap();
        assert_eq!(threshold.is_some(), scoring != Scoring::Published);
        assert_eq!(threshold, calibrated_threshold(&together).unwrap());
        if let Some(threshold) = threshold {
            // Not every cord is long enough for a score in such small images.
            let origin = format!(
                "{healthy} healthy subjects: above all of them; 1 in {} new ones may reach it",
                healthy + 1
            );
            assert_eq!(threshold.origin, origin);
        }
    }
}

#[test]
fn a_calibration_holds_for_one_state_of_the_model_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = saved(&folder.path().join("model.safetensors"));
    let (study, people) = (study(), people());
    let calibrated = |model: &mut Model, monte_carlo| {
        let method = MaskedAutoencoder::of(model, monte_carlo).unwrap();
        study.detect(&method, &people.clinical().unwrap()).unwrap().calibration.is_some()
    };
    assert!(calibrated(&mut model, monte_carlo()));
    assert!(!calibrated(&mut model, MonteCarlo::default().samples(3)));
    let options = TrainingOptions::default();
    study.train_epoch(&mut model, &people.healthy().unwrap(), None, &options).unwrap();
    assert!(!calibrated(&mut model, monte_carlo()));
    study.calibrate(&mut model, &people.healthy().unwrap(), monte_carlo(), None).unwrap();
    assert!(calibrated(&mut model, monte_carlo()));
    assert_eq!(model.calibrations.len(), 2);
}

#[test]
fn a_model_knows_whom_it_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let (study, people) = (study(), people());
    let (healthy, patients) = (people.healthy().unwrap(), people.clinical().unwrap());
    let mut model = study.model(config()).unwrap();
    assert!(model.learned_from.is_empty());
    let options = TrainingOptions::default();
    study.pretrain(&mut model, &healthy, 1, &options).unwrap();
    let adaptation = Adaptation::default().epochs(1).monte_carlo(monte_carlo());
    study.adapt(&mut model, &patients, &adaptation).unwrap();
    model.save(&path).unwrap();
    let mut loaded = study.load_model(&path).unwrap();
    assert_eq!(loaded.learned_from, model.learned_from);
    let method = MaskedAutoencoder::of(&mut loaded, monte_carlo()).unwrap();
    let found = study.detect(&method, &people).unwrap();
    for finding in &found.subjects {
        let seen = finding.seen.as_ref().unwrap();
        assert_eq!((&*seen.name, seen.same_image), (&*finding.subject.name, true));
        assert_eq!(seen.healthy, healthy.names().contains(&&*finding.subject.name));
    }
    // Other people of the same names.
    let others = PhantomOptions { subjects: 2, clinical: Some(1), ..PhantomOptions::default() };
    let streams = Context::new(99).streams;
    let others = Cohort::phantom(&others, config().slice_grid(), &streams).unwrap();
    let found = study.detect(&method, &others).unwrap();
    assert!(found.subjects.iter().all(|finding| finding.seen.is_none()));
    study.calibrate(&mut loaded, &healthy, monte_carlo(), None).unwrap();
    assert!(!loaded.calibrations[0].subjects.is_empty());
}
