//! A client of a live kernel: starts one as Jupyter does, talks to it over its own sockets.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use jupyter_protocol::connection_info::Transport;
use jupyter_protocol::{ConnectionInfo, JupyterMessage, UnknownMessage};
use jupyter_zmq_client::{
    ClientControlConnection, ClientIoPubConnection, ClientShellConnection, ClientStdinConnection,
    Connection, RawMessage, create_client_control_connection, create_client_iopub_connection,
    create_client_shell_connection_with_identity, create_client_stdin_connection_with_identity,
    peer_identity_for_session,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;
use zeromq::SocketRecv;

/// Longer than anything here may take on a machine that does something else too.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Where Rust cells of tests compile.
pub const RUST_CELLS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../evcxr");
/// What the cargo of evcxr inherits: cells of tests need no speed, and level 1 is less work for the compiler than evcxr's 2.
/// All tests that share the folder need the same value, else the library would be compiled there twice.
pub const RUST_CELLS_PROFILE: (&str, &str) = ("CARGO_PROFILE_DEV_OPT_LEVEL", "1");

/// A process that ends with the test.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A kernel process and the sockets to it.
pub struct Kernel {
    process: Process,
    pub info: ConnectionInfo,
    pub folder: TempDir,
    pub shell: ClientShellConnection,
    pub control: ClientControlConnection,
    pub stdin: ClientStdinConnection,
    pub iopub: ClientIoPubConnection,
    /// How long to wait for a message.
    pub limit: Duration,
}

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub kind: String,
    /// Identity of the message that it answers.
    pub parent: String,
    pub content: Value,
}

/// What a cell did: its reply and the messages published about it, "idle" included.
#[derive(Debug)]
pub struct CellRun {
    pub reply: Value,
    pub published: Vec<Received>,
}

/// A kernel process that nobody has connected to yet.
pub struct Started {
    pub process: Process,
    pub info: ConnectionInfo,
    pub folder: TempDir,
}

/// Starts a kernel on free addresses.
pub fn start(transport: Transport) -> Started {
    let (info, folder) = connection(transport);
    let process = spawn(&folder.path().join("connection.json"), folder.path());
    Started { process, info, folder }
}

/// Starts a kernel that puts its temporary files into `temporary`.
pub fn start_with_temporary(temporary: &Path) -> Started {
    let (info, folder) = connection(Transport::TCP);
    let mut command = command(&folder.path().join("connection.json"), folder.path());
    let process = Process(command.env("TMPDIR", temporary).spawn().unwrap());
    Started { process, info, folder }
}

/// Starts a kernel that may hold so many gigabytes of memory.
pub fn start_with_memory(gigabytes: &str) -> Started {
    let (info, folder) = connection(Transport::TCP);
    let mut command = command(&folder.path().join("connection.json"), folder.path());
    let process = Process(command.env("U2AD_MEMORY", gigabytes).spawn().unwrap());
    Started { process, info, folder }
}

/// Free addresses, and a folder with their connection file.
fn connection(transport: Transport) -> (ConnectionInfo, TempDir) {
    let folder = TempDir::new().unwrap();
    // Held until all five are known, so that they differ.
    let listeners: Vec<_> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let port = |index: usize| match transport {
        Transport::TCP => listeners[index].local_addr().unwrap().port(),
        Transport::IPC => index as u16 + 1,
    };
    let info = ConnectionInfo {
        ip: match transport {
            Transport::TCP => "127.0.0.1".to_owned(),
            Transport::IPC => folder.path().join("ipc").display().to_string(),
        },
        shell_port: port(0),
        iopub_port: port(1),
        stdin_port: port(2),
        control_port: port(3),
        hb_port: port(4),
        transport: transport.clone(),
        key: "a-key-that-nobody-guesses".to_owned(),
        signature_scheme: "hmac-sha256".to_owned(),
        kernel_name: None,
    };
    drop(listeners);
    let file = folder.path().join("connection.json");
    std::fs::write(&file, serde_json::to_vec(&info).unwrap()).unwrap();
    (info, folder)
}

/// Starts a kernel process on a connection file, with its state in `state`.
pub fn spawn(file: &Path, state: &Path) -> Process {
    Process(command(file, state).spawn().unwrap())
}

