//! From [`Output`] to iopub messages, in the order in which things were shown.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use jupyter_protocol::{
    ClearOutput, ExecuteResult, ExecutionCount, JupyterMessageContent, Stdio, StreamContent,
    Transient, UpdateDisplayData,
};
use tokio::runtime::Handle;

use super::media::{Bundle, data};
use super::progress::{Due, FIRST_DISPLAY_DELAY, Progress};
use super::protocol::incoming::Request;
use super::protocol::outbox::Outbox;
use super::protocol::stdin::StandardInput;
use super::rate_limit::RateLimit;
use super::text_buffer::{self, TextBuffer, UNWATCHED_PERIOD, WATCHED_PERIOD};
use crate::context::{CancelToken, Event};
use crate::session::{Display, Output, Part, Sink};
use crate::{Error, Result};

/// After so many bytes of text, the running code waits for the clients.
const BYTES_AHEAD: usize = 4 << 20;
/// How long it waits at most: a client that does not read must not stop the work.
const CLIENT_TIMEOUT: Duration = Duration::from_millis(500);

/// The kernel's sink; clones are the same one.
#[derive(Clone)]
pub(super) struct KernelSink {
    iopub: Outbox,
    input: Arc<StandardInput>,
    runtime: Handle,
    state: Arc<Mutex<CellState>>,
}

/// The cell that runs, as far as its outputs go.
#[derive(Default)]
struct CellState {
    /// The request that the outputs answer. Something shown after the end of a cell still belongs to it.
    request: Option<Arc<Request>>,
    silent: bool,
    /// Whether the client can be asked for a line: then somebody watches the cell.
    allow_stdin: bool,
    /// Whether the cell has ended.
    over: bool,
    progress: Progress,
    /// Counts cells, so that a late drawing finds out that its cell is over.
    cell: u64,
    text: TextBuffer,
    /// Bytes of text that were sent since the running code last waited for the clients.
    ahead: usize,
    rate_limit: RateLimit,
    /// How long the running code should wait before it writes more.
    pause: Duration,
    /// Names under which something is shown, with the number of its parts.
    shown: HashMap<String, usize>,
    /// Those of them that this cell has shown.
    shown_here: HashSet<String>,
    /// When these were updated last, and newer values that wait: of a loop that updates a display, a few values a
    /// second are sent, and the last one.
    updated: HashMap<String, Instant>,
    late: HashMap<String, Display>,
}

impl KernelSink {
    pub fn new(iopub: Outbox, input: Arc<StandardInput>, runtime: Handle) -> Self {
        Self { iopub, input, runtime, state: Arc::default() }
    }

    /// Outputs answer `request` from now on; with `silent` they are not published.
    pub fn begin(&self, request: Arc<Request>, silent: bool, allow_stdin: bool) {
        let mut state = self.state();
        state.request = Some(request);
        state.progress = Progress::default();
        state.cell += 1;
        (state.ahead, state.pause) = (0, Duration::ZERO);
        state.rate_limit = RateLimit::default();
        state.shown_here.clear();
        state.updated.clear();
        state.late.clear();
        (state.silent, state.allow_stdin, state.over) = (silent, allow_stdin, false);
    }

    /// The cell is over: its text is complete and its progress takes its last form.
    pub fn end(&self) {
        let mut state = self.state();
        self.send_text(&mut state);
        self.send_late(&mut state);
        state.over = true;
        state.cell += 1;
        if let Some(last) = state.progress.end() {
            let id = state.progress_id();
            self.update(&state, &id, last.last());
        }
    }

    /// Publishes nothing more until the next cell.
    pub fn mute(&self) {
        self.state().silent = true;
    }

    /// Publishes the text that waits.
    pub fn flush(&self) {
        self.send_text(&mut self.state());
    }

    /// Shows the value that ended a cell; its last part becomes the cell's result.
    pub fn result(&self, display: &Display, count: ExecutionCount) {
        if display.id.is_some() {
            // Clients update only what was shown, not results.
            return self.show(display);
        }
        let state = self.state();
        let Some((last, others)) = display.parts.split_last() else { return };
        for part in others {
            let bundle = self.bundle(&state, part);
            self.publish(&state, data(bundle, None));
        }
        let Bundle { data, metadata } = self.bundle(&state, last);
        let transient = Some(Transient::default());
        let result = ExecuteResult { execution_count: count, data, metadata, transient };
        self.publish(&state, result);
    }

