//! Time of each fused operation at the published sizes, beside candle's own operations.
//!
//! `cargo bench --bench ops [-- NAME…]`: runs the operations whose name contains one of NAMEs,
//! alternating between the two forms, and prints the median of each and their ratio. GFLOP count
//! multiplications and additions of the matrix products only.

use std::time::Instant;

use candle_core::{Device, Result, Tensor, Var};
use u2ad::ops;

type Operation = dyn Fn(&[Tensor]) -> Result<Tensor>;

/// Seconds of forward and backward, and of each alone.
fn time(operation: &Operation, inputs: &[Var], grad: &Tensor) -> Result<[f64; 2]> {
    let tensors: Vec<Tensor> = inputs.iter().map(|v| v.as_tensor().clone()).collect();
    let start = Instant::now();
    let result = operation(&tensors)?;
    let forward = start.elapsed().as_secs_f64();
    // The gradient of Σ result · grad is grad, at the price of one pass over both.
    let loss = (result * grad)?.sum_all()?;
    let start = Instant::now();
    loss.backward()?;
    Ok([forward, start.elapsed().as_secs_f64()])
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

struct Case {
    name: &'static str,
    shapes: Vec<Vec<usize>>,
    /// GFLOP of the forward pass.
    gflop: f64,
    fused: Box<Operation>,
    composite: Option<Box<Operation>>,
}

fn run(case: &Case, rounds: usize) -> Result<()> {
    let inputs: Vec<Var> = case
        .shapes
        .iter()
        .map(|shape| Var::randn(0f32, 0.5, shape.as_slice(), &Device::Cpu))
        .collect::<Result<_>>()?;
    let constants: Vec<Tensor> = inputs.iter().map(|v| v.as_detached_tensor()).collect();
    let grad = (case.fused)(&constants)?.randn_like(0.0, 1.0)?;
    let forms: Vec<&Operation> =
        std::iter::once(&case.fused).chain(&case.composite).map(|f| &**f).collect();
    let mut seconds = vec![[vec![], vec![]]; forms.len()];
    for round in 0..=rounds {
        for (form, seconds) in forms.iter().zip(&mut seconds) {
            let [forward, backward] = time(*form, &inputs, &grad)?;
            // The first round warms caches and pools.
            if round > 0 {
                seconds[0].push(forward);
                seconds[1].push(backward);
            }
        }
    }
    for (pass, (name, share)) in [("forward", 1.0), ("backward", 2.0)].into_iter().enumerate() {
        let fused = median(seconds[0][pass].clone());
        print!("{:<22} {name:<9} {:>8.2} ms", case.name, fused * 1e3);
        print!(" {:>7.1} GFLOP/s", case.gflop * share / fused);
        if let Some(composite) = seconds.get(1) {
            print!("   {:>5.1} x", median(composite[pass].clone()) / fused);
        }
        println!();
    }
    Ok(())
}

fn attention_case(
    name: &'static str,
    batch: usize,
    tokens: usize,
    dim: usize,
    heads: usize,
) -> Case {
    Case {
        name,
        shapes: vec![vec![batch, tokens, 3 * dim]],
        gflop: 4e-9 * (batch * tokens * tokens * dim) as f64,
        fused: Box::new(move |x| ops::attention(&x[0], heads)),
        composite: None,
    }
}

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let cases = [
        attention_case("attention encoder", 10, 987, 128, 16),
        attention_case("attention decoder", 10, 1025, 64, 8),
        attention_case("attention one image", 1, 987, 128, 16),
        attention_case("attention head 64", 2, 987, 384, 6),
    ];
    println!("{:?}, {} threads", ops::InstructionSet::detect(), rayon::current_num_threads());
    for case in &cases {
        if wanted.is_empty() || wanted.iter().any(|w| case.name.contains(w.as_str())) {
            run(case, 7)?;
        }
    }
    Ok(())
}
