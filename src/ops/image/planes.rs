//! Convolution kernels on images with a border of zeros.
//!
//! # Layout
//! The rows of a plane lie one after another with one zero between them, so that a place of the kernel is one
//! shift for all pixels of a plane: the zero is the right neighbour of a row's last pixel and the left neighbour
//! of the next row's first. The kernels therefore run over a plane without looking at rows. What they compute at
//! the zeros has no meaning and is not copied out.
//!
//! # Blocking
//! Forward, [`OUTPUTS`] channels and as many vectors of pixels as leave their sums in registers: a pixel is
//! loaded once for all of them, a weight enters as a broadcast. The gradient of the weights keeps the sums of
//! three neighbouring places for as many channels as fit.
//!
//! Every sum has one order, whatever the instruction set: over channels and places forward, over pixels in 16
//! partial sums for the weights.

use crate::ops::vector::{SUM_LANES, Vector, dispatch::dispatch, fold};

/// Places of a kernel.
pub(super) const PLACES: usize = 9;
/// Zeros before the first row: one is needed, and so many keep vectors aligned.
const LEAD: usize = 16;
/// Output channels in a register tile.
const OUTPUTS: usize = 4;
/// Vectors of pixels in a register tile, with 32 registers and with 16.
const MANY_VECTORS: usize = 6;
const FEW_VECTORS: usize = 2;
/// Positions that a plane is rounded up to: whole tiles of every instruction set.
const TILE: usize = 96;
/// Output channels whose weights' gradients grow at once, with 32 registers and with 16.
const MANY_OUTPUTS: usize = 4;
const FEW_OUTPUTS: usize = 2;

/// The layout of a plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub rows: usize,
    pub columns: usize,
}

impl Plane {
    fn stride(self) -> usize {
        self.columns + 1
    }

    /// Positions of a result: those of the pixels, and one more per row.
    fn positions(self) -> usize {
        (self.rows * self.stride()).next_multiple_of(TILE)
    }

    /// Floats of a plane with its border.
    pub fn bordered(self) -> usize {
        LEAD + 2 * self.stride() + self.positions() + SUM_LANES
    }

    /// Where the first pixel lies.
    fn first(self) -> usize {
        LEAD + self.stride()
    }

    /// Where the pixel lies that place `place` of the kernel meets at position 0.
    fn offset(self, place: usize) -> usize {
        LEAD + place / 3 * self.stride() + place % 3 - 1
    }

    /// Copies planes into their borders.
    pub fn pad(self, image: &[f32], padded: &mut [f32]) {
        let planes = image.chunks_exact(self.rows * self.columns);
        for (plane, padded) in planes.zip(padded.chunks_exact_mut(self.bordered())) {
            let (before, rest) = padded.split_at_mut(self.first());
            before.fill(0.0);
            let (lines, after) = rest.split_at_mut(self.rows * self.stride());
            let lines = lines.chunks_exact_mut(self.stride());
            for (to, from) in lines.zip(plane.chunks_exact(self.columns)) {
                to[..self.columns].copy_from_slice(from);
                to[self.columns] = 0.0;
            }
            after.fill(0.0);
        }
    }

    /// Copies the pixels of a plane of results out.
    fn copy_out(self, flat: &[f32], image: &mut [f32]) {
        let rows = image.chunks_exact_mut(self.columns);
        for (to, from) in rows.zip(flat.chunks_exact(self.stride())) {
            to.copy_from_slice(&from[..self.columns]);
        }
    }
}

/// Rearranges weights (out, in, 3, 3) for [`convolve`]: for each block of outputs (in, 3, 3, outputs of the block).
pub(super) fn pack(weight: &[f32], inputs: usize, packed: &mut [f32]) {
    let terms = inputs * PLACES;
    let blocks = weight.chunks(OUTPUTS * terms).zip(packed.chunks_mut(OUTPUTS * terms));
    for (block, packed) in blocks {
        let outputs = block.len() / terms;
        for (output, row) in block.chunks_exact(terms).enumerate() {
            for (term, weight) in row.iter().enumerate() {
                packed[term * outputs + output] = *weight;
            }
        }
    }
}

/// [`pack`] for the kernels that carry a gradient back: inputs and outputs exchanged, each kernel turned by 180°.
pub(super) fn pack_turned(weight: &[f32], inputs: usize, packed: &mut [f32]) {
    let outputs = weight.len() / (inputs * PLACES);
    for (output, kernels) in weight.chunks_exact(inputs * PLACES).enumerate() {
        for (input, kernel) in kernels.chunks_exact(PLACES).enumerate() {
            let block = input / OUTPUTS * OUTPUTS;
            let width = OUTPUTS.min(inputs - block);
            let packed = &mut packed[block * outputs * PLACES..];
            for (place, weight) in kernel.iter().rev().enumerate() {
                packed[(output * PLACES + place) * width + input - block] = *weight;
            }
        }
    }
}

dispatch! {
    /// Convolves the planes of one image: `padded` as [`Plane::pad`] gives them, `weights` packed, one bias per
    /// output, `flat` working memory for [`OUTPUTS`] planes.
    pub(super) fn convolve(
        plane: Plane, padded: &[f32], weights: &[f32], bias: &[f32], flat: &mut [f32], image: &mut [f32],
    ) = convolve_kernel
}

