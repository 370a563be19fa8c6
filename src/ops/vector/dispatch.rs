//! Chooses at run time for which instruction set a kernel runs.
//!
//! A kernel is one `#[inline(always)]` function generic over [`Vector`](super::Vector);
//! [`dispatch!`] compiles it once per instruction set inside a `#[target_feature]` function and
//! picks by [`InstructionSet`]. A build for plain x86-64 thereby uses AVX where the machine has it
//! (without it: 2.5 times slower forward, 4 times backward).

use std::sync::OnceLock;

use crate::options::Choice;

/// What the kernels are compiled for, from the narrowest to the widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// Whatever the target guarantees: SSE2 on x86-64, NEON with fused multiply-add on AArch64.
    Baseline,
    /// AVX2 with fused multiply-add: 8 lanes, 16 registers.
    Avx2,
    /// AVX-512 F, VL, BW and DQ: 16 lanes, 32 registers.
    Avx512,
}

impl InstructionSet {
    /// The environment variable that keeps kernels from using a wider set than the one it names,
    /// to try on one machine what another computes.
    pub const LIMIT: &str = "U2AD_INSTRUCTION_SET";

    /// The set that kernels use: the widest that this machine has, within [`Self::LIMIT`].
    pub fn detect() -> Self {
        static SET: OnceLock<InstructionSet> = OnceLock::new();
        *SET.get_or_init(|| {
            let widest = Self::widest();
            Self::limit().ok().flatten().map_or(widest, |limit| widest.min(limit))
        })
    }

    /// What [`Self::LIMIT`] says, if it is set.
    ///
    /// # Errors
    /// If it names no instruction set.
    pub fn limit() -> crate::Result<Option<Self>> {
        let Some(name) = std::env::var_os(Self::LIMIT) else { return Ok(None) };
        Self::from_name(&name.to_string_lossy()).map(Some)
    }

    /// The widest set that this machine has.
    pub fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
            {
                return Self::Avx512;
            }
            if avx2 {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// Floats in a vector.
    pub(in crate::ops) fn lanes(self) -> usize {
        match self {
            Self::Baseline | Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }

    /// Whether there are 32 registers of the vector's width: a kernel may then keep three groups
    /// of eight vectors in them.
    pub(in crate::ops) fn has_many_registers(self) -> bool {
        self == Self::Avx512
    }

    /// Every set that this machine can run, for tests and benchmarks.
    pub fn available() -> Vec<Self> {
        let widest = Self::detect();
        [Self::Baseline, Self::Avx2, Self::Avx512].into_iter().filter(|s| *s <= widest).collect()
    }
}

impl Choice for InstructionSet {
    const WHAT: &'static str = "instruction set";
    const ALL: &'static [Self] = &[Self::Baseline, Self::Avx2, Self::Avx512];

    fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// Whether the target itself promises a fused multiply-add.
pub(in crate::ops) const BASELINE_FUSED: bool =
    cfg!(any(target_arch = "aarch64", target_feature = "fma"));

/// Defines a function that runs `$kernel::<V>` with the vector of the given [`InstructionSet`].
///
/// The set must be one that this machine has, which [`InstructionSet::detect`] guarantees and
/// which is checked again (the check is one cached load).
macro_rules! dispatch {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $kernel:ident) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name(set: $crate::ops::InstructionSet, $($arg: $ty),*) {
            use $crate::ops::vector::Lanes;
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::ops::InstructionSet;
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) {
                    $kernel::<Lanes<8, true>>($($arg),*)
                }
                #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
                fn avx512($($arg: $ty),*) {
                    #[derive(Clone, Copy)]
                    struct Here;
                    // SAFETY: nothing outside this function can name the type, and the function
                    // is compiled for all features, so that only `unsafe` code can call it.
                    unsafe impl $crate::ops::vector::avx512::Detected for Here {}
                    $kernel::<$crate::ops::vector::avx512::Avx512<Here>>($($arg),*)
                }
                let set = set.min(InstructionSet::detect());
                if set == InstructionSet::Avx512 {
                    // SAFETY: `detect` never exceeds `widest`, which saw every feature that
                    // `avx512` is compiled for.
                    return unsafe { avx512($($arg),*) };
                }
                if set == InstructionSet::Avx2 {
                    // SAFETY: `detect` never exceeds `widest`, which saw both features that `avx2`
                    // is compiled for.
                    return unsafe { avx2($($arg),*) };
                }
            }
            let _ = set;
            $kernel::<Lanes<8, { $crate::ops::vector::dispatch::BASELINE_FUSED }>>($($arg),*)
        }
    };
}
pub(in crate::ops) use dispatch;
