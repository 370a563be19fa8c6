//! What the tests of this module share: reproducible tensors, comparisons with an f64 reference,
//! finite differences and thread pools.

use super::InstructionSet;
use candle_core::{DType, Device, Result, Tensor, Var};

/// Reproducible values in about [-1, 1] × `size` (a linear congruential sequence).
pub fn noise(count: usize, size: f32, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| size * draw()).collect()
}

/// A tensor of [`noise`].
pub fn noise_tensor(shape: &[usize], size: f32, seed: u64) -> Tensor {
    let count = shape.iter().product();
    Tensor::from_vec(noise(count, size, seed), shape, &Device::Cpu).unwrap()
}

/// The largest absolute difference, NaN if there is one.
pub fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let values = |t: &Tensor| {
        t.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()
    };
    values(a)
        .into_iter()
        .zip(values(b))
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, |worst, d| if d <= worst { worst } else { d })
}

/// Result of `f` and gradients of Σ result · weights (fixed noise) with respect to every input.
pub fn result_and_gradients(
    f: &dyn Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
) -> (Tensor, Vec<Tensor>) {
    let vars: Vec<Var> = inputs.iter().map(|t| Var::from_tensor(t).unwrap()).collect();
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let result = f(&tensors).unwrap();
    let weights = noise_tensor(result.dims(), 1.0, 99).to_dtype(result.dtype()).unwrap();
    let loss = (&result * weights).unwrap().sum_all().unwrap();
    let grads = loss.backward().unwrap();
    let gradients = vars.iter().map(|v| grads.get(v).expect("a gradient").clone()).collect();
    (result, gradients)
}

/// Compares `f` on f32 inputs with the same on f64 inputs (where it is the composite), gradients
/// relative to the largest element of the true one. A small gradient is what is left of many terms
/// of about 1 that cancel, so its rounding is measured against 0.1 at least.
pub fn assert_matches_f64(
    f: &dyn Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
    forward_tolerance: f64,
    gradient_tolerance: f64,
) {
    let exact: Vec<Tensor> = inputs.iter().map(|t| t.to_dtype(DType::F64).unwrap()).collect();
    let (result, gradients) = result_and_gradients(f, inputs);
    let (exact_result, exact_gradients) = result_and_gradients(f, &exact);
    let error = largest_difference(&result, &exact_result);
    assert!(error <= forward_tolerance, "forward differs by {error:e}");
    for (index, (gradient, exact)) in gradients.iter().zip(&exact_gradients).enumerate() {
        let error = largest_difference(gradient, exact);
        let size = largest_difference(exact, &exact.zeros_like().unwrap());
        assert!(
            error <= gradient_tolerance * size.max(0.1),
            "gradient {index} differs by {error:e} of {size:e}"
        );
    }
}

/// Checks the f64 path's gradients against central differences, so that the oracle is true too.
pub fn assert_gradients_match_differences(
    f: &dyn Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
) {
    let inputs: Vec<Tensor> = inputs.iter().map(|t| t.to_dtype(DType::F64).unwrap()).collect();
    let (result, gradients) = result_and_gradients(f, &inputs);
    let weights = noise_tensor(result.dims(), 1.0, 99).to_dtype(DType::F64).unwrap();
    let loss = |inputs: &[Tensor]| -> f64 {
        let product = (f(inputs).unwrap() * &weights).unwrap();
        product.sum_all().unwrap().to_scalar().unwrap()
    };
    for (index, gradient) in gradients.iter().enumerate() {
        let values = inputs[index].flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let gradient = gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for element in (0..values.len()).step_by(values.len().div_ceil(40)) {
            let shifted = |step: f64| {
                let mut values = values.clone();
                values[element] += step;
                let mut moved = inputs.clone();
                moved[index] =
                    Tensor::from_vec(values, inputs[index].shape(), &Device::Cpu).unwrap();
                loss(&moved)
            };
            let difference = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
            assert!(
                (difference - gradient[element]).abs() <= 1e-6 * (1.0 + difference.abs()),
                "input {index}, element {element}: {difference} and {}",
                gradient[element]
            );
        }
    }
}

/// Runs `f` with pools of 1, 2 and 5 threads and checks that every bit agrees.
pub fn assert_same_bits_on_any_thread_count(
    f: &(dyn Fn(&[Tensor]) -> Result<Tensor> + Sync),
    inputs: &[Tensor],
) {
    let runs: Vec<Vec<Vec<u32>>> = [1, 2, 5]
        .into_iter()
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (result, gradients) = result_and_gradients(f, inputs);
                std::iter::once(&result)
                    .chain(&gradients)
                    .map(|tensor| {
                        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                        values.into_iter().map(f32::to_bits).collect()
                    })
                    .collect()
            })
        })
        .collect();
    assert!(runs.windows(2).all(|pair| pair[0] == pair[1]), "bits depend on the thread count");
}

/// Checks that all instruction sets with fused multiply-add give the same bits, and that the baseline is
/// near them.
pub fn assert_same_bits_on_fused_sets(run: impl Fn(InstructionSet) -> Vec<f32>, tolerance: f32) {
    let baseline = run(InstructionSet::Baseline);
    let mut fused: Option<Vec<u32>> = None;
    for set in InstructionSet::available() {
        let values = run(set);
        for (a, b) in values.iter().zip(&baseline) {
            assert!((a - b).abs() <= tolerance, "{set:?}: {a} and {b}");
        }
        if set == InstructionSet::Baseline {
            continue;
        }
        let bits: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
        let first = fused.get_or_insert_with(|| bits.clone());
        let differing = first.iter().zip(&bits).filter(|(a, b)| a != b).count();
        assert_eq!(differing, 0, "{set:?} differs in {differing} of {} values", bits.len());
    }
}
