//! The first place in which two files differ, told in the terms of what they hold.
//!
//! | file | what it holds |
//! |---|---|
//! | `by_name` | which comparison fits a file; text and other bytes |
//! | `tables` | TSV: rows and columns |
//! | `pictures` | PNG: pixels |
//! | `arrays` | npy, safetensors and NIfTI: elements of arrays |
//! | `first` | the place and what stands there |

mod arrays;
mod by_name;
mod first;
mod pictures;
mod tables;

pub use by_name::first_difference;
pub use first::FirstDifference;
pub use tables::{TableChange, table_changes};
