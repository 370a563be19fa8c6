//! Both kernels for heads of at most eight channels where there are 32 vector registers: nothing
//! but their results leaves the registers.
//!
//! # Blocking
//! - **Lanes hold queries**, one vector of them at a time. Keys and values then enter every
//!   multiply-add as a broadcast from memory, which costs nothing there, and need no register.
//! - **Eight keys at once** ([`KEYS`]): eight scores grow side by side, so that eight chains of
//!   multiply-adds, and then of exponentials, hide each other's latency (four: 15 % slower).
//! - Forward, they grow in two halves ([`CHAINS`]): the first one's exponentials, which mostly add
//!   and shift, then run beside the second one's multiply-adds. The compiler would mix the halves
//!   again, hence its fences between them; they cost no instruction
//!   (`u2ad bench image --threads 1`: 0.153 instead of 0.159 s).
//! - Forward: eight queries' channels, eight sums and eight scores fill 24 registers. The scores
//!   become probabilities and are used where they are; the tile of probabilities of the general
//!   kernel, whose stores and loads cost as much as the products, does not exist.
//! - Backward: probabilities, their gradients and the sums of dq follow one another in the same
//!   registers. P and dS are stored once, for a group of [`QUERY_GROUP`] queries, because dk and dv
//!   sum over queries: each pair of keys keeps its sixteen sums in registers while the group's
//!   queries pass. P, dS, the sums and the queries of a group (4 × 8 KiB) fit the first-level cache.

use std::sync::atomic::{Ordering, compiler_fence};

use crate::ops::vector::Vector;

/// Channels of a packed head.
pub(super) const CHANNELS: usize = 8;
/// Keys in a register tile.
pub(super) const KEYS: usize = 8;
/// Scores that grow side by side in the forward kernel.
const CHAINS: usize = 4;
/// Keys that all queries of a task pass over before the next ones are touched (forward).
const KEY_BLOCK: usize = 16 * KEYS;
/// Queries whose probabilities exist at once (backward).
pub(super) const QUERY_GROUP: usize = 128;
/// Keys whose dk or dv stay in registers.
const GRADIENT_KEYS: usize = 2;

/// Softmax-weighted sums of a task's queries, in tiles of one vector: adds Σ p v to `output`, Σ p
/// to `total`; `maximum` is the largest logit so far, and stays as it is where `BOUNDED` says that
/// no logit is large.
#[inline(always)]
pub(super) fn attend<V: Vector, const BOUNDED: bool>(
    query: &[f32],
    key: &[f32],
    value: &[f32],
    output: &mut [f32],
    total: &mut [f32],
    maximum: &mut [f32],
) {
    let tile = CHANNELS * V::LANES;
    let blocks = key.chunks(KEY_BLOCK * CHANNELS).zip(value.chunks(KEY_BLOCK * CHANNELS));
    for (key, value) in blocks {
        let tiles = query.chunks_exact(tile).zip(output.chunks_exact_mut(tile));
        let states = total.chunks_exact_mut(V::LANES).zip(maximum.chunks_exact_mut(V::LANES));
        for ((query, output), (total, maximum)) in tiles.zip(states) {
            let query = load::<V>(query);
            let mut sums = Sums {
                output: load::<V>(output),
                total: V::load(total),
                maximum: V::load(maximum),
            };
            let whole = key.len() / (KEYS * CHANNELS) * (KEYS * CHANNELS);
            let (keys, rest) = key.split_at(whole);
            let (values, rest_values) = value.split_at(whole);
            let tiles = keys.chunks_exact(KEYS * CHANNELS);
            for (keys, values) in tiles.zip(values.chunks_exact(KEYS * CHANNELS)) {
                sums.add_keys::<KEYS, BOUNDED>(&query, keys, values);
            }
            let rows = rest.chunks_exact(CHANNELS).zip(rest_values.chunks_exact(CHANNELS));
            for (key, value) in rows {
                sums.add_keys::<1, BOUNDED>(&query, key, value);
            }
            store(sums.output, output);
            sums.total.store(total);
            sums.maximum.store(maximum);
        }
    }
}

/// A vector per channel.
#[inline(always)]
fn load<V: Vector>(tile: &[f32]) -> [V; CHANNELS] {
    // No closure here or below: it would not be compiled for the instruction set.
    let mut vectors = [V::splat(0.0); CHANNELS];
    for (vector, from) in vectors.iter_mut().zip(tile.chunks_exact(V::LANES)) {
        *vector = V::load(from);
    }
    vectors
}

#[inline(always)]
fn store<V: Vector>(vectors: [V; CHANNELS], tile: &mut [f32]) {
    let tile = &mut tile[..CHANNELS * V::LANES];
    for (vector, to) in vectors.into_iter().zip(tile.chunks_exact_mut(V::LANES)) {
        vector.store(to);
    }
}

/// What the mean of a vector of queries is made of.
struct Sums<V> {
    output: [V; CHANNELS],
    total: V,
    maximum: V,
}

