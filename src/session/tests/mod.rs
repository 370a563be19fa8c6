//! The session as its front ends see it.

mod findings;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::context::{CancelToken, Event};

/// Remembers what was shown, as text.
#[derive(Default)]
struct Memory(Mutex<Vec<String>>);

impl Sink for Memory {
    fn emit(&self, output: Output) {
        self.0.lock().unwrap().push(match output {
            Output::Text(text) => text,
            Output::ErrorText(text) => format!("warn: {text}"),
            Output::Update(display) => format!("update: {}", display.to_text()),
            Output::Clear { wait } => format!("clear, wait {wait}"),
            Output::Display(display) => display.to_text(),
            Output::Event(event) => format!("{event:?}"),
        });
    }
}

fn session() -> (Session, Arc<Memory>) {
    let memory = Arc::new(Memory::default());
    (Session::start(Settings::default(), memory.clone()).unwrap(), memory)
}

fn cell(source: &str) -> Cell {
    Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() }
}

fn shown(session: &Session, source: &str) -> String {
    let value = session.run(cell(source)).unwrap();
    value.map(|display| display.to_text()).unwrap_or_default()
}

#[test]
fn values_live_from_cell_to_cell_and_stay_changeable() {
    let (session, _) = session();
    assert_eq!(shown(&session, "xs = [1]\ndef last(): return xs[-1]"), "");
    assert_eq!(shown(&session, "xs.append(2)"), "");
    assert_eq!(shown(&session, "last()"), "2");
    assert_eq!(shown(&session, "xs = 'new'\nxs"), "\"new\"");
}

#[test]
fn an_error_keeps_what_was_assigned_before_it() {
    let (session, _) = session();
    let error = session.run(cell("x = 1\ny = x + 'a'")).unwrap_err();
    assert_eq!(error.message, "`+` does not work between an int and a string");
    let place = error.place.unwrap();
    assert_eq!((place.line, place.column, &*place.source), (2, 5, "y = x + 'a'"));
    assert_eq!(shown(&session, "x"), "1");
}

#[test]
fn what_is_printed_reaches_the_sink_in_order() {
    let (session, memory) = session();
    shown(&session, "print('one', 2)\nseed(3)\nprint('three')");
    assert_eq!(*memory.0.lock().unwrap(), ["one 2\n", "three\n"]);
}

#[test]
fn an_interrupted_cell_stops_soon_and_keeps_its_values() {
    let (session, _) = session();
    let interrupter = session.interrupter();
    let started = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            assert!(interrupter.interrupt());
        });
        let error = session
            .run(cell("x = 5\nfor i in range(1 << 30):\n  for j in range(1 << 30): pass"))
            .unwrap_err();
        assert!(error.interrupted);
    });
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(shown(&session, "x"), "5");
}

#[test]
fn interrupting_while_nothing_runs_does_not_touch_the_next_cell() {
    let (session, _) = session();
    assert!(!session.interrupter().interrupt());
    assert_eq!(shown(&session, "1 + 1"), "2");
}

#[test]
fn a_cell_with_an_unknown_name_leaves_the_session_alive() {
    let (session, _) = session();
    let error = session.run(cell("fresh = 1\nprint(unheard_of(fresh))")).unwrap_err();
    assert!(error.message.contains("unheard_of"), "{}", error.message);
    assert_eq!(shown(&session, "1 + 1"), "2");
    assert!(session.names().iter().all(|name| name.name != "fresh"));
}

#[test]
fn names_tell_kind_and_attributes() {
    let (session, _) = session();
    shown(&session, "people = phantom_cohort(subjects = 2)\ncount = 3");
    let names = session.names();
    let kinds: Vec<_> = names.iter().map(|name| (&*name.name, &*name.kind)).collect();
    assert_eq!(kinds, [("count", "int"), ("people", "Cohort")]);
    assert!(names[1].attributes.iter().any(|attribute| attribute == "healthy"));
}

#[test]
fn functions_see_what_later_cells_make_of_their_names() {
    let (session, _) = session();
    for cell in ["threshold = 0.5", "def high(score): return score > threshold", "threshold = 0.9"]
    {
        shown(&session, cell);
    }
    assert_eq!(shown(&session, "high(0.7)"), "False");
    // In one cell, and for names that begin with an underscore.
    shown(&session, "limit = 1\n_own = 'a'\nkeep = lambda v: v > limit\nname = lambda: _own");
    shown(&session, "limit = 5\n_own = 'b'");
    assert_eq!(shown(&session, "keep(3), name()"), "(False, \"b\")");
    let names: Vec<String> = session.names().iter().map(|name| name.name.to_string()).collect();
    assert_eq!(names, ["high", "keep", "limit", "name", "threshold"]);
    // Places are those of the cell as it was typed.
    let error = session.run(cell("def f():\n    return threshold + 'a'\nf()")).unwrap_err();
    let place = error.place.unwrap();
    assert_eq!((place.line, &*place.source), (2, "    return threshold + 'a'"));
}

