//! Processes that share the work of one session.

use std::fmt::Debug;

use crate::{Error, Result};

/// The processes of a job, numbered from 0 as in MPI. Rank 0 runs the session; the others compute what it
/// sends them.
///
/// Messages between two ranks arrive whole and in order. A rank other than 0 talks to rank 0 alone.
pub trait Ranks: Debug + Send + Sync {
    /// Number of processes, rank 0 included.
    fn size(&self) -> usize;

    /// Sends a message to another rank.
    ///
    /// # Errors
    /// If the message cannot be sent.
    fn send(&self, rank: usize, message: &[u8]) -> Result<()>;

    /// Waits for the next message from another rank.
    ///
    /// # Errors
    /// If that rank is lost.
    fn receive(&self, rank: usize) -> Result<Vec<u8>>;
}

/// A job of one process, which computes as the first of several would: with the same micro-batches and bits.
#[derive(Debug)]
pub struct OneRank;

impl Ranks for OneRank {
    fn size(&self) -> usize {
        1
    }

    fn send(&self, rank: usize, _message: &[u8]) -> Result<()> {
        Err(no_rank(rank))
    }

    fn receive(&self, rank: usize) -> Result<Vec<u8>> {
        Err(no_rank(rank))
    }
}

fn no_rank(rank: usize) -> Error {
    Error::input(format!("there is no rank {rank}"))
}
