//! What a kernel does when memory runs short, and how its long loops are stopped.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::client::{CellRun, Kernel, start_with_memory};

/// Bytes that the kernel holds.
fn held(kernel: &Kernel) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", kernel.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}

fn error(ran: &CellRun) -> &str {
    ran.reply["evalue"].as_str().unwrap_or_else(|| panic!("no error: {:?}", ran.reply))
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_cell_that_needs_too_much_memory_fails_and_the_session_lives_on() {
    const LIMIT: u64 = 300_000_000;
    let mut kernel = Kernel::connect(start_with_memory("0.3")).await;
    kernel.run("kept = [1, 2]\nlines = 'a line\\n' * 1000").await;
    let before = held(&kernel);
    // What is known to be too much is not begun.
    for (source, wanted) in [
        ("list(range(100000000))", "list: a list of 100000000 items takes 1.6 GB, but u2ad holds"),
        ("sorted(range(100000000))", "sorted: a list of 100000000 items takes 5.6 GB"),
        ("n = 100000000\n[0] * n", "`*`: a list of 100000000 items takes 1.6 GB"),
        ("'x' * 1000000000", "`*`: a text of 1000000000 bytes takes 2.0 GB"),
    ] {
        let ran = kernel.run(source).await;
        assert!(error(&ran).starts_with(wanted), "{}", error(&ran));
        assert!(error(&ran).contains("its memory budget is 0.3 GB; `u2ad --memory GB`"));
    }
    // What grows is stopped on its way.
    for source in [
        "def grow():\n  texts = []\n  for i in range(1 << 30): texts.append('text %d' % i)\ngrow()",
        "len([(i, str(i)) for i in range(1 << 30)])",
        "len(map(lambda i: 'text %d' % i, range(1 << 23)))",
        "len(filter(lambda i: i % 3, range(1 << 28)))",
        "len(','.join(['x' * 100000 for i in range(10000)]))",
    ] {
        let ran = kernel.run(source).await;
        let what = error(&ran);
        assert!(
            what.starts_with("stopped before memory ran out: u2ad held 0."),
            "{source}: {what}"
        );
        assert!(
            what.contains("and its memory budget is 0.3 GB; `u2ad --memory GB` raises"),
            "{what}"
        );
        assert_ne!(ran.reply["ename"], "KeyboardInterrupt");
        let after = held(&kernel);
        assert!(after < before + (LIMIT - before) / 2, "{source}: {before} to {after}");
    }
    // A name that holds too much is freed by giving it another value.
    let ran = kernel.run("texts = []\nfor i in range(1 << 30): texts.append('text %d' % i)").await;
    assert!(error(&ran).starts_with("stopped before memory ran out"), "{}", error(&ran));
    kernel.run("texts = None").await;
    kernel.run("1").await;
    assert_eq!(kernel.run("[kept, len(lines), texts]").await.value(), "[[1, 2], 7000, None]");
    assert!(held(&kernel) < LIMIT);
}

#[tokio::test]
async fn long_loops_of_functions_are_interrupted() {
    let mut kernel = Kernel::new().await;
    kernel.run("kept = 5").await;
    for source in [
        "sum(range(1 << 30))",
        "max(range(1 << 30))",
        "min(range(1 << 30), key = lambda x: 0)",
        "all(range(1, 1 << 30))",
        "len(zip(range(1 << 24), map(str, range(1 << 24))))",
        "len(enumerate(map(lambda x: x, range(1 << 24))))",
        "len(filter(None, map(str, range(1 << 24))))",
        "len(sorted(range(1 << 24), key = lambda x: -x))",
        "mean(range(1 << 30))",
        "len(set(range(1 << 26)))",
    ] {
        let id = kernel.send(source).await;
        kernel.until(|received| received.kind == "execute_input" && received.parent == id).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let asked = kernel.command("interrupt_request", json!({})).await;
        assert_eq!(kernel.control_answer(&asked).await.content["status"], "ok");
        let ran = kernel.ran(&id).await;
        assert_eq!(ran.reply["ename"], "KeyboardInterrupt", "{source}: {:?}", ran.reply);
    }
    assert_eq!(kernel.run("kept").await.value(), "5");
}
