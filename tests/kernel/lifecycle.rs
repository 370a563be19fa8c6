//! From start to end: no process, socket or file is left behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jupyter_protocol::connection_info::Transport;
use jupyter_zmq_client::create_client_heartbeat_connection;
use serde_json::json;

use super::client::{Kernel, Started, spawn, start};

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn fifty_kernels_in_a_row_leave_nothing_behind() {
    for round in 0..50 {
        let transport = if round % 2 == 0 { Transport::TCP } else { Transport::IPC };
        let mut kernel = Kernel::connect(start(transport)).await;
        assert_eq!(kernel.run("1 + 1").await.value(), "2");
        let (status, folder) = kernel.shut_down().await;
        assert!(status.success());
        assert_eq!(files(folder.path()), ["connection.json", "u2ad"]);
    }
}

#[tokio::test]
async fn a_kernel_starts_again_on_the_sockets_of_one_that_was_killed() {
    for transport in [Transport::TCP, Transport::IPC] {
        let mut kernel = Kernel::connect(start(transport)).await;
        assert!(
            Command::new("kill").args(["-9", &kernel.id().to_string()]).status().unwrap().success()
        );
        kernel.ended().await;
        let file = kernel.connection_file();
        let process = spawn(&file, kernel.folder.path());
        let again = Started {
            process,
            info: kernel.info.clone(),
            folder: std::mem::replace(&mut kernel.folder, tempfile::tempdir().unwrap()),
        };
        let mut again = Kernel::connect(again).await;
        assert_eq!(again.run("2 + 2").await.value(), "4");
    }
}

#[tokio::test]
async fn a_busy_kernel_shuts_down_in_time_and_says_so_to_everybody() {
    let mut kernel = Kernel::new().await;
    let running = kernel.send("for i in range(1 << 30):\n  for j in range(1 << 30): pass").await;
    let waiting = kernel.send("print('never')").await;
    kernel.until(|received| received.kind == "execute_input").await;
    let asked = Instant::now();
    let id = kernel.command("shutdown_request", json!({"restart": true})).await;
    assert_eq!(kernel.control_answer(&id).await.content["restart"], true);
    assert_eq!(
        kernel.until(|received| received.kind == "shutdown_reply").await.content["restart"],
        true
    );
    assert_eq!(kernel.ran(&running).await.reply["ename"], "KeyboardInterrupt");
    assert_eq!(kernel.ran(&waiting).await.reply["status"], "aborted");
    assert!(kernel.ended().await.success());
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_kernel_ends_with_the_program_that_started_it() {
    let Started { process, info: _, folder } = start(Transport::IPC);
    drop(process);
    let file = folder.path().join("connection.json");
    // A shell that starts a kernel, tells its identity and dies.
    let script = format!(
        "JPY_PARENT_PID=$$ XDG_STATE_HOME='{}' '{}' kernel start '{}' > /dev/null 2>&1 & echo $!; \
         sleep 1",
        folder.path().display(),
        env!("CARGO_BIN_EXE_u2ad"),
        file.display(),
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).stdin(Stdio::null());
    let output = shell.output().unwrap();
    let kernel = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    let is_alive = || {
        Command::new("kill").args(["-0", &kernel]).stderr(Stdio::null()).status().unwrap().success()
    };
    let asked = Instant::now();
    while is_alive() && asked.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!is_alive(), "the kernel outlives its parent");
}

#[tokio::test]
async fn the_heart_beats_while_a_cell_runs() {
    let mut kernel = Kernel::new().await;
    let mut heart = create_client_heartbeat_connection(&kernel.info).await.unwrap();
    kernel.send("for i in range(1 << 30):\n  for j in range(1 << 30): pass").await;
    kernel.until(|received| received.kind == "execute_input").await;
    for _ in 0..20 {
        let beat = tokio::time::timeout(Duration::from_secs(10), heart.single_heartbeat()).await;
        beat.unwrap().unwrap();
    }
}

#[test]
fn an_invalid_connection_file_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("connection.json");
    let start = |text: &str| {
        fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_u2ad"))
            .args(["kernel", "start"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(start("{}").contains("this is not a connection file"));
    let scheme = r#"{"ip": "127.0.0.1", "transport": "tcp", "shell_port": 1, "iopub_port": 1,
        "stdin_port": 1, "control_port": 1, "hb_port": 1, "key": "k",
        "signature_scheme": "hmac-md5"}"#;
    assert!(start(scheme).contains("the signature scheme hmac-md5 is not supported"));
    let encrypted = scheme.replace("hmac-md5\"", "hmac-sha256\", \"curve_publickey\": \"Yne@$\"");
    let refusal = start(&encrypted);
    assert!(refusal.contains("is to be encrypted (CurveZMQ), which u2ad cannot do"), "{refusal}");
    assert_eq!(refusal.lines().count(), 1);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let taken = format!(
        r#"{{"ip": "127.0.0.1", "transport": "tcp", "shell_port": {port}, "iopub_port": {port},
        "stdin_port": {port}, "control_port": {port}, "hb_port": {port}, "key": "k",
        "signature_scheme": "hmac-sha256"}}"#
    );
    assert!(start(&taken).contains(&format!("tcp://127.0.0.1:{port} cannot be opened")));
}
