//! Times one tensor operation, forward and backward.

use std::time::Instant;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, Var};

/// An operation on some tensors.
pub type Operation = dyn Fn(&[Tensor]) -> Result<Tensor>;

/// Seconds of the forward and of the backward pass, the latter with what candle adds to it: for
/// each input, zeros and a sum. `grad` is the gradient of the result.
pub fn time_operation(operation: &Operation, inputs: &[Var], grad: &Tensor) -> Result<[f64; 2]> {
    let tensors: Vec<Tensor> = inputs.iter().map(|v| v.as_tensor().clone()).collect();
    let start = Instant::now();
    let result = operation(&tensors)?;
    let forward = start.elapsed().as_secs_f64();
    let loss = result.apply_op1(GradientFrom(grad.clone()))?;
    let start = Instant::now();
    loss.backward()?;
    Ok([forward, start.elapsed().as_secs_f64()])
}

/// A loss that costs nothing and has the given gradient.
struct GradientFrom(Tensor);

impl CustomOp1 for GradientFrom {
    fn name(&self) -> &'static str {
        "gradient_from"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), ().into()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, _: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(self.0.clone()))
    }
}
