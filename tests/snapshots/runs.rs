//! The list of runs, in terminals of three widths.

use std::fs;
use std::io::Read;

use pty_process::Size;
use pty_process::blocking::Command;
use serde_json::{Value, json};

use super::common::{Place, ended};
use super::snapshot::check;

/// What `u2ad runs` prints in a terminal of so many columns.
fn list(place: &Place, columns: u16) -> String {
    let (mut terminal, inside) = pty_process::blocking::open().unwrap();
    terminal.resize(Size::new(24, columns)).unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_u2ad")).args(["runs"]);
    let mut child = command.current_dir(place.path("")).spawn(inside).unwrap();
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    // The terminal ends with an error once the program has left it.
    while let Ok(length @ 1..) = terminal.read(&mut chunk) {
        bytes.extend_from_slice(&chunk[..length]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

/// Runs a script, and replaces the clock times of its record by these.
fn run(place: &Place, name: &str, source: &str, started: &str, seconds: f64) {
    let script = format!("{name}.star");
    place.write(&script, source);
    ended(&mut place.command(&["run", &script, "--seed", "7"]));
    let path = place.path("runs").join(name).join("run.json");
    let mut record: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    record["started"] = json!(started);
    record["seconds"] = json!(seconds);
    fs::write(path, record.to_string()).unwrap();
}

#[test]
fn the_list_of_runs_in_terminals() {
    let place = Place::new();
    let evaluation =
        "table([{'method': 'U²AD', 'auroc': 0.875}, {'method': 'threshold', 'auroc': 0.75}])";
    run(&place, "quickstart", "print(1)", "2026-03-01T09:00:00Z", 0.5);
    run(&place, "adaptation", evaluation, "2026-03-02T10:30:00Z", 5321.25);
    run(&place, "study", "load_cohort('clinic')", "2026-03-03T08:15:00Z", 12.0);
    run(&place, "broken", "print(1)", "2026-03-04T08:15:00Z", 1.0);
    fs::write(place.path("runs/broken/run.json"), "{").unwrap();
    let at = |width: u16| {
        format!("{width} columns {}\n{}", "=".repeat(usize::from(width) - 11), list(&place, width))
    };
    check("tables", "runs", &[60, 80, 100].map(at).join("\n"));
}
