//! Backward kernel: recomputes the probabilities tile by tile instead of having stored them.
//!
//! With P the probabilities, dP = dO vᵀ and δ = Σ dO·O per query:
//! dS = P (dP - δ), dq = dS k / √head_size, dk = dSᵀ q / √head_size, dv = Pᵀ dO.
//!
//! # Blocking
//! - A **task** is one head of one image and a range of keys; dk and dv are then its own. With
//!   enough heads it takes all keys, so dq is its own as well; few heads are cut into more ranges,
//!   whose shares of dq are added in the order of the ranges. The cut depends on sizes alone.
//! - **Keys outside, queries inside**: the sums of dk and dv of [`KEY_BLOCK`] keys stay in the
//!   first-level cache for a whole pass over the queries, while q, dO and dq stream by (their
//!   traffic is 1 / KEY_BLOCK of the work).
//! - **Lanes hold queries** throughout. dk and dv sum over queries, so each of their elements is a
//!   vector of partial sums, folded into a number once at the end of the pass. Keeping channels
//!   in the lanes instead would need a broadcast per multiply-add, more than can be loaded.
//! - Heads of eight channels have a kernel of their own where registers suffice:
//!   [`narrow_heads`].
//! - Score tiles start at -log Σ and dP tiles at -δ: both subtractions cost nothing.

use std::{f32::consts::LN_2, ops::Range};

use rayon::prelude::*;

use super::{
    forward::{add_values, score_tile},
    geometry::{ENOUGH_TASKS, Geometry, Part, TILE_CHANNELS, TILE_KEYS, TILE_VECTORS},
    narrow_heads::{self, Queries, Work},
    packing::{
        fold_all, negated_dots, pack_rows, pack_tiles, tile_width, unpack_rows, unpack_tiles,
    },
};
use crate::ops::{
    InstructionSet,
    rectangle::{Rectangle, SharedMatrix},
    scratch::with_scratch,
    vector::dispatch::dispatch,
    vector::{SUM_LANES, Vector},
};

/// Keys whose gradients are summed during one pass over the queries.
const KEY_BLOCK: usize = 16;
/// Queries between two visits to the sums of a block of keys: amortises their loads and stores,
/// while probabilities and dS of the group (2 × 4 KiB) stay in the first-level cache.
const QUERY_GROUP: usize = 64;
// One working memory serves both kernels.
const _: () = assert!(KEY_BLOCK * QUERY_GROUP >= narrow_heads::KEYS * narrow_heads::QUERY_GROUP);
/// Keys in a register tile of dk and dv.
const GRADIENT_KEYS: usize = 2;
/// Fewest keys worth a task of their own: it packs all queries.
const FEWEST_KEYS: usize = 128;

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Saved<'a> {
    pub qkv: &'a [f32],
    pub out: &'a [f32],
    /// From the forward pass: (batch, heads, tokens).
    pub log_sum: &'a [f32],
    /// Gradient of `out`.
    pub grad: &'a [f32],
}

/// One head of one image.
#[derive(Clone, Copy)]
struct Head<'a> {
    geometry: Geometry,
    index: usize,
    qkv: &'a [f32],
    out: &'a [f32],
    log_sum: &'a [f32],
    grad: &'a [f32],
}

/// The rectangles that a task writes.
struct Targets<'a> {
    query: Rectangle<'a>,
    key: Rectangle<'a>,
    value: Rectangle<'a>,
}

