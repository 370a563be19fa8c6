//! Time of each fused operation at the published sizes, beside candle's own operations (a block:
//! beside the fused single operations).
//!
//! `cargo bench --bench ops [-- NAME…]`: runs the operations whose name contains one of NAMEs,
//! alternating between the two forms, and prints the median of each and their ratio. GFLOP count
//! multiplications and additions of the matrix products only.

use candle_core::{D, Device, Result, Tensor, Var};
use candle_nn::ops::softmax;
use u2ad::benchmark::{Operation, time_operation};
use u2ad::context::CancelToken;
use u2ad::ops::{self, Affine, BlockWeights};
use u2ad::statistics::median;

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
            let [forward, backward] = time_operation(*form, &inputs, &grad)?;
            // The first round warms caches and pools.
            if round > 0 {
                seconds[0].push(forward);
                seconds[1].push(backward);
            }
        }
    }
    for (pass, (name, share)) in [("forward", 1.0), ("backward", 2.0)].into_iter().enumerate() {
        let fused = median(seconds[0][pass].iter().copied()).unwrap_or(f64::NAN);
        print!("{:<24} {name:<9} {:>8.2} ms", case.name, fused * 1e3);
        if case.gflop > 0.0 {
            print!(" {:>7.1} GFLOP/s", case.gflop * share / fused);
        }
        if let Some(composite) = seconds.get(1) {
            let composite = median(composite[pass].iter().copied()).unwrap_or(f64::NAN);
            print!("   {:>5.1} x", composite / fused);
        }
        println!();
    }
    Ok(())
}

fn attention_case(name: &'static str, shape: [usize; 3], heads: usize) -> Case {
    let [batch, tokens, dim] = shape;
    Case {
        name,
        shapes: vec![vec![batch, tokens, 3 * dim]],
        gflop: 4e-9 * (batch * tokens * tokens * dim) as f64,
        fused: Box::new(move |x| ops::attention(&x[0], heads)),
        // Ten images at once would need gigabytes.
        composite: (batch == 1).then(|| -> Box<Operation> {
            Box::new(move |x| {
                let qkv = x[0]
                    .reshape((batch, tokens, 3, heads, dim / heads))?
                    .permute((2, 0, 3, 1, 4))?
                    .contiguous()?;
                let q = (qkv.get(0)? * (1.0 / ((dim / heads) as f64).sqrt()))?;
                let logits = q.matmul(&qkv.get(1)?.transpose(2, 3)?)?;
                let mixed = softmax(&logits, D::Minus1)?.matmul(&qkv.get(2)?)?;
                mixed.transpose(1, 2)?.contiguous()?.reshape((batch, tokens, dim))
            })
        }),
    }
}

fn composite_linear(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (batch, tokens, dim) = x.dims3()?;
    x.reshape((batch * tokens, dim))?.matmul(&weight.t()?)?.broadcast_add(bias)?.reshape((
        batch,
        tokens,
        bias.elem_count(),
    ))
}

fn linear_case(name: &'static str, tokens: usize, inputs: usize, outputs: usize) -> Case {
    Case {
        name,
        shapes: vec![vec![10, tokens, inputs], vec![outputs, inputs], vec![outputs]],
        gflop: 2e-8 * (tokens * inputs * outputs) as f64,
        fused: Box::new(|x| ops::linear(&x[0], &x[1], &x[2])),
        composite: Some(Box::new(|x| composite_linear(&x[0], &x[1], &x[2]))),
    }
}

fn mlp_case(name: &'static str, tokens: usize, dim: usize) -> Case {
    let hidden = 4 * dim;
    Case {
        name,
        shapes: vec![
            vec![10, tokens, dim],
            vec![hidden, dim],
            vec![hidden],
            vec![dim, hidden],
            vec![dim],
        ],
        gflop: 4e-8 * (tokens * dim * hidden) as f64,
        fused: Box::new(|x| ops::mlp(&x[0], &x[1], &x[2], &x[3], &x[4])),
        composite: Some(Box::new(|x| {
            let hidden = composite_linear(&x[0], &x[1], &x[2])?.gelu_erf()?;
            composite_linear(&hidden, &x[3], &x[4])
        })),
    }
}

fn separate_mlp_case(tokens: usize, dim: usize) -> Case {
    let fused: Box<Operation> =
        Box::new(|x| ops::linear(&ops::gelu(&ops::linear(&x[0], &x[1], &x[2])?)?, &x[3], &x[4]));
    Case { fused, ..mlp_case("mlp of three operations", tokens, dim) }
}

