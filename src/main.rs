//! The program u2ad: starts what its command line asks for.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use u2ad::dicom::ImportOptions;
use u2ad::frontends::command_line::{Command, CommandLine, KernelCommand, ShellArguments};
use u2ad::frontends::jupyter::kernelspec::{self, Installation, Place};
use u2ad::frontends::ranks::{self, Part};
use u2ad::frontends::tools::{bench, convert, import, language_server, train_segmentation};
use u2ad::frontends::{
    Options, completions, doctor, jupyter, manual_pages, new_script, print_command_line, reference,
    runs, screen, script, terminal,
};
use u2ad::segmentation::SegmentationTraining;

fn main() -> ExitCode {
    #[cfg(feature = "rust-cells")]
    u2ad::rust_cells::hook();
    u2ad::ops::keep_element_wise_serial();
    u2ad::ops::keep_freed_memory();
    let done = match CommandLine::try_parse() {
        Ok(CommandLine { command, shell }) => run(command, shell),
        Err(told) => print_command_line(&told),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

fn run(command: Option<Command>, shell: ShellArguments) -> u2ad::Result<ExitCode> {
    // Otherwise an unknown name would be ignored silently; the doctor reports it among its facts.
    if !matches!(command, Some(Command::Doctor)) {
        u2ad::ops::InstructionSet::limit()?;
        u2ad::ops::check_thread_variable()?;
    }
    match command {
        Some(Command::Run { file, resume, checkpoint_every, name, session }) => {
            let every = Duration::from_secs(checkpoint_every);
            let mut options = Options::from(session);
            let job = match ranks::join(&options.device)? {
                Part::Alone => None,
                Part::First(job) => Some(job),
                Part::Ended => return Ok(ExitCode::SUCCESS),
            };
            options.ranks = job.as_ref().map(|job| job.ranks.clone());
            match resume {
                Some(folder) => runs::resume(&folder, every, options.memory, options.ranks),
                None => script::run(&file.unwrap_or_default(), name.as_deref(), &options, every),
            }
        }
        Some(Command::Runs { folder, json }) => runs::list(&folder, json),
        Some(Command::Sweep(arguments)) => runs::sweep(&arguments),
        Some(Command::Verify { folder, threads }) => runs::verify(&folder, threads),
        Some(Command::Diff { first, second }) => runs::diff(&first, &second),
        Some(Command::Rerun { plan }) => runs::rerun(&plan),
        Some(Command::TrainSegmentation {
            out,
            from,
            anatomies,
            steps,
            width,
            learning_rate,
            seed,
        }) => {
            let training =
                SegmentationTraining { steps, width, learning_rate, ..Default::default() };
            train_segmentation::run(from.as_deref(), anatomies.as_deref(), &out, &training, seed)
        }
        Some(Command::Screen(arguments)) => screen::run_screen(&arguments),
        Some(Command::Bids(arguments)) => screen::run_bids(&arguments),
        Some(Command::Bench { workload }) => {
            let (workload, options) = workload.split();
            bench::run(&workload, &options)
        }
        Some(Command::Import { dicom, bids, series, key }) => {
            import::run(&dicom, bids.as_deref(), &ImportOptions { series, key })
        }
        Some(Command::Convert { from, to, force }) => convert::convert(&from, &to, force),
        Some(Command::Kernel { action }) => kernel(action),
        Some(Command::Lsp) => language_server::run(),
        Some(Command::Doctor) => doctor::run(),
        Some(Command::Completions { shell }) => completions::print(shell, &CommandLine::command()),
        Some(Command::Man { out }) => match out {
            Some(folder) => manual_pages::write(CommandLine::command(), &folder),
            None => manual_pages::print(CommandLine::command()),
        },
        Some(Command::Reference { markdown }) => {
            reference::print(&CommandLine::command(), markdown)
        }
        Some(Command::New { file, data: Some(data), healthy, .. }) => {
            new_script::study(&file, &data, healthy.as_deref())
        }
        Some(Command::New { file, tutorial, .. }) => {
            new_script::tutorial(&file, &tutorial.unwrap_or_default())
        }
        #[cfg(feature = "rust-cells")]
        Some(Command::RustHost) => Ok(u2ad::rust_cells::serve()),
        Some(Command::Repl { shell }) => open(shell),
        None => open(shell),
    }
}

fn kernel(action: KernelCommand) -> u2ad::Result<ExitCode> {
    match action {
        KernelCommand::Install { place, name, display_name, arguments } => {
            // Otherwise Jupyter would find out, with every notebook and without a word to the user.
            let start = ["u2ad", "kernel", "start", "connection.json"].map(str::to_owned);
            if let Err(told) =
                CommandLine::try_parse_from(start.into_iter().chain(arguments.clone()))
            {
                return print_command_line(&told);
            }
            let place = place.chosen().unwrap_or(Place::User);
            kernelspec::install(&Installation { name, title: display_name, place, arguments })
        }
        KernelCommand::Uninstall { place, name } => {
            kernelspec::uninstall(&name, place.chosen().as_ref())
        }
        KernelCommand::List => kernelspec::list(),
        KernelCommand::Start { connection_file, snapshots, session } => {
            let bytes = snapshots.saturating_mul(1_000_000);
            jupyter::start(&connection_file, &session.into(), bytes)
        }
    }
}

fn open(shell: ShellArguments) -> u2ad::Result<ExitCode> {
    match &shell.existing {
        Some(file) => {
            terminal::run_existing(file.as_deref().unwrap_or(Path::new("")), shell.images)
        }
        None => terminal::run(&shell.into()),
    }
}
