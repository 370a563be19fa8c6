//! A kernel does not outlive the program that started it.

#[cfg(unix)]
use std::os::unix::process::parent_id;
use std::time::Duration;

/// Set by clients whose kernels belong to them.
const PARENT: &str = "JPY_PARENT_PID";

/// Waits until the program that started the kernel has ended; forever if the kernel is to outlive
/// it.
pub(in super::super) async fn ended() {
    let is_owned = std::env::var(PARENT).is_ok_and(|parent| parent != "0");
    let parent = parent_id();
    while !is_owned || parent_id() == parent {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Elsewhere the system ends a kernel with the program that started it.
#[cfg(not(unix))]
fn parent_id() -> u32 {
    0
}
