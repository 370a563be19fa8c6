//! Forward kernel: softmax(q kᵀ / √head_size) v without ever storing the scores.
//!
//! # Blocking
//! - A **task** is one head of one image and a block of at most [`QUERY_BLOCK`] queries: enough
//!   tasks for many cores even for one image, and long enough that packing all keys and values of
//!   the head (about 1 % of the work) is paid for. Packed, they fill whole cache lines: 8 floats
//!   out of a row of 3 · dim would waste half of each line and collide in the cache.
//! - Inside, **keys go in blocks** of [`KEY_BLOCK`], which stay in the first-level cache (2 × 2 KiB
//!   at head size 8, plus an 8 KiB tile of probabilities) while all query tiles pass over them.
//! - **Lanes hold queries**: the softmax over keys then needs no operation across lanes, and the
//!   sum over the few channels of a head is a plain chain of multiply-adds.
//! - Logits carry log2 e, so the exponential is 2^x; without a running maximum when |q|·|k| proves
//!   that nothing can overflow (5 to 20 % faster), with one per key block otherwise.

use rayon::prelude::*;

use super::geometry::{
    Geometry, PADDED_QUERIES, Part, SAFE_LOGIT, TILE_CHANNELS, TILE_KEYS, TILE_VECTORS, pack_rows,
    pack_transposed,
};
use crate::ops::{
    InstructionSet,
    dispatch::dispatch,
    rectangle::{Rectangle, SharedMatrix},
    scratch::with_scratch,
    vector::Vector,
};

/// Most queries of a task.
const QUERY_BLOCK: usize = 512;
/// Keys that all query tiles of a task pass over before the next ones are touched.
const KEY_BLOCK: usize = 64;

/// Working memory of a task.
struct Buffers<'a> {
    /// Query tiles, channel by channel, scaled.
    query: &'a mut [f32],
    key: &'a mut [f32],
    value: &'a mut [f32],
    /// Σ p v per query tile, channel by channel.
    output: &'a mut [f32],
    /// Σ p per query.
    total: &'a mut [f32],
    /// Largest logit so far per query (running-maximum path only).
    maximum: &'a mut [f32],
    /// Probabilities of one query tile and key block: one row of queries per key.
    probability: &'a mut [f32],
}

/// Attention of packed `qkv` into `out` (batch, tokens, dim), and the base-2 logarithm of each
/// softmax denominator into `log_sum` (batch, heads, tokens), which the backward pass needs.
pub(super) fn forward(
    set: InstructionSet,
    geometry: Geometry,
    qkv: &[f32],
    out: &mut [f32],
    log_sum: &mut [f32],
) {
    let Geometry { tokens, heads, head_size, .. } = geometry;
    if out.is_empty() {
        return;
    }
    let block = geometry.block(QUERY_BLOCK);
    let padded = geometry.padded_head();
    let out = SharedMatrix::new(out, geometry.dim());
    let image_size = tokens * 3 * geometry.dim();
    log_sum.par_chunks_mut(tokens).enumerate().for_each(|(image_head, log_sum)| {
        let (image, head) = (image_head / heads, image_head % heads);
        let qkv = &qkv[image * image_size..][..image_size];
        log_sum.par_chunks_mut(block).enumerate().for_each(|(index, log_sum)| {
            let first = index * block;
            let rows = image * tokens + first..image * tokens + first + log_sum.len();
            let columns = head * head_size..(head + 1) * head_size;
            // SAFETY: tasks differ in image, head or block of queries, hence in rows or columns.
            let mut out = unsafe { out.rectangle(rows, columns) };
            let queries = log_sum.len().next_multiple_of(PADDED_QUERIES);
            let sizes = [
                queries * padded,
                tokens * padded,
                tokens * padded,
                queries * padded,
                queries,
                queries,
                KEY_BLOCK * PADDED_QUERIES,
            ];
            with_scratch(sizes, |[query, key, value, output, total, maximum, probability]| {
                let buffers = Buffers { query, key, value, output, total, maximum, probability };
                forward_block(set, geometry, head, first, qkv, buffers, &mut out, log_sum);
            });
        });
    });
}

dispatch! {
    /// One task: `log_sum.len()` queries from `first` on of one head of one image.
    fn forward_block(
        geometry: Geometry, head: usize, first: usize, qkv: &[f32], buffers: Buffers<'_>,
        out: &mut Rectangle<'_>, log_sum: &mut [f32],
    ) = forward_kernel
}

