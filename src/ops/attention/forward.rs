//! Forward kernel: softmax(q kᵀ / √head_size) v without ever storing the scores.
//!
//! # Blocking
//! - A **task** is one head of one image, or, where those are fewer than [`ENOUGH_TASKS`], a block
//!   of at most [`QUERY_BLOCK`] queries of it: enough tasks for many cores even for one image, and
//!   long enough that packing all keys and values of the head (about 2 % of the work) is paid for. Packed, they fill whole cache lines: 8 floats
//!   out of a row of 3 · dim would waste half of each line and collide in the cache.
//! - Inside, **keys go in blocks** of [`KEY_BLOCK`], which stay in the first-level cache (2 × 2 KiB
//!   at head size 8, plus an 8 KiB tile of probabilities) while all query tiles pass over them.
//! - **Lanes hold queries**: the softmax over keys then needs no operation across lanes, and the
//!   sum over the few channels of a head is a plain chain of multiply-adds.
//! - Logits carry log2 e, so the exponential is 2^x; without a running maximum when |q|·|k| proves
//!   that nothing can overflow (5 to 20 % faster), with one per key block otherwise.
//! - Heads of eight channels have a kernel of their own where registers suffice:
//!   [`narrow_heads`].

use rayon::prelude::*;

use super::{
    geometry::{ENOUGH_TASKS, Geometry, Part, SAFE_LOGIT, TILE_CHANNELS, TILE_KEYS, TILE_VECTORS},
    narrow_heads,
    packing::{pack_rows, pack_tiles, tile_width, unpack_tiles},
};
use crate::ops::{
    InstructionSet,
    rectangle::{Rectangle, SharedMatrix},
    scratch::with_scratch,
    vector::Vector,
    vector::dispatch::dispatch,
};

/// Most queries of a task where there are few heads.
const QUERY_BLOCK: usize = 512;
/// Keys that all query tiles of a task pass over before the next ones are touched.
const KEY_BLOCK: usize = 64;

/// Attention of packed `qkv` into `out` (batch, tokens, dim), and the base-2 logarithm of each
/// softmax denominator into `log_sum` (batch, heads, tokens), which the backward pass needs.
pub(in crate::ops) fn forward(
    set: InstructionSet,
    geometry: Geometry,
    qkv: &[f32],
    out: &mut [f32],
    log_sum: &mut [f32],
) {
    let Geometry { batch, tokens, heads, head_size } = geometry;
    if out.is_empty() {
        return;
    }
    let enough = batch * heads >= ENOUGH_TASKS;
    let block = geometry.block(if enough { tokens } else { QUERY_BLOCK });
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
            forward_block(set, geometry, head, first, qkv, &mut out, log_sum);
        });
    });
}

/// One task: `log_sum.len()` queries from `first` on of one head of one image.
fn forward_block(
    set: InstructionSet,
    geometry: Geometry,
    head: usize,
    first: usize,
    qkv: &[f32],
    out: &mut Rectangle<'_>,
    log_sum: &mut [f32],
) {
    let padded = geometry.padded_head();
    let width = tile_width(set, padded);
    let queries = log_sum.len().next_multiple_of(width);
    let (tiles, rows) = (queries * padded, geometry.tokens * padded);
    let sizes = [tiles, rows, rows, tiles, queries, queries, KEY_BLOCK * width];
    with_scratch(sizes, |[query, key, value, output, total, maximum, probability]| {
        let sizes = (geometry.head_size, padded, width);
        let rows = |part| geometry.rows(qkv, part, head);
        pack_rows(rows(Part::Value), sizes.0, padded, value);
        let longest_key = pack_rows(rows(Part::Key), sizes.0, padded, key);
        let queries = rows(Part::Query).skip(first).take(log_sum.len());
        let longest_query = pack_tiles(queries, geometry.scale(), sizes, query);
        let bounded = longest_key * longest_query <= SAFE_LOGIT * SAFE_LOGIT;

        output.fill(0.0);
        total.fill(0.0);
        maximum.fill(if bounded { 0.0 } else { f32::NEG_INFINITY });
        let sums = Sums { output, total, maximum };
        attend(set, padded, bounded, query, key, value, probability, sums);

        unpack_tiles(output, log_sum.len(), |query| 1.0 / total[query], sizes, out);
        for (log_sum, (maximum, total)) in log_sum.iter_mut().zip(maximum.iter().zip(total)) {
            *log_sum = maximum + total.log2();
        }
    });
}

