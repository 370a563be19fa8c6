//! Lines for the log of the server that started the kernel.

use std::io::Write;

/// Writes a line to standard error. A closed log is ignored.
pub(super) fn log(line: &str) {
    writeln!(std::io::stderr(), "u2ad kernel: {line}").ok();
}
