//! `u2ad doctor`: what this build and this machine have, what is missing, and what to do about it.
//!
//! | file | its facts |
//! |---|---|
//! | `machine` | processor, instruction set, threads, memory |
//! | `cards` | graphics cards, and the device that is computed on |
//! | `jupyter` | Jupyter, and whether the installed kernels start |
//! | `rust` | Rust cells and the toolchain that they need |
//! | `programs` | finding other programs and asking them |

mod cards;
mod jupyter;
mod machine;
mod programs;
mod rust;

use std::env;
use std::process::ExitCode;

pub(super) use self::machine::processor;
use super::documentation::print_whole;
use crate::Result;
use crate::error::spaces_collapsed;

/// One line of the report.
struct Fact {
    about: &'static str,
    /// What there is, and after a semicolon what to do if that is not enough.
    what: String,
    /// Whether something that is installed does not work.
    broken: bool,
}

impl Fact {
    fn new(about: &'static str, what: impl Into<String>) -> Self {
        Self { about, what: what.into(), broken: false }
    }

    fn broken(about: &'static str, what: impl Into<String>) -> Self {
        Self { about, what: what.into(), broken: true }
    }
}

/// Prints the report; the exit code says whether something is broken.
///
/// # Errors
/// If standard output cannot be written to.
pub fn run() -> Result<ExitCode> {
    let facts: Vec<Fact> =
        [build(), machine::facts(), cards::facts(), jupyter::facts(), rust::facts()]
            .into_iter()
            .flatten()
            .collect();
    print_whole(report(&facts).as_bytes())?;
    Ok(match facts.iter().any(|fact| fact.broken) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn report(facts: &[Fact]) -> String {
    let mut text = String::new();
    for Fact { about, what, broken } in facts {
        let broken = if *broken { "broken: " } else { "" };
        // A message of another program may have several lines.
        let what = spaces_collapsed(what);
        text += &format!("{:<17}{broken}{what}\n", format!("{about}:"));
    }
    text += &match facts.iter().filter(|fact| fact.broken).count() {
        0 => "Everything that is installed works.\n".to_owned(),
        1 => "One thing that is installed does not work.\n".to_owned(),
        count => format!("{count} things that are installed do not work.\n"),
    };
    text
}

/// The program itself.
fn build() -> Vec<Fact> {
    let features = [
        ("shell", cfg!(feature = "shell")),
        ("rust-cells", cfg!(feature = "rust-cells")),
        ("cuda", cfg!(feature = "cuda")),
        ("metal", cfg!(feature = "metal")),
        ("mpi", cfg!(feature = "mpi")),
    ];
    let names = |compiled_in: bool| {
        let names = features.iter().filter(|feature| feature.1 == compiled_in);
        names.map(|feature| feature.0).collect::<Vec<_>>().join(", ")
    };
    let version = env!("CARGO_PKG_VERSION");
    let program = match env::current_exe() {
        Ok(path) => Fact::new("program", path.display().to_string()),
        Err(error) => Fact::broken("program", format!("u2ad does not know its own path ({error})")),
    };
    vec![
        Fact::new("u2ad", format!("{version} for {} on {}", env::consts::OS, env::consts::ARCH)),
        Fact::new("features", format!("{}; not compiled in: {}", names(true), names(false))),
        program,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_is_one_line_and_broken_ones_are_counted() {
        let facts = [Fact::new("memory", "1 GiB"), Fact::broken("kernel", "gone\n  away")];
        assert_eq!(
            report(&facts),
            "memory:          1 GiB\n\
             kernel:          broken: gone away\n\
             One thing that is installed does not work.\n"
        );
        assert!(report(&facts[..1]).ends_with("\nEverything that is installed works.\n"));
    }
}
