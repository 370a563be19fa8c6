//! A client of a running kernel, for the shell. It also works with kernels of other languages, as
//! far as they follow the protocol.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jupyter_protocol::{ConnectionInfo, JupyterMessage, UnknownMessage};
use jupyter_zmq_client::{
    ClientControlConnection, ClientIoPubConnection, ClientShellConnection, ClientStdinConnection,
    Connection, RawMessage, RuntimeError, create_client_control_connection,
    create_client_heartbeat_connection, create_client_iopub_connection,
    create_client_shell_connection_with_identity, create_client_stdin_connection_with_identity,
    peer_identity_for_session, runtime_dir, user_data_dir,
};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};
use zeromq::SocketRecv;

use super::protocol::sockets::read_connection_file;
use crate::error::locked;
use crate::session::{Candidate, CandidateKind, Completions};
use crate::{Error, Result};

/// How long a kernel may take to send its first message.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a kernel that runs a cell is asked whether it is alive, and how long it may take to answer. Even one whose
/// cores are all busy answers from a thread of its own.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(3);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(12);

/// A connection to a running kernel.
pub(in crate::frontends) struct Client {
    runtime: Runtime,
    connection: ConnectionInfo,
    channels: Mutex<Channels>,
    /// Apart from the others, for interrupts while a cell runs.
    control: Mutex<ClientControlConnection>,
    /// The banner of the kernel.
    pub banner: String,
}

struct Channels {
    shell: ClientShellConnection,
    stdin: ClientStdinConnection,
    iopub: ClientIoPubConnection,
}

/// Something that a cell does on the kernel.
#[derive(Clone, Debug)]
pub(in crate::frontends) enum KernelEvent {
    Text(String),
    ErrorText(String),
    /// A value or figure: a picture if it has one, and its text.
    Shown {
        png: Option<Vec<u8>>,
        text: String,
    },
    /// Progress of the cell, as text.
    Progress(String),
    /// Why it stopped, with colours.
    Failed(String),
    /// Documentation.
    Page(String),
    /// The cell asks for a line.
    Asked {
        prompt: String,
        hidden: bool,
    },
}

/// A message as it came.
struct Received {
    kind: String,
    /// Identity of the message that it answers.
    parent: String,
    content: Value,
}

/// The connection file of the kernel that started last, among those that Jupyter knows.
///
/// # Errors
/// If no kernel runs.
pub(in crate::frontends) fn latest_connection_file() -> Result<PathBuf> {
    let folders = [Some(runtime_dir()), user_data_dir().ok().map(|data| data.join("runtime"))];
    let files = folders.into_iter().flatten().filter_map(|folder| fs::read_dir(folder).ok());
    let is_connection = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("kernel-") && name.ends_with(".json")
    };
    let changed = |path: &PathBuf| {
        fs::metadata(path).and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH)
    };
    files
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(is_connection)
        .max_by_key(changed)
        .ok_or_else(|| {
            Error::input("no kernel is running; open a notebook first, or give its connection file")
        })
}