/// What a softmax-weighted mean is made of, per query.
struct Sums<'a> {
    /// Σ p v, in tiles.
    output: &'a mut [f32],
    /// Σ p.
    total: &'a mut [f32],
    /// Largest logit so far: what the exponents of p are relative to. Stays zero where the
    /// logits are known to be bounded.
    maximum: &'a mut [f32],
}

dispatch! {
    /// Adds all keys and values to the sums of all queries. `probability` is working memory.
    fn attend(
        padded: usize, bounded: bool, query: &[f32], key: &[f32], value: &[f32],
        probability: &mut [f32], sums: Sums<'_>,
    ) = attend_kernel
}

#[inline(always)]
fn attend_kernel<V: Vector>(
    padded: usize,
    bounded: bool,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    probability: &mut [f32],
    sums: Sums<'_>,
) {
    // The common head sizes as constants: their channel loops unroll.
    match padded {
        narrow_heads::CHANNELS if V::MANY_REGISTERS => {
            let Sums { output, total, maximum } = sums;
            if bounded {
                narrow_heads::attend::<V, true>(query, key, value, output, total, maximum);
            } else {
                narrow_heads::attend::<V, false>(query, key, value, output, total, maximum);
            }
        }
        8 => attend_sized::<V>(8, bounded, query, key, value, probability, sums),
        16 => attend_sized::<V>(16, bounded, query, key, value, probability, sums),
        _ => attend_sized::<V>(padded, bounded, query, key, value, probability, sums),
    }
}

