//! Vectors of AVX-512. With 32 registers the kernels hold so many vectors at once that the
//! compiler no longer keeps plain arrays of floats in registers, hence intrinsics.

use std::arch::x86_64::*;
use std::marker::PhantomData;

use super::{EXP2, ROUND, Vector};

/// Evidence that code runs only where the machine has AVX-512 F, VL, BW and DQ. It has no size and
/// is not even passed on: a vector type cannot be named without it.
///
/// # Safety
/// The type must be out of reach for code that may run without these features.
/// [`dispatch!`](super::dispatch) implements it for a type inside the one function that is compiled
/// for them, and calls that function only after detection.
pub(in crate::ops) unsafe trait Detected: Copy {}

/// Sixteen lanes.
#[derive(Clone, Copy)]
pub(in crate::ops) struct Avx512<D: Detected>(__m512, PhantomData<D>);

impl<D: Detected> Avx512<D> {
    #[inline(always)]
    fn new(lanes: __m512) -> Self {
        Self(lanes, PhantomData)
    }
}

impl<D: Detected> Vector for Avx512<D> {
    const LANES: usize = 16;
    const MANY_REGISTERS: bool = true;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    fn load(from: &[f32]) -> Self {
        let from = &from[..Self::LANES];
        // SAFETY: `D` vouches for the instruction; the slice has 16 elements.
        Self::new(unsafe { _mm512_loadu_ps(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        let to = &mut to[..Self::LANES];
        // SAFETY: `D` vouches for the instruction; the slice has 16 elements.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_div_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, summand: Self) -> Self {
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_fmadd_ps(self.0, factor.0, summand.0) })
    }

    #[inline(always)]
    fn at_least(self, least: Self) -> Self {
        // The instruction returns its second operand where one is NaN.
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_max_ps(least.0, self.0) })
    }

    #[inline(always)]
    fn at_most(self, ceiling: Self) -> Self {
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_min_ps(ceiling.0, self.0) })
    }

    /// The bits of [`Lanes`](super::Lanes): within the range that `exp2` promises, scaling by a power
    /// of two is exact. One instruction instead of a shift and an addition, which compete with the
    /// multiply-adds (a forward pass of attention takes 7 to 10 % less time).
    #[inline(always)]
    fn exp2(self) -> Self {
        let rounded = self.add(Self::splat(ROUND)).sub(Self::splat(ROUND));
        let fraction = self.sub(rounded);
        let mut power = Self::splat(EXP2[5]);
        for coefficient in EXP2[..5].iter().rev() {
            power = power.mul_add(fraction, Self::splat(*coefficient));
        }
        // SAFETY: `D` vouches for the instruction.
        Self::new(unsafe { _mm512_scalef_ps(power.0, rounded.0) })
    }

    /// Two vectors share each addition from the second on: half the instructions of eight sums.
    #[inline(always)]
    fn sums(vectors: [Self; 8]) -> [f32; 8] {
        let mut sums = [0.0; 8];
        // SAFETY: `D` vouches for the instructions; the array takes eight floats.
        unsafe {
            let mut halves = [_mm256_setzero_ps(); 8];
            for (half, Self(vector, _)) in halves.iter_mut().zip(vectors) {
                let upper = _mm512_extractf32x8_ps::<1>(vector);
                *half = _mm256_add_ps(_mm512_castps512_ps256(vector), upper);
            }
            let [a, b, c, d, e, f, g, h] = halves;
            let first = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
            let last = _mm256_hadd_ps(_mm256_hadd_ps(e, f), _mm256_hadd_ps(g, h));
            // Each 128-bit half holds partial sums of four vectors.
            let lower = _mm256_permute2f128_ps::<0x20>(first, last);
            let upper = _mm256_permute2f128_ps::<0x31>(first, last);
            _mm256_storeu_ps(sums.as_mut_ptr(), _mm256_add_ps(lower, upper));
        }
        sums
    }

    #[inline(always)]
    fn sum(self) -> f32 {
        // SAFETY: `D` vouches for the instruction.
        unsafe { _mm512_reduce_add_ps(self.0) }
    }
}
