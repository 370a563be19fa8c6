//! How close the kernels come to the limits of the machine.
//!
//! A kernel's lower bound is the time that its multiply-adds and its exponentials would take at the
//! measured [`Ceiling`], one after the other: both need the same execution units. Not counted, and so part
//! of what is missing: memory traffic, packing, norms, the polynomials of the GELU, sums of
//! gradients, everything that candle adds.

use candle_core::{Device, Tensor, Var};
use serde::Serialize;

use super::operation::{Operation, time_operation};
use crate::context::{CancelToken, Context, Streams};
use crate::model::Config;
use crate::ops::{self, Affine, BlockWeights, Ceiling, InstructionSet};
use crate::statistics::median;
use crate::{Error, Result};

/// The table of `u2ad bench roofline`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Roofline {
    pub what: &'static str,
    pub instruction_set: String,
    pub threads: usize,
    pub batch_size: usize,
    /// 10⁹ floating point operations of multiply-adds per second.
    pub ceiling_gflops: f64,
    /// 10⁹ exponentials per second.
    pub ceiling_gexps: f64,
    pub kernels: Vec<KernelTime>,
    pub config: Config,
}

/// One kernel in one direction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelTime {
    pub kernel: String,
    pub pass: &'static str,
    /// How often a training step runs it.
    pub per_step: usize,
    /// 10⁹ floating point operations of its matrix products, recomputation included.
    pub gflop: f64,
    /// 10⁹ exponentials.
    pub gexp: f64,
    /// Seconds at the ceiling.
    pub bound_s: f64,
    pub median_s: f64,
    /// bound ÷ median.
    pub fraction: f64,
}

/// Sizes of a stack of blocks.
#[derive(Clone, Copy)]
struct Stack {
    name: &'static str,
    batch: usize,
    tokens: usize,
    dim: usize,
    heads: usize,
    hidden: usize,
    depth: usize,
}

/// Matrix products (GFLOP) and exponentials (10⁹) of the forward and the backward pass.
type Work = [(f64, f64); 2];

