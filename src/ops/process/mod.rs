//! The process as a whole: what happens to freed memory and to candle's own threads, how much memory there is,
//! and how many threads users may ask for.

mod elementwise;
mod machine_memory;
mod memory;
mod threads;

pub use elementwise::keep_element_wise_serial;
pub use machine_memory::{MachineMemory, peak_resident_bytes, resident_bytes};
pub use memory::{keep_freed_memory, return_freed_memory};
pub use threads::{check_thread_variable, check_threads, thread_pool};
