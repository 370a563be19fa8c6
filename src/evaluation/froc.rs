//! Lesions and detections of many patients: the FROC curve and measures at a threshold.

use serde::{Deserialize, Serialize};

use super::patient_lesions::PatientLesions;

/// A point of the free-response receiver operating characteristic (FROC).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrocPoint {
    /// Least anomaly of a detection's pixels; infinite for the first point, where nothing is detected.
    #[serde(deserialize_with = "super::unbounded::unbounded")]
    pub threshold: f64,
    /// Mean number of detections without lesion, per patient.
    pub false_positives_per_patient: f64,
    /// Share of the lesions that are detected, 0 to 1.
    pub sensitivity: f64,
}

/// Totals over patients at a threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Totals {
    pub threshold: f64,
    pub patients: u64,
    pub lesions: u64,
    pub detected: u64,
    pub false_positives: u64,
}

impl Totals {
    /// Share of the lesions that are detected; `None` without lesions.
    pub fn sensitivity(&self) -> Option<f64> {
        (self.lesions > 0).then(|| self.detected as f64 / self.lesions as f64)
    }

    /// `None` without patients.
    pub fn false_positives_per_patient(&self) -> Option<f64> {
        (self.patients > 0).then(|| self.false_positives as f64 / self.patients as f64)
    }

    /// 2 TP / (2 TP + FP + FN), where TP are detected lesions, FN missed ones, and FP detections
    /// without lesion; `None` without lesions.
    pub fn f1(&self) -> Option<f64> {
        let all = self.detected + self.false_positives + self.lesions;
        (self.lesions > 0).then(|| 2.0 * self.detected as f64 / all as f64)
    }
}

/// The changes of all patients' counts in one order, so that a replicate of the patients needs no
/// sorting.
pub(super) struct ThresholdSweep<'a> {
    patients: &'a [Option<PatientLesions>],
    /// (Patient, step of it) by falling threshold.
    order: Vec<(usize, usize)>,
}

impl<'a> ThresholdSweep<'a> {
    pub fn new(patients: &'a [Option<PatientLesions>]) -> Self {
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (patient, of) in patients.iter().enumerate() {
            order.extend(
                (0..of.as_ref().map_or(0, |of| of.steps.len())).map(|step| (patient, step)),
            );
        }
        let threshold = |(patient, step): (usize, usize)| {
            patients[patient].as_ref().map_or(f64::NAN, |of| of.steps[step].threshold)
        };
        order.sort_by(|a, b| threshold(*b).total_cmp(&threshold(*a)));
        Self { patients, order }
    }

    /// Totals at one threshold, with each patient counted `counts` times.
    pub fn at(&self, threshold: f64, counts: &[u32]) -> Totals {
        let mut totals = self.start(counts);
        totals.threshold = threshold;
        for (of, count) in self.patients.iter().zip(counts) {
            let Some(of) = of else { continue };
            let at = of.at(threshold);
            totals.detected += at.detected as u64 * u64::from(*count);
            totals.false_positives += at.false_positives as u64 * u64::from(*count);
        }
        totals
    }

    /// Calls `at` with the totals at every threshold where one changes, from the highest.
    pub fn walk(&self, counts: &[u32], mut at: impl FnMut(Totals)) {
        let mut totals = self.start(counts);
        at(totals);
        for (place, (patient, step)) in self.order.iter().enumerate() {
            let Some(of) = &self.patients[*patient] else { continue };
            let now = of.steps[*step];
            let before = step.checked_sub(1).map(|before| of.steps[before]).unwrap_or_default();
            let count = u64::from(counts[*patient]);
            totals.threshold = now.threshold;
            totals.detected =
                totals.detected + now.detected as u64 * count - before.detected as u64 * count;
            totals.false_positives = totals.false_positives + now.false_positives as u64 * count
                - before.false_positives as u64 * count;
            let next = self.order.get(place + 1);
            let next =
                next.and_then(|(p, s)| Some(self.patients[*p].as_ref()?.steps[*s].threshold));
            if next != Some(now.threshold) {
                at(totals);
            }
        }
    }

    /// The best points of the FROC curve: the sensitivities that no other threshold reaches or exceeds with as few false
    /// positives, each with the fewest at which it is reached, and the highest such threshold. By rising sensitivity;
    /// empty without lesions.
    pub fn froc(&self, counts: &[u32]) -> Vec<FrocPoint> {
        let mut points: Vec<FrocPoint> = Vec::new();
        self.walk(counts, |totals| {
            let (Some(sensitivity), Some(false_positives_per_patient)) =
                (totals.sensitivity(), totals.false_positives_per_patient())
            else {
                return;
            };
            let threshold = totals.threshold;
            points.push(FrocPoint { threshold, false_positives_per_patient, sensitivity });
        });
        // A point is worth keeping if no other is as sensitive with as few false positives.
        points.sort_by(|a, b| {
            a.false_positives_per_patient
                .total_cmp(&b.false_positives_per_patient)
                .then(b.sensitivity.total_cmp(&a.sensitivity))
                .then(b.threshold.total_cmp(&a.threshold))
        });
        let mut best: Vec<FrocPoint> = Vec::new();
        for point in points {
            if best.last().is_none_or(|last| point.sensitivity > last.sensitivity) {
                best.push(point);
            }
        }
        best
    }

    /// The highest sensitivity of all thresholds with at most this many false positives per patient;
    /// `None` without lesions.
    pub fn sensitivity_at(&self, false_positives_per_patient: f64, counts: &[u32]) -> Option<f64> {
        let mut best: Option<f64> = None;
        self.walk(counts, |totals| {
            let few = totals.false_positives_per_patient();
            if few.is_some_and(|few| few <= false_positives_per_patient)
                && let Some(sensitivity) = totals.sensitivity()
            {
                best = Some(best.map_or(sensitivity, |best| best.max(sensitivity)));
            }
        });
        best
    }

    /// The threshold with the best F1, the lowest of equals; `None` where no lesion is detected.
    pub fn best_f1(&self, counts: &[u32]) -> Option<f64> {
        let mut best: Option<(f64, f64)> = None;
        self.walk(counts, |totals| {
            if totals.detected > 0
                && let Some(f1) = totals.f1()
                && best.is_none_or(|(highest, _)| f1 >= highest)
            {
                best = Some((f1, totals.threshold));
            }
        });
        best.map(|(_, threshold)| threshold)
    }

    fn start(&self, counts: &[u32]) -> Totals {
        let mut totals = Totals { threshold: f64::INFINITY, ..Totals::default() };
        for (of, count) in self.patients.iter().zip(counts) {
            if let Some(of) = of {
                totals.patients += u64::from(*count);
                totals.lesions += of.lesions as u64 * u64::from(*count);
            }
        }
        totals
    }
}
