//! Usual distances of discs, and gaps that may hold another number of discs than they are taken for.

use super::outputs::DISCS;
use crate::statistics::median;

/// Usual distance from the mark above, mm: of C2/C3 from the dens, of C3/C4 from C2/C3 …
pub(super) const PITCH: [f32; DISCS.len() - 1] = [23.0, 18.0, 17.6, 17.4, 17.8, 19.2, 20.5];
/// Between two discs at most one is passed over, and the distance of neighbours is off by at most this share: with more,
/// their number is uncertain.
const MOST_STEPS: usize = 2;
const MOST_OFF: f32 = 0.36;
/// A chain of marks: row by position in [`DISCS`], superior first.
pub(super) type Chain = Vec<(usize, usize)>;

/// The discs above the first gap that may hold one disc more or fewer than it is taken for, judged by the distances of
/// the other discs: metal and noise hide discs, and all below would have another's name.
pub(super) fn before_uncertain_gap(mut discs: Chain) -> Chain {
    let usual = |above: usize, below: usize| PITCH[above..below].iter().sum::<f32>();
    let pairs: Vec<(usize, f32)> = discs
        .windows(2)
        .map(|pair| {
            let [(above, from), (below, to)] = [pair[0], pair[1]];
            (below - above, (to - from) as f32 / usual(above, below))
        })
        .collect();
    let of_neighbours = pairs.iter().filter(|(steps, _)| *steps == 1);
    let size = median(of_neighbours.map(|(_, ratio)| f64::from(*ratio))).unwrap_or(1.0) as f32;
    let is_uncertain = |(steps, ratio): &(usize, f32)| {
        *steps > MOST_STEPS || (ratio / size - 1.0).abs() > MOST_OFF / *steps as f32
    };
    if let Some(pair) = pairs.iter().position(is_uncertain) {
        discs.truncate(pair + 1);
    }
    discs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(discs: &[(usize, usize)]) -> Vec<usize> {
        before_uncertain_gap(discs.to_vec()).into_iter().map(|(mark, _)| mark).collect()
    }

    #[test]
    fn discs_below_an_ambiguous_gap_lose_their_names() {
        // C2/C3 to T1/T2 at their usual distances.
        let usual = [(1, 40), (2, 58), (3, 76), (4, 93), (5, 111), (6, 130), (7, 150)];
        assert_eq!(kept(&usual), [1, 2, 3, 4, 5, 6, 7]);
        // One is hidden, as the distance says.
        assert_eq!(kept(&[(1, 40), (2, 58), (4, 93), (5, 111)]), [1, 2, 4, 5]);
        // One is hidden, but two names were passed over; and the other way round.
        assert_eq!(kept(&[(1, 40), (2, 58), (5, 93), (6, 111)]), [1, 2]);
        assert_eq!(kept(&[(1, 40), (2, 58), (3, 76), (5, 130), (6, 149)]), [1, 2, 3]);
        // Two hidden ones are always uncertain.
        assert_eq!(kept(&[(1, 40), (2, 58), (5, 111), (6, 130)]), [1, 2]);
        assert!(kept(&[]).is_empty());
    }
}