#[test]
fn a_hidden_verb_is_told_once() {
    let (session, memory) = session();
    shown(&session, "def f(table, detect = 2):\n    sweep = table\n    return sweep");
    shown(&session, "rows = [show for show in [1]]\nn = 1");
    shown(&session, "rows = 2\ndef detect(x): return x");
    let told = memory.0.lock().unwrap().clone();
    let warning = |name: &str| {
        let event = Event::Warning(format!(
            "this gives `{name}` another value, which hides the verb `{name}`; a new session brings the verb back"
        ));
        format!("{event:?}")
    };
    assert_eq!(told, [warning("rows"), warning("detect")]);
}

#[test]
fn many_sessions_can_live_at_once() {
    let sessions: Vec<_> = (0..8).map(|_| session().0).collect();
    for (number, session) in sessions.iter().enumerate() {
        assert_eq!(shown(session, &format!("x = {number}\nx")), number.to_string());
    }
}

#[test]
fn what_is_warned_and_cleared_reaches_the_sink() {
    let (session, memory) = session();
    shown(&session, "warn('few subjects')\nclear_output(wait = True)\nshow(1, id = 'loss')");
    assert_eq!(*memory.0.lock().unwrap(), ["warn: few subjects\n", "clear, wait true", "1"]);
}

#[test]
fn a_display_keeps_its_identity() {
    #[derive(Default)]
    struct Identities(Mutex<Vec<Option<String>>>);
    impl Sink for Identities {
        fn emit(&self, output: Output) {
            let Output::Display(display) = output else { return };
            self.0.lock().unwrap().push(display.id);
        }
    }
    let sink = Arc::new(Identities::default());
    let session = Session::start(Settings::default(), sink.clone()).unwrap();
    session.run(cell("for i in range(2): show(i, id = 'loss')\nshow(3)")).unwrap();
    assert_eq!(*sink.0.lock().unwrap(), [Some("loss".into()), Some("loss".into()), None]);
}

#[test]
fn asking_where_nobody_is_says_so() {
    let (session, _) = session();
    let error = session.run(cell("ask('Who? ')")).unwrap_err();
    assert_eq!(error.message, "ask: questions cannot be asked here");
}

#[test]
fn an_answer_is_what_the_sink_gives() {
    struct Radiologist;
    impl Sink for Radiologist {
        fn emit(&self, _: Output) {}

        fn ask(&self, prompt: &str, hidden: bool, _: &CancelToken) -> crate::Result<String> {
            Ok(format!("{prompt} {hidden}"))
        }
    }
    let session = Session::start(Settings::default(), Arc::new(Radiologist)).unwrap();
    assert_eq!(shown(&session, "ask('Who?', hidden = True)"), "\"Who? true\"");
    assert_eq!(shown(&session, "input('Who?')"), "\"Who? false\"");
    assert_eq!(shown(&session, "input()"), "\" false\"");
}

#[test]
fn sleeping_ends_soon_after_an_interrupt() {
    let (session, _) = session();
    assert_eq!(shown(&session, "sleep(0.01)\n'slept'"), "\"slept\"");
    let interrupter = session.interrupter();
    let asked = std::thread::scope(|scope| {
        let asked = scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            assert!(interrupter.interrupt());
            Instant::now()
        });
        assert!(session.run(cell("sleep(600)")).unwrap_err().interrupted);
        asked.join().unwrap().elapsed()
    });
    // Not after ten minutes; a busy machine may need a while.
    assert!(asked < Duration::from_secs(5), "{asked:?}");
    let error = session.run(cell("sleep(-1)")).unwrap_err();
    assert_eq!(error.message, "sleep: `seconds` must be a number from 0 to 100000000, not -1.0");
}

#[test]
fn training_tells_the_epochs_and_the_loss_of_every_batch() {
    #[derive(Default)]
    struct Events(Mutex<Vec<Event>>);
    impl Sink for Events {
        fn emit(&self, output: Output) {
            let Output::Event(event) = output else { return };
            self.0.lock().unwrap().push(event);
        }
    }
    let sink = Arc::new(Events::default());
    let session = Session::start(Settings::default(), sink.clone()).unwrap();
    let source = "\
model = u2ad(image = 32, patch = 8, embed_dim = 16, depth = 1, heads = 2, decoder_embed_dim = 16,
             decoder_depth = 1, decoder_heads = 2)
pretrain(model, phantom_cohort(subjects = 2, pixel_spacing_mm = 2.0), epochs = 2, batch_size = 4)";
    session.run(cell(source)).unwrap();
    let events = sink.0.lock().unwrap();
    let started: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Started { unit: unit @ ("epoch" | "batch"), total, .. } => Some((*unit, *total)),
            _ => None,
        })
        .collect();
    // One task for all epochs, and one for the batches of each.
    assert!(matches!(started[..], [("epoch", 2), ("batch", _), ("batch", _)]), "{started:?}");
    let figures: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Advanced { figures, .. } if !figures.is_empty() => Some(figures),
            _ => None,
        })
        .collect();
    let names: Vec<_> = figures[0].iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["loss", "batch loss", "slices"]);
    assert_eq!(figures[0][0].1, figures[0][1].1, "the mean of one batch is its loss");
    assert_eq!(figures.last().unwrap()[..].len(), 1, "an epoch tells its mean loss");
}

