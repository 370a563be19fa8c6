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
//! - Score tiles start at -log Σ and dP tiles at -δ: both subtractions cost nothing.

use std::{f32::consts::LN_2, ops::Range};

use rayon::prelude::*;

use super::{
    forward::{add_values, score_tile},
    geometry::{
        Geometry, PADDED_QUERIES, Part, SAFE_LOGIT, TILE_CHANNELS, TILE_KEYS, TILE_VECTORS,
        pack_rows, pack_transposed,
    },
};
use crate::ops::{
    InstructionSet,
    dispatch::dispatch,
    rectangle::{Rectangle, SharedMatrix},
    scratch::with_scratch,
    vector::Vector,
};

/// Keys whose gradients are summed during one pass over the queries.
const KEY_BLOCK: usize = 16;
/// Queries between two visits to the sums of a block of keys: amortises their loads and stores,
/// while probabilities and dS of the group (2 × 4 KiB) stay in the first-level cache.
const QUERY_GROUP: usize = 64;
/// Keys in a register tile of dk and dv.
const GRADIENT_KEYS: usize = 2;
/// Tasks below which heads are cut into ranges of keys, to feed many cores from few images.
const ENOUGH_TASKS: usize = 64;
/// Fewest keys worth a task of their own: it packs all queries.
const FEWEST_KEYS: usize = 128;

/// What the backward pass reads.
#[derive(Clone, Copy)]
pub(super) struct Saved<'a> {
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

/// Working memory of a task.
struct Buffers<'a> {
    /// Query tiles, channel by channel, scaled; the same layout for dO and dq.
    query: &'a mut [f32],
    grad_out: &'a mut [f32],
    grad_query: &'a mut [f32],
    /// -log Σ and -δ per query.
    start: &'a mut [f32],
    delta: &'a mut [f32],
    key: &'a mut [f32],
    value: &'a mut [f32],
    /// P and dS of one query group and key block: per tile, one row of queries per key.
    probability: &'a mut [f32],
    grad_score: &'a mut [f32],
    /// Sums of dk and dv of one key block: a vector per key and channel.
    grad_key: &'a mut [f32],
    grad_value: &'a mut [f32],
}

/// The rectangles that a task writes.
struct Targets<'a> {
    query: Rectangle<'a>,
    key: Rectangle<'a>,
    value: Rectangle<'a>,
}

/// Writes the gradient of qkv, of its shape.
pub(super) fn backward(
    set: InstructionSet,
    geometry: Geometry,
    saved: Saved<'_>,
    grad_qkv: &mut [f32],
) {
    let Geometry { batch, tokens, heads, .. } = geometry;
    let (dim, padded) = (geometry.dim(), geometry.padded_head());
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
            let queries = tokens.next_multiple_of(PADDED_QUERIES);
            let sums = KEY_BLOCK * padded * 16;
            let sizes = [
                queries * padded,
                queries * padded,
                queries * padded,
                queries,
                queries,
                keys.len() * padded,
                keys.len() * padded,
                KEY_BLOCK * QUERY_GROUP,
                KEY_BLOCK * QUERY_GROUP,
                sums,
                sums,
            ];
            with_scratch(sizes, |slices| {
                let [query, grad_out, grad_query, start, delta, key, value, ..] = slices;
                let [.., probability, grad_score, grad_key, grad_value] = slices;
                let buffers = Buffers {
                    query,
                    grad_out,
                    grad_query,
                    start,
                    delta,
                    key,
                    value,
                    probability,
                    grad_score,
                    grad_key,
                    grad_value,
                };
                backward_range(set, head, keys, buffers, targets);
            });
        });
    }
    if ranges > 1 {
        grad_qkv.par_chunks_exact_mut(3 * dim).enumerate().for_each(|(row, grad_qkv)| {
            let (image, token) = (row / tokens, row % tokens);
            for part in 0..ranges {
                let share = ((image * ranges + part) * tokens + token) * dim;
                for (sum, share) in grad_qkv[..dim].iter_mut().zip(&shares[share..][..dim]) {
                    *sum += share;
                }
            }
        });
    }
}

dispatch! {
    /// One task: the given keys of one head of one image.
    fn backward_range(
        head: Head<'_>, keys: Range<usize>, buffers: Buffers<'_>, targets: Targets<'_>,
    ) = backward_kernel
}

