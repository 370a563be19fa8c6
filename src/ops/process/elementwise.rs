//! How candle runs its own element-wise operations.

/// Has candle run its element-wise operations on the calling thread, on machines of few cores.
///
/// Above 64 Ki elements candle spreads them over a pool of its own, whose threads wait for work
/// and for each other by spinning, beside this module's threads. The operations left between the
/// fused ones are 1 % of a training step, but the spinning takes 20 % of one of the small preset,
/// and a third where other programs want the cores too. With many cores, and so a pool that has
/// cores to itself, they stay parallel.
///
/// For programs to call first thing in `main`, as this sets an environment variable
/// (`CANDLE_NUM_THREADS`, which candle reads once; one that is set already stays). Does nothing
/// once the process has a second thread, or if that cannot be determined.
pub fn keep_element_wise_serial() {
    const VARIABLE: &str = "CANDLE_NUM_THREADS";
    const FEW_CORES: usize = 8;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores <= FEW_CORES && std::env::var_os(VARIABLE).is_none() && is_single_threaded() {
        // SAFETY: no other thread can read the environment meanwhile: there is none.
        unsafe { std::env::set_var(VARIABLE, "1") };
    }
}

/// Whether this is the process's only thread, as far as the system reports.
fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_with_threads_is_recognised() {
        // A test runs beside the thread that started it.
        assert!(!is_single_threaded());
    }
}
