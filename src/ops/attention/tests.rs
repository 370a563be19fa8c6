use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;

use super::{
    attention,
    backward::{Saved, backward},
    forward::forward,
    geometry::Geometry,
};
use crate::ops::test_support::*;

fn qkv(batch: usize, tokens: usize, dim: usize, size: f32, seed: u64) -> Tensor {
    noise_tensor(&[batch, tokens, 3 * dim], size, seed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn matches_the_composite_for_any_shape(
        batch in 1usize..3, tokens in 1usize..150, heads in 1usize..4,
        head_size in prop::sample::select(vec![1usize, 3, 8, 12, 16, 20, 32, 64, 128]),
        seed in 0u64..1000,
    ) {
        let input = qkv(batch, tokens, heads * head_size, 1.5, seed);
        assert_matches_f64(&|x| attention(&x[0], heads), &[input], 1e-5, 1e-4);
    }
}

#[test]
fn matches_the_composite_on_spiky_logits_beyond_the_safe_bound() {
    // |logit| up to 8 · 12² / √8 ≈ 400: only the running maximum keeps this finite.
    let input = qkv(2, 130, 16, 12.0, 5);
    assert_matches_f64(&|x| attention(&x[0], 2), &[input], 5e-4, 5e-4);
}

#[test]
fn matches_the_composite_where_heads_are_cut_into_ranges_of_keys() {
    let input = qkv(1, 700, 8, 1.0, 6);
    assert_matches_f64(&|x| attention(&x[0], 1), &[input], 1e-5, 1e-4);
}

#[test]
fn the_composite_has_true_gradients() {
    let input = qkv(1, 5, 6, 1.0, 7);
    assert_gradients_match_differences(&|x| attention(&x[0], 2), &[input]);
}

#[test]
fn every_instruction_set_agrees() {
    // Narrow heads and others, with and without a running maximum, keys that fill no tile.
    for (heads, head_size, tokens, size) in
        [(3, 8, 77, 1.0), (3, 8, 203, 12.0), (2, 16, 77, 1.0), (2, 16, 90, 9.0), (1, 5, 41, 1.0)]
    {
        let dim = heads * head_size;
        let geometry = Geometry { batch: 2, tokens, heads, head_size };
        let qkv = noise(2 * tokens * 3 * dim, size, 8);
        let grad = noise(2 * tokens * dim, 1.0, 9);
        let run = |set| {
            let (mut out, mut log_sum) =
                (vec![0.0; 2 * tokens * dim], vec![0.0; 2 * heads * tokens]);
            forward(set, geometry, &qkv, &mut out, &mut log_sum);
            let mut grad_qkv = vec![0.0; qkv.len()];
            let saved = Saved { qkv: &qkv, out: &out, log_sum: &log_sum, grad: &grad };
            backward(set, geometry, saved, &mut grad_qkv);
            [out, log_sum, grad_qkv].concat()
        };
        assert_same_bits_on_fused_sets(run, 3e-6 * size * size * size);
    }
}

#[test]
fn bits_do_not_depend_on_the_thread_count() {
    for (batch, tokens) in [(1, 650), (3, 99)] {
        let input = qkv(batch, tokens, 16, 1.0, 10);
        assert_same_bits_on_any_thread_count(&|x| attention(&x[0], 2), &[input]);
    }
}

#[test]
fn strided_input_gives_the_same_as_contiguous_input() {
    let wide = noise_tensor(&[2, 30, 60], 1.0, 11);
    let strided = wide.narrow(2, 6, 48).unwrap();
    assert!(!strided.is_contiguous());
    let a = attention(&strided, 2).unwrap();
    let b = attention(&strided.contiguous().unwrap(), 2).unwrap();
    assert_eq!(largest_difference(&a, &b), 0.0);
}

#[test]
fn a_nan_is_not_hidden() {
    let mut values = noise(2 * 40 * 24, 1.0, 12);
    values[24 * 3 + 1] = f32::NAN;
    let input = Tensor::from_vec(values, (2, 40, 24), &Device::Cpu).unwrap();
    let out = attention(&input, 1).unwrap().to_vec3::<f32>().unwrap();
    assert!(out[0][3].iter().all(|x| x.is_nan()));
    assert!(out[1].iter().flatten().all(|x| x.is_finite()));
}

#[test]
fn wrong_shapes_are_errors() {
    assert!(attention(&noise_tensor(&[2, 5, 24], 1.0, 1), 3).is_err());
    assert!(attention(&noise_tensor(&[2, 5, 24], 1.0, 1), 0).is_err());
    assert!(attention(&noise_tensor(&[5, 24], 1.0, 1), 2).is_err());
}

#[test]
fn no_tokens_give_no_tokens() {
    let none = Tensor::zeros((2, 0, 24), DType::F32, &Device::Cpu).unwrap();
    assert_eq!(attention(&none, 2).unwrap().dims(), [2, 0, 8]);
}

#[test]
fn constants_leave_no_graph() {
    assert!(!attention(&qkv(1, 4, 8, 1.0, 1), 1).unwrap().track_op());
}
