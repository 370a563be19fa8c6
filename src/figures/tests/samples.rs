//! Drawn inputs of the figures: a slice with a bent cord and a lesion, what a method found in it, and
//! curves with known shapes.

use super::*;

pub(super) const SIZE: usize = 128;

/// A smooth pattern in [0, 1] instead of noise.
fn ripple(row: usize, column: usize) -> f32 {
    0.5 + 0.5 * ((row as f32 * 0.7).sin() * (column as f32 * 1.3).cos())
}

/// Half-widths of cord and canal around a bent axis.
fn axis_distance(row: usize, column: usize) -> f32 {
    let middle = 60.0 + 8.0 * (row as f32 / 40.0).sin();
    (column as f32 - middle).abs()
}

pub(super) fn slice(name: &str, lesion: Option<bool>) -> Slice {
    let within = |limit: f32| {
        Array2::from_shape_fn((SIZE, SIZE), |(r, c)| {
            (10..118).contains(&r) && axis_distance(r, c) <= limit
        })
    };
    let spot = |r: usize, c: usize| {
        (r as f32 - 70.0).powi(2) / 60.0 + (axis_distance(r, c)).powi(2) / 8.0 < 1.0
    };
    let (cord, canal) = (within(4.0), within(8.0));
    let image = Array2::from_shape_fn((SIZE, SIZE), |(r, c)| {
        let ground = match (cord[(r, c)], canal[(r, c)]) {
            (true, _) => 0.4,
            (_, true) => 0.85,
            _ => 0.2,
        };
        let extra = if lesion == Some(true) && spot(r, c) { 0.25 } else { 0.0 };
        ground + extra + 0.1 * ripple(r, c)
    });
    let csf = Array2::from_shape_fn((SIZE, SIZE), |place| canal[place] && !cord[place]);
    Slice {
        subject: name.into(),
        index: 7,
        voxels: Some(12..=12),
        image,
        csf,
        scoring: within(3.0),
        region: within(9.0),
        lesion: lesion.map(|has| Array2::from_shape_fn((SIZE, SIZE), |(r, c)| has && spot(r, c))),
        cord,
        pixel_spacing_mm: (1.0, 1.0),
    }
}

pub(super) fn subject(name: &str, lesion: Option<bool>) -> Arc<Subject> {
    let participant = BTreeMap::from([("site".to_string(), "hospital A".to_string())]);
    let slices = vec![slice(name, lesion)];
    Arc::new(Subject {
        name: name.into(),
        participant,
        slices,
        averaged: 1,
        healthy: None,
        discs: vec![],
        native_transform: None,
        image_hash: None,
        lesion_marked: false,
        masks_found: false,
    })
}

pub(super) fn reconstruction(slice: &Slice) -> Reconstruction {
    let inside = |place, value: f32| if slice.region[place] { value } else { 0.0 };
    let reconstruction = Array2::from_shape_fn((SIZE, SIZE), |place| {
        if slice.cord[place] { 0.42 } else { slice.image[place] * 0.97 }
    });
    let error = Array2::from_shape_fn((SIZE, SIZE), |place| {
        inside(place, (slice.image[place] - reconstruction[place]).abs())
    });
    let variance = Array2::from_shape_fn((SIZE, SIZE), |place| {
        inside(place, 0.004 * ripple(place.0, place.1))
    });
    Reconstruction {
        reconstruction,
        error,
        variance: Some(variance),
        probability: None,
        anomaly: None,
    }
}

pub(super) fn curve() -> AnomalyCurve {
    let position_mm: Vec<f64> = (0..108).map(f64::from).collect();
    let bump = |mm: f64| 0.03 + 0.01 * (mm * 0.4).sin() + 0.2 * (-(mm - 60.0).powi(2) / 40.0).exp();
    let error: Vec<f64> = position_mm.iter().map(|mm| bump(*mm)).collect();
    let mean = error.iter().sum::<f64>() / error.len() as f64;
    let segments = ["C2", "C3", "C4", "C5", "C6", "C7"].iter().enumerate();
    let segments = segments.map(|(n, name)| {
        let (from_mm, to_mm) = (n as f64 * 18.0, n as f64 * 18.0 + 18.0);
        let peak = (from_mm as usize..(to_mm as usize).min(108)).map(|i| error[i]);
        let score = (peak.fold(0.0, f64::max) - mean).max(0.0);
        SegmentScore { name: name.to_string(), from_mm, to_mm, score, lesion: Some(n == 3) }
    });
    let segments = segments.collect();
    AnomalyCurve { scoring: Scoring::Published, position_mm, error, mean, segments }
}

