//! Sums over chunks of rows whose order does not depend on threads.

use rayon::prelude::*;

/// Elements of the result that one task adds up.
const COLUMNS: usize = 4096;

/// Adds the partial results that lie one after another in `partials`, each of `out`'s length, in
/// their order.
pub(super) fn add_in_order(partials: &[f32], out: &mut [f32]) {
    let length = out.len();
    out.par_chunks_mut(COLUMNS).enumerate().for_each(|(index, out)| {
        out.fill(0.0);
        for partial in partials.chunks_exact(length) {
            for (sum, x) in out.iter_mut().zip(&partial[index * COLUMNS..]) {
                *sum += x;
            }
        }
    });
}

/// sums[c] += Σ over rows of rows[·][c].
pub(super) fn add_columns(rows: &[f32], sums: &mut [f32]) {
    for row in rows.chunks_exact(sums.len()) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum += x;
        }
    }
}