/// Floats of working memory for [`convolve`].
pub(super) fn flat_planes(plane: Plane) -> usize {
    OUTPUTS * plane.positions()
}

#[inline(always)]
fn convolve_kernel<V: Vector>(
    plane: Plane,
    padded: &[f32],
    weights: &[f32],
    bias: &[f32],
    flat: &mut [f32],
    image: &mut [f32],
) {
    let pixels = plane.rows * plane.columns;
    let terms = weights.len() / bias.len();
    let blocks = weights.chunks(OUTPUTS * terms).zip(bias.chunks(OUTPUTS));
    for ((weights, bias), image) in blocks.zip(image.chunks_mut(OUTPUTS * pixels)) {
        match bias.len() {
            4 => tiles::<V, 4>(plane, padded, weights, bias, flat),
            3 => tiles::<V, 3>(plane, padded, weights, bias, flat),
            2 => tiles::<V, 2>(plane, padded, weights, bias, flat),
            _ => tiles::<V, 1>(plane, padded, weights, bias, flat),
        }
        for (flat, image) in
            flat.chunks_exact(plane.positions()).zip(image.chunks_exact_mut(pixels))
        {
            plane.copy_out(flat, image);
        }
    }
}

/// One block of outputs.
#[inline(always)]
fn tiles<V: Vector, const OUT: usize>(
    plane: Plane,
    padded: &[f32],
    weights: &[f32],
    bias: &[f32],
    flat: &mut [f32],
) {
    if V::MANY_REGISTERS {
        tiles_of::<V, OUT, MANY_VECTORS>(plane, padded, weights, bias, flat);
    } else {
        tiles_of::<V, OUT, FEW_VECTORS>(plane, padded, weights, bias, flat);
    }
}

#[inline(always)]
fn tiles_of<V: Vector, const OUT: usize, const VECTORS: usize>(
    plane: Plane,
    padded: &[f32],
    weights: &[f32],
    bias: &[f32],
    flat: &mut [f32],
) {
    let width = VECTORS * V::LANES;
    let mut offsets = [0; PLACES];
    for (place, offset) in offsets.iter_mut().enumerate() {
        *offset = plane.offset(place);
    }
    for at in (0..plane.positions()).step_by(width) {
        let mut sums = [[V::splat(0.0); VECTORS]; OUT];
        for (sums, bias) in sums.iter_mut().zip(bias) {
            *sums = [V::splat(*bias); VECTORS];
        }
        let inputs = padded.chunks_exact(plane.bordered());
        for (input, weights) in inputs.zip(weights.chunks_exact(PLACES * OUT)) {
            for (offset, weights) in offsets.iter().zip(weights.chunks_exact(OUT)) {
                let pixels = &input[at + offset..][..width];
                let mut vectors = [V::splat(0.0); VECTORS];
                for (vector, pixels) in vectors.iter_mut().zip(pixels.chunks_exact(V::LANES)) {
                    *vector = V::load(pixels);
                }
                for (sums, weight) in sums.iter_mut().zip(weights) {
                    let weight = V::splat(*weight);
                    for (sum, vector) in sums.iter_mut().zip(vectors) {
                        *sum = weight.mul_add(vector, *sum);
                    }
                }
            }
        }
        for (sums, flat) in sums.iter().zip(flat.chunks_exact_mut(plane.positions())) {
            let flat = &mut flat[at..at + width];
            for (sum, to) in sums.iter().zip(flat.chunks_exact_mut(V::LANES)) {
                sum.store(to);
            }
        }
    }
}

dispatch! {
    /// What one image contributes to the gradients of weights (out, in, 3, 3) and biases: `padded` are its
    /// planes, `grads` those of the result's gradient, both with their borders.
    pub(super) fn parameter_gradients(
        plane: Plane, padded: &[f32], grads: &[f32], grad_weight: &mut [f32], grad_bias: &mut [f32],
    ) = parameter_gradients_kernel
}

#[inline(always)]
fn parameter_gradients_kernel<V: Vector>(
    plane: Plane,
    padded: &[f32],
    grads: &[f32],
    grad_weight: &mut [f32],
    grad_bias: &mut [f32],
) {
    let size = plane.bordered();
    for (grad, sum) in grads.chunks_exact(size).zip(grad_bias) {
        *sum = total::<V>(grad);
    }
    let terms = padded.len() / size * PLACES;
    let most = if V::MANY_REGISTERS { MANY_OUTPUTS } else { FEW_OUTPUTS };
    for (grads, rows) in grads.chunks(most * size).zip(grad_weight.chunks_mut(most * terms)) {
        for (input, padded) in padded.chunks_exact(size).enumerate() {
            for down in 0..3 {
                let at = input * PLACES + 3 * down;
                let meets = plane.offset(3 * down);
                match grads.len() / size {
                    4 => places::<V, 4>(plane, &padded[meets..], grads, rows, at),
                    3 => places::<V, 3>(plane, &padded[meets..], grads, rows, at),
                    2 => places::<V, 2>(plane, &padded[meets..], grads, rows, at),
                    _ => places::<V, 1>(plane, &padded[meets..], grads, rows, at),
                }
            }
        }
    }
}