#[test]
fn a_value_that_is_too_large_for_the_language_is_refused() {
    let (session, _) = session();
    // No memory is touched.
    let error = session.run(cell("kept = [1, 2]\nn = 1 << 29\ntuple(range(n))")).unwrap_err();
    assert_eq!(error.message, "a text, list or tuple cannot take 4 GiB or more");
    assert_eq!(shown(&session, "[kept, n]"), "[[1, 2], 536870912]");
}

#[test]
fn a_cell_beyond_the_memory_budget_is_stopped_and_not_called_interrupted() {
    if crate::ops::resident_bytes().is_none() {
        return;
    }
    // Less than any process holds: the first look stops the cell.
    let settings = Settings { memory_bytes: Some(1), ..Settings::default() };
    let session = Session::start(settings, Arc::new(Memory::default())).unwrap();
    let error = session.run(cell("x = 5\nfor i in range(1 << 30): pass")).unwrap_err();
    assert!(!error.interrupted);
    assert!(error.message.starts_with("stopped before memory ran out: u2ad held "));
    assert_eq!(error.hint.unwrap(), "`u2ad --memory GB` raises the budget");
    // A further cell may be stopped too, but what this one set is there.
    let names = session.names();
    assert!(names.iter().any(|name| name.name == "x" && name.summary == "5"), "{names:?}");
}

#[test]
fn statistics_of_no_number_are_refused() {
    let (session, _) = session();
    shown(
        &session,
        "image = phantom_cohort(subjects = 1)[0].slices[0].image\nnone = image.where(image.above(9.0))",
    );
    for statistic in ["minimum", "maximum", "mean", "std", "percentile(50)"] {
        let error = session.run(cell(&format!("none.{statistic}"))).unwrap_err().message;
        let name = statistic.split('(').next().unwrap();
        assert!(
            error.starts_with(name) && error.contains("holds no number: the mask is empty"),
            "{error}"
        );
    }
    assert_eq!(shown(&session, "[none.sum, none.count]"), "[0.0, 0]");
    let error = session.run(cell("image.percentile(101)")).unwrap_err().message;
    assert_eq!(error, "percentile: `percent` must be a number from 0 to 100, not 101");
}

#[test]
fn a_row_that_is_no_dictionary_is_named() {
    let (session, _) = session();
    let error = session.run(cell("table([{'a': 1}, {'a': 2}, 5])")).unwrap_err().message;
    assert_eq!(
        error,
        "item 2 of the list is of type int, and the rows of a table are dictionaries"
    );
}

#[test]
fn a_byte_order_mark_before_a_cell_is_ignored() {
    let (session, _) = session();
    assert_eq!(shown(&session, "\u{feff}x = 1\nx"), "1");
    assert_eq!(session.transcript().cells[0].source, "x = 1\nx");
}

#[test]
fn a_sleep_is_as_long_as_can_be_waited_for() {
    let (session, _) = session();
    for (given, told) in [("1e300", "1e+300"), ("-1", "-1.0"), ("float('nan')", "nan")] {
        let error = session.run(cell(&format!("sleep({given})"))).unwrap_err().message;
        assert_eq!(
            error,
            format!("sleep: `seconds` must be a number from 0 to 100000000, not {told}")
        );
    }
}

#[test]
fn a_wide_list_is_shown_in_lines() {
    let (session, _) = session();
    let rows = "[{'subject': 'sub-%d' % n, 'score': 0.5} for n in range(3)]";
    let row = |n: usize| format!("{{\"subject\": \"sub-{n}\", \"score\": 0.5}}");
    let expected = format!("[{},\n {},\n {}]", row(0), row(1), row(2));
    assert_eq!(shown(&session, rows), expected);
    let numbers = shown(&session, "list(range(200))");
    assert!(numbers.lines().count() > 5 && numbers.lines().all(|line| line.len() <= 100));
    assert_eq!(numbers.replace("\n", ""), format!("{:?}", (0..200).collect::<Vec<_>>()));
    let nested =
        shown(&session, "{'first': ['word %d' % n for n in range(30)], 'second': (1, [2])}");
    assert!(nested.lines().all(|line| line.len() <= 100), "{nested}");
    assert!(
        nested.starts_with("{\"first\": [\"word 0\"") && nested.ends_with("\"second\": (1, [2])}")
    );
    // A list that is a part of itself.
    assert!(
        shown(&session, "x = ['word %d' % n for n in range(30)]\nx.append(x)\nx")
            .contains("word 29")
    );
    assert_eq!(shown(&session, "[1, {'a': 2}]"), "[1, {\"a\": 2}]");
    // A long one floods the page.
    let long = shown(&session, "(list(range(100000)), {n: n for n in range(1001)})");
    let ends: Vec<&str> = long.lines().filter(|line| line.contains('…')).map(str::trim).collect();
    assert_eq!(ends, ["… and 99000 more],", "… and 1 more})"]);
    assert!(long.contains(" 999,\n") && !long.contains(" 1000"), "{long}");
}
