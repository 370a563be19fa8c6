//! `scripts/gpu-check.star`, which compares a graphics card with the CPU, compares the CPU with itself here.

use std::fs;
use std::path::Path;

use crate::common::{Ended, Place, ended};

/// How the check ended, and its table of differences.
fn check(arguments: &[&str]) -> (Ended, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/gpu-check.star");
    let place = Place::new();
    let mut command = place.command(&["run", script.to_str().unwrap(), "--out", "check"]);
    let small = ["-p", "device=cpu", "-p", "steps=1", "-p", "image=64"];
    let ended = ended(command.args(small).args(arguments));
    let table = fs::read_to_string(place.path("check/gpu-check/differences.tsv"));
    let table = table.unwrap_or_else(|error| panic!("{error}: {}", ended.err));
    (ended, table)
}

#[test]
fn the_cpu_does_not_differ_from_itself() {
    let (ended, table) = check(&[]);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split('\t').collect()).collect();
    let [quantity, largest, difference, ..] = rows[0][..] else { panic!("{table}") };
    let head = ["quantity", "largest value", "largest absolute difference"];
    assert_eq!([quantity, largest, difference], head);
    assert!(rows.len() > 12, "{table}");
    for row in &rows[1..] {
        assert!(row[1].parse::<f64>().unwrap() > 0.0, "nothing was compared: {row:?}");
        assert_eq!((row[2].parse(), row[4]), (Ok(0.0), "yes"), "{row:?}");
    }
}

#[test]
fn other_numbers_than_those_of_the_cpu_are_an_error_that_names_them() {
    let (ended, table) = check(&["-p", "device_seed=4"]);
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    let sentence = "error: the device and the CPU differ by more than the tolerance in: small: \
                    reconstruction, untrained; ";
    assert!(ended.err.contains(sentence), "{}", ended.err);
    assert!(table.contains("\tno\n"), "{table}");
}
