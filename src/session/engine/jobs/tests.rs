//! Jobs as a session's user sees them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use starlark::values::none::NoneType;

use super::{Job, Recording};
use crate::context::{CancelToken, Checkpoints, Context, Event, Silent};
use crate::session::engine::memory_budget::MemoryBudget;
use crate::session::{Cell, Output, Session, Settings, Sink};

/// Sentences, and displays that are brought up to date.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>, AtomicBool);

impl Sink for Heard {
    fn is_muted(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }

    fn emit(&self, output: Output) {
        if self.is_muted() {
            return;
        }
        self.0.lock().unwrap().extend(match output {
            Output::Event(Event::Note(text) | Event::Remark(text)) => Some(text),
            Output::Event(Event::Warning(text)) => Some(format!("warning: {text}")),
            Output::Event(Event::Started { title, .. }) => Some(format!("progress of {title}")),
            Output::Update(display) => Some(format!("update: {}", display.to_text())),
            _ => None,
        });
    }
}

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn has(&self, part: &str) -> bool {
        self.0.lock().unwrap().iter().any(|text| text.contains(part))
    }
}

fn session() -> (Session, Arc<Heard>) {
    session_with(Settings::default())
}

fn session_with(settings: Settings) -> (Session, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    (Session::start(settings, heard.clone()).unwrap(), heard)
}

fn cell(source: &str) -> Cell {
    Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() }
}

fn shown(session: &Session, source: &str) -> String {
    let value = session.run(cell(source)).unwrap_or_else(|error| panic!("{source}: {error}"));
    value.map(|display| display.to_text()).unwrap_or_default()
}

fn refused(session: &Session, source: &str) -> String {
    match session.run(cell(source)) {
        Ok(_) => panic!("{source} is not refused"),
        Err(error) => error.sentence(),
    }
}

/// Waits until an expression is true.
fn until(session: &Session, source: &str) {
    let started = Instant::now();
    while shown(session, source) != "True" {
        assert!(started.elapsed() < Duration::from_secs(60), "{source} does not come true");
        std::thread::sleep(Duration::from_millis(20));
    }
}

const STUDY: &str = "people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2.0)\nsmall = dict(image = 32, \
                     patch = 8, embed_dim = 16, depth = 1, heads = 2, decoder_embed_dim = 16, decoder_depth = \
                     1, decoder_heads = 2)\nmodel = u2ad(**small)";

#[test]
fn a_job_computes_the_bits_of_the_foreground() {
    let (session, _) = session();
    shown(&session, STUDY);
    shown(&session, "seed(5)\njob = start(lambda: adapt(model, people, epochs = 2, samples = 2))");
    // The seed of the moment when it was started counts.
    shown(&session, "seed(6)\nhistory = wait(job)");
    shown(&session, "seed(0)\nother = u2ad(**small)\nseed(5)");
    shown(&session, "expected = adapt(other, people, epochs = 2, samples = 2)");
    assert_eq!(shown(&session, "history.losses == expected.losses"), "True");
    assert_eq!(shown(&session, "(len(model.history), model.epochs)"), "(2, 2)");
    let next = "[train_epoch(model, people).loss, train_epoch(other, people).loss]";
    assert_eq!(shown(&session, &format!("losses = {next}\nlosses[0] == losses[1]")), "True");
}

#[test]
fn the_model_of_a_job_shows_its_finished_epochs_and_belongs_to_the_job() {
    let (session, heard) = session();
    shown(&session, STUDY);
    shown(&session, "job = start(lambda: pretrain(model, people, epochs = 100000))");
    until(&session, "model.epochs >= 1");
    assert!(shown(&session, "job").starts_with("job 1 (pretrain): running for "));
    assert!(shown(&session, "job").contains("\npretrain: epoch "));
    assert_eq!(shown(&session, "len(detect(model, people, samples = 2))"), "2");
    assert_eq!(
        shown(&session, "(job.state, job.number, job.work)"),
        "(\"running\", 1, \"pretrain\")"
    );
    let in_use = "this model is in use by job 1: wait for the job or stop it first";
    for change in [
        "train_epoch(model, people)",
        "start(lambda: adapt(model, people))",
        "rewind(model, epoch = 0)",
        "calibrate(model, people)",
    ] {
        let error = refused(&session, change);
        assert!(error.contains(in_use), "{change}: {error}");
    }
    // One epoch further, also while nothing looks.
    shown(&session, "before = model.epochs");
    until(&session, "model.epochs > before");
    heard.take();
    let started = Instant::now();
    shown(&session, "stop(job)");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(heard.has("kept: epoch"), "{:?}", heard.take());
    assert!(heard.has("job 1 (pretrain): stopped after "));
    assert!(refused(&session, "wait(job)").contains("job 1 (pretrain) was stopped"));
    assert_eq!(shown(&session, "jobs()"), "[]");
    // The model is the user's again, with what it learned.
    shown(&session, "epochs = model.epochs\ntrain_epoch(model, people)");
    assert_eq!(shown(&session, "model.epochs == epochs + 1"), "True");
}

