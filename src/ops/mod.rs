//! Tensor operations of the network, each with forward and backward. The model knows one call
//! per operation; what runs underneath is this room's business.

mod attention;
mod dispatch;
mod operand;
mod rectangle;
mod scratch;
#[cfg(test)]
mod test_support;
mod vector;

pub use attention::attention;
pub use dispatch::InstructionSet;
