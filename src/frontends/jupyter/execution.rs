//! Running cells: one at a time, in the order they came, on a thread of their own.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use jupyter_protocol::{
    ExecuteInput, ExecuteReply, ExecuteRequest, ExecutionCount, ExpressionResult, Header, Payload,
    ReplyStatus, Status, UnknownMessage,
};
use serde_json::json;

use super::command_host::CellCommandHost;
use super::kernel::Kernel;
use super::media::Bundle;
use super::protocol::channels::Job;
use super::protocol::incoming::Request;
use super::traceback::{error_output, reply_error};
use crate::frontends::commands::{self, Next, command_line};
use crate::language::{CellError, question};
use crate::session::{Cell, Display};

/// Larger cells are refused: parsing takes some hundred times their size.
const LARGEST_CELL: usize = 4 << 20;
/// How long a reply waits for the outputs before it.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long after an error requests that were sent before it may still arrive.
const IN_FLIGHT: Duration = Duration::from_millis(100);

/// Runs cells.
pub(super) struct Executor {
    kernel: Arc<Kernel>,
    /// Cells in the history so far.
    count: usize,
    failure: Option<Failure>,
}

/// An error after which the cells that were already sent do not run.
struct Failure {
    replied: Instant,
    /// Of the reply, with its time.
    header: Header,
}

impl Executor {
    /// Serves jobs until the queue closes.
    pub fn serve(kernel: Arc<Kernel>, jobs: Receiver<Job>) {
        let mut executor = Self { kernel, count: 0, failure: None };
        for Job { request, execute } in jobs {
            let request = Arc::new(request);
            let kernel = executor.kernel.clone();
            kernel.channels.publish_status(&request, Status::busy());
            kernel.channels.set_running(Some(request.clone()));
            // From here on an interrupt stops this cell, even before its first statement.
            let expected = kernel.session.expect_cell();
            let reply = (!executor.is_aborted(&request)).then(|| {
                // A figure that cannot be drawn must not cost the session.
                catch_unwind(AssertUnwindSafe(|| executor.execute(&request, &execute)))
                    .unwrap_or_else(|_| failed(executor.count, &our_own_fault()))
            });
            drop(expected);
            // A client that reads the reply must already have the outputs.
            kernel.sink.flush();
            kernel.channels.iopub.flush(OUTPUT_TIMEOUT);
            let stops = reply.as_ref().is_some_and(|reply| reply.status == ReplyStatus::Error);
            let reply = match reply {
                Some(reply) => request.reply(reply),
                None => request.reply(aborted()),
            };
            if stops && execute.stop_on_error {
                let header = reply.header.clone();
                executor.failure = Some(Failure { replied: Instant::now(), header });
            }
            kernel.channels.shell.send(reply);
            kernel.channels.set_running(None);
            kernel.channels.publish_status(&request, Status::idle());
            kernel.channels.cell_answered();
        }
    }

    /// Whether the cell was sent before its user could know that another one failed, or was
    /// interrupted while it waited.
    fn is_aborted(&self, request: &Request) -> bool {
        let failed = self.failure.as_ref().is_some_and(|failure| {
            let late = request.arrived.checked_duration_since(failure.replied);
            late.is_none_or(|late| late <= IN_FLIGHT && request.header().date < failure.header.date)
        });
        failed || self.kernel.interrupted_after(request.arrived)
    }

    fn execute(&mut self, request: &Arc<Request>, execute: &ExecuteRequest) -> ExecuteReply {
        let kernel = self.kernel.clone();
        let ExecuteRequest { code, silent, store_history, allow_stdin, .. } = execute;
        let counts = *store_history && !silent && !code.trim().is_empty();
        let count = ExecutionCount::new(self.count + 1);
        self.count += usize::from(counts);
        kernel.sink.begin(request.clone(), *silent, *allow_stdin);
        if !silent {
            let code = excerpt(code).to_owned();
            kernel
                .channels
                .iopub
                .send(request.publish(ExecuteInput { code, execution_count: count }));
        }
        let mut payload = Vec::new();
        let outcome = match code.len() <= LARGEST_CELL {
            true => self.run(count, code, &mut payload),
            false => Err(too_large(code.len())),
        };
        kernel.sink.end();
        let text = outcome.as_ref().ok().and_then(Option::as_ref).map(Display::to_text);
        if counts && code.len() <= LARGEST_CELL {
            kernel.history().push(count.value(), code, text.unwrap_or_default());
        }
        let mut reply = ExecuteReply { execution_count: count, payload, ..ExecuteReply::default() };
        reply.user_expressions = Some(HashMap::new());
        match outcome {
            Ok(value) => {
                if let Some(display) = value {
                    kernel.sink.result(&display, count);
                }
                kernel.sink.mute();
                reply.user_expressions = Some(self.expressions(count, execute));
            }
            Err(error) => {
                if !silent {
                    kernel.channels.iopub.send(request.publish(error_output(&error)));
                }
                return failed(count.value(), &error);
            }
        }
        reply
    }

