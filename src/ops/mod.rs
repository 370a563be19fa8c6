//! Tensor operations of the network, each with forward and backward. The model knows one call
//! per operation; this module chooses what runs underneath.
//!
//! | operation | input | result |
//! |---|---|---|
//! | [`blocks`], [`block`] | (batch, tokens, dim), the weights of their layers | the same shape |
//! | [`attention`] | packed qkv (batch, tokens, 3 · dim) | (batch, tokens, dim) |
//! | [`linear`] | (…, in), weight (out, in), bias (out) | (…, out) |
//! | [`mlp`] | (…, in), two weights and biases | (…, out) |
//! | [`layer_norm`] | (…, dim), weight and bias (dim) | (…, dim) |
//! | [`convolution`] | (batch, in, rows, columns), weight (out, in, 3, 3), bias (out) | (batch, out, rows, columns) |
//! | [`group_norm_relu`] | (batch, channels, rows, columns), weight and bias (channels) | the same shape |
//! | [`halved`], [`doubled`] | (batch, channels, rows, columns) | half, double the rows and columns |
//! | [`gelu`] | any | the same shape |
//! | [`squared_error`] | predicted, target, weights of one shape | a scalar |
//!
//! All are differentiable in every input (the squared error: in the predicted values). [`AdamStep`]
//! applies a gradient, outside the graph. f32 tensors in the computer's own memory take the fused
//! kernels here; other types and devices take candle's operations, composed to the same result.
//! That composition in f64 is also the reference that the tests compare the kernels with. Shapes that do
//! not fit are errors; operands that are not contiguous are copied. [`with_composed_operations`] switches the
//! kernels off, so that what other devices compute can be tested without one.
//!
//! # Layers
//! An operation's file holds the public function, the candle operation and the kernels on plain
//! slices. A kernel is one function generic over `vector::Vector`; `vector::dispatch` compiles it per
//! [`InstructionSet`] and picks at run time. Arrays of floats are vectors good enough for the
//! narrower sets; `vector::avx512` uses intrinsics. `matmul` is the `gemm` crate on one thread.
//!
//! # Same bits on any number of threads and every processor
//! Work is cut into chunks whose sizes follow from shapes and constants, never from the number of
//! threads. A chunk is computed by one thread in a fixed order, and sums over chunks (gradients of
//! parameters, shares of dq) are stored per chunk and added in the order of the chunks. Sums over lanes
//! have 16 partial sums whatever the width of the vectors, exponentials one polynomial, and products a
//! fixed number of terms at a time, so that AVX2 and AVX-512 give the same bits. The baseline without fused
//! multiply-add rounds differently.
//!
//! # Memory
//! Kernels work in per-thread memory that is kept between calls. Nothing is saved for the backward
//! pass but the inputs, for attention one float per token and head, and for a block qkv and the
//! mixture of its heads; on tensors without a graph (detached weights) nothing at all. See
//! [`keep_freed_memory`] for the tensors themselves, and [`keep_element_wise_serial`] for candle's
//! own threads.

mod adam;
mod attention;
mod block;
mod ceiling;
mod gelu;
mod image;
mod layer_norm;
mod linear;
mod mapped;
mod matmul;
mod mlp;
mod operand;
mod process;
mod rectangle;
mod reduction;
mod scratch;
mod squared_error;
#[cfg(test)]
mod test_support;
mod vector;

pub use adam::{AdamState, AdamStep};
pub use attention::attention;
pub use block::{Affine, BlockStack, BlockWeights, block, blocks};
pub use ceiling::{Ceiling, measure_ceiling};
pub use gelu::gelu;
pub use image::{convolution, doubled, group_norm_relu, halved};
pub use layer_norm::layer_norm;
pub use linear::linear;
pub(crate) use mapped::map_tensors;
pub use mlp::mlp;
pub use operand::with_composed_operations;
pub use process::{
    MachineMemory, check_thread_variable, check_threads, keep_element_wise_serial,
    keep_freed_memory, peak_resident_bytes, resident_bytes, return_freed_memory, thread_pool,
};
pub use squared_error::squared_error;
pub use vector::dispatch::InstructionSet;
