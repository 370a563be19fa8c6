//! The context of a long task: seeded random streams, a cancel token checked at every batch, a
//! progress reporter, the device, and where trainings leave their checkpoints. Random numbers never
//! come from a global or thread-local generator. Statics elsewhere in the crate (caches, counters,
//! scratch buffers, locks, the panic hook, what a notebook cell has shown) hold no random state.

mod begun_training;
mod cancel;
mod checkpoint_file;
mod checkpoints;
#[expect(clippy::module_inception)]
mod context;
mod device;
mod numbers;
pub(crate) mod panics;
mod progress;
mod ranks;
mod streams;

pub(crate) use begun_training::BegunTraining;
pub use cancel::CancelToken;
pub(crate) use checkpoint_file::Parts;
pub use checkpoints::Checkpoints;
pub use context::Context;
pub use device::device_name;
#[cfg(feature = "shell")]
pub(crate) use numbers::several;
pub use numbers::{counted, shown_number};
pub use progress::{Event, Progress, Reporter, Silent};
pub use ranks::{OneRank, Ranks};
pub use streams::{Stream, Streams};