    /// Runs a cell of the language, a question such as `train_epoch?`, whose page the client shows
    /// beside the outputs, or a command such as `:who`.
    fn run(
        &self,
        count: ExecutionCount,
        code: &str,
        payload: &mut Vec<Payload>,
    ) -> Result<Option<Display>, CellError> {
        if let Some(line) = command_line(code) {
            let mut host =
                CellCommandHost::new(self.kernel.clone(), cell(count, String::new()).name);
            if commands::run(line, &mut host)? == Next::Quit {
                let hint = Some("a notebook's kernel is shut down by its client".to_owned());
                return Err(CellError { hint, ..CellError::new("a cell cannot end the kernel") });
            }
            return Ok(host.value);
        }
        let Some(question) = question(code) else {
            return self.kernel.session.run(cell(count, code.to_owned()));
        };
        let page = self.kernel.session.answer(&question)?;
        payload.push(Payload::Page { data: Bundle::page(&page).data, start: 0 });
        Ok(None)
    }

    /// Values that the client asked for beside the cell.
    fn expressions(
        &self,
        count: ExecutionCount,
        execute: &ExecuteRequest,
    ) -> HashMap<String, ExpressionResult> {
        let value = |source: &String| {
            let outcome = self.kernel.session.run(cell(count, source.clone()));
            let failed = |error: &CellError| {
                let error = reply_error(error);
                ExpressionResult::Error {
                    ename: error.ename,
                    evalue: error.evalue,
                    traceback: error.traceback,
                }
            };
            match outcome {
                Ok(display) => {
                    let last = display.as_ref().and_then(|display| display.parts.last());
                    let bundle = last.map(Bundle::part).transpose();
                    match bundle {
                        Ok(bundle) => {
                            let Bundle { data, metadata } = bundle.unwrap_or(Bundle::text("None"));
                            ExpressionResult::Ok { data, metadata }
                        }
                        Err(error) => failed(&CellError::new(error.to_string())),
                    }
                }
                Err(error) => failed(&error),
            }
        };
        let expressions = execute.user_expressions.iter().flatten();
        expressions.map(|(name, source)| (name.clone(), value(source))).collect()
    }
}

fn cell(count: ExecutionCount, source: String) -> Cell {
    Cell { name: format!("cell {count}"), source, folder: PathBuf::new() }
}

fn failed(count: usize, error: &CellError) -> ExecuteReply {
    ExecuteReply {
        status: ReplyStatus::Error,
        execution_count: ExecutionCount::new(count),
        user_expressions: Some(HashMap::new()),
        error: Some(reply_error(error)),
        ..ExecuteReply::default()
    }
}

fn our_own_fault() -> CellError {
    CellError::new("the kernel could not show what the cell did, which is a bug worth reporting")
}

/// The reply for a cell that did not begin, which therefore has no number.
fn aborted() -> UnknownMessage {
    UnknownMessage { msg_type: "execute_reply".to_owned(), content: json!({ "status": "aborted" }) }
}

fn too_large(size: usize) -> CellError {
    CellError {
        hint: Some("keep data in a file and load it".to_owned()),
        ..CellError::new(format!(
            "a cell may have {} MB, not {} MB",
            LARGEST_CELL >> 20,
            size.div_ceil(1 << 20)
        ))
    }
}

/// The code, or the beginning of one that is too large to run.
fn excerpt(code: &str) -> &str {
    let end = code.char_indices().nth(1000).map_or(code.len(), |(end, _)| end);
    if code.len() <= LARGEST_CELL { code } else { &code[..end] }
}