#[inline(always)]
fn backward_kernel<V: Vector>(
    head: Head<'_>,
    keys: Range<usize>,
    buffers: Buffers<'_>,
    targets: Targets<'_>,
) {
    // The common head sizes as constants: their channel loops unroll.
    match head.geometry.padded_head() {
        8 => sized::<V>(8, head, keys, buffers, targets),
        16 => sized::<V>(16, head, keys, buffers, targets),
        n => sized::<V>(n, head, keys, buffers, targets),
    }
}

#[inline(always)]
fn sized<V: Vector>(
    padded: usize,
    head: Head<'_>,
    keys: Range<usize>,
    buffers: Buffers<'_>,
    targets: Targets<'_>,
) {
    let Buffers { query, grad_out, grad_query, start, delta, key, value, .. } = buffers;
    let Buffers { probability, grad_score, grad_key, grad_value, .. } = buffers;
    let geometry = head.geometry;
    let width = TILE_VECTORS * V::LANES;
    let group = QUERY_GROUP / width;

    let rows = |part| {
        let columns = geometry.columns(part, head.index);
        head.qkv.chunks_exact(3 * geometry.dim()).map(move |row| &row[columns.clone()])
    };
    let longest_key = pack_rows(rows(Part::Key).skip(keys.start).take(keys.len()), padded, key);
    pack_rows(rows(Part::Value).skip(keys.start).take(keys.len()), padded, value);
    let longest_query = pack_transposed(rows(Part::Query), geometry.scale(), padded, width, query);
    let safe = longest_key * longest_query <= SAFE_LOGIT * SAFE_LOGIT;
    let columns = geometry.columns(Part::Query, head.index);
    let outs = head.out.chunks_exact(geometry.dim()).map(|row| &row[columns.clone()]);
    let grads = head.grad.chunks_exact(geometry.dim()).map(|row| &row[columns.clone()]);
    pack_transposed(grads.clone(), 1.0, padded, width, grad_out);
    start.fill(0.0);
    delta.fill(0.0);
    for (start, log_sum) in start.iter_mut().zip(head.log_sum) {
        *start = -log_sum;
    }
    for (delta, (out, grad)) in delta.iter_mut().zip(outs.zip(grads)) {
        *delta = -out.iter().zip(grad).map(|(o, g)| o * g).sum::<f32>();
    }
    grad_query.fill(0.0);

    let Targets { query: mut to_query, key: mut to_key, value: mut to_value } = targets;
    let blocks = key.chunks(KEY_BLOCK * padded).zip(value.chunks(KEY_BLOCK * padded));
    for (block, (key, value)) in blocks.enumerate() {
        let keys = key.len() / padded;
        grad_key.fill(0.0);
        grad_value.fill(0.0);
        let size = group * padded * width;
        let groups = query
            .chunks(size)
            .zip(grad_out.chunks(size))
            .zip(grad_query.chunks_mut(size))
            .zip(start.chunks(group * width).zip(delta.chunks(group * width)));
        for (((query, grad_out), grad_query), (start, delta)) in groups {
            let tiles = query
                .chunks_exact(padded * width)
                .zip(grad_out.chunks_exact(padded * width))
                .zip(grad_query.chunks_exact_mut(padded * width))
                .zip(start.chunks_exact(width).zip(delta.chunks_exact(width)))
                .zip(
                    probability
                        .chunks_exact_mut(KEY_BLOCK * width)
                        .zip(grad_score.chunks_exact_mut(KEY_BLOCK * width)),
                );
            for ((((query, grad_out), grad_query), (start, delta)), (probability, grad_score)) in
                tiles
            {
                let tile = Tile { padded, query, grad_out, start, delta, safe };
                tile.scores::<V>(key, value, probability, grad_score);
                add_values::<V>(padded, key, grad_score, grad_query);
            }
            add_gradients::<V>(padded, keys, grad_score, query, grad_key);
            add_gradients::<V>(padded, keys, probability, grad_out, grad_value);
        }
        for local in 0..keys {
            let row = block * KEY_BLOCK + local;
            let sums = |sums: &[f32], channel: usize| {
                V::load(&sums[(local * padded + channel) * V::LANES..]).sum()
            };
            for (channel, to) in to_key.row(row).iter_mut().enumerate() {
                // The packed queries carry scale = log2 e / √head_size.
                *to = sums(grad_key, channel) * LN_2;
            }
            for (channel, to) in to_value.row(row).iter_mut().enumerate() {
                *to = sums(grad_value, channel);
            }
        }
    }

    let scale = geometry.scale() * LN_2;
    for row in 0..geometry.tokens {
        let (tile, lane) = (row / width, row % width);
        let tile = &grad_query[tile * padded * width..][..padded * width];
        for (channel, to) in to_query.row(row).iter_mut().enumerate() {
            *to = tile[channel * width + lane] * scale;
        }
    }
}

