//! The shell as its user has it: what is typed, and what the screen then shows.
#![cfg(unix)]

#[allow(dead_code)]
#[path = "../kernel/client.rs"]
mod client;
mod existing;
mod pager;
mod screen;

use std::fs;

use screen::{CTRL_C, CTRL_D, CTRL_O, CTRL_R, ENTER, Home, TAB};

/// A cohort that is drawn in a moment.
const PEOPLE: &str = "people = phantom_cohort(subjects = 4, pixel_spacing_mm = 2.0)";

#[test]
fn a_block_is_indented_goes_on_until_an_empty_line_and_runs() {
    let mut shell = Home::new().open(&[]);
    shell.press("for i in range(3):\r");
    shell.press("print(\"number %d\" % i)\r");
    shell.see("\n    print(\"number %d\" % i)");
    assert!(!shell.screen().contains("number 0"), "it ran too early:\n{}", shell.screen());
    shell.press(ENTER);
    shell.see("number 2");
    shell.run("1 + 41");
    shell.see("42");
}

#[test]
fn a_stray_byte_is_named_and_ends_nothing() {
    let mut shell = Home::new().open(&[]);
    shell.run("kept = 40");
    shell.press("kept ");
    shell.see("u2ad> kept");
    shell.send(b"\xff");
    shell.see("a byte was left out");
    shell.press("+ 2\r");
    shell.see("\n42");
}

#[test]
fn a_flood_of_lines_is_stopped_at_once() {
    let mut shell = Home::new().open(&[]);
    shell.press("for i in range(1 << 30): print('line', i)\r");
    shell.see("line 1");
    shell.press(CTRL_C);
    shell.see("interrupted");
    shell.run("1 + 41");
    shell.see("42");
}

#[test]
fn a_cell_beyond_the_memory_budget_fails_and_the_session_lives_on() {
    let mut shell = Home::new().open(&["--memory", "0.3"]);
    shell.run("kept = 40");
    shell.run("list(range(100000000))");
    shell.see("budget is 0.3 GB");
    shell.run("kept + 2");
    shell.see("\n42");
}

#[test]
fn tab_lists_attributes_and_completes_keywords_values_and_commands() {
    let mut shell = Home::new().open(&[]);
    shell.run(PEOPLE);
    shell.press("people.cl");
    shell.press(TAB);
    shell.see("u2ad> people.clinical");
    shell.clear();
    shell.press("people.");
    shell.press(TAB);
    shell.until("the attributes", |screen| screen.contains("names") && screen.contains("broken"));
    shell.clear();
    shell.press("u2ad(deco");
    shell.press(TAB);
    shell.until("keyword arguments with their defaults", |screen| {
        screen.contains("decoder_embed_dim") && screen.contains("depth") && screen.contains("None")
    });
    shell.clear();
    shell.press("model = u2ad(preset = \"sm");
    shell.press(TAB);
    shell.see("preset = \"small");
    shell.clear();
    shell.press(":tr");
    shell.press(TAB);
    shell.see("u2ad> :transcript");
}

#[test]
fn a_question_mark_shows_a_page_that_fits_the_window() {
    let mut shell = Home::new().open(&[]);
    shell.run("rewind?");
    shell.until("the page of a verb", |screen| screen.contains("Example"));
    let widest = shell.screen().lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{}", shell.screen());
}

#[test]
fn a_pasted_script_runs_once_as_one_cell() {
    let mut shell = Home::new().open(&[]);
    let script = "total = 0\nfor i in range(4):\n    total += i\n\n    total += 10\n\nprint(\"sum\", total)\n";
    shell.press(&format!("\x1b[200~{script}\x1b[201~"));
    shell.see("print(\"sum\", total)");
    assert!(!shell.screen().contains("sum 46"), "it ran by itself:\n{}", shell.screen());
    shell.press(ENTER);
    shell.see("sum 46");
    shell.run(":transcript all.star");
    shell.see("1 cell in all.star");
}

