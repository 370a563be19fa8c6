//! The five sockets of a connection file.

use std::fs;
use std::path::{Path, PathBuf};

use jupyter_protocol::ConnectionInfo;
use jupyter_protocol::connection_info::Transport;
use jupyter_zmq_client::{
    KernelControlConnection, KernelHeartbeatConnection, KernelIoPubXPubConnection,
    KernelShellConnection, KernelStdinConnection, RuntimeError, create_kernel_control_connection,
    create_kernel_heartbeat_connection, create_kernel_iopub_xpub_connection,
    create_kernel_shell_connection, create_kernel_stdin_connection,
};
use serde_json::Value;
use zeromq::{SocketRecv, SocketSend};

#[cfg(unix)]
use super::guard::Guard;
use crate::files::read_regular_text;
use crate::{Error, Result};

/// Everything that the connection file asks for, bound.
pub(in super::super) struct Sockets {
    pub shell: KernelShellConnection,
    pub control: KernelControlConnection,
    pub stdin: KernelStdinConnection,
    pub iopub: KernelIoPubXPubConnection,
    pub heartbeat: KernelHeartbeatConnection,
}

/// Reads a connection file.
///
/// # Errors
/// [`Error::File`] if it cannot be read, is not a connection file, asks for encryption, or for a
/// signature other than HMAC-SHA256.
pub(in super::super) fn read_connection_file(path: &Path) -> Result<ConnectionInfo> {
    let text = read_regular_text(path)?;
    let refused = |error| Error::file(path, format!("this is not a connection file: {error}"));
    let fields: serde_json::Map<String, Value> = serde_json::from_str(&text).map_err(refused)?;
    // Without encryption, the messages would be readable where the user wants them not to be.
    if fields.iter().any(|(name, key)| name.starts_with("curve_") && !key.is_null()) {
        return Err(Error::file(
            path,
            "this connection is to be encrypted (CurveZMQ), which u2ad cannot do; start the kernel \
             with the client's transport_encryption = \"disabled\", on a machine or through a \
             tunnel that you trust",
        ));
    }
    let info: ConnectionInfo = serde_json::from_value(fields.into()).map_err(refused)?;
    match info.signature_scheme.as_str() {
        "hmac-sha256" | "" => Ok(info),
        other => Err(Error::file(
            path,
            format!("the signature scheme {other} is not supported; use hmac-sha256"),
        )),
    }
}

impl Sockets {
    /// Binds the addresses of `info` and no others.
    ///
    /// # Errors
    /// [`Error::Input`] with the address that cannot be bound.
    pub async fn bind(info: &ConnectionInfo, session: &str) -> Result<Self> {
        #[cfg(unix)]
        if info.transport == Transport::TCP {
            let guard = Guard::new(info).await?;
            let sockets = Self::bind_directly(&guard.inside, session).await?;
            guard.open()?;
            return Ok(sockets);
        }
        Self::bind_directly(info, session).await
    }

    async fn bind_directly(info: &ConnectionInfo, session: &str) -> Result<Self> {
        ipc_files(info).iter().for_each(|path| remove_abandoned(path));
        let failed = |url: String| {
            move |error: RuntimeError| Error::input(format!("{url} cannot be opened: {error}"))
        };
        Ok(Self {
            shell: create_kernel_shell_connection(info, session)
                .await
                .map_err(failed(info.shell_url()))?,
            control: create_kernel_control_connection(info, session)
                .await
                .map_err(failed(info.control_url()))?,
            stdin: create_kernel_stdin_connection(info, session)
                .await
                .map_err(failed(info.stdin_url()))?,
            iopub: create_kernel_iopub_xpub_connection(info, session)
                .await
                .map_err(failed(info.iopub_url()))?,
            heartbeat: create_kernel_heartbeat_connection(info)
                .await
                .map_err(failed(info.hb_url()))?,
        })
    }
}

/// Sends every heartbeat back, until the process ends.
pub(in super::super) async fn beat(mut connection: KernelHeartbeatConnection) {
    loop {
        match connection.socket.recv().await {
            Ok(message) => {
                connection.socket.send(message).await.ok();
            }
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
        }
    }
}

/// Socket files of the ipc transport; none for tcp.
pub(in super::super) fn ipc_files(info: &ConnectionInfo) -> Vec<PathBuf> {
    if info.transport != Transport::IPC {
        return Vec::new();
    }
    let ports =
        [info.shell_port, info.control_port, info.stdin_port, info.iopub_port, info.hb_port];
    ports.iter().map(|port| PathBuf::from(format!("{}-{port}", info.ip))).collect()
}

/// A killed kernel leaves its socket files behind; the socket of a running one accepts connections.
fn remove_abandoned(path: &Path) {
    #[cfg(unix)]
    if path.exists() && std::os::unix::net::UnixStream::connect(path).is_err() {
        fs::remove_file(path).ok();
    }
    #[cfg(not(unix))]
    let _ = path;
}