impl<V: Vector> Sums<V> {
    #[inline(always)]
    fn add_keys<const N: usize, const BOUNDED: bool>(
        &mut self,
        query: &[V; CHANNELS],
        keys: &[f32],
        values: &[f32],
    ) {
        let mut scores = [V::splat(0.0); N];
        for (scores, keys) in scores.chunks_mut(CHAINS).zip(keys.chunks(CHAINS * CHANNELS)) {
            add_products(query, keys, scores);
            compiler_fence(Ordering::SeqCst);
        }
        if !BOUNDED {
            self.raise_maximum(&mut scores);
        }
        for (scores, values) in scores.chunks_mut(CHAINS).zip(values.chunks(CHAINS * CHANNELS)) {
            for score in &mut *scores {
                *score = score.exp2();
                self.total = self.total.add(*score);
            }
            add_rows(scores, values, &mut self.output);
            compiler_fence(Ordering::SeqCst);
        }
    }

    /// Makes the scores relative to the largest so far, them included, and scales what was summed
    /// under an older maximum.
    #[inline(always)]
    fn raise_maximum(&mut self, scores: &mut [V]) {
        let smallest = V::splat(-126.0);
        let old = self.maximum;
        for score in &*scores {
            self.maximum = score.at_least(self.maximum);
        }
        // The first maximum is -∞, its sums are zero: any finite factor will do.
        let factor = old.sub(self.maximum).at_least(smallest).exp2();
        self.total = self.total.mul(factor);
        for sum in &mut self.output {
            *sum = sum.mul(factor);
        }
        for score in scores {
            *score = score.sub(self.maximum).at_least(smallest);
        }
    }
}

/// Dot products of a vector of queries with `N` rows, added to `start`.
#[inline(always)]
fn products<V: Vector, const N: usize>(query: &[V; CHANNELS], rows: &[f32], start: V) -> [V; N] {
    let mut sums = [start; N];
    add_products(query, &rows[..N * CHANNELS], &mut sums);
    sums
}

/// sums[row] += query · row.
#[inline(always)]
fn add_products<V: Vector>(query: &[V; CHANNELS], rows: &[f32], sums: &mut [V]) {
    let rows = &rows[..sums.len() * CHANNELS];
    for (channel, query) in query.iter().enumerate() {
        for (row, sum) in sums.iter_mut().enumerate() {
            *sum = query.mul_add(V::splat(rows[row * CHANNELS + channel]), *sum);
        }
    }
}

/// sums += Σ over the rows of weight · row.
#[inline(always)]
fn add_rows<V: Vector>(weights: &[V], rows: &[f32], sums: &mut [V; CHANNELS]) {
    for (weight, row) in weights.iter().zip(rows.chunks_exact(CHANNELS)) {
        for (sum, x) in sums.iter_mut().zip(row) {
            *sum = weight.mul_add(V::splat(*x), *sum);
        }
    }
}

/// The queries of a head, in tiles, and what belongs to them.
#[derive(Clone, Copy)]
pub(super) struct Queries<'a> {
    pub query: &'a [f32],
    pub grad_out: &'a [f32],
    /// -log Σ and -δ per query.
    pub start: &'a [f32],
    pub delta: &'a [f32],
}

/// Working memory.
pub(super) struct Work<'a> {
    /// P and dS of a group of queries and a block of keys, a row of queries per key.
    pub probability: &'a mut [f32],
    pub grad_score: &'a mut [f32],
    /// Sums of dk and dv of a block of keys: a vector per key and channel.
    pub grad_key: &'a mut [f32],
    pub grad_value: &'a mut [f32],
}

/// Replaces keys and values by their gradients; adds to `grad_query`.
#[inline(always)]
pub(super) fn differentiate<V: Vector>(
    queries: Queries<'_>,
    key: &mut [f32],
    value: &mut [f32],
    grad_query: &mut [f32],
    Work { probability, grad_score, grad_key, grad_value }: Work<'_>,
) {
    let group = QUERY_GROUP * CHANNELS;
    let tiles = key.chunks_mut(KEYS * CHANNELS).zip(value.chunks_mut(KEYS * CHANNELS));
    for (key, value) in tiles {
        let grad_key = &mut grad_key[..key.len() * V::LANES];
        let grad_value = &mut grad_value[..key.len() * V::LANES];
        grad_key.fill(0.0);
        grad_value.fill(0.0);
        let rows = queries.query.chunks(group).zip(queries.grad_out.chunks(group));
        let starts = queries.start.chunks(QUERY_GROUP).zip(queries.delta.chunks(QUERY_GROUP));
        let groups = rows.zip(starts).zip(grad_query.chunks_mut(group));
        for (((query, grad_out), (start, delta)), grad_query) in groups {
            let group = Queries { query, grad_out, start, delta };
            score_group::<V>(group, key, value, grad_query, probability, grad_score);
            add_gradients::<V>(grad_score, query, grad_key);
            add_gradients::<V>(probability, grad_out, grad_value);
        }
        // No other tile needs these keys and values: their gradients take their place.
        add_lanes::<V>(grad_key, key);
        add_lanes::<V>(grad_value, value);
    }
}

