//! Jobs of several processes, started by `mpirun` or `srun`: rank 0 runs the session, the others compute for it.

#[cfg(feature = "mpi")]
mod mpi;

use std::sync::Arc;

#[cfg(not(feature = "mpi"))]
use crate::Error;
use crate::Result;
use crate::context::Ranks;
#[cfg(feature = "mpi")]
use crate::session::open_device;

/// Variables in which launchers tell a process how many there are.
const SIZES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"];

/// The role of this process in its job.
pub enum Part {
    /// It was started alone.
    Alone,
    /// It is rank 0, which runs the session.
    First(Job),
    /// It was another rank, and the job has ended.
    Ended,
}

/// The other ranks, which end when this value goes.
pub struct Job {
    pub ranks: Arc<dyn Ranks>,
    #[cfg(feature = "mpi")]
    _universe: mpi::Universe,
}

/// The variable in which launchers with PMIx, such as `srun`, tell a process its rank, and no number of processes.
const RANK: &str = "PMIX_RANK";

/// How many processes the launcher started, or at least started, if one did.
fn launched() -> Option<usize> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<usize>().ok();
    SIZES.iter().find_map(|name| number(name)).or_else(|| number(RANK)?.checked_add(1))
}

/// Joins the job that the launcher started; the other ranks compute on the device of this name. Ranks other than 0
/// come back when it has ended.
///
/// # Errors
/// If there are several processes and this build has no MPI, or MPI fails.
#[cfg(feature = "mpi")]
pub fn join(device: &str) -> Result<Part> {
    if launched().is_some() { mpi::join(&open_device(device)?) } else { Ok(Part::Alone) }
}

/// Joins the job that the launcher started; the other ranks compute on the device of this name. Ranks other than 0
/// come back when it has ended.
///
/// # Errors
/// If there are several processes: this build has no MPI, and each would run the whole script.
#[cfg(not(feature = "mpi"))]
pub fn join(_device: &str) -> Result<Part> {
    match launched() {
        Some(2..) => Err(Error::input(
            "several processes were started to share one script, but this build of u2ad has no MPI: build it with \
             `cargo install --path . --features mpi`, or start one process",
        )),
        _ => Ok(Part::Alone),
    }
}
