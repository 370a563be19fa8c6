//! Cells in Rust: a process that compiles and runs them, and what goes between it and a session.
//!
//! evcxr reads its settings from the environment, takes much memory, and its processes would get
//! the terminal's Ctrl-C. So it runs in a process of its own, the host (`u2ad rust-host`), which is
//! started for the first cell and talks JSON lines (`protocol`). The host compiles each cell into
//! a library against one shared copy of this crate and loads it into a child, where the variables
//! live: candle's identities of tensors then come from one counter.
//!
//! | file | what it holds |
//! |---|---|
//! | `cells` | [`RustCells`]: a cell in, [`Ended`] out, whatever happens to the processes |
//! | `process` | the host as a process: starting, lines in and out, killing |
//! | `folder` | where compiled code is kept, one session at a time |
//! | `toolchain` | whether there is a compiler |
//! | `host`, `pump` | the other side: evcxr, and what its child prints |
//! | `source` | a cell as evcxr gets it, and places in it |
//! | `protocol` | the messages between the two |

mod cells;
mod folder;
mod host;
mod process;
mod protocol;
mod pump;
mod source;
mod toolchain;

pub use cells::{Ended, Exchange, RustCells};
pub use host::{hook, serve};
pub use protocol::{Diagnostic, Media};
