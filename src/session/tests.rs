//! The session as its front ends see it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;

/// Remembers what was shown, as text.
#[derive(Default)]
struct Memory(Mutex<Vec<String>>);

impl Sink for Memory {
    fn emit(&self, output: Output) {
        self.0.lock().unwrap().push(match output {
            Output::Text(text) => text,
            Output::ErrorText(text) => format!("warn: {text}"),
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
fn many_sessions_can_live_at_once() {
    let sessions: Vec<_> = (0..8).map(|_| session().0).collect();
    for (number, session) in sessions.iter().enumerate() {
        assert_eq!(shown(session, &format!("x = {number}\nx")), number.to_string());
    }
}
