//! From candle's tensors to plain slices.

use std::cell::Cell;

use candle_core::{CpuStorage, DType, Layout, Result, Shape, Storage, Tensor, bail};

thread_local! {
    static COMPOSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` with the fused kernels switched off on this thread: every operation is composed of candle's own, as
/// on a graphics card. So what a card computes can be checked without one.
pub fn with_composed_operations<R>(f: impl FnOnce() -> R) -> R {
    /// Restores the setting also if `f` panics.
    struct Restored(bool);
    impl Drop for Restored {
        fn drop(&mut self) {
            COMPOSED.set(self.0);
        }
    }
    let _restored = Restored(COMPOSED.replace(true));
    f()
}

/// Whether the fused kernels take this tensor: f32 in the computer's own memory. Everything else
/// goes through candle's operations.
pub(super) fn fused_on(tensor: &Tensor) -> bool {
    tensor.device().is_cpu() && tensor.dtype() == DType::F32 && !COMPOSED.get()
}

/// The elements of a contiguous f32 operand.
pub(super) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => bail!("a fused operation was given a tensor that is not contiguous"),
    }
}

/// The gradient of `tensor` as candle takes it: `values` in the tensor's shape.
pub(super) fn gradient_of(tensor: &Tensor, values: Vec<f32>) -> Result<Option<Tensor>> {
    Tensor::from_vec(values, tensor.shape(), tensor.device()).map(Some)
}

/// Gradients of three tensors, each filled by `f` from zeros.
pub(super) fn three_gradients(
    tensors: [&Tensor; 3],
    f: impl FnOnce([&mut [f32]; 3]) -> Result<()>,
) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
    let mut gradients = tensors.map(|tensor| vec![0.0; tensor.elem_count()]);
    f(gradients.each_mut().map(Vec::as_mut_slice))?;
    let ([x, weight, bias], [grad_x, grad_weight, grad_bias]) = (tensors, gradients);
    Ok((gradient_of(x, grad_x)?, gradient_of(weight, grad_weight)?, gradient_of(bias, grad_bias)?))
}

/// `dims` with another last dimension.
pub(super) fn with_last(dims: &[usize], last: usize) -> Shape {
    let mut dims = dims.to_vec();
    dims.pop();
    dims.push(last);
    Shape::from(dims)
}

/// Runs `f` on the elements of f32 tensors in the computer's own memory, copying those that are
/// not contiguous.
pub(super) fn with_floats<const N: usize, R>(
    tensors: [&Tensor; N],
    f: impl FnOnce([&[f32]; N]) -> R,
) -> Result<R> {
    let mut contiguous = Vec::with_capacity(N);
    for tensor in tensors {
        contiguous.push(tensor.contiguous()?);
    }
    let locked: Vec<_> = contiguous.iter().map(Tensor::storage_and_layout).collect();
    let mut slices = [&[] as &[f32]; N];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&locked) {
        let Storage::Cpu(storage) = &**storage else {
            bail!("a fused operation was given a tensor outside the computer's own memory");
        };
        *slice = floats(storage, layout)?;
    }
    Ok(f(slices))
}
