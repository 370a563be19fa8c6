//! A few of many points that lie close to all of them.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rand::RngExt;
use rayon::prelude::*;

use crate::Result;
use crate::context::{Context, Stream};

/// Chosen points between two looks at the cancel token.
const CHECK_EVERY: usize = 16;

/// Greedy choice of `count` rows: from a random first one on, each is the row farthest from those that were
/// chosen before, the first of equals (k-centre greedy, Sener and Savarese 2018). Fewer if the others are equal to
/// chosen ones.
///
/// # Errors
/// [`crate::Error::Cancelled`] if the user interrupts.
pub(super) fn greedy_coreset(
    points: ArrayView2<f32>,
    count: usize,
    stream: &mut Stream,
    context: &Context,
) -> Result<Vec<usize>> {
    if points.nrows() == 0 || count == 0 {
        return Ok(Vec::new());
    }
    let mut next = stream.random_range(0..points.nrows());
    let mut chosen = Vec::new();
    let mut distances = vec![f32::INFINITY; points.nrows()];
    let progress = context.progress("choose the memory", "feature", count);
    loop {
        if chosen.len().is_multiple_of(CHECK_EVERY) {
            context.check()?;
        }
        chosen.push(next);
        progress.advance(1, &[]);
        let newest = points.row(next);
        distances.par_iter_mut().enumerate().for_each(|(row, distance)| {
            *distance = distance.min(squared_distance(points.row(row), newest));
        });
        let mut farthest = 0;
        for (row, distance) in distances.iter().enumerate() {
            if *distance > distances[farthest] {
                farthest = row;
            }
        }
        if chosen.len() == count || distances[farthest] <= 0.0 {
            return Ok(chosen);
        }
        next = farthest;
    }
}

/// For each row of `points` the distance to the nearest row of `memory`.
pub(super) fn nearest_distances(points: &Array2<f32>, memory: &Array2<f32>) -> Vec<f32> {
    let nearest = |row: usize| {
        let to = |known| squared_distance(points.row(row), known);
        memory.rows().into_iter().map(to).fold(f32::INFINITY, f32::min).sqrt()
    };
    (0..points.nrows()).into_par_iter().map(nearest).collect()
}

fn squared_distance(a: ArrayView1<f32>, b: ArrayView1<f32>) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::arr2;

    use super::*;
    use crate::context::Streams;

    #[test]
    fn the_farthest_point_is_chosen_next_and_equal_ones_are_not_repeated() {
        let points = arr2(&[[0.0, 0.0], [0.1, 0.0], [5.0, 0.0], [5.0, 0.0], [0.0, 9.0]]);
        let choose = |count, seed| {
            let mut stream = Streams::new(seed).stream("test", &[]);
            greedy_coreset(points.view(), count, &mut stream, &Context::new(0)).unwrap()
        };
        for seed in 0..8 {
            let three = choose(3, seed);
            assert_eq!(three, choose(3, seed));
            let covered = |row: usize| {
                let memory = points.select(ndarray::Axis(0), &three);
                nearest_distances(&points, &memory)[row] < 0.2
            };
            assert!((0..5).all(covered), "{three:?}");
            assert_eq!(choose(5, seed).len(), 4);
        }
        assert!(choose(0, 1).is_empty());
    }

    #[test]
    fn distances_are_euclidean() {
        let distances =
            nearest_distances(&arr2(&[[3.0, 4.0], [1.0, 1.0]]), &arr2(&[[0.0, 0.0], [1.0, 2.0]]));
        assert!((distances[0] - 8f32.sqrt()).abs() < 1e-6);
        assert!((distances[1] - 1.0).abs() < 1e-6);
    }
}