/// Writes the gradient of qkv, of its shape.
pub(in crate::ops) fn backward(
    set: InstructionSet,
    geometry: Geometry,
    saved: Saved<'_>,
    grad_qkv: &mut [f32],
) {
    let Geometry { batch, tokens, heads, .. } = geometry;
    let dim = geometry.dim();
    if grad_qkv.is_empty() {
        return;
    }
    let wanted = ENOUGH_TASKS.div_ceil(batch * heads);
    let range = tokens.div_ceil(wanted).max(FEWEST_KEYS).min(tokens);
    let ranges = tokens.div_ceil(range);
    // Shares of dq, one matrix of rows (image, range, token), where several ranges have one.
    let mut shares = if ranges > 1 { vec![0.0; batch * ranges * tokens * dim] } else { vec![] };
    {
        let grad_qkv = SharedMatrix::new(grad_qkv, 3 * dim);
        let shares = SharedMatrix::new(&mut shares, dim);
        (0..batch * heads * ranges).into_par_iter().for_each(|task| {
            let (image_head, part) = (task / ranges, task % ranges);
            let (image, index) = (image_head / heads, image_head % heads);
            let keys = part * range..((part + 1) * range).min(tokens);
            let rows = image * tokens..(image + 1) * tokens;
            let key_rows = image * tokens + keys.start..image * tokens + keys.end;
            // SAFETY: tasks differ in image or head, or else in keys. dk and dv go to rows of the
            // keys and columns of the head; dq goes to columns of the head, in rows of the image
            // if one task has all keys and in rows of (image, range) of `shares` otherwise.
            let targets = unsafe {
                Targets {
                    query: if ranges == 1 {
                        grad_qkv.rectangle(rows.clone(), geometry.columns(Part::Query, index))
                    } else {
                        let first = (image * ranges + part) * tokens;
                        let columns = geometry.columns(Part::Query, index);
                        shares.rectangle(first..first + tokens, columns)
                    },
                    key: grad_qkv.rectangle(key_rows.clone(), geometry.columns(Part::Key, index)),
                    value: grad_qkv.rectangle(key_rows, geometry.columns(Part::Value, index)),
                }
            };
            let head = Head {
                geometry,
                index,
                qkv: &saved.qkv[rows.start * 3 * dim..rows.end * 3 * dim],
                out: &saved.out[rows.start * dim..rows.end * dim],
                log_sum: &saved.log_sum[image_head * tokens..][..tokens],
                grad: &saved.grad[rows.start * dim..rows.end * dim],
            };
            backward_range(set, head, keys, targets);
        });
    }
    if ranges > 1 {
        grad_qkv.par_chunks_exact_mut(3 * dim).enumerate().for_each(|(row, grad_qkv)| {
            let (image, token) = (row / tokens, row % tokens);
            grad_qkv[..dim].fill(0.0);
            for part in 0..ranges {
                let share = ((image * ranges + part) * tokens + token) * dim;
                for (sum, share) in grad_qkv[..dim].iter_mut().zip(&shares[share..][..dim]) {
                    *sum += share;
                }
            }
        });
    }
}

/// One task: the given keys of one head of one image.
fn backward_range(
    set: InstructionSet,
    head: Head<'_>,
    keys: Range<usize>,
    mut targets: Targets<'_>,
) {
    let geometry = head.geometry;
    let padded = geometry.padded_head();
    let width = tile_width(set, padded);
    let queries = geometry.tokens.next_multiple_of(width);
    let (tiles, rows) = (queries * padded, keys.len() * padded);
    let score_size = KEY_BLOCK * QUERY_GROUP;
    let sum_size = KEY_BLOCK * padded * SUM_LANES;
    let sizes = [
        tiles, tiles, tiles, queries, queries, rows, rows, score_size, score_size, sum_size,
        sum_size,
    ];
    with_scratch(sizes, |slices| {
        let [query, grad_out, grad_query, start, delta, key, value, ..] = slices;
        let [.., probability, grad_score, grad_key, grad_value] = slices;
        let sizes = (geometry.head_size, padded, width);
        let all = |part| geometry.rows(head.qkv, part, head.index);
        let own = |part| all(part).skip(keys.start).take(keys.len());
        pack_rows(own(Part::Key), sizes.0, padded, key);
        pack_rows(own(Part::Value), sizes.0, padded, value);
        pack_tiles(all(Part::Query), geometry.scale(), sizes, query);
        let columns = geometry.columns(Part::Query, head.index);
        let outs = head.out.chunks_exact(geometry.dim()).map(|row| &row[columns.clone()]);
        let grads = head.grad.chunks_exact(geometry.dim()).map(|row| &row[columns.clone()]);
        pack_tiles(grads.clone(), 1.0, sizes, grad_out);
        // Padding has zeros everywhere: its P is 1, but its dO and dS are 0.
        start.fill(0.0);
        delta.fill(0.0);
        for (start, log_sum) in start.iter_mut().zip(head.log_sum) {
            *start = -log_sum;
        }
        negated_dots(outs.zip(grads), sizes.0, delta);
        grad_query.fill(0.0);

        let read = Queries { query, grad_out, start, delta };
        let work = Work { probability, grad_score, grad_key, grad_value };
        differentiate(set, padded, read, key, value, grad_query, work);

        // The packed queries carried log2 e / √head_size; only 1 / √head_size belongs in dk.
        unpack_rows(key, LN_2, (sizes.0, padded), &mut targets.key);
        unpack_rows(value, 1.0, (sizes.0, padded), &mut targets.value);
        let scale = geometry.scale() * LN_2;
        unpack_tiles(grad_query, geometry.tokens, |_| scale, sizes, &mut targets.query);
    });
}

