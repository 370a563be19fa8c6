//! The machine's peak rates of the two kinds of work that kernels do: multiply-adds and exponentials.

use std::time::Instant;

use super::{InstructionSet, vector::Vector, vector::dispatch::dispatch};

/// Rates of all threads of the current pool together, with operands in registers and in the
/// first-level cache.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceiling {
    /// Floating point operations of multiply-adds (two each) per second.
    pub flops: f64,
    /// Exponentials per second, as the attention kernels compute them.
    pub exponentials: f64,
}

/// Independent chains of multiply-adds: enough to hide a latency of four at two per cycle.
const CHAINS: usize = 12;
/// Vectors whose exponentials are taken in a round.
const EXPONENTS: usize = 32;
/// Floats of the widest vector.
const WIDEST: usize = 16;

/// Measures for a tenth of a second or two; the best of several tries counts.
pub fn measure_ceiling() -> Ceiling {
    const MULTIPLY_ADDS: usize = 2_000_000;
    const EXPONENTIALS: usize = 200_000;
    let set = InstructionSet::detect();
    let lanes = set.lanes() as f64;
    Ceiling {
        flops: 2.0
            * lanes
            * rate(MULTIPLY_ADDS, CHAINS, |n| multiply_adds(set, n, &mut [0.0; WIDEST])),
        exponentials: lanes
            * rate(EXPONENTIALS, EXPONENTS, |n| exponentials(set, n, &mut [0.0; WIDEST])),
    }
}

/// `rounds` × `each` over the seconds that `run(rounds)` takes, of all threads.
fn rate(rounds: usize, each: usize, run: impl Fn(usize) + Sync) -> f64 {
    let per_thread = || {
        rayon::broadcast(|_| {
            let start = Instant::now();
            run(rounds);
            (rounds * each) as f64 / start.elapsed().as_secs_f64()
        })
    };
    (0..5).map(|_| per_thread().iter().sum()).fold(0.0, f64::max)
}

dispatch! {
    /// Multiply-adds in registers; the result goes to `sink`, or the compiler would drop it all.
    fn multiply_adds(rounds: usize, sink: &mut [f32; WIDEST]) = multiply_adds_kernel
}

#[inline(always)]
fn multiply_adds_kernel<V: Vector>(rounds: usize, sink: &mut [f32; WIDEST]) {
    let (factor, summand) = std::hint::black_box((0.999, 1e-3));
    let (factor, summand) = (V::splat(factor), V::splat(summand));
    let mut chains = [factor; CHAINS];
    for _ in 0..rounds {
        for chain in &mut chains {
            *chain = chain.mul_add(factor, summand);
        }
    }
    for chain in chains {
        V::load(sink).add(chain).store(sink);
    }
    std::hint::black_box(sink);
}

dispatch! {
    fn exponentials(rounds: usize, sink: &mut [f32; WIDEST]) = exponentials_kernel
}

#[inline(always)]
fn exponentials_kernel<V: Vector>(rounds: usize, sink: &mut [f32; WIDEST]) {
    let mut exponents = [0.0f32; EXPONENTS * WIDEST];
    for (index, exponent) in exponents.iter_mut().enumerate() {
        *exponent = index as f32 * -0.1;
    }
    let mut sums = [V::splat(0.0); 4];
    for _ in 0..rounds {
        let exponents = std::hint::black_box(&exponents);
        for four in exponents[..EXPONENTS * V::LANES].chunks_exact(4 * V::LANES) {
            for (sum, exponent) in sums.iter_mut().zip(four.chunks_exact(V::LANES)) {
                *sum = sum.add(V::load(exponent).exp2());
            }
        }
    }
    for sum in sums {
        V::load(sink).add(sum).store(sink);
    }
    std::hint::black_box(sink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_cost_more_than_a_multiply_add() {
        let Ceiling { flops, exponentials } = measure_ceiling();
        assert!(exponentials > 1e6 && flops > 2.0 * exponentials, "{flops} {exponentials}");
    }
}