fn command(file: &Path, state: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_u2ad"));
    command
        .args(["kernel", "start"])
        .arg(file)
        .env("XDG_STATE_HOME", state)
        .env("U2AD_RUST_CELLS", RUST_CELLS)
        .env(RUST_CELLS_PROFILE.0, RUST_CELLS_PROFILE.1)
        .env("JPY_PARENT_PID", std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

impl Kernel {
    /// A kernel that is ready.
    ///
    /// A port that was free may belong to a test that runs beside this one by the time the kernel asks
    /// for it; the kernel then ends, and another one is started.
    pub async fn new() -> Self {
        for _ in 0..4 {
            if let Ok(kernel) = Self::try_connect(start(Transport::TCP)).await {
                return kernel;
            }
        }
        Self::connect(start(Transport::TCP)).await
    }

    /// Connects to a kernel as a client does and waits until it answers.
    pub async fn connect(started: Started) -> Self {
        Self::try_connect(started).await.unwrap()
    }

    async fn try_connect(
        Started { process, info, folder }: Started,
    ) -> Result<Self, jupyter_zmq_client::RuntimeError> {
        let session = uuid::Uuid::new_v4().to_string();
        let identity = peer_identity_for_session(&session)?;
        let iopub = create_client_iopub_connection(&info, "", &session).await?;
        let shell =
            create_client_shell_connection_with_identity(&info, &session, identity.clone()).await?;
        let stdin = create_client_stdin_connection_with_identity(&info, &session, identity).await?;
        let control = create_client_control_connection(&info, &session).await?;
        let limit = TIMEOUT;
        let mut kernel = Self { process, info, folder, shell, control, stdin, iopub, limit };
        let welcome = kernel.next_published().await;
        assert_eq!(welcome.kind, "iopub_welcome");
        let id = kernel.ask("kernel_info_request", json!({})).await;
        assert_eq!(kernel.answer(&id).await.content["status"], "ok");
        kernel.until_idle(&id).await;
        Ok(kernel)
    }

    /// Sends a request on the shell channel; gives its identity.
    pub async fn ask(&mut self, kind: &str, content: Value) -> String {
        let message = message(kind, content);
        let id = message.header.msg_id.clone();
        self.shell.send(message).await.unwrap();
        id
    }

    /// The same on the control channel.
    pub async fn command(&mut self, kind: &str, content: Value) -> String {
        let message = message(kind, content);
        let id = message.header.msg_id.clone();
        self.control.send(message).await.unwrap();
        id
    }

    /// The next message on the shell channel, which must answer `id`.
    pub async fn answer(&mut self, id: &str) -> Received {
        let received = read_within(&mut self.shell, self.limit).await;
        assert_eq!(received.parent, id, "{received:?}");
        received
    }

    /// The next message on the control channel, which must answer `id`.
    pub async fn control_answer(&mut self, id: &str) -> Received {
        let received = read(&mut self.control).await;
        assert_eq!(received.parent, id, "{received:?}");
        received
    }

    /// The next message on the iopub channel.
    pub async fn next_published(&mut self) -> Received {
        read_within(&mut self.iopub, self.limit).await
    }

    /// The messages published about `id`, until the kernel is done with it.
    pub async fn until_idle(&mut self, id: &str) -> Vec<Received> {
        let mut published = Vec::new();
        loop {
            let received = self.next_published().await;
            if received.parent != id {
                continue;
            }
            let is_idle = received.content["execution_state"] == "idle";
            published.push(received);
            if is_idle {
                return published;
            }
        }
    }

    /// Waits until something is published for which `is_it`.
    pub async fn until(&mut self, is_it: impl Fn(&Received) -> bool) -> Received {
        loop {
            let received = self.next_published().await;
            if is_it(&received) {
                return received;
            }
        }
    }

    /// Sends a cell; gives its identity.
    pub async fn send(&mut self, code: &str) -> String {
        self.ask("execute_request", json!({ "code": code, "allow_stdin": true })).await
    }

    /// Runs a cell.
    pub async fn run(&mut self, code: &str) -> CellRun {
        self.run_with(json!({ "code": code })).await
    }

    /// Runs a cell with these fields of the request.
    pub async fn run_with(&mut self, content: Value) -> CellRun {
        let id = self.ask("execute_request", content).await;
        self.ran(&id).await
    }

    /// Reply and outputs of a cell that was sent.
    pub async fn ran(&mut self, id: &str) -> CellRun {
        let reply = self.answer(id).await.content;
        CellRun { reply, published: self.until_idle(id).await }
    }

    pub fn id(&self) -> u32 {
        self.process.0.id()
    }

    pub fn connection_file(&self) -> PathBuf {
        self.folder.path().join("connection.json")
    }

    /// Shuts the kernel down as a client does; gives how its process ended.
    pub async fn shut_down(mut self) -> (ExitStatus, TempDir) {
        let id = self.command("shutdown_request", json!({ "restart": false })).await;
        assert_eq!(self.control_answer(&id).await.content["status"], "ok");
        (self.ended().await, self.folder)
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self) -> ExitStatus {
        let asked = Instant::now();
        while asked.elapsed() < TIMEOUT {
            if let Some(status) = self.process.0.try_wait().unwrap() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the kernel does not end");
    }
}

impl CellRun {
    /// What the cell wrote to a stream.
    pub fn text(&self, stream: &str) -> String {
        let is_it =
            |received: &&Received| received.kind == "stream" && received.content["name"] == stream;
        let text = |received: &Received| received.content["text"].as_str().unwrap().to_owned();
        self.published.iter().filter(is_it).map(text).collect()
    }

    /// Everything of one type that was published.
    pub fn all(&self, kind: &str) -> Vec<&Received> {
        self.published.iter().filter(|received| received.kind == kind).collect()
    }

    /// The value of the cell as text.
    pub fn value(&self) -> &str {
        match self.all("execute_result")[..] {
            [received] => received.content["data"]["text/plain"].as_str().unwrap(),
            ref others => panic!("{} results: {:?}", others.len(), self.reply),
        }
    }
}

/// A message of any type.
pub fn message(kind: &str, content: Value) -> JupyterMessage {
    JupyterMessage::new(UnknownMessage { msg_type: kind.to_owned(), content }, None)
}

/// Reads one message without caring for its type.
pub async fn read<S: SocketRecv>(connection: &mut Connection<S>) -> Received {
    read_within(connection, TIMEOUT).await
}

async fn read_within<S: SocketRecv>(connection: &mut Connection<S>, limit: Duration) -> Received {
    let frames = timeout(limit, connection.socket.recv()).await.expect("in time").unwrap();
    let raw = RawMessage::from_multipart(frames, &connection.mac).unwrap();
    let part = |index: usize| serde_json::from_slice::<Value>(&raw.jparts[index]).unwrap();
    let header = part(0);
    Received {
        kind: header["msg_type"].as_str().unwrap().to_owned(),
        parent: part(1)["msg_id"].as_str().unwrap_or_default().to_owned(),
        content: part(3),
    }
}
