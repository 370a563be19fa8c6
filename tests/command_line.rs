//! The commands about the program itself: completions, manual pages, the report on the machine.

mod common;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use common::{Ended, Place, ended};

/// Runs `u2ad` where nothing of this machine's own Jupyter, Python and Rust is found.
fn alone(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = place.command(arguments);
    for name in
        ["VIRTUAL_ENV", "CONDA_PREFIX", "JUPYTER_PATH", "U2AD_INSTRUCTION_SET", "CARGO_HOME"]
    {
        command.env_remove(name);
    }
    command.env("HOME", place.path("home")).env("PATH", place.path("bin"));
    command.env("JUPYTER_DATA_DIR", place.path("jupyter"));
    ended(command.envs(variables.iter().copied()))
}

/// The value of a fact of the report.
fn fact<'a>(report: &'a str, about: &str) -> &'a str {
    let line = report.lines().find_map(|line| line.strip_prefix(about)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {about} in {report}")).trim()
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_an_error() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["run", "--help"], &["--version"], &["reference"], &["man"]]
    {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let child = place.command(arguments).stdout(full).stderr(Stdio::piped()).spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        let report = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {report}");
        assert!(report.contains("standard output cannot be written"), "{arguments:?}: {report}");
    }
    let wrong = ended(&mut place.command(&["--no-such-option"]));
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    let help = ended(&mut place.command(&["--help"]));
    assert!(help.code == Some(0) && help.out.contains("Usage"), "{}", help.out);
}

#[test]
fn every_shell_gets_completions_of_the_commands() {
    let place = Place::new();
    for (shell, words) in
        [("bash", "complete -F _u2ad"), ("zsh", "#compdef u2ad"), ("fish", "complete -c u2ad")]
    {
        let ended = ended(&mut place.command(&["completions", shell]));
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        for word in [words, "convert", "doctor", "display-name", "resume"] {
            assert!(ended.out.contains(word), "{shell}: {word}");
        }
        check_syntax(shell, &ended.out);
    }
    let ended = ended(&mut place.command(&["completions", "tcl"]));
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("zsh"), "{}", ended.err);
}

/// Lets the shell itself read its completions, where it is installed.
fn check_syntax(shell: &str, text: &str) {
    let child = Command::new(shell).arg("-n").stdin(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("skipped: {shell} is not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{shell} cannot read its completions");
}

#[test]
fn bash_completes_commands_and_their_options() {
    let place = Place::new();
    let completions = ended(&mut place.command(&["completions", "bash"])).out;
    place.write("u2ad.bash", &completions);
    let complete = |words: &str| {
        let script = format!(
            "source ./u2ad.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _u2ad u2ad \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\"; \
             echo \"${{COMPREPLY[*]}}\""
        );
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(place.path(""));
        ended(&mut bash).out
    };
    assert_eq!(complete("u2ad doc").trim(), "doctor");
    assert_eq!(complete("u2ad kernel inst").trim(), "install");
    assert!(complete("u2ad run --s").contains("--seed"));
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let place = Place::new();
    let page = ended(&mut place.command(&["man"]));
    assert_eq!(page.code, Some(0), "{}", page.err);
    for words in [".TH u2ad 1", ".SH SYNOPSIS", "masked autoencoder", "u2ad\\-run(1)"] {
        assert!(page.out.contains(words), "{words} in {}", page.out);
    }
    let written = ended(&mut place.command(&["man", "--out", "share/man1"]));
    assert_eq!(written.code, Some(0), "{}", written.err);
    let pages = |name: &str| fs::read_to_string(place.path(&format!("share/man1/{name}.1")));
    assert_eq!(pages("u2ad").unwrap(), page.out);
    assert!(pages("u2ad-run").unwrap().contains("Seed of all random numbers"));
    assert!(pages("u2ad-kernel-install").unwrap().contains("Name of the kernel in menus"));
    assert!(pages("u2ad-help").is_err() && pages("u2ad-rust-host").is_err());
    place.write("file", "");
    let refused = ended(&mut place.command(&["man", "--out", "file"]));
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.starts_with("error: file: "), "{}", refused.err);
}