/// The sum of a plane with its border.
#[inline(always)]
fn total<V: Vector>(plane: &[f32]) -> f32 {
    let mut lanes = [0.0; SUM_LANES];
    for values in plane.chunks_exact(SUM_LANES) {
        for (lane, value) in lanes.iter_mut().zip(values) {
            *lane += value;
        }
    }
    fold(&lanes)
}

/// The weights of three neighbouring places of one input, for some outputs; `padded` begins at what the first of
/// them meets at position 0, `at` is where their weights begin in a row.
#[inline(always)]
fn places<V: Vector, const OUT: usize>(
    plane: Plane,
    padded: &[f32],
    grads: &[f32],
    rows: &mut [f32],
    at: usize,
) {
    if V::SUM_VECTORS == 1 {
        sums::<V, OUT, 1>(plane, padded, grads, rows, at);
    } else {
        sums::<V, OUT, 2>(plane, padded, grads, rows, at);
    }
}

/// [`places`], where so many vectors stand for [`SUM_LANES`] partial sums.
#[inline(always)]
fn sums<V: Vector, const OUT: usize, const VECTORS: usize>(
    plane: Plane,
    padded: &[f32],
    grads: &[f32],
    rows: &mut [f32],
    at: usize,
) {
    let mut sums = [[[V::splat(0.0); 3]; VECTORS]; OUT];
    let size = plane.bordered();
    let grads = &grads[plane.first()..];
    let positions = (plane.rows * plane.stride()).next_multiple_of(SUM_LANES);
    for position in (0..positions).step_by(SUM_LANES) {
        for part in 0..VECTORS {
            let position = position + part * V::LANES;
            let mut grad = [V::splat(0.0); OUT];
            for (output, grad) in grad.iter_mut().enumerate() {
                *grad = V::load(&grads[output * size + position..]);
            }
            let pixels = &padded[position..][..V::LANES + 2];
            for right in 0..3 {
                let pixels = V::load(&pixels[right..]);
                for (sums, grad) in sums.iter_mut().zip(grad) {
                    let sum = &mut sums[part][right];
                    *sum = grad.mul_add(pixels, *sum);
                }
            }
        }
    }
    let terms = rows.len() / OUT;
    for (sums, row) in sums.iter().zip(rows.chunks_exact_mut(terms)) {
        for right in 0..3 {
            let mut lanes = [0.0; SUM_LANES];
            for (sums, lanes) in sums.iter().zip(lanes.chunks_exact_mut(V::LANES)) {
                sums[right].store(lanes);
            }
            row[at + right] = fold(&lanes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ops::{InstructionSet, test_support::noise};

    /// Result, gradient of the weights and of the biases.
    fn results(
        set: InstructionSet,
        (inputs, outputs): (usize, usize),
        plane: Plane,
    ) -> [Vec<f32>; 3] {
        let pixels = plane.rows * plane.columns;
        let (x, grad) = (noise(inputs * pixels, 1.0, 1), noise(outputs * pixels, 1.0, 2));
        let (weight, bias) = (noise(outputs * inputs * PLACES, 0.5, 3), noise(outputs, 1.0, 4));
        // Whatever is there before must not matter.
        let fresh = |length: usize| vec![f32::NAN; length];
        let mut padded = fresh(inputs * plane.bordered());
        let mut grads = fresh(outputs * plane.bordered());
        plane.pad(&x, &mut padded);
        plane.pad(&grad, &mut grads);
        let mut packed = fresh(weight.len());
        pack(&weight, inputs, &mut packed);
        let mut flat = fresh(flat_planes(plane));
        let mut out = fresh(outputs * pixels);
        convolve(set, plane, &padded, &packed, &bias, &mut flat, &mut out);
        let (mut grad_weight, mut grad_bias) = (fresh(weight.len()), fresh(outputs));
        parameter_gradients(set, plane, &padded, &grads, &mut grad_weight, &mut grad_bias);
        [out, grad_weight, grad_bias]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn sets_with_fused_multiply_add_give_the_same_bits(
            inputs in 1usize..6, outputs in 1usize..10, rows in 1usize..30, columns in 1usize..40,
        ) {
            let plane = Plane { rows, columns };
            let fused = |set: &InstructionSet| *set != InstructionSet::Baseline;
            let sets: Vec<InstructionSet> =
                InstructionSet::available().into_iter().filter(fused).collect();
            if sets.len() < 2 {
                static TOLD: std::sync::Once = std::sync::Once::new();
                TOLD.call_once(|| eprintln!("this machine has no two such sets to compare: {sets:?}"));
            }
            let mut all = sets.into_iter().map(|set| results(set, (inputs, outputs), plane));
            if let Some(first) = all.next() {
                prop_assert!(first.iter().flatten().all(|value| value.is_finite()));
                for other in all {
                    prop_assert!(first == other);
                }
            }
        }
    }
}
