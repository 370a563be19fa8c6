//! Process-wide settings that make tensors cheaper: what happens to freed memory, and to
//! candle's own threads.

mod elementwise;
mod memory;

pub use elementwise::keep_element_wise_serial;
pub use memory::keep_freed_memory;