/// Name, shapes of the inputs, work, and what to run.
type Case = (&'static str, Vec<Vec<usize>>, Work, Box<Operation>);

impl Stack {
    fn rows(&self) -> f64 {
        (self.batch * self.tokens) as f64 * 1e-9
    }

    /// Forward q kᵀ and p v; backward these scores again, dP, dq, dk and dv.
    fn attention(&self) -> Work {
        let pairs = self.rows() * self.tokens as f64;
        let (product, exps) = (2.0 * pairs * self.dim as f64, pairs * self.heads as f64);
        [(2.0 * product, exps), (5.0 * product, exps)]
    }

    /// Two layers. The backward pass computes the first again, then two products per layer; the
    /// GELU's slope takes an exponential.
    fn mlp(&self) -> Work {
        let layer = 2.0 * self.rows() * (self.dim * self.hidden) as f64;
        [(2.0 * layer, 0.0), (5.0 * layer, self.rows() * self.hidden as f64)]
    }

    /// Projection and qkv, four squares of the width; backward twice as much and the projection
    /// once more.
    fn block(&self) -> Work {
        let squares = 8.0 * self.rows() * (self.dim * self.dim) as f64;
        let ([a, b], [c, d]) = (self.attention(), self.mlp());
        [(a.0 + c.0 + squares, a.1 + c.1), (b.0 + d.0 + 2.25 * squares, b.1 + d.1)]
    }

    fn qkv(&self) -> [usize; 3] {
        [self.batch, self.tokens, 3 * self.dim]
    }

    fn x(&self) -> [usize; 3] {
        [self.batch, self.tokens, self.dim]
    }
}

/// Times the kernels at the shapes of a training step on the toy batch, `runs` times each after
/// one that is not counted.
pub fn roofline(config: Config, batch: usize, runs: usize) -> Result<Roofline> {
    if runs == 0 || batch == 0 {
        return Err(Error::input("a benchmark needs at least 1 run and 1 slice"));
    }
    let slices = super::toy_batch(&config, batch);
    let slices: Vec<_> = slices.iter().collect();
    let masks = super::masks(&config, &slices, 0, &Context::new(0))?;
    let Config { embed_dim, depth, heads, decoder_embed_dim, decoder_depth, decoder_heads, .. } =
        config;
    let stacks = [
        Stack {
            name: "encoder",
            batch,
            tokens: masks.keep() + 1,
            dim: embed_dim,
            heads,
            hidden: embed_dim * config.mlp_ratio,
            depth,
        },
        Stack {
            name: "decoder",
            batch,
            tokens: masks.tokens() + 1,
            dim: decoder_embed_dim,
            heads: decoder_heads,
            hidden: decoder_embed_dim * config.mlp_ratio,
            depth: decoder_depth,
        },
    ];
    let ceiling = ops::measure_ceiling();
    let mut kernels = Vec::new();
    for stack in &stacks {
        let Stack { name, heads, depth, .. } = *stack;
        let weights = BlockWeights::shapes(stack.dim, stack.hidden);
        let block = move |x: &[Tensor]| {
            let cancel = CancelToken::default();
            ops::block(&x[0], block_weights(&x[1..]), heads, 1e-5, &cancel)
        };
        let block_shapes = [&[stack.x().to_vec()], &weights[..]].concat();
        let mlp_shapes = [&[stack.x().to_vec()], &weights[8..]].concat();
        let cases: [Case; 3] = [
            ("block", block_shapes, stack.block(), Box::new(block)),
            (
                "· attention",
                vec![stack.qkv().to_vec()],
                stack.attention(),
                Box::new(move |x| ops::attention(&x[0], heads)),
            ),
            (
                "· mlp",
                mlp_shapes,
                stack.mlp(),
                Box::new(|x| ops::mlp(&x[0], &x[1], &x[2], &x[3], &x[4])),
            ),
        ];
        for (kernel, shapes, work, operation) in cases {
            let medians = medians(&*operation, &shapes, runs)?;
            for (pass, ((gflop, gexp), median_s)) in
                ["forward", "backward"].into_iter().zip(work.into_iter().zip(medians))
            {
                let kernel = format!("{name} {kernel}");
                kernels.push(kernel_time(kernel, pass, depth, (gflop, gexp), ceiling, median_s));
            }
        }
    }
    Ok(Roofline {
        what: "roofline",
        instruction_set: format!("{:?}", InstructionSet::detect()),
        threads: rayon::current_num_threads(),
        batch_size: batch,
        ceiling_gflops: ceiling.flops * 1e-9,
        ceiling_gexps: ceiling.exponentials * 1e-9,
        kernels,
        config,
    })
}

fn kernel_time(
    kernel: String,
    pass: &'static str,
    per_step: usize,
    (gflop, gexp): (f64, f64),
    ceiling: Ceiling,
    median_s: f64,
) -> KernelTime {
    let bound_s = 1e9 * (gflop / ceiling.flops + gexp / ceiling.exponentials);
    let fraction = bound_s / median_s;
    KernelTime { kernel, pass, per_step, gflop, gexp, bound_s, median_s, fraction }
}

fn block_weights(tensors: &[Tensor]) -> BlockWeights {
    let affine = |at: usize| Affine { weight: tensors[at].clone(), bias: tensors[at + 1].clone() };
    BlockWeights {
        norm1: affine(0),
        qkv: affine(2),
        proj: affine(4),
        norm2: affine(6),
        fc1: affine(8),
        fc2: affine(10),
    }
}

/// Median seconds of both passes on inputs of these shapes.
fn medians(operation: &Operation, shapes: &[Vec<usize>], runs: usize) -> Result<[f64; 2]> {
    let mut inputs = Vec::with_capacity(shapes.len());
    for (index, shape) in shapes.iter().enumerate() {
        inputs.push(Var::from_tensor(&noise(shape, index as u64)?)?);
    }
    let constants: Vec<Tensor> = inputs.iter().map(|var| var.as_detached_tensor()).collect();
    let grad = noise(operation(&constants)?.dims(), 100)?;
    let mut seconds = [Vec::with_capacity(runs), Vec::with_capacity(runs)];
    for run in 0..=runs {
        let times = time_operation(operation, &inputs, &grad)?;
        // The first run warms caches and pools.
        if run > 0 {
            seconds.iter_mut().zip(times).for_each(|(seconds, time)| seconds.push(time));
        }
    }
    Ok(seconds.map(|seconds| median(seconds).unwrap_or(f64::NAN)))
}

/// Values of a size at which attention's logits stay small, as in training.
fn noise(shape: &[usize], seed: u64) -> Result<Tensor> {
    use rand_distr::{Distribution, Normal};
    let normal = Normal::new(0.0f32, 0.3).expect("a positive standard deviation");
    let mut stream = Streams::new(seed).stream("roofline", &[]);
    let values = (0..shape.iter().product()).map(|_| normal.sample(&mut stream)).collect();
    Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_is_counted_and_none_beats_its_bound() {
        let config = Config { image: 64, depth: 1, decoder_depth: 1, ..Config::small() };
        let table = roofline(config, 2, 1).unwrap();
        assert_eq!(table.kernels.len(), 2 * 3 * 2);
        for kernel in &table.kernels {
            assert!(kernel.gflop > 0.0 && kernel.median_s > 0.0, "{kernel:?}");
            assert!(kernel.fraction < 1.3, "{kernel:?}");
        }
        assert!(roofline(config, 2, 0).is_err());
    }

    #[test]
    fn work_of_the_published_attention() {
        let (batch, tokens, dim) = (1, 1000, 128);
        let stack = Stack { name: "", batch, tokens, dim, heads: 16, hidden: 4 * dim, depth: 1 };
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        let [(forward, exps), (backward, _)] = stack.attention();
        assert!(close(forward, 4.0 * 0.128) && close(exps, 0.016) && close(backward, 10.0 * 0.128));
        let [(forward, _), _] = stack.block();
        assert!(close(forward, 0.512 + 24.0 * 1e-6 * 128.0 * 128.0));
    }
}
