//! `u2ad completions`: files with which shells of the system complete u2ad's commands and options.

use std::process::ExitCode;

use clap::Command;
pub use clap_complete::Shell;

use super::print_whole;
use crate::Result;

const PROGRAM: &str = env!("CARGO_PKG_NAME");

/// Prints the completions of the command line for a shell.
///
/// # Errors
/// If standard output cannot be written to.
pub fn print(shell: Shell, command_line: &Command) -> Result<ExitCode> {
    print_whole(&completions(shell, command_line))
}

fn completions(shell: Shell, command_line: &Command) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut visible(command_line), PROGRAM, &mut text);
    text
}

/// The command line without hidden commands, which completions would show.
fn visible(command_line: &Command) -> Command {
    let commands = command_line.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new(PROGRAM)
        .version(env!("CARGO_PKG_VERSION"))
        .args(command_line.get_arguments().cloned())
        .subcommands(commands.cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_leave_out_hidden_commands() {
        let command_line = Command::new("u2ad")
            .arg(clap::Arg::new("seed").long("seed"))
            .subcommand(Command::new("run"))
            .subcommand(Command::new("rust-host").hide(true));
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let text = String::from_utf8(completions(shell, &command_line)).unwrap();
            assert!(!text.contains("rust-host"), "{shell}: {text}");
            for word in ["run", "seed", "version"] {
                assert!(text.contains(word), "{shell} {word}: {text}");
            }
        }
    }
}
