//! What the program prints about itself: completions for the system's shells, manual pages, the reference.

pub mod completions;
pub mod manual_pages;
pub mod reference;

use std::io::{self, Write, stdout};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::{Error, Result};

/// Writes a generated text to standard output. A reader that has seen enough, such as `head`, is no
/// error.
pub(in crate::frontends) fn print_whole(text: &[u8]) -> Result<ExitCode> {
    let mut out = stdout().lock();
    whole(out.write_all(text).and_then(|()| out.flush()))
}

/// Shows help, the version, or what is wrong with a command line. The exit code is that of clap: 0, or 2 for
/// a wrong command line.
///
/// # Errors
/// If standard output cannot be written to.
pub fn print_command_line(told: &clap::Error) -> Result<ExitCode> {
    match plain(told) {
        Some(text) => eprint!("{text}"),
        None => drop(whole(told.print().and_then(|()| stdout().flush()))?),
    }
    Ok(u8::try_from(told.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// What clap says of a number, and what that means.
const NUMBERS: [(&str, &str); 6] = [
    ("number too large to fit in target type", "the number is too large"),
    ("number too small to fit in target type", "the number is too small"),
    ("invalid digit found in string", "this is no whole number of 0 or more"),
    ("cannot parse integer from empty string", "a number is missing"),
    ("cannot parse float from empty string", "a number is missing"),
    ("invalid float literal", "this is no number"),
];

/// What is wrong with a number of a command line, in plain words; `None` if something else is.
fn plain(told: &clap::Error) -> Option<String> {
    let argument = match told.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.as_str(),
        _ => "",
    };
    if told.kind() == ErrorKind::UnknownArgument && argument.parse::<f64>().is_ok() {
        return Some(format!(
            "error: {argument} cannot be used: options and arguments take no negative numbers\n\n\
             For more information, try '--help'.\n"
        ));
    }
    let text = told.render().to_string();
    let (raw, plain) = NUMBERS.into_iter().find(|(raw, _)| text.contains(raw))?;
    Some(text.replace(raw, plain))
}

fn whole(written: io::Result<()>) -> Result<ExitCode> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let error = error.to_string();
            let reason = error.split(" (os error").next().unwrap_or_default();
            Err(Error::input(format!("standard output cannot be written to: {reason}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::frontends::command_line::CommandLine;

    #[test]
    fn wrong_numbers_are_told_in_plain_words() {
        let told = |arguments: &[&str]| {
            let arguments = ["u2ad"].iter().chain(arguments);
            CommandLine::try_parse_from(arguments).err().and_then(|error| plain(&error))
        };
        let text = told(&["run", "x.star", "--seed", "99999999999999999999"]).unwrap();
        assert!(text.contains("for '--seed <N>': the number is too large"), "{text}");
        let text = told(&["run", "x.star", "--seed", "many"]).unwrap();
        assert!(text.contains("this is no whole number of 0 or more"), "{text}");
        let text = told(&["run", "x.star", "--seed", "-1"]).unwrap();
        assert!(text.starts_with("error: -1 cannot be used") && !text.contains("-- -1"), "{text}");
        assert_eq!(told(&["run", "--nonsense"]), None);
    }
}
