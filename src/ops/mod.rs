//! Tensor operations of the network, each with forward and backward. The model knows one call
//! per operation; what runs underneath is this room's business.

mod attention;
mod dispatch;
mod gelu;
mod layer_norm;
mod linear;
mod matmul;
mod mlp;
mod operand;
mod rectangle;
mod reduction;
mod scratch;
#[cfg(test)]
mod test_support;
mod vector;

pub use attention::attention;
pub use dispatch::InstructionSet;
pub use gelu::gelu;
pub use layer_norm::layer_norm;
pub use linear::linear;
pub use mlp::mlp;
