//! `u2ad bids`: the positional convention of BIDS Apps.

use std::process::ExitCode;

use super::memory_watch::watch_memory;
use super::{AnalysisLevel, BidsArguments, Work, columns_at, on_threads};
use crate::context::{counted, shown_number};
use crate::files::clear_abandoned;
use crate::frontends::console::table_width;
use crate::frontends::documentation::print_whole;
use crate::report::{Cell, Table, Tabulate, evaluation_table};
use crate::study::bids_app::{
    BidsApp, ParticipantLevel, SessionOutcome, SessionRecord, SessionResult,
};
use crate::study::screening::Detector;
use crate::{Error, Result};

/// Exit code where another process works on a participant: EX_TEMPFAIL of sysexits.h.
const BUSY: u8 = 75;
/// Exit code where an argument is invalid, as that of the command line itself.
const INVALID_ARGUMENT: u8 = 2;

/// Participants without findings are named up to this number; the page names all.
const LISTED: usize = 8;

/// Screens participants, or gathers what was found in them.
///
/// The exit code is 0 if there are findings of all images, 1 if at least one image has none, 75 if nothing failed but
/// another process works on a participant now, 130 after Ctrl-C and 143 after SIGTERM, SIGHUP or SIGUSR1. It is 2
/// for a participant that is not there, as for arguments that the command line itself does not understand.
///
/// # Errors
/// If nothing can be done at all: no BIDS tree, no model in the file.
pub fn run(arguments: &BidsArguments) -> Result<ExitCode> {
    let BidsArguments { bids_dir, output_dir, computing, .. } = arguments;
    let app = BidsApp::new(bids_dir, output_dir)?;
    let participants = match app.participants(&arguments.participant_label) {
        Ok(participants) => participants,
        Err(error) if !arguments.participant_label.is_empty() => {
            eprintln!("error: {error}");
            return Ok(ExitCode::from(INVALID_ARGUMENT));
        }
        Err(error) => return Err(error),
    };
    let work = Work::begin(computing)?;
    let memory = watch_memory(arguments.mem_mb, &work.context.cancel)?;
    let done = match arguments.analysis_level {
        AnalysisLevel::Participant => {
            let detector = work.detector(computing)?;
            let screen = || screen(&app, &participants, arguments, &detector, &work);
            on_threads(computing.n_cpus, screen)?
        }
        AnalysisLevel::Group => on_threads(computing.n_cpus, || {
            gather(&app, &participants, &arguments.session_id, &work)
        })?,
    };
    match done {
        Err(Error::Cancelled) => match memory.exceeded() {
            Some(sentence) => Err(Error::input(sentence)),
            None => {
                work.messages
                    .tell("interrupted: finished participants are kept; run it again to go on");
                Ok(ExitCode::from(work.stopped.code().unwrap_or(1)))
            }
        },
        done => done,
    }
}

fn screen(
    app: &BidsApp,
    participants: &[String],
    arguments: &BidsArguments,
    detector: &Detector,
    work: &Work,
) -> Result<ExitCode> {
    clear_abandoned(vec![app.temporary(arguments.work_dir.as_deref())?]);
    let level = ParticipantLevel {
        app,
        detector,
        seed: arguments.computing.seed,
        sessions: &arguments.session_id,
        force: arguments.force,
        work: arguments.work_dir.as_deref(),
    };
    let (messages, context) = (&work.messages, work.context.clone().telling_once());
    let (mut failed, mut busy) = (false, false);
    for participant in participants {
        let each = |result: SessionResult| {
            match &result.outcome {
                SessionOutcome::Busy(_) => busy = true,
                _ => failed |= !result.is_complete(),
            }
            tell(&result, work);
        };
        match level.screen(participant, &context, each) {
            Ok(()) => {}
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            Err(error) => {
                failed = true;
                messages.tell_after("error:", &error.to_string());
            }
        }
    }
    Ok(match (failed, busy) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(BUSY),
        (false, false) => ExitCode::SUCCESS,
    })
}

/// Says what became of a session.
fn tell(result: &SessionResult, work: &Work) {
    let (name, messages) = (&result.name, &work.messages);
    match &result.outcome {
        SessionOutcome::Screened { record, because } => {
            if let Some(because) = because {
                messages.tell(&format!("{name}: was screened before; screened again {because}"));
            }
            tell_images(record, work);
        }
        SessionOutcome::Finished(record) => {
            let images = counted(record.images.len(), "image");
            messages.tell(&format!("{name}: finished before ({images}); --force screens it again"));
        }
        SessionOutcome::Busy(who) => messages
            .tell_after("warning:", &format!("{name}: {who} works on it now, so it is left alone")),
        SessionOutcome::Failed(reason) => {
            messages.tell_after("error:", &format!("{name}: {reason}"))
        }
    }
}

fn tell_images(record: &SessionRecord, work: &Work) {
    for image in &record.images {
        let name = &image.name;
        match (&image.failure, image.score) {
            (Some(reason), _) => work.messages.tell_after("error:", &format!("{name}: {reason}")),
            (None, None) => work.messages.tell(&format!("{name}: too little cord to score")),
            (None, Some(score)) => {
                let level = image.level.as_deref().unwrap_or("no place in particular");
                let p =
                    image.p_value.map_or(String::new(), |p| format!(", p {}", shown_number(p, 3)));
                let score = shown_number(score, 4);
                work.messages.tell(&format!(
                    "{name}: AnaScore {score}{p}, highest at {level}; masks {}",
                    image.masks
                ));
            }
        }
        for remark in &image.remarks {
            work.messages.tell(&format!("{name}: {remark}"));
        }
    }
}

fn gather(
    app: &BidsApp,
    participants: &[String],
    sessions: &[String],
    work: &Work,
) -> Result<ExitCode> {
    let group = app.gather(participants, sessions, &work.context)?;
    print_whole(short(&group.table()?)?.to_text(table_width()).as_bytes())?;
    if let Some(evaluation) = &group.evaluation {
        let table = evaluation_table(&[evaluation])?.to_text(table_width());
        print_whole(format!("\n{table}").as_bytes())?;
    }
    let messages = &work.messages;
    for (name, reason) in group.failed() {
        messages.tell_after("error:", &format!("{name}: {reason}"));
    }
    for (all, what) in [
        (&group.missing, "participants or sessions have no findings"),
        (&group.outdated, "sessions have findings that are out of date"),
    ] {
        for (name, reason) in all.iter().take(LISTED) {
            messages.tell_after("warning:", &format!("{name}: {reason}"));
        }
        if all.len() > LISTED {
            let sentence = format!("{} {what}, of which {LISTED} are named above", all.len());
            messages.tell_after("warning:", &sentence);
        }
    }
    messages.tell(&format!("written: {}", group.written.join(", ")));
    let is_current = group.missing.is_empty() && group.outdated.is_empty();
    let is_whole = is_current && group.failed().next().is_none();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The columns of the table that fit a terminal.
fn short(table: &Table) -> Result<Table> {
    let shown = ["name", "masks", "score", "level", "p_value", "lesions", "lesion"];
    let places: Vec<usize> = shown
        .iter()
        .filter_map(|name| table.columns().iter().position(|column| column.name == *name))
        .filter(|place| table.rows().iter().any(|row| row[*place] != Cell::Missing))
        .collect();
    columns_at(table, &places)
}
