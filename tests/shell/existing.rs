//! `u2ad --existing`: the shell on a kernel that already runs.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use super::screen::{CTRL_C, CTRL_D, Home, TAB};

/// Longer than a kernel takes to start on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// A kernel process that ends with the test.
struct Kernel {
    process: Child,
    connection_file: PathBuf,
}

impl Kernel {
    /// Starts a kernel on free ports and waits until it listens on all of them.
    fn start(home: &Home) -> Self {
        // All five are held until the last is known, so that they differ.
        let listeners: Vec<_> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        let info = json!({
            "ip": "127.0.0.1",
            "transport": "tcp",
            "shell_port": ports[0],
            "iopub_port": ports[1],
            "stdin_port": ports[2],
            "control_port": ports[3],
            "hb_port": ports[4],
            "key": "a-key-for-this-test",
            "signature_scheme": "hmac-sha256",
        });
        let connection_file = home.path("connection.json");
        fs::write(&connection_file, info.to_string()).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_u2ad"))
            .args(["kernel", "start"])
            .arg(&connection_file)
            .env("XDG_STATE_HOME", home.path("state"))
            .env("JPY_PARENT_PID", std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let kernel = Self { process, connection_file };
        let start = Instant::now();
        while !ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
            assert!(start.elapsed() < START_TIMEOUT, "the kernel does not listen");
            sleep(Duration::from_millis(20));
        }
        kernel
    }

    fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
fn the_shell_attaches_to_a_running_kernel_and_leaves_it_running() {
    let home = Home::new();
    let mut kernel = Kernel::start(&home);
    let file = kernel.connection_file.display().to_string();
    let attach = ["--images", "none", "--existing", &*file];

    let mut shell = home.open(&attach);
    shell.run("zebra_count = 6 * 7");
    shell.run("print(\"there are %d\" % zebra_count)");
    shell.see("there are 42");
    shell.press(CTRL_D);
    assert_eq!(shell.ended(), Some(0));
    assert!(kernel.is_running(), "Ctrl-D ended the kernel");

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
    assert!(kernel.is_running(), ":quit ended the kernel");
}