#[inline(always)]
fn forward_kernel<V: Vector>(
    geometry: Geometry,
    head: usize,
    first: usize,
    qkv: &[f32],
    buffers: Buffers<'_>,
    out: &mut Rectangle<'_>,
    log_sum: &mut [f32],
) {
    // The common head sizes as constants: their channel loops unroll.
    match geometry.padded_head() {
        8 => sized::<V>(8, geometry, head, first, qkv, buffers, out, log_sum),
        16 => sized::<V>(16, geometry, head, first, qkv, buffers, out, log_sum),
        n => sized::<V>(n, geometry, head, first, qkv, buffers, out, log_sum),
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn sized<V: Vector>(
    padded: usize,
    geometry: Geometry,
    head: usize,
    first: usize,
    qkv: &[f32],
    buffers: Buffers<'_>,
    out: &mut Rectangle<'_>,
    log_sum: &mut [f32],
) {
    let Buffers { query, key, value, output, total, maximum, probability } = buffers;
    let width = TILE_VECTORS * V::LANES;
    let rows = |part| {
        let columns = geometry.columns(part, head);
        qkv.chunks_exact(3 * geometry.dim()).map(move |row| &row[columns.clone()])
    };
    pack_rows(rows(Part::Value), padded, value);
    let longest_key = pack_rows(rows(Part::Key), padded, key);
    let queries = rows(Part::Query).skip(first).take(log_sum.len());
    let longest_query = pack_transposed(queries, geometry.scale(), padded, width, query);
    let safe = longest_key * longest_query <= SAFE_LOGIT * SAFE_LOGIT;

    output.fill(0.0);
    total.fill(0.0);
    maximum.fill(f32::NEG_INFINITY);
    let key_blocks = key.chunks(KEY_BLOCK * padded).zip(value.chunks(KEY_BLOCK * padded));
    for (key, value) in key_blocks {
        let tiles = query
            .chunks_exact(padded * width)
            .zip(output.chunks_exact_mut(padded * width))
            .zip(total.chunks_exact_mut(width).zip(maximum.chunks_exact_mut(width)));
        for ((query, output), (total, maximum)) in tiles {
            if safe {
                probabilities::<V>(padded, query, key, total, probability);
            } else {
                logits::<V>(padded, query, key, probability);
                rescale::<V>(key.len() / padded, output, total, maximum, probability);
            }
            add_values::<V>(padded, value, probability, output);
        }
    }

    for (tile, (output, log_sum)) in
        output.chunks_exact(padded * width).zip(log_sum.chunks_mut(width)).enumerate()
    {
        for (lane, log_sum) in log_sum.iter_mut().enumerate() {
            let query = tile * width + lane;
            let inverse = 1.0 / total[query];
            for (channel, to) in out.row(query).iter_mut().enumerate() {
                *to = output[channel * width + lane] * inverse;
            }
            let maximum = if safe { 0.0 } else { maximum[query] };
            *log_sum = maximum + total[query].log2();
        }
    }
}

/// Dot products of a query tile with `KEYS` keys, added to `start`.
#[inline(always)]
pub(super) fn score_tile<V: Vector, const KEYS: usize>(
    padded: usize,
    query: &[f32],
    keys: &[f32],
    start: [V; TILE_VECTORS],
) -> [[V; TILE_VECTORS]; KEYS] {
    let width = TILE_VECTORS * V::LANES;
    let query = &query[..padded * width];
    let keys = &keys[..KEYS * padded];
    let mut scores = [start; KEYS];
    for channel in 0..padded {
        let lanes = &query[channel * width..][..width];
        let q = [V::load(lanes), V::load(&lanes[V::LANES..])];
        for (key, score) in scores.iter_mut().enumerate() {
            let k = V::splat(keys[key * padded + channel]);
            for (s, q) in score.iter_mut().zip(q) {
                *s = q.mul_add(k, *s);
            }
        }
    }
    scores
}

/// 2^logit of a query tile with a block of keys, without a running maximum; adds to the totals.
#[inline(always)]
fn probabilities<V: Vector>(
    padded: usize,
    query: &[f32],
    keys: &[f32],
    total: &mut [f32],
    probability: &mut [f32],
) {
    let width = TILE_VECTORS * V::LANES;
    let mut totals = [V::load(total), V::load(&total[V::LANES..])];
    let zero = [V::splat(0.0); TILE_VECTORS];
    let mut groups = keys.chunks_exact(TILE_KEYS * padded);
    let mut tiles = probability.chunks_exact_mut(TILE_KEYS * width);
    for (keys, to) in (&mut groups).zip(&mut tiles) {
        let scores = score_tile::<V, TILE_KEYS>(padded, query, keys, zero);
        for (scores, to) in scores.into_iter().zip(to.chunks_exact_mut(width)) {
            for ((s, total), to) in
                scores.into_iter().zip(&mut totals).zip(to.chunks_exact_mut(V::LANES))
            {
                let p = s.exp2();
                *total = total.add(p);
                p.store(to);
            }
        }
    }
    let rest = groups.remainder();
    let done = (keys.len() - rest.len()) / padded;
    for (keys, to) in
        rest.chunks_exact(padded).zip(probability[done * width..].chunks_exact_mut(width))
    {
        let [scores] = score_tile::<V, 1>(padded, query, keys, zero);
        for ((s, total), to) in
            scores.into_iter().zip(&mut totals).zip(to.chunks_exact_mut(V::LANES))
        {
            let p = s.exp2();
            *total = total.add(p);
            p.store(to);
        }
    }
    totals[0].store(total);
    totals[1].store(&mut total[V::LANES..]);
}

/// Plain logits of a query tile with a block of keys.
#[inline(always)]
fn logits<V: Vector>(padded: usize, query: &[f32], keys: &[f32], to: &mut [f32]) {
    let width = TILE_VECTORS * V::LANES;
    let zero = [V::splat(0.0); TILE_VECTORS];
    for (key, to) in keys.chunks_exact(padded).zip(to.chunks_exact_mut(width)) {
        let [scores] = score_tile::<V, 1>(padded, query, key, zero);
        scores[0].store(to);
        scores[1].store(&mut to[V::LANES..]);
    }
}

/// Turns the logits of a block of `keys` into 2^(logit - maximum), after the maximum has taken
/// them in and what was summed under the old maximum is scaled to the new one.
#[inline(always)]
fn rescale<V: Vector>(
    keys: usize,
    output: &mut [f32],
    total: &mut [f32],
    maximum: &mut [f32],
    logits: &mut [f32],
) {
    let width = TILE_VECTORS * V::LANES;
    let smallest = V::splat(-126.0);
    for part in 0..TILE_VECTORS {
        let at = part * V::LANES;
        let old = V::load(&maximum[at..]);
        let mut new = old;
        for row in logits.chunks_exact(width).take(keys) {
            new = V::load(&row[at..]).at_least(new);
        }
        new.store(&mut maximum[at..]);
        // The first block's old maximum is -∞, its sums are zero: any finite factor will do.
        let factor = old.sub(new).at_least(smallest).exp2();
        let mut sum = V::load(&total[at..]).mul(factor);
        for row in logits.chunks_exact_mut(width).take(keys) {
            let p = V::load(&row[at..]).sub(new).at_least(smallest).exp2();
            sum = sum.add(p);
            p.store(&mut row[at..]);
        }
        sum.store(&mut total[at..]);
        for row in output.chunks_exact_mut(width) {
            V::load(&row[at..]).mul(factor).store(&mut row[at..]);
        }
    }
}

/// output += Σ over the keys of probability · value.
#[inline(always)]
pub(super) fn add_values<V: Vector>(
    padded: usize,
    values: &[f32],
    probability: &[f32],
    output: &mut [f32],
) {
    let width = TILE_VECTORS * V::LANES;
    for (tile, output) in output.chunks_exact_mut(TILE_CHANNELS * width).enumerate() {
        let mut sums = [[V::splat(0.0); TILE_VECTORS]; TILE_CHANNELS];
        for (sums, row) in sums.iter_mut().zip(output.chunks_exact(width)) {
            *sums = [V::load(row), V::load(&row[V::LANES..])];
        }
        let rows = probability.chunks_exact(width);
        for (p, value) in rows.zip(values.chunks_exact(padded)) {
            let p = [V::load(p), V::load(&p[V::LANES..])];
            let value = &value[tile * TILE_CHANNELS..][..TILE_CHANNELS];
            for (sums, v) in sums.iter_mut().zip(value) {
                for (sum, p) in sums.iter_mut().zip(p) {
                    *sum = p.mul_add(V::splat(*v), *sum);
                }
            }
        }
        for (sums, row) in sums.into_iter().zip(output.chunks_exact_mut(width)) {
            sums[0].store(row);
            sums[1].store(&mut row[V::LANES..]);
        }
    }
}