    fn state(&self) -> MutexGuard<'_, CellState> {
        crate::error::locked(&self.state)
    }

    fn publish(&self, state: &CellState, content: impl Into<JupyterMessageContent>) {
        if let Some(request) = state.request.as_ref().filter(|_| !state.silent) {
            self.iopub.send(request.publish(content));
        }
    }

    fn update(&self, state: &CellState, id: &str, Bundle { data, metadata }: Bundle) {
        let transient = Transient { display_id: Some(id.to_owned()) };
        self.publish(state, UpdateDisplayData { data, metadata, transient });
    }

    fn text(&self, stream: Stdio, text: &str) {
        let mut state = self.state();
        if state.silent {
            return;
        }
        match state.text.push(stream, text) {
            _ if state.over => self.send_text(&mut state),
            text_buffer::Due::Waiting => {}
            text_buffer::Due::Begun => self.send_text_later(&state),
            text_buffer::Due::Full => self.send_text(&mut state),
        }
        let is_ahead = state.ahead > BYTES_AHEAD;
        if is_ahead {
            state.ahead = 0;
        }
        let pause = std::mem::take(&mut state.pause);
        drop(state);
        if is_ahead {
            self.iopub.flush(CLIENT_TIMEOUT);
        }
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }

    /// Publishes the text that waits.
    fn send_text(&self, state: &mut CellState) {
        let pieces = state.text.take();
        self.send_pieces(state, pieces);
    }

    fn send_pieces(&self, state: &mut CellState, pieces: Vec<StreamContent>) {
        for piece in pieces {
            state.ahead += piece.text.len();
            if state.allow_stdin {
                state.pause = state.rate_limit.send(&piece.text, Instant::now());
            }
            self.publish(state, piece);
        }
    }

    fn send_text_later(&self, state: &CellState) {
        let (sink, emptied) = (self.clone(), state.text.emptied());
        let period = if state.allow_stdin { WATCHED_PERIOD } else { UNWATCHED_PERIOD };
        self.runtime.spawn(async move {
            tokio::time::sleep(period).await;
            let mut state = sink.state();
            if state.text.emptied() == emptied {
                sink.send_text(&mut state);
            }
        });
    }

    /// A part in every form; if it cannot be drawn, an error text takes its place.
    fn bundle(&self, state: &CellState, part: &Part) -> Bundle {
        Bundle::part(part).unwrap_or_else(|error| {
            self.publish(state, StreamContent::stderr(&format!("warning: {error}\n")));
            Bundle::text("[not drawn]")
        })
    }

    fn show(&self, display: &Display) {
        let mut state = self.state();
        if self.may_wait(&mut state, display) {
            return;
        }
        self.send_text(&mut state);
        self.show_now(&mut state, display);
        self.wait(state, display.parts.len());
    }

    /// Lets the running code wait after it has sent so many messages.
    fn wait(&self, mut state: MutexGuard<'_, CellState>, messages: usize) {
        if !state.allow_stdin || state.silent {
            return;
        }
        let pause = state.rate_limit.send_messages(messages, Instant::now());
        drop(state);
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }

    /// Whether a new value of what this cell has shown a moment ago waits, with older ones being dropped.
    fn may_wait(&self, state: &mut CellState, display: &Display) -> bool {
        let Some(id) = &display.id else { return false };
        let is_update = state.allow_stdin
            && !state.over
            && state.shown_here.contains(id)
            && state.shown.get(id) == Some(&display.parts.len());
        let now = Instant::now();
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < WATCHED_PERIOD;
        if is_update && state.updated.get(id).is_some_and(is_recent) {
            if state.late.insert(id.clone(), display.clone()).is_none() {
                let (sink, cell) = (self.clone(), state.cell);
                self.runtime.spawn(async move {
                    tokio::time::sleep(WATCHED_PERIOD).await;
                    let mut state = sink.state();
                    if state.cell == cell {
                        sink.send_late(&mut state);
                    }
                });
            }
            return true;
        }
        state.late.remove(id);
        state.updated.insert(id.clone(), now);
        false
    }

    /// Publishes the values that wait.
    fn send_late(&self, state: &mut CellState) {
        let now = Instant::now();
        for (id, display) in std::mem::take(&mut state.late) {
            state.updated.insert(id, now);
            self.show_now(state, &display);
        }
    }

    fn show_now(&self, state: &mut CellState, display: &Display) {
        let Some(id) = &display.id else {
            for part in &display.parts {
                let bundle = self.bundle(state, part);
                self.publish(state, data(bundle, None));
            }
            return;
        };
        // Every display under this name gets the new value, in earlier cells too. In this cell it
        // appears where it was shown first.
        let before = state.shown.insert(id.clone(), display.parts.len()).unwrap_or(0);
        let appears = state.shown_here.insert(id.clone());
        for (index, part) in display.parts.iter().enumerate() {
            let bundle = self.bundle(state, part);
            let id = part_id(id, index);
            if index < before {
                self.update(state, &id, bundle.clone());
            }
            if index >= before || appears {
                self.publish(state, data(bundle, Some(id)));
            }
        }
        for index in display.parts.len()..before {
            self.update(state, &part_id(id, index), Bundle::text(""));
        }
    }

    /// Replaces what is shown under an identity, also in an earlier cell and while no cell runs.
    fn update_shown(&self, display: &Display) {
        let state = self.state();
        let Some(id) = &display.id else { return };
        let shown = state.shown.get(id).copied().unwrap_or(0);
        let Some(request) = state.request.as_ref().filter(|_| shown > 0) else { return };
        for (index, part) in display.parts.iter().enumerate().take(shown) {
            let Bundle { data, metadata } = self.bundle(&state, part);
            let transient = Transient { display_id: Some(part_id(id, index)) };
            self.iopub.send(request.publish(UpdateDisplayData { data, metadata, transient }));
        }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Note(note) | Event::Remark(note) => {
                self.text(Stdio::Stdout, &format!("{note}\n"))
            }
            Event::Warning(warning) => self.text(Stdio::Stderr, &format!("warning: {warning}\n")),
            progress => {
                let mut state = self.state();
                let due = state.progress.take(progress);
                self.progress(&mut state, due);
            }
        }
    }

    /// Progress follows the clock. So that the text around it does not, it divides text only where
    /// its first task began.
    fn progress(&self, state: &mut CellState, due: Due) {
        let (sink, cell) = (self.clone(), state.cell);
        match due {
            Due::Nothing => {}
            Due::Later => {
                state.text.mark();
                self.runtime.spawn(async move {
                    tokio::time::sleep(FIRST_DISPLAY_DELAY).await;
                    let mut state = sink.state();
                    if state.cell == cell {
                        let due = state.progress.due();
                        sink.progress(&mut state, due);
                    }
                });
            }
            Due::Appear(snapshot) => {
                let before = state.text.take_marked();
                self.send_pieces(state, before);
                let id = Some(state.progress_id());
                self.publish(state, data(snapshot.live(), id));
            }
            // On another thread: drawing takes longer than a batch may wait.
            Due::Repaint(snapshot) => {
                self.runtime.spawn_blocking(move || {
                    let bundle = snapshot.live();
                    let mut state = sink.state();
                    if state.cell == cell {
                        sink.update(&state, &state.progress_id(), bundle);
                        state.progress.has_drawn();
                    }
                });
            }
        }
    }
}