#[inline(always)]
fn attend_sized<V: Vector>(
    padded: usize,
    bounded: bool,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    probability: &mut [f32],
    Sums { output, total, maximum }: Sums<'_>,
) {
    let width = TILE_VECTORS * V::LANES;
    for (key, value) in key.chunks(KEY_BLOCK * padded).zip(value.chunks(KEY_BLOCK * padded)) {
        let count = key.len() / padded;
        let probability = &mut probability[..count * width];
        for tile in 0..total.len() / width {
            let query = &query[tile * padded * width..][..padded * width];
            let output = &mut output[tile * padded * width..][..padded * width];
            let total = &mut total[tile * width..][..width];
            if bounded {
                probabilities::<V>(padded, query, key, total, probability);
                add_values::<V>(padded, value, probability, output);
                continue;
            }
            let maximum = &mut maximum[tile * width..][..width];
            // The running maximum rises where it does in the kernel for narrow heads.
            let whole = if padded == narrow_heads::CHANNELS {
                count - count % narrow_heads::KEYS
            } else {
                count
            };
            let mut at = 0;
            while at < count {
                let keys = match at < whole {
                    true if padded == narrow_heads::CHANNELS => narrow_heads::KEYS,
                    true => whole,
                    false => 1,
                };
                let (key, value) = (&key[at * padded..], &value[at * padded..]);
                let probability = &mut probability[..keys * width];
                logits::<V>(padded, query, &key[..keys * padded], probability);
                rescale::<V>(output, total, maximum, probability);
                add_values::<V>(padded, &value[..keys * padded], probability, output);
                at += keys;
            }
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

/// 2^logit of a query tile with a block of keys; adds to the totals.
#[inline(always)]
fn probabilities<V: Vector>(
    padded: usize,
    query: &[f32],
    keys: &[f32],
    total: &mut [f32],
    probability: &mut [f32],
) {
    let count = keys.len() / padded;
    let mut totals = [V::load(total), V::load(&total[V::LANES..])];
    let mut key = 0;
    while key + TILE_KEYS <= count {
        add_keys::<V, TILE_KEYS>(padded, query, keys, key, &mut totals, probability);
        key += TILE_KEYS;
    }
    while key < count {
        add_keys::<V, 1>(padded, query, keys, key, &mut totals, probability);
        key += 1;
    }
    totals[0].store(total);
    totals[1].store(&mut total[V::LANES..]);
}

/// [`probabilities`] of `KEYS` keys from `first` on.
#[inline(always)]
fn add_keys<V: Vector, const KEYS: usize>(
    padded: usize,
    query: &[f32],
    keys: &[f32],
    first: usize,
    totals: &mut [V; TILE_VECTORS],
    probability: &mut [f32],
) {
    let width = TILE_VECTORS * V::LANES;
    let start = [V::splat(0.0); TILE_VECTORS];
    let scores = score_tile::<V, KEYS>(padded, query, &keys[first * padded..], start);
    let to = &mut probability[first * width..][..KEYS * width];
    for (key, scores) in scores.into_iter().enumerate() {
        for (part, score) in scores.into_iter().enumerate() {
            let p = score.exp2();
            totals[part] = totals[part].add(p);
            p.store(&mut to[key * width + part * V::LANES..]);
        }
    }
}

/// Plain logits of a query tile with a block of keys.
#[inline(always)]
fn logits<V: Vector>(padded: usize, query: &[f32], keys: &[f32], to: &mut [f32]) {
    let width = TILE_VECTORS * V::LANES;
    let start = [V::splat(0.0); TILE_VECTORS];
    for (key, to) in keys.chunks_exact(padded).zip(to.chunks_exact_mut(width)) {
        let [scores] = score_tile::<V, 1>(padded, query, key, start);
        scores[0].store(to);
        scores[1].store(&mut to[V::LANES..]);
    }
}

/// Turns the logits of a block of keys into 2^(logit - maximum), after the maximum has taken
/// them in and what was summed under the old maximum is scaled to the new one.
#[inline(always)]
fn rescale<V: Vector>(
    output: &mut [f32],
    total: &mut [f32],
    maximum: &mut [f32],
    logits: &mut [f32],
) {
    let width = TILE_VECTORS * V::LANES;
    let smallest = V::splat(-126.0);
    for at in [0, V::LANES] {
        let old = V::load(&maximum[at..]);
        let mut new = old;
        for row in logits.chunks_exact(width) {
            new = V::load(&row[at..]).at_least(new);
        }
        new.store(&mut maximum[at..]);
        // The first block's old maximum is -∞, its sums are zero: any finite factor will do.
        let factor = old.sub(new).at_least(smallest).exp2();
        let mut sum = V::load(&total[at..]).mul(factor);
        for row in logits.chunks_exact_mut(width) {
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
    let count = values.len() / padded;
    let probability = &probability[..count * width];
    for first in (0..padded).step_by(TILE_CHANNELS) {
        let output = &mut output[first * width..][..TILE_CHANNELS * width];
        let mut sums = [[V::splat(0.0); TILE_VECTORS]; TILE_CHANNELS];
        for (channel, sums) in sums.iter_mut().enumerate() {
            for (part, sum) in sums.iter_mut().enumerate() {
                *sum = V::load(&output[channel * width + part * V::LANES..]);
            }
        }
        for key in 0..count {
            let p = &probability[key * width..][..width];
            let p = [V::load(p), V::load(&p[V::LANES..])];
            let value = &values[key * padded + first..][..TILE_CHANNELS];
            for (channel, sums) in sums.iter_mut().enumerate() {
                let v = V::splat(value[channel]);
                for (part, sum) in sums.iter_mut().enumerate() {
                    *sum = p[part].mul_add(v, *sum);
                }
            }
        }
        for (channel, sums) in sums.into_iter().enumerate() {
            for (part, sum) in sums.into_iter().enumerate() {
                sum.store(&mut output[channel * width + part * V::LANES..]);
            }
        }
    }
}
