//! `u2ad screen`: images in, findings out.

use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::process::ExitCode;

use super::{ScreenArguments, Work, columns_at, on_threads};
use crate::cohort::{Cohort, LoadOptions};
use crate::context::{Context, counted};
use crate::export::html_report::check_page_path;
use crate::export::{check_export_folder, subjects_to_be_lost, unexportable};
use crate::frontends::console::table_width;
use crate::frontends::documentation::print_whole;
use crate::report::{Table, Tabulate};
use crate::study::screening::{Detector, GrowingExport, REMARKS, Screening};
use crate::{Error, Result};

/// Screens images and prints one table.
///
/// The exit code is 0 if all images were screened, 1 if one could not be used or exported, 130 after Ctrl-C and 143 after
/// SIGTERM, SIGHUP or SIGUSR1; what was finished until then is printed and written.
///
/// # Errors
/// If nothing can be screened at all: no image, no model in the file, folders that may not be written.
pub fn run(arguments: &ScreenArguments) -> Result<ExitCode> {
    let ScreenArguments { images, out, report, computing } = arguments;
    if let Some(folder) = out {
        check_export_folder(folder)?;
    }
    if let Some(page) = report {
        check_page_path(page)?;
    }
    let work = Work::begin(computing)?;
    let detector = work.detector(computing)?;
    // A page shows all images side by side; without one, each goes once its results are written.
    let mut growing = report.is_none().then(GrowingExport::default);
    let screened = on_threads(computing.n_cpus, || {
        let mut cohort = Cohort::to_screen(images, &LoadOptions::default(), &work.context)?;
        if let Some(folder) = out {
            keep_others(folder, &cohort)?;
            cohort = cohort.with_unusable(&unexportable(&cohort));
        }
        match (&mut growing, out) {
            (None, _) => detector.screen(&cohort, &work.context),
            (Some(_), None) => detector.screen_each(&cohort, &work.context, |_, _| {}),
            (Some(growing), Some(folder)) => {
                detector.screen_each(&cohort, &work.context, |found, of| {
                    growing.push(folder, found, of, &cohort)
                })
            }
        }
    })?;
    let screening = screened?;
    // What is finished is written all the same; a second signal ends the process.
    work.context.cancel.reset();
    print_whole(shown(&screening.table()?)?.to_text(table_width()).as_bytes())?;
    let messages = &work.messages;
    for image in &screening.images {
        for remark in &image.remarks {
            messages.tell(&format!("{}: {remark}", image.name));
        }
    }
    for (name, reason) in screening.failed() {
        messages.tell_after("error:", &format!("{name}: {reason}"));
    }
    match (growing, out) {
        (None, _) => on_threads(computing.n_cpus, || {
            write(&screening, arguments, &detector, &work.context)
        })??,
        (Some(growing), Some(folder)) => growing.finish(folder, &work.context)?,
        (Some(_), None) => {}
    }
    if screening.interrupted {
        let left = screening.cohort.len() - screening.images.len();
        messages.tell(&format!("interrupted: {} not screened", counted(left, "image")));
        return Ok(ExitCode::from(work.stopped.code().unwrap_or(1)));
    }
    let all_used = screening.failed().next().is_none();
    Ok(if all_used { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The table as it is printed: a terminal gets the remarks below it, whole; a file has all columns.
fn shown(table: &Table) -> Result<Table> {
    if !stdout().is_terminal() {
        return Ok(table.clone());
    }
    let is_shown = |place: &usize| table.columns()[*place].name != REMARKS;
    columns_at(table, &(0..table.columns().len()).filter(is_shown).collect::<Vec<_>>())
}

/// Refuses to replace the findings of other subjects.
fn keep_others(folder: &Path, cohort: &Cohort) -> Result<()> {
    let lost = subjects_to_be_lost(folder, &cohort.names());
    if lost.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "holds the findings of {}, which are not screened now; choose another folder, or remove this one",
        lost.join(", ")
    );
    Err(Error::file(folder, reason))
}

/// Writes what was asked for beside the table.
fn write(
    screening: &Screening,
    arguments: &ScreenArguments,
    detector: &Detector,
    context: &Context,
) -> Result<()> {
    if let Some(folder) = &arguments.out {
        screening.export(folder, context)?;
    }
    if let Some(page) = &arguments.report {
        screening.report(page, detector, context)?;
    }
    Ok(())
}
