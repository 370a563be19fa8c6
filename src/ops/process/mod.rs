//! The process as a whole: what happens to freed memory and to candle's own threads, and how much memory
//! there is.

mod elementwise;
mod machine_memory;
mod memory;

pub use elementwise::keep_element_wise_serial;
pub use machine_memory::{MachineMemory, resident_bytes};
pub use memory::{keep_freed_memory, return_freed_memory};
