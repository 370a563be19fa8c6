//! The help of the command line and of every command.

use super::common::{Place, ended};
use super::snapshot::check;

const COMMANDS: [&str; 28] = [
    "",
    "run",
    "new",
    "runs",
    "sweep",
    "verify",
    "diff",
    "screen",
    "bids",
    "bench",
    "bench train",
    "bench mc",
    "bench image",
    "bench batch",
    "bench roofline",
    "bench load",
    "import",
    "convert",
    "kernel",
    "kernel install",
    "kernel uninstall",
    "kernel list",
    "kernel start",
    "lsp",
    "doctor",
    "completions",
    "man",
    "reference",
];

fn help(command: &str) -> String {
    let place = Place::new();
    let mut arguments: Vec<&str> = command.split_whitespace().collect();
    arguments.push("--help");
    let ended = ended(place.command(&arguments).env_remove("COLUMNS"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    ended.out
}

#[test]
fn help_of_the_command_line() {
    for command in COMMANDS {
        let words = ["u2ad", command].join(" ");
        check("commands", &words.trim_end().replace(' ', "-"), &help(command));
    }
}

/// No command is left out above: the help of each lists those below it.
#[test]
fn every_command_has_a_snapshot() {
    let commands_of = |command: &str| -> Vec<String> {
        let help = help(command);
        let Some((_, listed)) = help.split_once("\nCommands:\n") else { return Vec::new() };
        let lines = listed.lines().take_while(|line| !line.is_empty());
        let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names = names.filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(|name| format!("{command} {name}")).collect()
    };
    let all: Vec<String> = ["", "bench", "kernel"].into_iter().flat_map(commands_of).collect();
    assert!(all.len() > 15, "{all:?}");
    // `repl` is what u2ad does without a command.
    for command in all.iter().map(|name| name.trim()).filter(|name| *name != "repl") {
        assert!(COMMANDS.contains(&command), "{command} has no snapshot");
    }
}

/// What the command line refuses.
#[test]
fn mistakes_on_the_command_line() {
    let place = Place::new();
    let refused = |words: &str| {
        let arguments: Vec<&str> = words.split_whitespace().collect();
        let ended = ended(place.command(&arguments).env_remove("COLUMNS"));
        format!("$ u2ad {words}\n{}{}exit code {}\n", ended.out, ended.err, ended.code.unwrap())
    };
    let all = [
        "rnu study.star",
        "run",
        "run study.star --sed 3",
        "run study.star --seed three",
        "run study.star --device gpu",
        "run nothing.star",
        "verify runs/nothing",
        "diff runs/a runs/b",
        "runs",
        "convert study.star study.txt",
        "completions tcl",
        "--resume nowhere",
    ];
    place.write("study.star", "print(1)\n");
    check("errors", "command_line", &all.map(refused).join("\n"));
}
