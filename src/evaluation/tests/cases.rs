//! Measures with patients counted several times, against scikit-learn and against sorting again.

use approx::assert_relative_eq;
use proptest::prelude::*;

use crate::evaluation::Ranking;
use crate::evaluation::cases::RankedCases;

const TRUTH: [u8; 12] = [0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1];
const FIRST: [f64; 12] = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.05, 0.9, 0.2, 0.2, 0.6, 0.6];
const SECOND: [f64; 12] = [0.3, 0.2, 0.5, 0.5, 0.7, 0.9, 0.1, 0.4, 0.6, 0.5, 0.2, 0.8];
const COUNTS: [u32; 12] = [2, 0, 1, 3, 1, 0, 1, 0, 2, 1, 1, 0];

/// One case per patient.
fn ranked(scores: &[f64]) -> RankedCases {
    let cases = scores.iter().zip(TRUTH).map(|(score, truth)| vec![(*score, truth == 1)]);
    RankedCases::new(&cases.collect::<Vec<_>>())
}

/// Expected numbers by scikit-learn 1.9.1: `roc_auc_score(y, s, sample_weight=w)`,
/// `average_precision_score(y, s, sample_weight=w)`, `f1_score(y, s >= 0.4, sample_weight=w)`, and the
/// same without weights.
#[test]
fn counted_patients_equal_the_sample_weights_of_scikit_learn() {
    for (scores, counts, [auroc, average_precision, f1]) in [
        (FIRST, [1; 12], [0.75, 0.7577380952380952, 0.6153846153846154]),
        (SECOND, [1; 12], [0.8333333333333334, 0.8214285714285714, 0.8571428571428571]),
        (FIRST, COUNTS, [0.8055555555555556, 0.8333333333333333, 0.5454545454545454]),
        (SECOND, COUNTS, [0.7777777777777778, 0.7222222222222222, 0.8571428571428571]),
    ] {
        let ranked = ranked(&scores);
        let found = scores.iter().filter(|score| **score >= 0.4).count();
        let [_, _, found_f1] = ranked.rates(found, &counts);
        for (found, expected) in [
            (ranked.auroc(&counts), auroc),
            (ranked.average_precision(&counts), average_precision),
            (found_f1, f1),
        ] {
            assert_relative_eq!(found.expect("both kinds"), expected, epsilon = 1e-12);
        }
    }
}

#[test]
fn one_kind_only_has_no_auroc() {
    let healthy = RankedCases::new(&[vec![(0.1, false)], vec![(0.3, false)]]);
    assert_eq!(healthy.auroc(&[1, 1]), None);
    assert_eq!(healthy.average_precision(&[1, 1]), None);
    assert_eq!(healthy.rates(1, &[1, 1]), [None, Some(0.5), Some(0.0)]);
    assert_eq!(RankedCases::default().rates(0, &[]), [None; 3]);
    // A replicate may miss all positives.
    let both = RankedCases::new(&[vec![(0.1, false)], vec![(0.3, true)]]);
    assert_eq!((both.auroc(&[2, 0]), both.average_precision(&[2, 0])), (None, None));
}

proptest! {
    /// Scores on a coarse grid, so that ties are common.
    #[test]
    fn counted_patients_equal_patients_that_are_there_several_times(
        patients in prop::collection::vec(
            (prop::collection::vec((0..6_u8, any::<bool>()), 0..5), 0..4_u32),
            1..8,
        ),
    ) {
        let (cases, counts): (Vec<_>, Vec<u32>) = patients.into_iter().unzip();
        let cases: Vec<Vec<(f64, bool)>> = cases
            .into_iter()
            .map(|cases| cases.into_iter().map(|(score, truth)| (f64::from(score), truth)).collect())
            .collect();
        let repeated = cases.iter().zip(&counts).flat_map(|(cases, count)| {
            std::iter::repeat_n(cases, *count as usize).flatten().copied()
        });
        let (scores, truth): (Vec<f64>, Vec<bool>) = repeated.unzip();
        let anew = Ranking::new(&scores, &truth).expect("no NaN");
        let ranked = RankedCases::new(&cases);
        prop_assert_eq!(ranked.auroc(&counts), anew.auroc());
        prop_assert_eq!(ranked.average_precision(&counts), anew.average_precision());
        let found = cases.iter().flatten().filter(|case| case.0 >= 3.0).count();
        let confusion = anew.at(3.0);
        prop_assert_eq!(
            ranked.rates(found, &counts),
            [confusion.sensitivity(), confusion.specificity(), confusion.f1()]
        );
    }
}