/// A register tile's queries.
#[derive(Clone, Copy)]
struct Tile<'a> {
    padded: usize,
    query: &'a [f32],
    grad_out: &'a [f32],
    start: &'a [f32],
    delta: &'a [f32],
    safe: bool,
}

impl Tile<'_> {
    /// P and dS of a block of keys.
    #[inline(always)]
    fn scores<V: Vector>(
        self,
        keys: &[f32],
        values: &[f32],
        probability: &mut [f32],
        grad_score: &mut [f32],
    ) {
        let (padded, width) = (self.padded, TILE_VECTORS * V::LANES);
        let (many, few) = (TILE_KEYS * padded, keys.len() / padded / TILE_KEYS * TILE_KEYS);
        let (whole_keys, rest_keys) = keys.split_at(few * padded);
        let (whole_values, rest_values) = values.split_at(few * padded);
        let (whole_p, rest_p) = probability.split_at_mut(few * width);
        let (whole_d, rest_d) = grad_score.split_at_mut(few * width);
        let whole = whole_keys.chunks_exact(many).zip(whole_values.chunks_exact(many)).zip(
            whole_p
                .chunks_exact_mut(TILE_KEYS * width)
                .zip(whole_d.chunks_exact_mut(TILE_KEYS * width)),
        );
        for ((keys, values), (p, d)) in whole {
            self.score_keys::<V, TILE_KEYS>(keys, values, p, d);
        }
        let rest = rest_keys
            .chunks_exact(padded)
            .zip(rest_values.chunks_exact(padded))
            .zip(rest_p.chunks_exact_mut(width).zip(rest_d.chunks_exact_mut(width)));
        for ((keys, values), (p, d)) in rest {
            self.score_keys::<V, 1>(keys, values, p, d);
        }
    }

    /// P and dS of `KEYS` keys.
    #[inline(always)]
    fn score_keys<V: Vector, const KEYS: usize>(
        self,
        keys: &[f32],
        values: &[f32],
        probability: &mut [f32],
        grad_score: &mut [f32],
    ) {
        let width = TILE_VECTORS * V::LANES;
        let start = [V::load(self.start), V::load(&self.start[V::LANES..])];
        let scores = score_tile::<V, KEYS>(self.padded, self.query, keys, start);
        for (scores, row) in scores.into_iter().zip(probability.chunks_exact_mut(width)) {
            for (score, to) in scores.into_iter().zip(row.chunks_exact_mut(V::LANES)) {
                let score = if self.safe { score } else { score.at_least(V::splat(-126.0)) };
                score.exp2().store(to);
            }
        }
        let delta = [V::load(self.delta), V::load(&self.delta[V::LANES..])];
        let grads = score_tile::<V, KEYS>(self.padded, self.grad_out, values, delta);
        let rows = probability.chunks_exact(width).zip(grad_score.chunks_exact_mut(width));
        for (grads, (p, to)) in grads.into_iter().zip(rows) {
            let parts = p.chunks_exact(V::LANES).zip(to.chunks_exact_mut(V::LANES));
            for (grad, (p, to)) in grads.into_iter().zip(parts) {
                grad.mul(V::load(p)).store(to);
            }
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
        let sums = &mut sums[key * padded * V::LANES..];
        add_gradients_of::<V, GRADIENT_KEYS>(padded, key, weights, rows, sums);
        key += GRADIENT_KEYS;
    }
    while key < keys {
        let sums = &mut sums[key * padded * V::LANES..];
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
    let sums = &mut sums[..KEYS * padded * V::LANES];
    for channels in (0..padded).step_by(TILE_CHANNELS) {
        let mut tile = [[V::splat(0.0); TILE_CHANNELS]; KEYS];
        for (key, tile) in tile.iter_mut().enumerate() {
            for (channel, sum) in tile.iter_mut().enumerate() {
                *sum = V::load(&sums[(key * padded + channels + channel) * V::LANES..]);
            }
        }
        let tiles = rows.chunks_exact(padded * width).zip(weights.chunks_exact(KEY_BLOCK * width));
        for (rows, weights) in tiles {
            let rows = &rows[channels * width..][..TILE_CHANNELS * width];
            let weights = &weights[first * width..][..KEYS * width];
            for part in 0..TILE_VECTORS {
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
                sum.store(&mut sums[(key * padded + channels + channel) * V::LANES..]);
            }
        }
    }
}