/// A slice that was reconstructed like this and scored, if it was.
pub(super) fn slice_finding(
    reconstruction: Reconstruction,
    scoring: Option<Scoring>,
) -> SliceFinding {
    let (anomaly, islands) = (reconstruction.error.clone(), vec![]);
    let curve = scoring.map(|scoring| AnomalyCurve { scoring, ..curve() });
    SliceFinding { slice: 0, reconstruction, anomaly, islands, curve }
}

pub(super) fn finding(name: &str, lesion: Option<bool>) -> Finding {
    let subject = subject(name, lesion);
    let reconstruction = reconstruction(&subject.slices[0]);
    let segments = curve().segments;
    let slices = vec![slice_finding(reconstruction, Some(Scoring::Published))];
    Finding {
        subject,
        segment_borders: SegmentBorders::Discs,
        score: 0.17,
        segments,
        unscored: vec!["C7".into()],
        slices,
        seen: None,
    }
}

pub(super) fn findings() -> Findings {
    let subjects = vec![finding("sub-clinic01", Some(true)), finding("sub-clinic02", Some(false))];
    Findings {
        method: "U²AD".into(),
        scoring: Scoring::Published,
        subjects,
        reconstructs: true,
        made_by: None,
        calibration: None,
    }
}

pub(super) fn history(epochs: usize) -> History {
    let record = |epoch: usize| {
        let adapting = epoch > 60;
        let decay =
            2.0 * (-(epoch as f64) / 18.0).exp() + 0.02 + 0.005 * (epoch as f64).sin().abs();
        EpochRecord {
            epoch,
            stage: if adapting { Stage::Adapt } else { Stage::Pretrain },
            masking: MaskingStrategy::ALL[usize::from(adapting) + usize::from(epoch > 90)],
            loss: decay,
            reconstruction: decay / 14.0,
            edge: decay * 0.3,
            learning_rate: 3e-3 * 0.1f64.powi((epoch as i32 - 1) / 50),
            variance: (adapting && epoch % 10 == 1).then(|| 0.002 + 0.1 / epoch as f64),
            error: (adapting && epoch % 10 == 1).then(|| 0.05 + 1.0 / epoch as f64),
        }
    };
    History { epochs: (1..=epochs).map(record).collect(), ..History::default() }
}

pub(super) fn method_roc(method: &str, shift: f64) -> MethodRoc {
    let points = (0..=20).map(|n| f64::from(n) / 20.0).map(|x| (x, x.powf(shift))).collect();
    let score = |n: i32| 0.1 + 0.02 * f64::from(n % 9);
    let patients = (0..40).map(|n| (score(n) + if n % 2 == 0 { 0.1 } else { 0.0 }, n % 2 == 0));
    MethodRoc {
        method: method.into(),
        points,
        auroc: 1.0 / (1.0 + shift),
        operating_point: Some(OperatingPoint {
            threshold: 0.23,
            origin: "highest score of the healthy cohort".into(),
            false_positive_rate: 0.2,
            true_positive_rate: 0.2f64.powf(shift),
        }),
        patients: patients.collect(),
    }
}

pub(super) fn method_froc(method: &str, shift: f64) -> MethodFroc {
    let points = (0..=9).map(f64::from).map(|n| (0.02 * n * n / shift, (n + 1.0) / 10.0)).collect();
    MethodFroc {
        method: method.into(),
        points,
        operating_point: Some(LesionOperatingPoint {
            threshold: 0.123,
            origin: "at most 0.1 false positives per subject in 8 healthy subjects".into(),
            false_positives_per_patient: 0.3 / shift,
            sensitivity: 0.4,
        }),
        lesions: 10,
        patients: 16,
    }
}

pub(super) fn masks(with_heat: bool) -> Vec<PatchMask> {
    let grid = || Array2::from_shape_fn((16, 16), |(r, c)| (r, c));
    let inside = |(r, c): (usize, usize)| (1..15).contains(&r) && (6..9).contains(&c);
    ["random", "epistemic (EU)", "epistemic and aleatoric (AU)"]
        .into_iter()
        .enumerate()
        .map(|(n, strategy)| PatchMask {
            strategy: strategy.into(),
            heat: with_heat.then(|| {
                let heat = |p: (usize, usize)| 0.5 + 0.4 * ripple(p.0 * n, p.1);
                grid().mapv(|p| if inside(p) { heat(p) } else { f32::NAN })
            }),
            hidden: grid().mapv(|p| inside(p) && (p.0 * 7 + p.1 * 3 + n) % 4 != 0),
        })
        .collect()
}
