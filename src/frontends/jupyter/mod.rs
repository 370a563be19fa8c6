//! The Jupyter kernel: the same session behind the five sockets of the Jupyter protocol.
//!
//! The engine has its own thread, as in every front end. Three parts surround it: an
//! executor that runs cells one after another, a thread that answers questions while cells run
//! (completion, inspection, history), and tasks that read and write the sockets. Interrupts come
//! through the control channel, which nothing ever blocks.
//!
//! | file | what it holds |
//! |---|---|
//! | `protocol` | what every Jupyter kernel needs, whatever its language |
//! | `kernel` | what the parts share |
//! | `execution`, `command_host` | running cells, questions and commands |
//! | `answers` | replies to requests that run no cell |
//! | `sink`, `text_buffer`, `rate_limit`, `media`, `progress`, `traceback` | from outputs to messages |
//! | `history`, `history_file` | what was run, remembered across kernels |
//! | `kernelspec` | installing the kernel for Jupyter |
//! | `client` | a client of a running kernel, for the shell |

mod answers;
pub(super) mod client;
mod command_host;
mod execution;
mod history;
mod history_file;
mod kernel;
pub mod kernelspec;
mod media;
mod progress;
mod protocol;
mod rate_limit;
mod sink;
mod text_buffer;
mod traceback;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use jupyter_protocol::{ConnectionInfo, Status};
use tokio::runtime::{Builder, Handle};

use self::execution::Executor;
use self::history::History;
use self::kernel::Kernel;
use self::protocol::incoming::announcement;
use self::protocol::outbox::{self, Outbox};
use self::protocol::output_channels::OutputChannels;
use self::protocol::process_start::process_start;
use self::protocol::replies::answer;
use self::protocol::sockets::{self, Sockets};
use self::protocol::stdin::StandardInput;
use self::protocol::{channels, iopub, parent};
use self::sink::KernelSink;
use super::Options;
use super::state_folder::state_folder;
use crate::files::{log_places, remove_process_folders};
use crate::session::{Session, Settings};
use crate::{Error, Result};

/// Stack of the threads that read source: a question may be nested as deeply as a cell.
const STACK_BYTES: usize = 256 << 20;
/// How long a cell that was interrupted may take to end before the process does. Clients wait five
/// seconds before they kill it.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads what somebody sends to a kernel, as bytes of a connection and as the frames of a message, one in
/// each line. For tests with arbitrary bytes.
#[doc(hidden)]
pub fn read_sent(bytes: &[u8]) {
    #[cfg(unix)]
    protocol::guard::admits(bytes);
    protocol::incoming::read_lines(bytes);
}

/// Runs a kernel on the sockets of a connection file until a client shuts it down. The snapshots of
/// its models take `snapshot_bytes` at most.
///
/// # Errors
/// If the connection file cannot be used, an address is in use, or the device cannot be opened.
pub fn start(connection_file: &Path, options: &Options, snapshot_bytes: u64) -> Result<ExitCode> {
    let info = sockets::read_connection_file(connection_file)?;
    let failed = |error| Error::input(format!("the kernel cannot be started: {error}"));
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("kernel")
        .enable_all()
        .build()
        .map_err(failed)?;
    let kernel = runtime.block_on(serve(&info, options, snapshot_bytes))?;
    kernel.end();
    let asked = Instant::now();
    while kernel.channels.has_unanswered_cells() && asked.elapsed() < SHUTDOWN_TIMEOUT {
        thread::sleep(Duration::from_millis(5));
    }
    kernel.sink.flush();
    kernel.channels.flush(SHUTDOWN_TIMEOUT);
    // The sockets have the last replies but may still be sending them.
    thread::sleep(Duration::from_millis(100));
    for file in sockets::ipc_files(&info) {
        std::fs::remove_file(file).ok();
    }
    // A cell that does not end must not keep the process. It may still write, so this comes last.
    remove_process_folders();
    std::process::exit(0)
}

/// Serves until the kernel should end.
async fn serve(
    info: &ConnectionInfo,
    options: &Options,
    snapshot_bytes: u64,
) -> Result<Arc<Kernel>> {
    let process_start = process_start();
    log_places();
    let settings = Settings { snapshot_bytes: Some(snapshot_bytes), ..options.settings()? };
    let id = uuid::Uuid::new_v4().to_string();
    let Sockets { shell, control, stdin, iopub, heartbeat } = Sockets::bind(info, &id).await?;
    let (shell_outbox, shell_queue) = Outbox::new();
    let (control_outbox, control_queue) = Outbox::new();
    let (iopub_outbox, iopub_queue) = Outbox::new();
    let (stdin_outbox, stdin_queue) = Outbox::new();

    let input = Arc::new(StandardInput::new(stdin_outbox));
    let sink = Arc::new(KernelSink::new(iopub_outbox.clone(), input.clone(), Handle::current()));
    let session = Session::start(settings, sink.clone())?;
    let history = state_folder().map(|folder| folder.join("kernel-history.jsonl"));
    let history = History::open(history.as_deref());
    let outputs = OutputChannels::new(iopub_outbox, shell_outbox, control_outbox);
    let kernel = Arc::new(Kernel::new(session, sink, outputs, history, process_start));

    let (jobs, waiting_jobs) = channel();
    let executor = kernel.clone();
    spawn("executor", move || Executor::serve(executor, waiting_jobs))?;
    let (questions, waiting_questions) = channel();
    let asked = kernel.clone();
    spawn("answers", move || {
        for (request, content) in waiting_questions {
            answer(&*asked, &asked.channels.shell, &request, content);
        }
    })?;

    let (shell_send, shell) = shell.split();
    let (control_send, control) = control.split();
    let (stdin_send, stdin) = stdin.split();
    tokio::spawn(outbox::serve(shell_send, shell_queue));
    tokio::spawn(outbox::serve(control_send, control_queue));
    tokio::spawn(outbox::serve(stdin_send, stdin_queue));
    tokio::spawn(iopub::serve(iopub, iopub_queue));
    tokio::spawn(sockets::beat(heartbeat));
    tokio::spawn(channels::shell(kernel.clone(), shell, jobs, questions));
    tokio::spawn(channels::control(kernel.clone(), control));
    let answered = kernel.clone();
    tokio::spawn(async move { input.serve(stdin, &answered.seen_signatures).await });

    kernel.channels.iopub.send(announcement(Status::starting()));
    until_asked_to_end(&kernel).await?;
    Ok(kernel)
}

/// Waits for a shutdown request, for SIGTERM or for the end of the program that started the
/// kernel; SIGINT interrupts the running cell.
async fn until_asked_to_end(kernel: &Kernel) -> Result<()> {
    let unwatched = |error| Error::input(format!("signals cannot be watched: {error}"));
    #[cfg(unix)]
    let mut terminate = {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).map_err(unwatched)?
    };
    #[cfg(unix)]
    let terminated = async move { terminate.recv().await.unwrap_or_default() };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    let parent = parent::ended();
    tokio::pin!(terminated, parent);
    loop {
        tokio::select! {
            interrupt = tokio::signal::ctrl_c() => {
                interrupt.map_err(unwatched)?;
                kernel.stop_cell();
            }
            () = &mut terminated => return Ok(()),
            () = &mut parent => return Ok(()),
            () = kernel.stop.notified() => return Ok(()),
        }
    }
}

fn spawn(name: &str, task: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name(name.to_owned())
        .stack_size(STACK_BYTES)
        .spawn(task)
        .map(drop)
        .map_err(|error| Error::input(format!("the kernel cannot be started: {error}")))
}