/// Each element of `totals` becomes the sum of its vector in `sums`.
#[inline(always)]
fn add_lanes<V: Vector>(sums: &[f32], totals: &mut [f32]) {
    let tiles = sums.chunks_exact(CHANNELS * V::LANES);
    for (tile, totals) in tiles.zip(totals.chunks_exact_mut(CHANNELS)) {
        totals.copy_from_slice(&V::sums(load(tile)));
    }
}

/// P and dS of a group of queries with a tile of keys; adds to dq.
#[inline(always)]
fn score_group<V: Vector>(
    Queries { query, grad_out, start, delta }: Queries<'_>,
    keys: &[f32],
    values: &[f32],
    grad_query: &mut [f32],
    probability: &mut [f32],
    grad_score: &mut [f32],
) {
    let tile = CHANNELS * V::LANES;
    let tiles = query.chunks_exact(tile).zip(grad_out.chunks_exact(tile));
    let tiles = tiles.zip(grad_query.chunks_exact_mut(tile)).enumerate();
    for (index, ((query, grad_out), grad_query)) in tiles {
        let lanes = index * V::LANES;
        let read = (query, V::load(&start[lanes..]), grad_out, V::load(&delta[lanes..]));
        if keys.len() == KEYS * CHANNELS {
            let write = (&mut probability[lanes..], &mut grad_score[lanes..]);
            score_keys::<V, KEYS>(read, keys, values, grad_query, write);
        } else {
            let rows = keys.chunks_exact(CHANNELS).zip(values.chunks_exact(CHANNELS));
            for (row, (key, value)) in rows.enumerate() {
                let at = row * QUERY_GROUP + lanes;
                let write = (&mut probability[at..], &mut grad_score[at..]);
                score_keys::<V, 1>(read, key, value, grad_query, write);
            }
        }
    }
}

/// [`score_group`] for a vector of queries, as (q, -log Σ, dO, -δ), and `N` keys.
#[inline(always)]
fn score_keys<V: Vector, const N: usize>(
    (query, start, grad_out, delta): (&[f32], V, &[f32], V),
    keys: &[f32],
    values: &[f32],
    grad_query: &mut [f32],
    (probability, grad_score): (&mut [f32], &mut [f32]),
) {
    // Sliced to lengths known here, so that no check interrupts the products.
    let used = (N - 1) * QUERY_GROUP + V::LANES;
    let (probability, grad_score) = (&mut probability[..used], &mut grad_score[..used]);
    let mut weights = products::<V, N>(&load(query), keys, start);
    for (key, weight) in weights.iter_mut().enumerate() {
        *weight = weight.at_least(V::splat(-126.0)).exp2();
        weight.store(&mut probability[key * QUERY_GROUP..]);
    }
    let grads = products::<V, N>(&load(grad_out), values, delta);
    for (key, (weight, grad)) in weights.iter_mut().zip(grads).enumerate() {
        *weight = weight.mul(grad);
        weight.store(&mut grad_score[key * QUERY_GROUP..]);
    }
    let mut sums = load(grad_query);
    add_rows(&weights, &keys[..N * CHANNELS], &mut sums);
    store(sums, grad_query);
}

/// sums[key][channel] += weights[key] · rows[channel], lane by lane, over a group of queries.
#[inline(always)]
fn add_gradients<V: Vector>(weights: &[f32], rows: &[f32], sums: &mut [f32]) {
    let mut weights = weights.chunks(GRADIENT_KEYS * QUERY_GROUP);
    for sums in sums.chunks_mut(GRADIENT_KEYS * CHANNELS * V::LANES) {
        let weights = weights.next().expect("a row of weights per key");
        if sums.len() == GRADIENT_KEYS * CHANNELS * V::LANES {
            add_gradients_of::<V, GRADIENT_KEYS>(weights, rows, sums);
        } else {
            add_gradients_of::<V, 1>(weights, rows, sums);
        }
    }
}

/// [`add_gradients`] for `N` keys.
#[inline(always)]
fn add_gradients_of<V: Vector, const N: usize>(weights: &[f32], rows: &[f32], sums: &mut [f32]) {
    let tile = CHANNELS * V::LANES;
    let weights = &weights[..N * QUERY_GROUP];
    let sums = &mut sums[..N * tile];
    let mut totals = [[V::splat(0.0); CHANNELS]; N];
    for key in 0..N {
        totals[key] = load(&sums[key * tile..]);
    }
    for (index, rows) in rows.chunks_exact(tile).enumerate() {
        let mut factors = [V::splat(0.0); N];
        for key in 0..N {
            factors[key] = V::load(&weights[key * QUERY_GROUP + index * V::LANES..]);
        }
        for channel in 0..CHANNELS {
            let row = V::load(&rows[channel * V::LANES..]);
            for key in 0..N {
                totals[key][channel] = factors[key].mul_add(row, totals[key][channel]);
            }
        }
    }
    for key in 0..N {
        store(totals[key], &mut sums[key * tile..]);
    }
}
