//! From [`Output`] to messages that every client hears, in the order in which things were shown.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jupyter_protocol::{
    ClearOutput, DisplayData, ExecuteResult, ExecutionCount, JupyterMessageContent, StreamContent,
    Transient, UpdateDisplayData,
};
use tokio::runtime::Handle;

use super::media::Bundle;
use super::progress::{Due, PATIENCE, Progress};
use super::protocol::incoming::Request;
use super::protocol::outbox::Outbox;
use super::protocol::stdin::StandardInput;
use crate::context::{CancelToken, Event};
use crate::session::{Display, Output, Part, Sink};
use crate::{Error, Result};

/// After so much text without a pause, the running code waits for its listeners.
const TEXTS_AHEAD: usize = 2000;
/// How long it waits at most: a listener that does not read must not stop the work.
const WAIT_FOR_LISTENERS: Duration = Duration::from_millis(500);

/// The kernel's sink; clones are the same one.
#[derive(Clone)]
pub(super) struct KernelSink {
    iopub: Outbox,
    input: Arc<StandardInput>,
    runtime: Handle,
    scene: Arc<Mutex<Scene>>,
}

/// The cell that runs, as far as its outputs go.
#[derive(Default)]
struct Scene {
    /// What the outputs answer. Something shown after the end of a cell still belongs to it.
    request: Option<Arc<Request>>,
    silent: bool,
    allow_stdin: bool,
    progress: Progress,
    /// Counts cells, so that a late drawing finds out that its cell is over.
    cell: u64,
    texts: usize,
    /// Names under which something is shown, with the number of its parts.
    shown: HashMap<String, usize>,
    /// Those of them that this cell has shown.
    shown_here: HashSet<String>,
}

impl KernelSink {
    pub fn new(iopub: Outbox, input: Arc<StandardInput>, runtime: Handle) -> Self {
        Self { iopub, input, runtime, scene: Arc::default() }
    }

    /// Outputs answer `request` from now on; with `silent` nobody hears them.
    pub fn begin(&self, request: Arc<Request>, silent: bool, allow_stdin: bool) {
        let mut scene = self.scene();
        scene.request = Some(request);
        scene.progress = Progress::default();
        scene.cell += 1;
        scene.texts = 0;
        scene.shown_here.clear();
        (scene.silent, scene.allow_stdin) = (silent, allow_stdin);
    }

    /// The cell is over: its progress takes its last form.
    pub fn end(&self) {
        let mut scene = self.scene();
        scene.cell += 1;
        if let Some(last) = scene.progress.end() {
            let id = scene.progress_id();
            self.update(&scene, &id, last.last());
        }
    }

    /// Nobody hears what comes until the next cell.
    pub fn hush(&self) {
        self.scene().silent = true;
    }

    /// Shows the value that ended a cell; its last part becomes the cell's result.
    pub fn result(&self, display: &Display, count: ExecutionCount) {
        let scene = self.scene();
        let Some((last, others)) = display.parts.split_last() else { return };
        for part in others {
            let bundle = self.bundle(&scene, part);
            self.publish(&scene, data(bundle, None));
        }
        let Bundle { data, metadata } = self.bundle(&scene, last);
        let transient = Some(Transient::default());
        let result = ExecuteResult { execution_count: count, data, metadata, transient };
        self.publish(&scene, result);
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, scene: &Scene, content: impl Into<JupyterMessageContent>) {
        if let Some(request) = scene.request.as_ref().filter(|_| !scene.silent) {
            self.iopub.send(request.publish(content));
        }
    }

    fn update(&self, scene: &Scene, id: &str, Bundle { data, metadata }: Bundle) {
        let transient = Transient { display_id: Some(id.to_owned()) };
        self.publish(scene, UpdateDisplayData { data, metadata, transient });
    }

    fn text(&self, text: StreamContent) {
        let mut scene = self.scene();
        self.publish(&scene, text);
        scene.texts += 1;
        let ahead = scene.texts.is_multiple_of(TEXTS_AHEAD);
        drop(scene);
        if ahead {
            self.iopub.flush(WAIT_FOR_LISTENERS);
        }
    }

