use candle_core::{Device, Var};
use proptest::prelude::*;

use super::*;
use crate::ops::test_support::*;

/// Tokens, then the twelve weights in packing order.
fn inputs(shape: [usize; 3], hidden: usize, seed: u64) -> Vec<Tensor> {
    let shapes = [shape.to_vec()].into_iter().chain(BlockWeights::shapes(shape[2], hidden));
    let tensor = |(i, shape): (usize, Vec<usize>)| noise_tensor(&shape, 0.5, seed + i as u64);
    shapes.enumerate().map(tensor).collect()
}

fn weights(x: &[Tensor]) -> BlockWeights {
    let affine = |i: usize| Affine { weight: x[i].clone(), bias: x[i + 1].clone() };
    BlockWeights {
        norm1: affine(1),
        qkv: affine(3),
        proj: affine(5),
        norm2: affine(7),
        fc1: affine(9),
        fc2: affine(11),
    }
}

const EPSILON: f64 = 1e-5;

fn apply(heads: usize) -> impl Fn(&[Tensor]) -> Result<Tensor> + Sync {
    move |x| block(&x[0], weights(x), heads, EPSILON, &CancelToken::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn matches_the_composite_for_any_shape(
        batch in 1usize..4, tokens in 1usize..200, heads in 1usize..4, head_size in 2usize..12,
        hidden in 1usize..60, seed in 0u64..1000,
    ) {
        // A norm over 2 channels is a sign, whose rounding no tolerance holds.
        prop_assume!(heads * head_size >= 4);
        let inputs = inputs([batch, tokens, heads * head_size], hidden, seed);
        assert_matches_f64(&apply(heads), &inputs, 2e-5, 1e-4);
    }
}

#[test]
fn agrees_with_the_single_operations_at_the_published_width() {
    let inputs = inputs([2, 300, 64], 256, 1);
    let single = |x: &[Tensor]| composite(&x[0], &weights(x), 8, EPSILON);
    let (fused, gradients) = result_and_gradients(&apply(8), &inputs);
    let (plain, expected) = result_and_gradients(&single, &inputs);
    let size = |tensor: &Tensor| largest_difference(tensor, &tensor.zeros_like().unwrap());
    assert!(largest_difference(&fused, &plain) < 1e-5 * size(&plain));
    for (index, (gradient, expected)) in gradients.iter().zip(&expected).enumerate() {
        let error = largest_difference(gradient, expected) / size(expected);
        assert!(error < 1e-4, "gradient {index} differs by {error:e} of its size");
    }
}

#[test]
fn the_composite_has_true_gradients() {
    assert_gradients_match_differences(&apply(2), &inputs([2, 3, 6], 5, 2));
}

#[test]
fn bits_do_not_depend_on_the_thread_count() {
    assert_same_bits_on_any_thread_count(&apply(2), &inputs([3, 311, 16], 64, 3));
}

#[test]
fn gradients_reach_a_weight_although_the_tokens_are_constant() -> Result<()> {
    let mut inputs = inputs([1, 20, 8], 16, 4);
    let bias = Var::from_tensor(&inputs[12])?;
    inputs[12] = bias.as_tensor().clone();
    let gradients = apply(2)(&inputs)?.sum_all()?.backward()?;
    let gradient = gradients.get(bias.as_tensor()).expect("a gradient").to_vec1::<f32>()?;
    assert!(gradient.iter().all(|g| (g - 20.0).abs() < 1e-4), "{gradient:?}");
    Ok(())
}

#[test]
fn a_stack_is_its_blocks_one_after_another() {
    let (first, second) = (inputs([2, 90, 16], 40, 7), inputs([2, 90, 16], 40, 70));
    let all = [first.clone(), second[1..].to_vec()].concat();
    let token = CancelToken::default();
    let one = |x: &Tensor, w: &[Tensor]| {
        let all = [std::slice::from_ref(x), w].concat();
        block(x, weights(&all), 2, EPSILON, &token)
    };
    let apart = |x: &[Tensor]| one(&one(&x[0], &x[1..13])?, &x[13..]);
    let stack = |blocks: &[&[Tensor]]| BlockStack::new(blocks.iter().map(|x| weights(x)).collect());
    let together = |x: &[Tensor]| {
        let second = [&x[..1], &x[13..]].concat();
        blocks(&x[0], &stack(&[x, &second])?, 2, EPSILON, &token)
    };
    let (a, b) = (result_and_gradients(&apart, &all), result_and_gradients(&together, &all));
    assert_eq!(largest_difference(&a.0, &b.0), 0.0);
    for (a, b) in a.1.iter().zip(&b.1) {
        assert_eq!(largest_difference(a, b), 0.0);
    }
    let other = inputs([2, 90, 16], 30, 1);
    assert!(stack(&[&all, &other]).is_err());
    // Without a graph the weights are packed beforehand; no bit changes.
    let frozen = together(&all).unwrap();
    assert!(!frozen.track_op());
    assert_eq!(largest_difference(&frozen, &a.0), 0.0);
}

#[test]
fn a_second_backward_pass_is_an_error() -> Result<()> {
    let mut inputs = inputs([1, 20, 8], 16, 8);
    inputs[0] = Var::from_tensor(&inputs[0])?.as_tensor().clone();
    let loss = apply(2)(&inputs)?.sum_all()?;
    assert!(loss.backward().is_ok());
    assert!(loss.backward().is_err());
    Ok(())
}

#[test]
fn an_empty_batch_stays_empty() -> Result<()> {
    let x = Tensor::zeros((0, 20, 8), candle_core::DType::F32, &Device::Cpu)?;
    let weights = weights(&inputs([1, 20, 8], 16, 5));
    assert_eq!(block(&x, weights, 2, EPSILON, &CancelToken::default())?.dims(), [0, 20, 8]);
    Ok(())
}

#[test]
fn a_set_token_stops_the_forward_and_the_backward_pass() -> Result<()> {
    let inputs = inputs([1, 20, 8], 16, 6);
    let double: Vec<Tensor> =
        inputs.iter().map(|t| t.to_dtype(candle_core::DType::F64)).collect::<Result<_>>()?;
    let cancelled = |error: candle_core::Error| matches!(error.into(), crate::Error::Cancelled);
    for x in [&inputs, &double] {
        let token = CancelToken::default();
        let x0 = Var::from_tensor(&x[0])?;
        let run = || block(x0.as_tensor(), weights(x), 2, EPSILON, &token);
        let result = run()?.sum_all()?;
        token.cancel();
        assert!(cancelled(run().unwrap_err()));
        if fused_on(&x[0]) {
            assert!(cancelled(result.backward().unwrap_err()));
        }
        token.reset();
        assert!(run()?.sum_all()?.backward().is_ok());
    }
    Ok(())
}

#[test]
fn wrong_shapes_are_errors() {
    let good = inputs([1, 5, 8], 16, 6);
    assert!(apply(3)(&good).is_err(), "3 heads do not divide 8 channels");
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] = noise_tensor(&[3, 7], 1.0, 1);
        assert!(apply(2)(&bad).is_err(), "input {index}");
    }
}