#[test]
fn the_doctor_says_what_is_missing_and_what_to_do() {
    let place = Place::new();
    let ended = alone(&place, &["doctor"], &[("U2AD_INSTRUCTION_SET", "baseline")]);
    let report = ended.out;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{report}");
    assert!(fact(&report, "u2ad").starts_with(env!("CARGO_PKG_VERSION")));
    assert!(fact(&report, "features").starts_with("shell"));
    assert!(fact(&report, "instruction set").starts_with("baseline"));
    assert!(fact(&report, "device").ends_with(", which --device auto chooses"));
    if !cfg!(feature = "cuda") {
        assert!(fact(&report, "NVIDIA card").starts_with("none found: there is no nvidia-smi"));
    }
    assert!(fact(&report, "Jupyter").contains("pip install jupyterlab"));
    assert!(fact(&report, "Rust toolchain").contains("https://rustup.rs"));
    assert!(fact(&report, "threads").starts_with(|first: char| first.is_ascii_digit()));
    assert!(report.ends_with("\nEverything that is installed works.\n"));
}

#[test]
fn a_kernel_is_installed_with_arguments_that_it_understands() {
    let place = Place::new();
    let refused = alone(&place, &["kernel", "install", "--", "--sed", "3"], &[]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("'--sed'"), "{}", refused.err);
    assert!(!place.path("jupyter/kernels/u2ad").exists());
    let installed = alone(&place, &["kernel", "install", "--", "--seed", "3"], &[]);
    assert_eq!(installed.code, Some(0), "{}", installed.err);
}

#[test]
fn the_doctor_finds_a_kernel_whose_program_is_gone() {
    let place = Place::new();
    let installed = alone(&place, &["kernel", "install"], &[]);
    assert_eq!(installed.code, Some(0), "{}", installed.err);
    let report = alone(&place, &["doctor"], &[]);
    assert_eq!(report.code, Some(0), "{}", report.out);
    let program = fs::canonicalize(env!("CARGO_BIN_EXE_u2ad")).unwrap();
    let kernel = fact(&report.out, "Jupyter kernel");
    assert!(kernel.ends_with(&format!("starts {}", program.display())), "{kernel}");

    let spec = place.path("jupyter/kernels/u2ad/kernel.json");
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, text.replace(env!("CARGO_BIN_EXE_u2ad"), "/gone/u2ad")).unwrap();
    let report = alone(&place, &["doctor"], &[]);
    assert_eq!(report.code, Some(1), "{}", report.out);
    let kernel = fact(&report.out, "Jupyter kernel");
    assert!(kernel.starts_with("broken: u2ad in "), "{kernel}");
    assert!(kernel.contains("/gone/u2ad, which is not there; `u2ad kernel install"), "{kernel}");
    assert!(report.out.ends_with("\nOne thing that is installed does not work.\n"));

    fs::write(&spec, "{").unwrap();
    let report = alone(&place, &["doctor"], &[]);
    assert_eq!(report.code, Some(1), "{}", report.out);
    assert!(fact(&report.out, "Jupyter kernel").contains("kernel.json that is not valid"));
}

#[test]
fn the_doctor_works_where_an_unknown_instruction_set_stops_all_else() {
    let place = Place::new();
    let wrong = [("U2AD_INSTRUCTION_SET", "avx1024")];
    assert_eq!(alone(&place, &["kernel", "list"], &wrong).code, Some(1));
    let report = alone(&place, &["doctor"], &wrong);
    assert_eq!(report.code, Some(1), "{}", report.out);
    assert!(fact(&report.out, "instruction set").starts_with("broken: "), "{}", report.out);
}
