//! All commands, in the order of `:help`.

use std::time::Instant;

use super::transcript::write_transcript;
use super::{Command, CommandHost, Next, refused};
use crate::language::CellError;
use crate::report::{Cell, Column, List, Table};
use crate::session::{Display, Page, Part};

/// What a command leaves.
type Done = Result<Next, CellError>;

/// Every command.
pub(in crate::frontends) const COMMANDS: &[Command] = &[
    Command { name: "help", arguments: "", summary: "Lists these commands.", run: help },
    Command { name: "who", arguments: "", summary: "Lists your names and their values.", run: who },
    Command {
        name: "time",
        arguments: "EXPR",
        summary: "Runs an expression and says how long it took.",
        run: time,
    },
    Command {
        name: "save",
        arguments: "NAME",
        summary: "Saves a value in the folder NAME.u2ad.",
        run: save,
    },
    Command { name: "load", arguments: "NAME", summary: "Loads a saved value.", run: load },
    Command {
        name: "transcript",
        arguments: "FILE",
        summary: "Writes what was typed as a script (.star) or notebook (.ipynb) that can be run again.",
        run: write_transcript,
    },
    Command {
        name: "images",
        arguments: "[HOW]",
        summary: "Shows figures by auto, kitty, iterm, sixel, blocks or none; without HOW, says which.",
        run: images,
    },
    Command {
        name: "device",
        arguments: "[NAME]",
        summary: "Computes on auto, cpu, cuda or metal from now on; without NAME, shows the device.",
        run: device,
    },
    Command {
        name: "quit",
        arguments: "",
        summary: "Ends the session, as Ctrl-D does.",
        run: quit,
    },
];

/// Commands that a notebook has other ways for.
const SHELL_ONLY: [&str; 2] = ["images", "quit"];

fn help(host: &mut dyn CommandHost, _: &str) -> Done {
    let usage = |command: &Command| {
        format!(":{} {}", command.name, command.arguments).trim_end().to_owned()
    };
    let is_notebook = host.is_notebook();
    let listed = COMMANDS.iter().filter(|one| !is_notebook || !SHELL_ONLY.contains(&one.name));
    let entries = listed.map(|command| (usage(command), command.summary.to_owned()));
    let verbs = "help() lists the verbs of the language; help(NAME) explains one.";
    host.show(Display::of([Part::Page(Page {
        paragraphs: vec![verbs.to_owned()],
        lists: vec![List { title: "Commands".to_owned(), entries: entries.collect() }],
        ..Page::default()
    })]));
    Ok(Next::Stay)
}

fn who(host: &mut dyn CommandHost, _: &str) -> Done {
    let names = host.session().names();
    if names.is_empty() {
        host.show(Display::text("no names are defined yet"));
        return Ok(Next::Stay);
    }
    let columns = vec![Column::text("name"), Column::text("type"), Column::text("value")];
    let mut table = Table::new("Names", columns);
    for name in names {
        let row = vec![Cell::from(name.name), Cell::from(name.kind), Cell::from(name.summary)];
        table.push(row).map_err(refused)?;
    }
    host.show(Display::text(table.to_text(100).trim_end()));
    Ok(Next::Stay)
}

fn time(host: &mut dyn CommandHost, expression: &str) -> Done {
    if expression.is_empty() {
        return Err(CellError::new(":time needs an expression, such as `:time evaluate(found)`"));
    }
    let start = Instant::now();
    let outcome = host.run(expression);
    let took = start.elapsed().as_secs_f64();
    let took = match took {
        ..1.0 => format!("{:.1} ms", took * 1e3),
        1.0..60.0 => format!("{took:.2} s"),
        _ => format!("{:.0} min {:02.0} s", (took / 60.0).floor(), took % 60.0),
    };
    host.show(Display::text(format!("took {took}")));
    outcome.map(|()| Next::Stay)
}

fn save(host: &mut dyn CommandHost, name: &str) -> Done {
    let shown = host.session().save(checked(name)?)?;
    shown.into_iter().for_each(|shown| host.show(shown));
    Ok(Next::Stay)
}

fn load(host: &mut dyn CommandHost, name: &str) -> Done {
    host.session().load(checked(name)?)?;
    Ok(Next::Stay)
}

/// A name of the language: it also names a folder.
fn checked(name: &str) -> Result<&str, CellError> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    match !name.is_empty() && name.chars().all(is_part) {
        true => Ok(name),
        false => Err(CellError::new(format!("\"{name}\" is not a name, such as `model`"))),
    }
}

fn images(host: &mut dyn CommandHost, how: &str) -> Done {
    let shown = host.images((!how.is_empty()).then_some(how)).map_err(refused)?;
    host.show(Display::text(shown));
    Ok(Next::Stay)
}

/// Goes through the verb, so that a transcript computes where the session did.
fn device(host: &mut dyn CommandHost, name: &str) -> Done {
    match name {
        "" => host.show(Display::text(host.session().device())),
        name => host.run(&format!("device({name:?})"))?,
    }
    Ok(Next::Stay)
}

fn quit(_: &mut dyn CommandHost, _: &str) -> Done {
    Ok(Next::Quit)
}
