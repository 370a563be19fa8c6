//! `u2ad --existing`: the shell on a kernel that already runs.

use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jupyter_protocol::connection_info::Transport;

use super::client::{self, Started};
use super::screen::{CTRL_C, CTRL_D, Home, TAB};

/// Longer than a kernel takes to start on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// Starts a kernel and waits until it listens on all its ports.
fn start_kernel() -> Started {
    let kernel = client::start(Transport::TCP);
    let info = &kernel.info;
    let ports =
        [info.shell_port, info.iopub_port, info.stdin_port, info.control_port, info.hb_port];
    let start = Instant::now();
    while !ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
        assert!(start.elapsed() < START_TIMEOUT, "the kernel does not listen");
        sleep(Duration::from_millis(20));
    }
    kernel
}

fn is_running(kernel: &mut Started) -> bool {
    kernel.process.0.try_wait().unwrap().is_none()
}

#[test]
fn the_shell_attaches_to_a_running_kernel_and_leaves_it_running() {
    let home = Home::new();
    let mut kernel = start_kernel();
    let file = kernel.folder.path().join("connection.json").display().to_string();
    let attach = ["--images", "none", "--existing", &*file];

    let mut shell = home.open(&attach);
    shell.run("zebra_count = 6 * 7");
    shell.run("print(\"there are %d\" % zebra_count)");
    shell.see("there are 42");
    shell.press(CTRL_D);
    assert_eq!(shell.ended(), Some(0));
    assert!(is_running(&mut kernel), "Ctrl-D ended the kernel");

    // Another shell finds the values of the first one, also by completion.
    let mut shell = home.open(&attach);
    shell.press("len(zeb");
    shell.press(TAB);
    shell.see("u2ad> len(zebra_count");
    shell.clear();
    shell.run("print(\"still %d\" % zebra_count)");
    shell.see("still 42");

    // Ctrl-C stops the cell, not the shell or the kernel.
    shell.press("print(\"begun\"); sleep(600)\r");
    shell.see("\nbegun");
    shell.press(CTRL_C);
    shell.see("interrupted");
    shell.prompt();
    shell.run("print(\"after that %d\" % zebra_count)");
    shell.see("after that 42");
    shell.press(":quit\r");
    assert_eq!(shell.ended(), Some(0));
    assert!(is_running(&mut kernel), ":quit ended the kernel");
}

#[test]
fn a_killed_kernel_ends_the_cell_that_waits_for_it() {
    let home = Home::new();
    let mut kernel = start_kernel();
    let file = kernel.folder.path().join("connection.json").display().to_string();
    let mut shell = home.open(&["--images", "none", "--existing", &*file]);
    shell.press("print(\"begun\"); sleep(600)\r");
    shell.see("\nbegun");
    kernel.process.0.kill().unwrap();
    shell.see("the kernel is gone");
    assert_ne!(shell.ended(), Some(0));
}