#[test]
fn steps_run_in_their_order_and_the_last_one_gives_the_result() {
    let (session, _) = session();
    shown(&session, STUDY);
    shown(
        &session,
        "def study():\n    pretrain(model, people, epochs = 1)\n    adapt(model, people, epochs = 1, \
         samples = 2)\n    return detect(model, people, samples = 2, name = 'mine')",
    );
    shown(&session, "job = start(study)");
    assert_eq!(shown(&session, "job.work"), "\"pretrain, adapt, detect\"");
    assert_eq!(shown(&session, "found = wait(job)\n(len(found), model.epochs)"), "(2, 2)");
}

#[test]
fn what_a_job_cannot_do_is_said_before_it_begins() {
    let (session, _) = session();
    shown(&session, STUDY);
    for (source, sentence) in [
        ("start(lambda: 3)", "the function calls no verb that can run in the background"),
        ("start(3)", "int"),
        (
            "start(lambda: [adapt(model, people, epochs = 1), 2])",
            "must return what its last step, `adapt`, returns, or nothing",
        ),
        ("start(lambda: adapt(model, people, epochs = -1))", "`epochs` must be 0 or more"),
        (
            "def look():\n    pretrain(model, people, epochs = 1)\n    print(model.epochs)\nstart(look)",
            "the function looks at a model after `pretrain`",
        ),
        ("start(lambda: start(lambda: sleep(1)))", "a job cannot start another one"),
        ("start(lambda: evaluate(detect(model, people)))", "this value is not known yet"),
    ] {
        let error = refused(&session, source);
        assert!(error.contains(sentence), "{source}: {error}");
    }
    assert_eq!(shown(&session, "jobs()"), "[]");
    // Nothing of that is left over.
    shown(&session, "train_epoch(model, people)");
}

#[test]
fn verbs_that_work_at_once_are_refused_behind_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors").display().to_string();
    let (session, _) = session();
    shown(&session, STUDY);
    shown(&session, &format!("path = '{path}'\nsave_model(model, path)"));
    shown(&session, "found = detect(intensity_threshold(), people)");
    let at_once = |verb: &str| format!("`{verb}` works at once, before `save_model`");
    for (second, verb) in [
        ("load_model(path)", "load_model"),
        ("file_exists(path)", "file_exists"),
        ("export(found, path + '-maps')", "export"),
        ("report(found, path + '.html')", "report"),
        ("qc(people, path + '.html')", "qc"),
        ("save(people[0].middle.image, path + '.npy')", "save"),
        ("save_method(intensity_threshold(), path)", "save_method"),
        ("load_method(path)", "load_method"),
        ("load_evaluation(path)", "load_evaluation"),
        ("table(found, path + '.tsv')", "table"),
        ("ask('Who? ')", "ask"),
    ] {
        let function = format!("def work():\n    save_model(model, path)\n    {second}");
        let error = refused(&session, &format!("{function}\nstart(work)"));
        assert!(error.contains(&at_once(verb)), "{second}: {error}");
    }
    for verb in ["seed(3)", "device('cpu')"] {
        let function = format!("def work():\n    {verb}\n    save_model(model, path)");
        let error = refused(&session, &format!("{function}\nstart(work)"));
        assert!(error.contains("is for the whole session, not for one job"), "{verb}: {error}");
    }
    // Before the first step they are what they always were.
    shown(&session, "job = start(lambda: detect(load_model(path), people, samples = 2))");
    assert_eq!(shown(&session, "len(wait(job))"), "2");
}

#[test]
fn an_error_of_a_job_is_raised_where_it_is_waited_for() {
    let (session, heard) = session();
    shown(&session, STUDY);
    shown(&session, "job = start(lambda: pretrain(model, people, epochs = 1, mask_ratio = 2.0))");
    until(&session, "job.state == 'failed'");
    assert!(heard.has("job 1 (pretrain): failed after "), "{:?}", heard.take());
    assert!(shown(&session, "job").contains(": mask_ratio must lie between 0 and 1, not 2"));
    let error = refused(&session, "wait(job)");
    assert!(
        error.contains("job 1 (pretrain): mask_ratio must lie between 0 and 1, not 2"),
        "{error}"
    );
    shown(&session, "train_epoch(model, people)");
}

#[test]
fn a_failure_is_told_once_to_the_next_cell_that_somebody_sees() {
    let (session, heard) = session();
    shown(&session, STUDY);
    // What a client asks behind its user's back is no such cell.
    heard.1.store(true, Ordering::SeqCst);
    shown(&session, "job = start(lambda: pretrain(model, people, epochs = 1, mask_ratio = 2.0))");
    until(&session, "job.state == 'failed'");
    heard.1.store(false, Ordering::SeqCst);
    assert!(!heard.has("failed after"), "{:?}", heard.take());
    shown(&session, "1 + 1");
    let said = heard.take();
    let failures: Vec<_> = said.iter().filter(|said| said.contains(": failed after ")).collect();
    assert_eq!(failures.len(), 1, "{said:?}");
    assert!(failures[0].starts_with("job 1 (pretrain): failed after "), "{said:?}");
    assert!(failures[0].contains(": mask_ratio must lie between 0 and 1, not 2"), "{said:?}");
    shown(&session, "1 + 1");
    assert!(!heard.has("failed after"), "{:?}", heard.take());
}