dispatch! {
    /// Replaces keys and values by their gradients; adds to `grad_query`.
    fn differentiate(
        padded: usize, queries: Queries<'_>, key: &mut [f32], value: &mut [f32],
        grad_query: &mut [f32], work: Work<'_>,
    ) = differentiate_kernel
}

#[inline(always)]
fn differentiate_kernel<V: Vector>(
    padded: usize,
    queries: Queries<'_>,
    key: &mut [f32],
    value: &mut [f32],
    grad_query: &mut [f32],
    work: Work<'_>,
) {
    // The common head sizes as constants: their channel loops unroll.
    match padded {
        narrow_heads::CHANNELS if V::MANY_REGISTERS => {
            narrow_heads::differentiate::<V>(queries, key, value, grad_query, work);
        }
        8 => differentiate_sized::<V>(8, queries, key, value, grad_query, work),
        16 => differentiate_sized::<V>(16, queries, key, value, grad_query, work),
        _ => differentiate_sized::<V>(padded, queries, key, value, grad_query, work),
    }
}

#[inline(always)]
fn differentiate_sized<V: Vector>(
    padded: usize,
    Queries { query, grad_out, start, delta }: Queries<'_>,
    key: &mut [f32],
    value: &mut [f32],
    grad_query: &mut [f32],
    Work { probability, grad_score, grad_key, grad_value }: Work<'_>,
) {
    let width = TILE_VECTORS * V::LANES;
    let (tile_size, group_size) = (padded * width, QUERY_GROUP * padded);
    let blocks = key.chunks_mut(KEY_BLOCK * padded).zip(value.chunks_mut(KEY_BLOCK * padded));
    for (key, value) in blocks {
        let count = key.len() / padded;
        grad_key.fill(0.0);
        grad_value.fill(0.0);
        for (group, query) in query.chunks(group_size).enumerate() {
            let grad_out = &grad_out[group * group_size..][..query.len()];
            for tile in 0..query.len() / tile_size {
                let lanes = group * QUERY_GROUP + tile * width;
                let probability = &mut probability[tile * KEY_BLOCK * width..][..count * width];
                let grad_score = &mut grad_score[tile * KEY_BLOCK * width..][..count * width];
                score_block::<V>(
                    padded,
                    (&query[tile * tile_size..][..tile_size], key, &start[lanes..][..width]),
                    (&grad_out[tile * tile_size..][..tile_size], value, &delta[lanes..][..width]),
                    probability,
                    grad_score,
                );
                let grad_query = &mut grad_query[lanes * padded..][..tile_size];
                add_values::<V>(padded, key, grad_score, grad_query);
            }
            add_gradients::<V>(padded, count, grad_score, query, grad_key);
            add_gradients::<V>(padded, count, probability, grad_out, grad_value);
        }
        // No other block needs these keys and values: their gradients take their place.
        fold_all(grad_key, key);
        fold_all(grad_value, value);
    }
}

/// P and dS of a query tile with a block of keys, from (query, keys, -log Σ) and
/// (dO, values, -δ).
#[inline(always)]
fn score_block<V: Vector>(
    padded: usize,
    (query, keys, start): (&[f32], &[f32], &[f32]),
    (grad_out, values, delta): (&[f32], &[f32], &[f32]),
    probability: &mut [f32],
    grad_score: &mut [f32],
) {
    let width = TILE_VECTORS * V::LANES;
    let count = keys.len() / padded;
    let start = [V::load(start), V::load(&start[V::LANES..])];
    let delta = [V::load(delta), V::load(&delta[V::LANES..])];
    let mut key = 0;
    while key + TILE_KEYS <= count {
        let p = &mut probability[key * width..][..TILE_KEYS * width];
        let d = &mut grad_score[key * width..][..TILE_KEYS * width];
        let (keys, values) = (&keys[key * padded..], &values[key * padded..]);
        score_keys::<V, TILE_KEYS>(padded, (query, keys, start), (grad_out, values, delta), p, d);
        key += TILE_KEYS;
    }
    while key < count {
        let p = &mut probability[key * width..][..width];
        let d = &mut grad_score[key * width..][..width];
        let (keys, values) = (&keys[key * padded..], &values[key * padded..]);
        score_keys::<V, 1>(padded, (query, keys, start), (grad_out, values, delta), p, d);
        key += 1;
    }
}

