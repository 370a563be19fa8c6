//! The test of DeLong, DeLong and Clarke-Pearson for two correlated AUROCs ("Comparing the areas
//! under two or more correlated receiver operating characteristic curves", Biometrics 44, 1988).

use crate::statistics::{mean, variance};

use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

/// What the test says about two methods on the same patients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DeLong {
    /// AUROC of the first method minus that of the second.
    pub difference: f64,
    /// Of the difference; above 0.
    pub standard_error: f64,
    /// Two-sided, from the normal distribution, 0 to 1.
    pub p_value: f64,
}

/// Compares two methods' scores of the same cases, whose ground truth is `truth`. `None` unless
/// there are two positives and two negatives, and where the difference has no variance: then both
/// methods order all pairs alike, or one all right and the other all wrong.
pub(super) fn delong(first: &[f64], second: &[f64], truth: &[bool]) -> Option<DeLong> {
    let difference = |positive: usize, negative: usize| {
        won(first[positive], first[negative]) - won(second[positive], second[negative])
    };
    let of_truth = |wanted: bool| -> Vec<usize> {
        (0..truth.len()).filter(|case| truth[*case] == wanted).collect()
    };
    let (positives, negatives) = (of_truth(true), of_truth(false));
    if positives.len() < 2 || negatives.len() < 2 {
        return None;
    }
    // Structural components: of each positive over all negatives, and the other way round.
    let over_negatives = |p: &usize| mean(negatives.iter().map(|n| difference(*p, *n)));
    let of_positives: Vec<f64> = positives.iter().map(over_negatives).collect::<Option<_>>()?;
    let over_positives = |n: &usize| mean(positives.iter().map(|p| difference(*p, *n)));
    let of_negatives: Vec<f64> = negatives.iter().map(over_positives).collect::<Option<_>>()?;
    let variance = variance(&of_positives) / positives.len() as f64
        + variance(&of_negatives) / negatives.len() as f64;
    // Shares of pairs are exact multiples of 1 / pairs: what is smaller is rounding.
    if variance < 1e-20 {
        return None;
    }
    let (difference, standard_error) = (mean(of_positives)?, variance.sqrt());
    let p_value = erfc(difference.abs() / standard_error / SQRT_2).min(1.0);
    Some(DeLong { difference, standard_error, p_value })
}

/// 1 if a positive scores above a negative, ½ if equal, else 0.
fn won(positive: f64, negative: f64) -> f64 {
    match positive.total_cmp(&negative) {
        _ if positive == negative => 0.5,
        std::cmp::Ordering::Greater => 1.0,
        _ => 0.0,
    }
}

/// Complementary error function of a number ≥ 0, to about 1e-14 of its value.
fn erfc(x: f64) -> f64 {
    if x < 2.5 {
        // erf(x) = 2/√π · exp(−x²) · Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!; all terms are positive.
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term > 1e-17 * sum {
            n += 1.0;
            term *= 2.0 * x * x / (2.0 * n + 1.0);
            sum += term;
        }
        return 1.0 - FRAC_2_SQRT_PI * (-x * x).exp() * sum;
    }
    // The continued fraction x + ½/(x + 1/(x + 3/2/(x + …))), from its far end.
    let tail = (1..=60).rev().fold(x, |tail, n| x + 0.5 * f64::from(n) / tail);
    (-x * x).exp() / (PI.sqrt() * tail)
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn erfc_equals_scipy() {
        // python -c "from scipy.special import erfc; print([erfc(x) for x in (0, .1, 1, 2.4, 2.6, 6)])"
        let expected = [
            1.0,
            0.8875370839817152,
            0.15729920705028516,
            0.0006885138966450789,
            0.000236034416529349,
            2.1519736712498913e-17,
        ];
        for (x, erfc_of_x) in [0.0, 0.1, 1.0, 2.4, 2.6, 6.0].into_iter().zip(expected) {
            assert_relative_eq!(erfc(x), erfc_of_x, max_relative = 1e-11);
        }
    }

    /// Scores of two methods and the ground truth; numbers from the definition in numpy, with the
    /// normal distribution of scipy:
    /// `psi = lambda s: (s[y==1][:,None] > s[y==0]) + .5 * (s[y==1][:,None] == s[y==0])`,
    /// `S = cov([psi(a).mean(1), psi(b).mean(1)]) / m + cov([psi(a).mean(0), psi(b).mean(0)]) / n`,
    /// `se = sqrt([1,-1] @ S @ [1,-1])`, `p = 2 * norm.sf(abs(auc_a - auc_b) / se)`.
    #[test]
    fn the_test_equals_its_definition_in_numpy() {
        let truth = [0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1].map(|truth| truth == 1);
        let first = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.05, 0.9, 0.2, 0.2, 0.6, 0.6];
        let second = [0.3, 0.2, 0.5, 0.5, 0.7, 0.9, 0.1, 0.4, 0.6, 0.5, 0.2, 0.8];
        let test = delong(&first, &second, &truth).expect("enough of both kinds");
        assert_relative_eq!(test.difference, -0.08333333333333337, epsilon = 1e-12);
        assert_relative_eq!(test.standard_error, 0.190029237516523, epsilon = 1e-12);
        assert_relative_eq!(test.p_value, 0.6610028456239787, epsilon = 1e-12);
        let other = delong(&second, &first, &truth).expect("enough of both kinds");
        assert_eq!((other.difference, other.p_value), (-test.difference, test.p_value));
    }

    #[test]
    fn a_difference_without_variance_has_no_test() {
        let truth = [true, true, false, false];
        let (right, wrong) = ([0.9, 0.8, 0.2, 0.1], [0.1, 0.2, 0.8, 0.9]);
        assert_eq!(delong(&right, &right, &truth), None);
        assert_eq!(delong(&right, &wrong, &truth), None);
        assert_eq!(delong(&right, &wrong, &[true; 4]), None);
        assert_eq!(delong(&right, &wrong, &[true, false, false, false]), None);
    }
}
