//! Fixed-width vectors of f32 as plain arrays: inside a function compiled for an instruction set
//! (see [`dispatch`]) the compiler turns each method into one or two instructions, so the
//! kernels need no intrinsics and are written once.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
pub(super) mod dispatch;

/// Partial sums that a sum over many values is made of, whatever the width of the vectors: with
/// narrower ones, several vectors stand for these. So every instruction set with fused multiply-add
/// gives the same bits.
pub(super) const SUM_LANES: usize = 16;

/// A vector of [`LANES`](Vector::LANES) floats. Kernels are generic over it.
pub(super) trait Vector: Copy {
    const LANES: usize;
    /// Vectors that hold [`SUM_LANES`] partial sums.
    const SUM_VECTORS: usize = SUM_LANES / Self::LANES;
    /// Whether there are 32 registers, of the vector's width; as
    /// [`has_many_registers`](super::InstructionSet::has_many_registers).
    const MANY_REGISTERS: bool;

    fn splat(value: f32) -> Self;
    /// The first [`LANES`](Vector::LANES) elements of `from`.
    fn load(from: &[f32]) -> Self;
    /// Writes to the first [`LANES`](Vector::LANES) elements of `to`.
    fn store(self, to: &mut [f32]);
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    /// `self · factor + summand`, with one rounding where the instruction set has it.
    fn mul_add(self, factor: Self, summand: Self) -> Self;
    /// The larger of each pair; `self` where it is NaN.
    fn at_least(self, least: Self) -> Self;
    /// The smaller of each pair; `self` where it is NaN.
    fn at_most(self, ceiling: Self) -> Self;
    /// 2^self with relative error below 2.5e-7 for -126 ≤ self ≤ 127; NaN stays NaN. Outside that
    /// range the result is meaningless: the caller clamps where it must.
    fn exp2(self) -> Self;
    /// Sum over the lanes: the upper half is added to the lower one until one lane is left.
    fn sum(self) -> f32;
    /// The sum over the lanes of each vector, in the order of [`fold`].
    fn sums(vectors: [Self; 8]) -> [f32; 8];
}