#[test]
fn two_jobs_run_at_once_and_an_interrupt_ends_only_the_waiting() {
    let (session, heard) = session();
    let started = Instant::now();
    shown(&session, "jobs_of_both = [start(lambda: sleep(600)), start(lambda: sleep(0.3))]");
    shown(&session, "wait(jobs_of_both[1])");
    let interrupter = session.interrupter();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            assert!(interrupter.interrupt());
        });
        assert!(session.run(cell("wait(jobs_of_both[0])")).unwrap_err().interrupted);
    });
    assert_eq!(shown(&session, "[job.state for job in jobs()]"), "[\"running\"]");
    assert_eq!(session.jobs().len(), 1);
    shown(&session, "show(jobs()[0], id = 'mine')\njobs()[0]");
    drop(session);
    assert!(started.elapsed() < Duration::from_secs(60));
    assert!(heard.has("update: job 1 (sleep): stopped after "), "{:?}", heard.take());
}

#[test]
fn the_end_of_a_script_waits_for_its_jobs() {
    let (session, heard) = session();
    shown(&session, STUDY);
    shown(
        &session,
        "start(lambda: pretrain(model, people, epochs = 2))\nstart(lambda: sleep(0.5))",
    );
    session.finish_jobs().unwrap();
    assert_eq!(shown(&session, "model.epochs"), "2");
    assert!(heard.has("job 1 (pretrain): done in ") && heard.has("job 2 (sleep): done in "));
    shown(&session, "start(lambda: pretrain(model, people, learning_rate = -1.0))");
    let error = session.finish_jobs().unwrap_err();
    assert!(error.message.contains("job 3 (pretrain): the learning rate must be"), "{error}");
    session.finish_jobs().unwrap();
}

#[test]
fn a_job_that_needs_too_much_memory_is_stopped_and_says_why() {
    let budget = Arc::new(MemoryBudget::new(Some(1)));
    if budget.excess().is_none() {
        return;
    }
    let mut recording = Recording::default();
    recording.add("sleep", |study| -> crate::Result<NoneType> {
        loop {
            study.context.check()?;
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let sink = Arc::new(Heard::default());
    let job = Job::start(1, recording, Context::new(0), sink, budget).unwrap();
    job.wait(Arc::new(Silent), &CancelToken::default()).unwrap();
    let failure = job.failure().unwrap();
    assert!(
        failure.starts_with("job 1 (sleep): stopped before memory ran out: u2ad held "),
        "{failure}"
    );
}

#[test]
fn a_job_goes_on_from_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings {
        checkpoints: Checkpoints::inside(folder.path(), Duration::ZERO),
        ..Settings::default()
    };
    let script = "job = start(lambda: pretrain(model, people, epochs = 4))";
    let (session, _) = session_with(settings());
    shown(&session, STUDY);
    shown(&session, &format!("beside = u2ad(**small)\n{script}"));
    shown(&session, "train_epoch(beside, people)");
    until(&session, "model.epochs >= 1");
    drop(session);
    let has_checkpoint = |folder: &Path| {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names = names.map(|name| name.to_string_lossy().into_owned());
        names.any(|name| name.starts_with("training-0001-"))
    };
    assert!(has_checkpoint(&folder.path().join("job-0001")) && has_checkpoint(folder.path()));
    let (session, heard) = session_with(settings());
    shown(&session, STUDY);
    shown(&session, &format!("{script}\nlosses = wait(job).losses"));
    let goes_on = heard.has("goes on at epoch") || heard.has("taken from its checkpoint");
    assert!(goes_on, "{:?}", heard.take());
    let (fresh, _) = session_with(Settings::default());
    shown(&fresh, STUDY);
    let expected = shown(&fresh, "pretrain(model, people, epochs = 4).losses");
    assert_eq!(shown(&session, "losses"), expected);
}

#[test]
fn what_a_job_has_yet_to_give_is_not_looked_at() {
    let (session, _) = session();
    shown(&session, STUDY);
    for (function, told) in [
        (
            "def f():\n    h = adapt(model, people, epochs = 1, samples = 2)\n    return h.losses",
            "`losses` is not known yet",
        ),
        (
            "def f():\n    h = adapt(model, people, epochs = 1, samples = 2)\n    if h: print(1)\n    return h",
            "asks whether a value is true",
        ),
        (
            "def f():\n    h = adapt(model, people, epochs = 1, samples = 2)\n    h == [h]\n    return h",
            "cannot be compared",
        ),
    ] {
        let told_here = refused(&session, &format!("{function}\nstart(f)"));
        assert!(told_here.contains(told) && !told_here.contains("Later"), "{told_here}");
    }
    shown(&session, "job = start(lambda: sleep(60))");
    let told = refused(&session, "start(lambda: stop(job))");
    assert!(told.starts_with("stop: a job cannot stop another one"), "{told}");
    assert_eq!(shown(&session, "job.state"), "\"running\"");
    shown(&session, "stop(job)");
}