#[test]
fn history_lives_on_and_is_searched_and_hinted() {
    let home = Home::new();
    let mut shell = home.open(&[]);
    shell.run("print(\"needle in the past\")");
    shell.run("x = 2");
    shell.press(CTRL_D);
    assert_eq!(shell.ended(), Some(0));
    let mut shell = home.open(&[]);
    shell.press("pri");
    shell.see("u2ad> print(\"needle in the past\")");
    shell.clear();
    shell.press(CTRL_R);
    shell.press("needle");
    shell.see("(reverse-i-search)`needle': print(\"needle in the past\")");
    shell.press(ENTER);
    shell.see("\nneedle in the past");
}

#[test]
fn the_last_cell_opens_in_the_users_editor() {
    let home = Home::new();
    let editor = home.path("editor.sh");
    fs::write(&editor, "sed -i s/first/second/ \"$1\"\n").unwrap();
    let editor = format!("sh {}", editor.display());
    let mut shell = home.open_with(&[], &[("EDITOR", &editor)]);
    shell.run("print(\"the first\")");
    shell.press(CTRL_O);
    shell.see("u2ad> print(\"the second\")");
    shell.press(ENTER);
    shell.see("\nthe second");
}

#[test]
fn an_interrupt_keeps_everything_and_another_one_at_the_prompt_does_not_quit() {
    let mut shell = Home::new().open(&["--images", "none"]);
    shell.run(PEOPLE);
    shell.run("model = u2ad()");
    for _ in 0..2 {
        shell.press("pretrain(model, people, epochs = 300)\r");
        shell.until("a bar with loss, speed and time left", |screen| {
            ["loss", "/s", "left", "━"].iter().all(|part| screen.contains(part))
        });
        shell.press(CTRL_C);
        shell.see("interrupted");
        shell.until("what was kept", |screen| screen.contains("kept: epoch"));
        shell.prompt();
        shell.clear();
        shell.run("print(\"still %d subjects\" % len(people))");
        shell.see("still 4 subjects");
        shell.press("\x0c");
        shell.until("a clear screen", |screen| !screen.contains("interrupted"));
    }
    shell.run("print(\"%d values\" % model.parameters)");
    shell.see(" values\n");
}

#[test]
fn a_bar_follows_the_window() {
    let mut shell = Home::new().open(&["--images", "none"]);
    shell.run(PEOPLE);
    shell.run("model = u2ad()");
    shell.press("pretrain(model, people, epochs = 1000)\r");
    let is_bar = |line: &&str| line.contains("batches") || line.contains("epochs");
    shell.until("a bar with a sparkline", |screen| {
        screen.lines().filter(is_bar).any(|line| line.contains('▁') || line.contains('█'))
    });
    for (columns, rows) in [(50, 16), (120, 30)] {
        shell.resize(columns, rows);
        shell.until("bars of the new width", |screen| {
            let bars: Vec<_> = screen.lines().filter(is_bar).collect();
            let fits = |line: &&str| line.trim_end().chars().count() < usize::from(columns);
            let wide = bars.iter().any(|line| line.trim_end().chars().count() > 62);
            (1..=2).contains(&bars.len()) && bars.iter().all(fits) && wide == (columns > 80)
        });
    }
    shell.press(CTRL_C);
    shell.see("interrupted");
    shell.prompt();
    assert_eq!(shell.screen().lines().filter(|line| line.contains('━')).count(), 0);
}

#[test]
fn figures_are_drawn_as_asked_for_and_always_saved() {
    let home = Home::new();
    let mut shell = home.open(&["--images", "blocks"]);
    shell.run(PEOPLE);
    shell.press("plot(people[0])\r");
    shell.see("figure: runs/shell/01-");
    assert!(shell.screen().contains('▀'), "{}", shell.screen());
    shell.prompt();
    let protocols = [("kitty", "\x1b_Ga=T"), ("iterm", "\x1b]1337;File="), ("sixel", "\x1bP")];
    for (number, (name, begin)) in protocols.into_iter().enumerate() {
        shell.run(&format!(":images {name}"));
        shell.see(&format!("figures are drawn by {name}"));
        assert!(!shell.bytes().contains(begin));
        shell.press("plot(people[0])\r");
        shell.see(&format!("figure: runs/shell/{:02}-", number + 2));
        shell.prompt();
        assert!(shell.bytes().contains(begin), "{name}");
    }
    let saved = fs::read_dir(home.path("runs/shell")).unwrap();
    let figures = saved.filter(|file| {
        file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "png")
    });
    assert_eq!(figures.count(), 4);
}