/// The sum of [`SUM_LANES`] partial sums: the upper half is added to the lower one, then neighbours are.
#[inline(always)]
pub(super) fn fold(sums: &[f32]) -> f32 {
    let mut halves = [0f32; SUM_LANES / 2];
    for (lane, half) in halves.iter_mut().enumerate() {
        *half = sums[lane] + sums[lane + SUM_LANES / 2];
    }
    let [a, b, c, d, e, f, g, h] = halves;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// `N` lanes; `FUSED` says whether the instruction set multiplies and adds in one instruction
/// (without one, `f32::mul_add` would be a library call).
#[derive(Clone, Copy)]
pub(super) struct Lanes<const N: usize, const FUSED: bool>([f32; N]);

/// Minimax polynomial of 2^f on [-1/2, 1/2], relative error 7.5e-8, lowest power first.
#[allow(clippy::approx_constant)] // The fit's second coefficient only resembles ln 2.
const EXP2: [f32; 6] =
    [1.000_000_1, 0.693_147, 0.240_221_2, 0.055_507_133, 0.009_675_541, 0.001_327_647_2];

/// 1.5 · 2²³: adding it rounds to an integer, which then sits in the lowest bits.
const ROUND: f32 = 12_582_912.0;

impl<const N: usize, const FUSED: bool> Lanes<N, FUSED> {
    #[inline(always)]
    fn zip(mut self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        self
    }
}

impl<const N: usize, const FUSED: bool> Vector for Lanes<N, FUSED> {
    const LANES: usize = N;
    const MANY_REGISTERS: bool = false;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; N])
    }

    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let mut lanes = [0.0; N];
        lanes.copy_from_slice(&from[..N]);
        Self(lanes)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        to[..N].copy_from_slice(&self.0);
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(mut self, factor: Self, summand: Self) -> Self {
        for ((a, b), c) in self.0.iter_mut().zip(factor.0).zip(summand.0) {
            *a = if FUSED { a.mul_add(b, c) } else { *a * b + c };
        }
        self
    }

    #[inline(always)]
    fn at_least(self, least: Self) -> Self {
        self.zip(least, |a, b| if a < b { b } else { a })
    }

    #[inline(always)]
    fn at_most(self, ceiling: Self) -> Self {
        self.zip(ceiling, |a, b| if a > b { b } else { a })
    }

    #[inline(always)]
    fn exp2(self) -> Self {
        let shifted = self.add(Self::splat(ROUND));
        let fraction = self.sub(shifted.sub(Self::splat(ROUND)));
        let mut power = Self::splat(EXP2[5]);
        for coefficient in EXP2[..5].iter().rev() {
            power = power.mul_add(fraction, Self::splat(*coefficient));
        }
        // The integer part, shifted into the exponent field, multiplies by its power of two.
        for (p, s) in power.0.iter_mut().zip(shifted.0) {
            *p = f32::from_bits(p.to_bits().wrapping_add(s.to_bits() << 23));
        }
        power
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        let mut lanes = self.0;
        let mut half = N / 2;
        while half > 0 {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
            half /= 2;
        }
        lanes[0]
    }

    #[inline(always)]
    fn sums(vectors: [Self; 8]) -> [f32; 8] {
        // Only kernels for wide vectors use it.
        let mut sums = [0.0; 8];
        for (sum, vector) in sums.iter_mut().zip(vectors) {
            let mut lanes = [0.0; SUM_LANES];
            lanes[..N].copy_from_slice(&vector.0);
            *sum = fold(&lanes);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::{InstructionSet, vector::dispatch::dispatch};

    #[inline(always)]
    fn relative_error_of_exp2<V: Vector>() -> f64 {
        let mut worst = 0f64;
        for step in 0..200_000 {
            let x = -126.0 + step as f32 * (253.0 / 200_000.0);
            let mut lanes = [0.0; 16];
            V::splat(x).exp2().store(&mut lanes);
            let exact = f64::from(x).exp2();
            worst = worst.max((f64::from(lanes[V::LANES - 1]) / exact - 1.0).abs());
        }
        worst
    }

    dispatch! {
        fn relative_error(worst: &mut f64) = relative_error_kernel
    }

    #[inline(always)]
    fn relative_error_kernel<V: Vector>(worst: &mut f64) {
        *worst = relative_error_of_exp2::<V>();
    }

    #[test]
    fn exp2_is_accurate_over_its_whole_range() {
        assert!(relative_error_of_exp2::<Lanes<16, false>>() < 2.5e-7);
        for set in InstructionSet::available() {
            let mut worst = 1.0;
            relative_error(set, &mut worst);
            assert!(worst < 2.5e-7, "{set:?}: {worst:e}");
        }
    }

    dispatch! {
        fn bits_of_exp2(bits: &mut Vec<u32>) = bits_of_exp2_kernel
    }

    #[inline(always)]
    fn bits_of_exp2_kernel<V: Vector>(bits: &mut Vec<u32>) {
        for step in 0..=200_000 {
            let x = -126.0 + step as f32 * (253.0 / 200_000.0);
            let mut lanes = [0.0; 16];
            V::splat(x).exp2().store(&mut lanes);
            bits.push(lanes[0].to_bits());
        }
    }

    #[test]
    fn exp2_has_the_same_bits_wherever_multiply_adds_are_fused() {
        let mut expected = Vec::new();
        bits_of_exp2_kernel::<Lanes<8, true>>(&mut expected);
        for set in InstructionSet::available() {
            if set == InstructionSet::Baseline {
                continue; // It may round twice.
            }
            let mut bits = Vec::new();
            bits_of_exp2(set, &mut bits);
            assert!(bits == expected, "{set:?}");
        }
    }

    dispatch! {
        fn exp2_of_clamped(x: f32, lanes: &mut [f32; 16]) = exp2_of_clamped_kernel
    }

    #[inline(always)]
    fn exp2_of_clamped_kernel<V: Vector>(x: f32, lanes: &mut [f32; 16]) {
        V::splat(x).at_least(V::splat(-126.0)).at_most(V::splat(127.0)).exp2().store(lanes);
    }

    #[test]
    fn nan_passes_through_exp2_and_the_clamps() {
        for set in InstructionSet::available() {
            let mut lanes = [0.0; 16];
            exp2_of_clamped(set, f32::NAN, &mut lanes);
            assert!(lanes[..set.lanes()].iter().all(|lane| lane.is_nan()), "{set:?}");
            exp2_of_clamped(set, 1e9, &mut lanes);
            assert!((lanes[0] / 127f32.exp2() - 1.0).abs() < 2.5e-7, "{set:?}: {}", lanes[0]);
        }
    }

    dispatch! {
        fn sum_of(lanes: &[f32], sum: &mut f32) = sum_kernel
    }

    #[inline(always)]
    fn sum_kernel<V: Vector>(lanes: &[f32], sum: &mut f32) {
        *sum = V::load(lanes).sum();
        let mut vectors = [V::splat(0.0); 8];
        for (index, vector) in vectors.iter_mut().enumerate() {
            *vector = V::load(lanes).mul(V::splat(index as f32));
        }
        // Powers of two: exact in any order.
        for (index, each) in V::sums(vectors).into_iter().enumerate() {
            assert_eq!(each, *sum * index as f32);
        }
    }

    #[test]
    fn sum_adds_every_lane_once() {
        let lanes: Vec<f32> = (0..16).map(|i| (1 << i) as f32).collect();
        for set in InstructionSet::available() {
            let mut sum = 0.0;
            sum_of(set, &lanes, &mut sum);
            assert_eq!(sum, ((1 << set.lanes()) - 1) as f32, "{set:?}");
        }
    }
}