impl CellState {
    /// Where the progress of this cell is shown.
    fn progress_id(&self) -> String {
        let request = self.request.as_ref().map_or("", |request| &request.header().msg_id);
        format!("u2ad-progress-{request}")
    }
}

impl Sink for KernelSink {
    fn is_muted(&self) -> bool {
        self.state().silent
    }

    fn emit(&self, output: Output) {
        match output {
            Output::Text(text) => self.text(Stdio::Stdout, &text),
            Output::ErrorText(text) => self.text(Stdio::Stderr, &text),
            Output::Display(display) => self.show(&display),
            Output::Clear { wait } => {
                let mut state = self.state();
                self.send_text(&mut state);
                self.send_late(&mut state);
                state.progress = Progress::default();
                state.shown_here.clear();
                self.publish(&state, ClearOutput { wait });
                // Clearing usually comes with new text.
                self.wait(state, 2);
            }
            Output::Update(display) => self.update_shown(&display),
            Output::Event(event) => self.event(event),
        }
    }

    fn ask(&self, prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
        let request = {
            let mut state = self.state();
            self.send_text(&mut state);
            state.request.clone().filter(|_| state.allow_stdin)
        };
        let request = request.ok_or_else(|| Error::input("ask: this client takes no input"))?;
        self.input.ask(&request, prompt, hidden, cancel)
    }
}

/// Each part of a value has its own place on the page.
fn part_id(id: &str, index: usize) -> String {
    if index == 0 { id.to_owned() } else { format!("{id}/{}", index + 1) }
}