impl Client {
    /// Connects to the kernel of a connection file.
    ///
    /// # Errors
    /// If the file cannot be used or no kernel answers.
    pub fn connect(file: &Path) -> Result<Self> {
        let info = read_connection_file(file)?;
        let gone = || Error::file(file, "the kernel of this connection does not answer");
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| Error::input(format!("the shell cannot be started: {error}")))?;
        let session = uuid::Uuid::new_v4().to_string();
        let connect = async {
            let identity = peer_identity_for_session(&session)?;
            let iopub = create_client_iopub_connection(&info, "", &session).await?;
            let shell =
                create_client_shell_connection_with_identity(&info, &session, identity.clone())
                    .await?;
            let stdin =
                create_client_stdin_connection_with_identity(&info, &session, identity).await?;
            let control = create_client_control_connection(&info, &session).await?;
            Ok::<_, RuntimeError>((Channels { shell, stdin, iopub }, control))
        };
        let (channels, control) = runtime
            .block_on(async { timeout(REPLY_TIMEOUT, connect).await })
            .map_err(|_| gone())?
            .map_err(|_| gone())?;
        let mut client = Self {
            runtime,
            connection: info,
            channels: Mutex::new(channels),
            control: Mutex::new(control),
            banner: String::new(),
        };
        let about = client.ask("kernel_info_request", json!({})).ok_or_else(gone)?;
        client.banner = about["banner"].as_str().unwrap_or_default().trim().to_owned();
        Ok(client)
    }

    /// Runs a cell. Everything it does is passed to `on_event` as it happens; when the cell asks for
    /// a line, `on_event` returns it.
    ///
    /// # Errors
    /// If the kernel is gone.
    pub fn run(
        &self,
        code: &str,
        on_event: &mut dyn FnMut(KernelEvent) -> Option<String>,
    ) -> Result<()> {
        let mut channels = locked(&self.channels);
        let request = json!({
            "code": code,
            "silent": false,
            "store_history": true,
            "user_expressions": {},
            "allow_stdin": true,
            "stop_on_error": true,
        });
        let gone = || Error::input("the kernel is gone: it ended or does not answer any more");
        let Channels { shell, stdin, iopub } = &mut *channels;
        self.runtime.block_on(async {
            let message = message("execute_request", request);
            let id = message.header.msg_id.clone();
            shell.send(message).await.map_err(|_| gone())?;
            let (mut replied, mut idle) = (false, false);
            let mut silence = pin!(silence(&self.connection));
            while !(replied && idle) {
                tokio::select! {
                    // The sockets do not notice that a kernel was killed.
                    () = &mut silence => return Err(gone()),
                    received = read(iopub) => {
                        let received = received.ok_or_else(gone)?;
                        // A kernel that ends publishes its reply to the shutdown request.
                        if received.kind == "shutdown_reply" {
                            return Err(gone());
                        }
                        if received.parent == id {
                            idle |= received.content["execution_state"] == "idle";
                            if let Some(event) = kernel_event(&received) {
                                on_event(event);
                            }
                        }
                    }
                    received = read(shell) => {
                        let received = received.ok_or_else(gone)?;
                        if received.parent == id {
                            replied = true;
                            for page in pages(&received.content) {
                                on_event(page);
                            }
                        }
                    }
                    received = read(stdin) => {
                        let received = received.ok_or_else(gone)?;
                        let prompt = text(&received.content["prompt"]);
                        let hidden = received.content["password"] == true;
                        if let Some(line) = on_event(KernelEvent::Asked { prompt, hidden }) {
                            let reply = json!({ "value": line, "status": "ok" });
                            stdin.send(self::message("input_reply", reply)).await.map_err(|_| gone())?;
                        }
                    }
                }
            }
            Ok(())
        })
    }

    /// Asks the kernel to stop what it runs.
    pub fn interrupt(&self) {
        let mut control = locked(&self.control);
        let asked = control.send(message("interrupt_request", json!({})));
        // Whether it stops shows in what the cell does.
        self.runtime.block_on(async { timeout(REPLY_TIMEOUT, asked).await.ok() });
    }

    /// What could stand before the character `cursor` of `source`; nothing if the kernel does not
    /// say.
    pub fn complete(&self, source: &str, cursor: usize) -> Completions {
        let request = json!({ "code": source, "cursor_pos": cursor });
        let reply = self.ask("complete_request", request).unwrap_or_default();
        let described = &reply["metadata"]["_jupyter_types_experimental"];
        let place = |name: &str| reply[name].as_u64().map_or(cursor, |place| place as usize);
        let candidates = reply["matches"].as_array().into_iter().flatten().enumerate();
        let candidate = |(index, candidate): (usize, &Value)| Candidate {
            text: text(candidate),
            kind: CandidateKind::from_name(&text(&described[index]["type"]))
                .unwrap_or(CandidateKind::Variable),
            detail: Some(text(&described[index]["signature"])).filter(|detail| !detail.is_empty()),
        };
        Completions {
            start: place("cursor_start"),
            end: place("cursor_end"),
            candidates: candidates.map(candidate).collect(),
        }
    }

    /// Sends a request that is answered at once; gives the content of the reply.
    fn ask(&self, kind: &str, content: Value) -> Option<Value> {
        let mut channels = locked(&self.channels);
        let message = message(kind, content);
        let id = message.header.msg_id.clone();
        let exchange = async {
            channels.shell.send(message).await.ok()?;
            loop {
                let received = read(&mut channels.shell).await?;
                if received.parent == id {
                    return Some(received.content);
                }
            }
        };
        self.runtime.block_on(async { timeout(REPLY_TIMEOUT, exchange).await.ok().flatten() })
    }
}

/// Ends when the kernel does not answer any more.
async fn silence(connection: &ConnectionInfo) {
    loop {
        sleep(HEARTBEAT_EVERY).await;
        // A new connection each time: one whose answer was not waited for takes no further question.
        let beat = async {
            create_client_heartbeat_connection(connection).await?.single_heartbeat().await
        };
        if !matches!(timeout(HEARTBEAT_TIMEOUT, beat).await, Ok(Ok(()))) {
            return;
        }
    }
}

fn message(kind: &str, content: Value) -> JupyterMessage {
    JupyterMessage::new(UnknownMessage { msg_type: kind.to_owned(), content }, None)
}

/// The next message that can be read; `None` if the connection is closed.
async fn read<S: SocketRecv>(connection: &mut Connection<S>) -> Option<Received> {
    loop {
        let frames = connection.socket.recv().await.ok()?;
        let Ok(raw) = RawMessage::from_multipart(frames, &connection.mac) else { continue };
        let part =
            |index: usize| serde_json::from_slice::<Value>(&raw.jparts[index]).unwrap_or_default();
        let kind = text(&part(0)["msg_type"]);
        return Some(Received { kind, parent: text(&part(1)["msg_id"]), content: part(3) });
    }
}

/// The event that an iopub message stands for; `None` for messages that the shell ignores.
fn kernel_event(received: &Received) -> Option<KernelEvent> {
    let content = &received.content;
    Some(match received.kind.as_str() {
        "stream" if content["name"] == "stderr" => KernelEvent::ErrorText(text(&content["text"])),
        "stream" => KernelEvent::Text(text(&content["text"])),
        "display_data" | "update_display_data"
            if content["metadata"]["u2ad"]["progress"] == true =>
        {
            KernelEvent::Progress(text(&content["data"]["text/plain"]))
        }
        "display_data" | "execute_result" | "update_display_data" => KernelEvent::Shown {
            png: content["data"]["image/png"]
                .as_str()
                .and_then(|png| BASE64_STANDARD.decode(png.replace('\n', "")).ok()),
            text: text(&content["data"]["text/plain"]),
        },
        "error" => {
            let lines = content["traceback"].as_array().into_iter().flatten().map(text);
            KernelEvent::Failed(lines.collect::<Vec<_>>().join("\n"))
        }
        _ => return None,
    })
}

/// The pages that a reply asks to show.
fn pages(reply: &Value) -> Vec<KernelEvent> {
    let payload = reply["payload"].as_array().into_iter().flatten();
    let pages = payload.filter(|entry| entry["source"] == "page");
    pages.map(|page| KernelEvent::Page(text(&page["data"]["text/plain"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