/// A whole block, beside the same from the fused single operations.
fn block_case(name: &'static str, tokens: usize, dim: usize) -> Case {
    let (hidden, heads) = (4 * dim, dim / 8);
    let affine = |x: &[Tensor], i: usize| Affine { weight: x[i].clone(), bias: x[i + 1].clone() };
    Case {
        name,
        shapes: [vec![10, tokens, dim]]
            .into_iter()
            .chain(BlockWeights::shapes(dim, hidden))
            .collect(),
        gflop: 1e-8 * (tokens * (24 * dim * dim + 4 * tokens * dim)) as f64,
        fused: Box::new(move |x| {
            let weights = BlockWeights {
                norm1: affine(x, 1),
                qkv: affine(x, 3),
                proj: affine(x, 5),
                norm2: affine(x, 7),
                fc1: affine(x, 9),
                fc2: affine(x, 11),
            };
            ops::block(&x[0], weights, heads, 1e-5, &CancelToken::default())
        }),
        composite: Some(Box::new(move |x| {
            let qkv = ops::linear(&ops::layer_norm(&x[0], &x[1], &x[2], 1e-5)?, &x[3], &x[4])?;
            let y = (&x[0] + ops::linear(&ops::attention(&qkv, heads)?, &x[5], &x[6])?)?;
            let normed = ops::layer_norm(&y, &x[7], &x[8], 1e-5)?;
            &y + ops::mlp(&normed, &x[9], &x[10], &x[11], &x[12])?
        })),
    }
}

fn gelu_case(tokens: usize, dim: usize) -> Case {
    Case {
        name: "gelu",
        shapes: vec![vec![10, tokens, dim]],
        gflop: 0.0,
        fused: Box::new(|x| ops::gelu(&x[0])),
        composite: Some(Box::new(|x| x[0].gelu_erf())),
    }
}

fn layer_norm_case(tokens: usize, dim: usize) -> Case {
    Case {
        name: "layer norm",
        shapes: vec![vec![10, tokens, dim], vec![dim], vec![dim]],
        gflop: 0.0,
        fused: Box::new(|x| ops::layer_norm(&x[0], &x[1], &x[2], 1e-5)),
        composite: Some(Box::new(|x| {
            let centred = x[0].broadcast_sub(&x[0].mean_keepdim(D::Minus1)?)?;
            let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + 1e-5)?.sqrt()?;
            centred.broadcast_div(&deviation)?.broadcast_mul(&x[1])?.broadcast_add(&x[2])
        })),
    }
}

/// Images as the scorer's U-Net sees them.
fn convolution_case(
    name: &'static str,
    inputs: usize,
    outputs: usize,
    edges: (usize, usize),
) -> Case {
    let (rows, columns) = edges;
    Case {
        name,
        shapes: vec![vec![8, inputs, rows, columns], vec![outputs, inputs, 3, 3], vec![outputs]],
        gflop: 1e-9 * (8 * 18 * inputs * outputs * rows * columns) as f64,
        fused: Box::new(|x| ops::convolution(&x[0], &x[1], &x[2])),
        composite: Some(Box::new(|x| {
            x[0].conv2d(&x[1], 1, 1, 1, 1)?.broadcast_add(&x[2].reshape((1, (), 1, 1))?)
        })),
    }
}

fn main() -> Result<()> {
    ops::keep_element_wise_serial();
    ops::keep_freed_memory();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let cases = [
        block_case("block encoder", 987, 128),
        block_case("block decoder", 1025, 64),
        attention_case("attention encoder", [10, 987, 128], 16),
        attention_case("attention decoder", [10, 1025, 64], 8),
        attention_case("attention one image", [1, 987, 128], 16),
        attention_case("attention head size 64", [1, 987, 384], 6),
        linear_case("linear qkv encoder", 987, 128, 384),
        linear_case("linear qkv decoder", 1025, 64, 192),
        mlp_case("mlp encoder", 987, 128),
        separate_mlp_case(987, 128),
        mlp_case("mlp decoder", 1025, 64),
        gelu_case(987, 512),
        layer_norm_case(987, 128),
        convolution_case("convolution of 12 channels", 12, 12, (128, 64)),
        convolution_case("convolution of 36 to 12 channels", 36, 12, (128, 64)),
        convolution_case("convolution of 36 channels", 36, 36, (32, 16)),
    ];
    println!("{:?}, {} threads", ops::InstructionSet::detect(), rayon::current_num_threads());
    for case in &cases {
        if wanted.is_empty() || wanted.iter().any(|w| case.name.contains(w.as_str())) {
            run(case, 7)?;
        }
    }
    Ok(())
}
