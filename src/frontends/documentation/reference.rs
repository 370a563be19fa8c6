//! `u2ad reference`: every verb, type and command in one text, made from their own documentation.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::ExitCode;

use clap::Command;

use super::print_whole;
use crate::Result;
use crate::frontends::commands::COMMANDS;
use crate::report::{List, Page};
use crate::session::manual;

/// Columns of the text, and of the help of the command line.
const WIDTH: usize = 80;

/// Prints the reference, as text or as Markdown.
///
/// # Errors
/// If standard output cannot be written to.
pub fn print(command_line: &Command, is_markdown: bool) -> Result<ExitCode> {
    let whole =
        if is_markdown { markdown(command_line, &BTreeMap::new()) } else { text(command_line) };
    print_whole(whole.as_bytes())
}

/// A page with its title. The help of a command is laid out already.
enum Section {
    Page(String, Page),
    Command(String, String),
}

struct Chapter {
    title: String,
    sections: Vec<Section>,
}

fn chapters(command_line: &Command) -> Vec<Chapter> {
    let mut chapters: Vec<Chapter> = Vec::new();
    for chapter in manual().chapters() {
        let pages = chapter.pages.into_iter().map(|(name, page)| Section::Page(name, page));
        chapters.push(Chapter { title: chapter.title, sections: pages.collect() });
    }
    let usage = |command: &crate::frontends::commands::Command| {
        let whole = format!(":{} {}", command.name, command.arguments);
        (whole.trim_end().to_owned(), command.summary.to_owned())
    };
    let about = "Lines that begin with a colon, in the shell and in notebooks.";
    let list = List { title: String::new(), entries: COMMANDS.iter().map(usage).collect() };
    let page = Page { paragraphs: vec![about.to_owned()], lists: vec![list], ..Page::default() };
    let sections = vec![Section::Page(String::new(), page)];
    chapters.push(Chapter { title: "Commands of the shell".to_owned(), sections });
    let mut sections = Vec::new();
    let mut whole = command_line.clone().term_width(WIDTH);
    whole.build();
    add_commands(&whole, "", &mut sections);
    chapters.push(Chapter { title: "Command line".to_owned(), sections });
    chapters
}

/// A command and those below it, without hidden ones.
fn add_commands(command: &Command, above: &str, sections: &mut Vec<Section>) {
    let name = format!("{above}{}", command.get_name());
    let help = command.clone().term_width(WIDTH).render_long_help().to_string();
    // Blank lines between options end in spaces.
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    sections.push(Section::Command(name.clone(), help.join("\n").trim_end().to_owned()));
    let visible = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    for below in command.get_subcommands().filter(visible) {
        add_commands(below, &format!("{name} "), sections);
    }
}

/// The reference as plain text.
fn text(command_line: &Command) -> String {
    let mut text = format!("u2ad {}: reference\n", env!("CARGO_PKG_VERSION"));
    for Chapter { title, sections } in chapters(command_line) {
        let _ = write!(text, "\n\n{title}\n{}\n", "=".repeat(title.chars().count()));
        for section in sections {
            let body = match section {
                Section::Page(_, page) => page.text(WIDTH),
                Section::Command(name, help) => {
                    format!("{name}\n{}\n\n{help}", "-".repeat(name.len()))
                }
            };
            let _ = write!(text, "\n\n{body}\n");
        }
    }
    text
}

/// The reference as Markdown. `outputs` has what the examples of some verbs print.
pub fn markdown(command_line: &Command, outputs: &BTreeMap<String, String>) -> String {
    let mut text = "# Reference\n\nEvery verb, type, attribute and command. This page is generated from their own \
        documentation: `u2ad reference --markdown` prints it for the program that you have, `help(NAME)` one entry \
        of it.\n"
        .to_owned();
    for Chapter { title, sections } in chapters(command_line) {
        let _ = write!(text, "\n## {title}\n");
        for section in sections {
            match section {
                Section::Page(name, page) => {
                    if !name.is_empty() {
                        let _ = write!(text, "\n### {}\n", name.replace('_', "\\_"));
                    }
                    let _ = write!(text, "\n{}\n", page.markdown());
                    if let Some(output) = outputs.get(&name) {
                        let _ =
                            write!(text, "\n**Output**\n\n```text\n{}\n```\n", output.trim_end());
                    }
                }
                Section::Command(name, help) => {
                    let _ = write!(text, "\n### {name}\n\n```text\n{help}\n```\n");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::frontends::command_line::CommandLine;

    #[test]
    fn both_forms_hold_verbs_types_and_commands() {
        let command_line = CommandLine::command();
        let outputs = [("seed".to_owned(), "what it printed\n".to_owned())].into();
        let (text, markdown) = (text(&command_line), markdown(&command_line, &outputs));
        for whole in [&text, &markdown] {
            for word in
                ["train_epoch(", "Cohort", ":transcript FILE", "u2ad kernel install", "json.encode"]
            {
                assert!(whole.contains(word), "{word}");
            }
            for hidden in ["rust-host", "rerun"] {
                assert!(!whole.contains(hidden), "{hidden}");
            }
            assert!(!whole.lines().any(|line| line.ends_with(' ')));
        }
        assert!(markdown.contains("```text\nwhat it printed\n```"));
        assert!(!markdown.contains("\n\n\n"));
    }
}