    /// A part in every form; one that cannot be drawn says so instead.
    fn bundle(&self, scene: &Scene, part: &Part) -> Bundle {
        Bundle::part(part).unwrap_or_else(|error| {
            self.publish(scene, StreamContent::stderr(&format!("warning: {error}\n")));
            Bundle::text("[not drawn]")
        })
    }

    fn show(&self, display: &Display) {
        let mut scene = self.scene();
        let Some(id) = &display.id else {
            for part in &display.parts {
                let bundle = self.bundle(&scene, part);
                self.publish(&scene, data(bundle, None));
            }
            return;
        };
        // Whoever shows something under this name sees the new value, in earlier cells too. In
        // this cell it appears where it was shown first.
        let before = scene.shown.insert(id.clone(), display.parts.len()).unwrap_or(0);
        let appears = scene.shown_here.insert(id.clone());
        for (index, part) in display.parts.iter().enumerate() {
            let bundle = self.bundle(&scene, part);
            let id = part_id(id, index);
            if index < before {
                self.update(&scene, &id, bundle.clone());
            }
            if index >= before || appears {
                self.publish(&scene, data(bundle, Some(id)));
            }
        }
        for index in display.parts.len()..before {
            self.update(&scene, &part_id(id, index), Bundle::text(""));
        }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Note(note) => self.text(StreamContent::stdout(&format!("{note}\n"))),
            Event::Warning(warning) => {
                self.text(StreamContent::stderr(&format!("warning: {warning}\n")));
            }
            progress => {
                let mut scene = self.scene();
                let due = scene.progress.take(progress);
                self.progress(&scene, due);
            }
        }
    }

    fn progress(&self, scene: &Scene, due: Due) {
        let (sink, cell) = (self.clone(), scene.cell);
        match due {
            Due::Nothing => {}
            Due::Later => {
                self.runtime.spawn(async move {
                    tokio::time::sleep(PATIENCE).await;
                    let mut scene = sink.scene();
                    if scene.cell == cell {
                        let due = scene.progress.due();
                        sink.progress(&scene, due);
                    }
                });
            }
            Due::Appear(snapshot) => {
                let id = Some(scene.progress_id());
                self.publish(scene, data(snapshot.live(), id));
            }
            // On another thread: drawing takes longer than a batch may wait.
            Due::Repaint(snapshot) => {
                self.runtime.spawn_blocking(move || {
                    let bundle = snapshot.live();
                    let mut scene = sink.scene();
                    if scene.cell == cell {
                        sink.update(&scene, &scene.progress_id(), bundle);
                        scene.progress.has_drawn();
                    }
                });
            }
        }
    }
}

impl Scene {
    /// Where the progress of this cell is shown.
    fn progress_id(&self) -> String {
        let request = self.request.as_ref().map_or("", |request| &request.header().msg_id);
        format!("u2ad-progress-{request}")
    }
}

impl Sink for KernelSink {
    fn emit(&self, output: Output) {
        match output {
            Output::Text(text) => self.text(StreamContent::stdout(&text)),
            Output::ErrorText(text) => self.text(StreamContent::stderr(&text)),
            Output::Display(display) => self.show(&display),
            Output::Clear { wait } => {
                let mut scene = self.scene();
                scene.progress = Progress::default();
                scene.shown_here.clear();
                self.publish(&scene, ClearOutput { wait });
            }
            Output::Event(event) => self.event(event),
        }
    }

    fn ask(&self, prompt: &str, hidden: bool, cancel: &CancelToken) -> Result<String> {
        let request = {
            let scene = self.scene();
            scene.request.clone().filter(|_| scene.allow_stdin)
        };
        let request = request.ok_or_else(|| Error::input("ask: this client cannot be asked"))?;
        self.input.ask(&request, prompt, hidden, cancel)
    }
}

fn data(Bundle { data, metadata }: Bundle, id: Option<String>) -> DisplayData {
    DisplayData { data, metadata, transient: Some(Transient { display_id: id }) }
}

/// Each part of a value has its own place on the page.
fn part_id(id: &str, index: usize) -> String {
    if index == 0 { id.to_owned() } else { format!("{id}/{}", index + 1) }
}