#[test]
fn commands_look_after_the_session() {
    let home = Home::new();
    let mut shell = home.open(&[]);
    shell.run("count = 3");
    shell.press("count +\r");
    shell.clear();
    shell.run("missing");
    shell.run(":who");
    shell.until("names with values", |screen| {
        screen.lines().any(|line| line.split_whitespace().eq(["count", "int", "3"]))
    });
    shell.run(":time count * 2");
    shell.until("the value and the time", |screen| {
        screen.contains("\n6\n") && screen.contains("took ")
    });
    shell.run(":device");
    shell.see("cpu");
    shell.run(":transcript typed.star");
    shell.run(":transcript typed.ipynb");
    shell.run(":wh0");
    shell.see("there is no command `:wh0`");
    shell.run(":help");
    shell.see(":transcript FILE");
    let typed = fs::read_to_string(home.path("typed.star")).unwrap();
    assert!(typed.starts_with("# %%\ncount = 3\n"), "{typed}");
    let notebook = fs::read_to_string(home.path("typed.ipynb")).unwrap();
    assert!(notebook.contains("\"nbformat\": 4"), "{notebook}");
    assert!(typed.contains("# stopped: ") && typed.contains("\n# missing\n"), "{typed}");
    shell.press(":quit\r");
    assert_eq!(shell.ended(), Some(0));
}

#[test]
fn source_is_coloured_unless_no_colour_is_wanted() {
    let home = Home::new();
    let mut shell = home.open(&[]);
    shell.press("x = \"text\"");
    shell.see("x = \"text\"");
    assert!(shell.coloured().contains("\x1b[32m\"text\""), "{:?}", shell.coloured());
    drop(shell);
    let mut plain = home.open_with(&[], &[("NO_COLOR", "1")]);
    plain.press("x = \"text\"");
    plain.see("x = \"text\"");
    plain.press(" + 1\r");
    plain.see("error:");
    assert!(!has_colour(&plain.bytes()), "{:?}", plain.bytes());
    assert!(has_colour("\x1b[2C\x1b[1;31m"));
}

/// A network that trains in a moment.
const MODEL: &str =
    "model = u2ad(image = 64, embed_dim = 16, depth = 1, heads = 2, decoder_embed_dim = 16)";

#[test]
fn a_killed_session_comes_back_with_all_but_the_running_epoch() {
    let home = Home::new();
    let mut shell = home.open(&["--images", "none"]);
    shell.run("people = phantom_cohort(subjects = 4, pixel_spacing_mm = 3.0)");
    shell.press(&format!("{MODEL}\r"));
    shell.run("def twice(x): return 2 * x");
    shell.press(ENTER);
    shell.prompt();
    shell.press("pretrain(model, people.healthy, epochs = 100000)\r");
    shell.until("the third epoch", |screen| {
        ["epoch 3,", "epoch 4,", "epoch 5,", "epoch 6,"].iter().any(|epoch| screen.contains(epoch))
    });
    shell.kill();

    let mut shell = home.open(&["--images", "none"]);
    shell.see("the session in runs/shell did not end: u2ad --resume brings it back");
    shell.press(CTRL_D);
    assert_eq!(shell.ended(), Some(0));

    let mut shell = home.open(&["--images", "none", "--resume"]);
    shell.see("restored a session of 4 cells: model, people, twice");
    shell.run("print(\"%d epochs\" % model.epochs if model.epochs >= 2 else \"lost\")");
    shell.until("the epochs that were finished", |screen| screen.contains(" epochs\n"));
    shell.run("rewind(model, epoch = 1)");
    shell.see("the model is as it was after epoch 1");
    shell.run("print(\"again %d\" % twice(len(people)))");
    shell.see("again 8");
    shell.run(":transcript all.star");
    let typed = fs::read_to_string(home.path("all.star")).unwrap();
    assert!(typed.contains("# stopped: the session ended while it ran"), "{typed}");
    assert!(typed.contains("\npeople = phantom_cohort("), "{typed}");
}