/// [`score_block`] for the first `KEYS` keys.
#[inline(always)]
fn score_keys<V: Vector, const KEYS: usize>(
    padded: usize,
    (query, keys, start): (&[f32], &[f32], [V; TILE_VECTORS]),
    (grad_out, values, delta): (&[f32], &[f32], [V; TILE_VECTORS]),
    probability: &mut [f32],
    grad_score: &mut [f32],
) {
    let width = TILE_VECTORS * V::LANES;
    let scores = score_tile::<V, KEYS>(padded, query, keys, start);
    for (key, scores) in scores.into_iter().enumerate() {
        for (part, score) in scores.into_iter().enumerate() {
            let p = score.at_least(V::splat(-126.0)).exp2();
            p.store(&mut probability[key * width + part * V::LANES..]);
        }
    }
    let grads = score_tile::<V, KEYS>(padded, grad_out, values, delta);
    for (key, grads) in grads.into_iter().enumerate() {
        for (part, grad) in grads.into_iter().enumerate() {
            let at = key * width + part * V::LANES;
            grad.mul(V::load(&probability[at..])).store(&mut grad_score[at..]);
        }
    }
}

/// sums[key][channel] += weights[key] · rows[channel], lane by lane, over a group of query tiles.
#[inline(always)]
fn add_gradients<V: Vector>(
    padded: usize,
    keys: usize,
    weights: &[f32],
    rows: &[f32],
    sums: &mut [f32],
) {
    let mut key = 0;
    while key + GRADIENT_KEYS <= keys {
        let sums = &mut sums[key * padded * SUM_LANES..];
        add_gradients_of::<V, GRADIENT_KEYS>(padded, key, weights, rows, sums);
        key += GRADIENT_KEYS;
    }
    while key < keys {
        let sums = &mut sums[key * padded * SUM_LANES..];
        add_gradients_of::<V, 1>(padded, key, weights, rows, sums);
        key += 1;
    }
}

/// [`add_gradients`] for `KEYS` keys from `first` on; `sums` start at the first.
#[inline(always)]
fn add_gradients_of<V: Vector, const KEYS: usize>(
    padded: usize,
    first: usize,
    weights: &[f32],
    rows: &[f32],
    sums: &mut [f32],
) {
    let width = TILE_VECTORS * V::LANES;
    let sums = &mut sums[..KEYS * padded * SUM_LANES];
    // Vectors of a tile that belong to one vector of the partial sums follow each other by this.
    let step = V::SUM_VECTORS;
    for index in 0..padded / TILE_CHANNELS * step {
        let (channels, sum_part) = (index / step * TILE_CHANNELS, index % step);
        let first_sum = channels * SUM_LANES + sum_part * V::LANES;
        let mut tile = [[V::splat(0.0); TILE_CHANNELS]; KEYS];
        for (key, tile) in tile.iter_mut().enumerate() {
            for (channel, sum) in tile.iter_mut().enumerate() {
                *sum = V::load(&sums[first_sum + (key * padded + channel) * SUM_LANES..]);
            }
        }
        for query_tile in 0..rows.len() / (padded * width) {
            let rows = &rows[(query_tile * padded + channels) * width..][..TILE_CHANNELS * width];
            let weights = &weights[(query_tile * KEY_BLOCK + first) * width..][..KEYS * width];
            for part in (sum_part..TILE_VECTORS).step_by(step) {
                let mut factors = [V::splat(0.0); TILE_CHANNELS];
                for (channel, factor) in factors.iter_mut().enumerate() {
                    *factor = V::load(&rows[channel * width + part * V::LANES..]);
                }
                for (key, tile) in tile.iter_mut().enumerate() {
                    let weight = V::load(&weights[key * width + part * V::LANES..]);
                    for (sum, factor) in tile.iter_mut().zip(factors) {
                        *sum = weight.mul_add(factor, *sum);
                    }
                }
            }
        }
        for (key, tile) in tile.into_iter().enumerate() {
            for (channel, sum) in tile.into_iter().enumerate() {
                sum.store(&mut sums[first_sum + (key * padded + channel) * SUM_LANES..]);
            }
        }
    }
}
