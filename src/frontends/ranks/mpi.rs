//! Ranks of an MPI job.

use std::sync::{Arc, Mutex};

use candle_core::Device;
use mpi::Threading;
use mpi::environment;
pub use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Destination, Source};

use super::{Job, Part};
use crate::context::Ranks;
use crate::error::locked;
use crate::training::{end_ranks, serve_rank_0};
use crate::{Error, Result};

/// The largest message: MPI counts bytes in 32 bits with a sign.
const LARGEST: usize = i32::MAX as usize;

/// The processes of the job.
struct MpiRanks {
    size: usize,
    /// Keeps calls of MPI from each other, as the level of threading that was asked for demands.
    calling: Mutex<()>,
}

impl std::fmt::Debug for MpiRanks {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(to, "{} ranks of MPI", self.size)
    }
}

impl Ranks for MpiRanks {
    fn size(&self) -> usize {
        self.size
    }

    fn send(&self, rank: usize, message: &[u8]) -> Result<()> {
        if message.len() > LARGEST {
            return Err(Error::input(format!(
                "a message of {} MB is too large for MPI: choose a smaller network or batch",
                message.len() / 1_000_000
            )));
        }
        let _calling = locked(&self.calling);
        SimpleCommunicator::world().process_at_rank(rank as i32).send(message);
        Ok(())
    }

    fn receive(&self, rank: usize) -> Result<Vec<u8>> {
        let _calling = locked(&self.calling);
        let world = SimpleCommunicator::world();
        let (message, _) = world.process_at_rank(rank as i32).receive_vec::<u8>();
        Ok(message)
    }
}

/// See [`super::join`].
pub(super) fn join(device: &Device) -> Result<Part> {
    let (universe, threading) = environment::initialize_with_threading(Threading::Serialized)
        .ok_or_else(|| Error::input("MPI was initialised twice"))?;
    if threading < Threading::Serialized {
        return Err(Error::input("this MPI cannot be called from several threads in turn"));
    }
    let world = universe.world();
    let (rank, size) = (world.rank(), world.size() as usize);
    let ranks = Arc::new(MpiRanks { size, calling: Mutex::new(()) });
    if rank == 0 {
        eprintln!(
            "{size} ranks share the work, with {} threads each",
            rayon::current_num_threads()
        );
        return Ok(Part::First(Job { ranks, _universe: universe }));
    }
    ignore_signals()?;
    serve_rank_0(ranks.as_ref(), device)?;
    Ok(Part::Ended)
}

impl Drop for Job {
    fn drop(&mut self) {
        // A rank that cannot be told is lost, and the launcher ends it.
        drop(end_ranks(self.ranks.as_ref()));
    }
}

/// Launchers send signals to every rank. Rank 0 decides when the job ends.
fn ignore_signals() -> Result<()> {
    crate::frontends::termination::watch(|| {})?;
    ctrlc::set_handler(|| {})
        .map_err(|error| Error::input(format!("Ctrl-C cannot be watched: {error}")))
}