#[test]
fn a_closed_window_or_a_time_limit_ends_the_session_so_that_it_can_go_on() {
    for signal in ["TERM", "HUP"] {
        let home = Home::new();
        let mut shell = home.open(&["--images", "none"]);
        shell.run("people = phantom_cohort(subjects = 4, pixel_spacing_mm = 3.0)");
        shell.press(&format!("{MODEL}\r"));
        shell.press("pretrain(model, people.healthy, epochs = 100000)\r");
        shell.until("the second epoch", |screen| {
            ["epoch 2,", "epoch 3,", "epoch 4,", "epoch 5,"].iter().any(|one| screen.contains(one))
        });
        shell.signal(signal);
        assert_eq!(shell.ended(), Some(143), "SIG{signal}");
        let record = fs::read_to_string(home.path("runs/shell/run.json")).unwrap();
        assert!(record.contains("\"status\": \"interrupted\""), "{record}");
        let mut shell = home.open(&["--images", "none", "--resume"]);
        shell.see("restored a session of ");
        shell.run("print(\"kept\" if model.epochs >= 1 else \"lost\")");
        shell.until("the epoch that was finished", |screen| screen.contains("\nkept\n"));
        shell.signal(signal);
        assert_eq!(shell.ended(), Some(143), "SIG{signal} at the prompt");
        let script = fs::read_to_string(home.path("runs/shell/shell.star")).unwrap();
        assert!(script.contains("\npeople = phantom_cohort("), "{script}");
    }
}

#[test]
fn the_end_asks_about_an_unsaved_model() {
    let home = Home::new();
    let mut shell = home.open(&["--images", "none"]);
    shell.run("people = phantom_cohort(subjects = 2, pixel_spacing_mm = 3.0)");
    shell.press(&format!("{MODEL}\r"));
    shell.run("loss = train_epoch(model, people).loss");
    shell.press(CTRL_D);
    shell.see("model was trained and not saved. End anyway? [y/N]");
    shell.press("n\r");
    shell.run("save_model(model, \"model.safetensors\")");
    shell.press(CTRL_D);
    assert_eq!(shell.ended(), Some(0));
    assert!(home.path("model.safetensors").is_file());
    let script = fs::read_to_string(home.path("runs/shell/shell.star")).unwrap();
    assert!(script.contains("\nsave_model(model, \"model.safetensors\")\n"), "{script}");
}

#[test]
fn a_value_is_kept_and_brought_back_in_another_session() {
    let home = Home::new();
    let mut shell = home.open(&["--images", "none"]);
    shell.run("people = phantom_cohort(subjects = 2, pixel_spacing_mm = 3.0)");
    shell.press(&format!("{MODEL}\r"));
    shell.run("loss = train_epoch(model, people).loss");
    shell.run("study = {\"model\": model, \"loss\": loss}");
    shell.run(":save study");
    shell.see("study is in study.u2ad");
    let notes = home.path("study.u2ad/notes.txt");
    fs::write(&notes, "mine").unwrap();
    shell.run(":save study");
    shell.see("notes.txt is no part of a saved value");
    fs::remove_file(notes).expect("not deleted");
    shell.press(CTRL_D);
    assert_eq!(shell.ended(), Some(0), "a saved model is not asked about");
    let mut shell = home.open(&["--images", "none"]);
    shell.run(":load study");
    shell.run("print(\"%d epoch\" % study[\"model\"].epochs)");
    shell.see("1 epoch");
    shell.run("print(study[\"loss\"] == study[\"model\"].history.losses[0])");
    shell.see("True");
    shell.run(":load nothing");
    shell.see("nothing.u2ad");
}

#[test]
fn standard_input_that_is_no_terminal_is_a_script() {
    let home = Home::new();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_u2ad"));
    let path = home.path("piped.star");
    fs::write(&path, "for i in range(2):\n    print(\"line %d\" % i)\n").unwrap();
    let output =
        command.current_dir(home.path("")).stdin(fs::File::open(path).unwrap()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "line 0\nline 1\n");
}

/// Whether any sequence sets a colour or style.
fn has_colour(bytes: &str) -> bool {
    bytes.split("\x1b[").skip(1).any(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
        rest[end..].starts_with('m') && !matches!(&rest[..end], "" | "0")
    })
}
