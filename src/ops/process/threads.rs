//! Numbers of threads that users ask for.

use std::env;

use crate::{Error, Result};

/// Threads at most: more take minutes to start, during which no signal stops the program.
const MOST: usize = 1024;
/// The environment variable that the thread pool reads.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Refuses a number of threads that is a mistake. `what` is what gave it, such as `--threads`.
///
/// # Errors
/// If there are more than 1024.
pub fn check_threads(what: &str, threads: Option<usize>) -> Result<()> {
    match threads {
        Some(threads) if threads > MOST => Err(Error::input(format!(
            "{what}: {threads} are more threads than u2ad starts; give at most {MOST}, best one per core"
        ))),
        _ => Ok(()),
    }
}

/// The same for the environment variable `RAYON_NUM_THREADS`.
///
/// # Errors
/// As [`check_threads`].
pub fn check_thread_variable() -> Result<()> {
    let threads = env::var(VARIABLE).ok().and_then(|text| text.parse().ok());
    check_threads(VARIABLE, threads)
}

/// A pool of so many threads; one per core if none are given. `what` is what gave the number.
///
/// # Errors
/// As [`check_threads`], and if the system cannot start them.
pub fn thread_pool(what: &str, threads: Option<usize>) -> Result<rayon::ThreadPool> {
    check_threads(what, threads)?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build()
        .map_err(|error| Error::input(format!("the threads cannot be started: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_threads_than_any_machine_has_are_refused() {
        assert!(check_threads("--threads", None).is_ok());
        assert!(check_threads("--threads", Some(MOST)).is_ok());
        let error = thread_pool("--n-cpus", Some(100_000)).unwrap_err().to_string();
        assert!(error.starts_with("--n-cpus: 100000 are more threads"), "{error}");
    }
}
