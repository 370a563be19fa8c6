//! A relay between the network and the sockets that checks the length of every frame.
//!
//! Every user of the machine can connect to a TCP port, and the transport allocates whatever length
//! a frame announces. One frame from a stranger, before any signature is checked, could exhaust the
//! memory and end hours of training. So connections arrive here, and frames of an acceptable length
//! pass on to the inner sockets, to which only this process can connect. Outgoing bytes are queued
//! here too, for clients that do not read.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use jupyter_protocol::ConnectionInfo;
use jupyter_protocol::connection_info::Transport;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::mpsc::unbounded_channel;

use crate::files::ProcessFolder;
use crate::{Error, Result};

/// A longer frame ends its connection.
const LONGEST_FRAME: u64 = 256 << 20;
/// A client with so many bytes to read loses its connection, and can connect again.
const LONGEST_QUEUE: usize = 64 << 20;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;
/// Bytes of the greeting that comes before all frames.
const GREETING: u64 = 64;

/// The listening addresses of one kernel, which forward nothing yet.
pub(super) struct Guard {
    /// Where the inner sockets listen.
    pub inside: ConnectionInfo,
    folder: ProcessFolder,
    listeners: Vec<(TcpListener, PathBuf)>,
}

impl Guard {
    /// Binds the addresses of `info`.
    ///
    /// # Errors
    /// [`Error::Input`] with the address that cannot be bound.
    pub async fn new(info: &ConnectionInfo) -> Result<Self> {
        let folder = ProcessFolder::create(None)?;
        let prefix = folder.path().join("socket");
        let ports =
            [info.shell_port, info.control_port, info.stdin_port, info.iopub_port, info.hb_port];
        let mut listeners = Vec::new();
        for port in ports {
            let listener = TcpListener::bind((info.ip.as_str(), port)).await.map_err(|error| {
                Error::input(format!("tcp://{}:{port} cannot be opened: {error}", info.ip))
            })?;
            listeners.push((listener, PathBuf::from(format!("{}-{port}", prefix.display()))));
        }
        let inside = ConnectionInfo {
            transport: Transport::IPC,
            ip: prefix.display().to_string(),
            ..info.clone()
        };
        Ok(Self { inside, folder, listeners })
    }

    /// Begins to forward; the inner sockets must listen by now.
    ///
    /// # Errors
    /// [`Error::Input`] if they do not.
    pub fn open(self) -> Result<()> {
        let Self { folder, listeners, .. } = self;
        for (listener, socket) in listeners {
            let socket_path = SocketPath::to(&socket)
                .map_err(|error| Error::input(format!("the kernel cannot be started: {error}")))?;
            tokio::spawn(async move {
                loop {
                    let Ok((outside, _)) = listener.accept().await else {
                        // Too many open files, most likely: later there may be fewer.
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        continue;
                    };
                    let Ok(inside) = UnixStream::connect(socket_path.path()).await else { return };
                    tokio::spawn(relay(outside, inside));
                }
            });
        }
        keep_or_remove(folder);
        Ok(())
    }
}

/// A path to a socket that stays valid after its file is removed: no other process can then open the
/// socket, and a killed kernel leaves no file behind.
#[cfg(target_os = "linux")]
struct SocketPath(std::fs::File);

#[cfg(target_os = "linux")]
impl SocketPath {
    fn to(socket: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        // Names the file without opening it, which sockets do not allow.
        let path_only = rustix::fs::OFlags::PATH.bits() as i32;
        std::fs::OpenOptions::new().read(true).custom_flags(path_only).open(socket).map(Self)
    }

    fn path(&self) -> PathBuf {
        use std::os::fd::AsRawFd;
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

#[cfg(target_os = "linux")]
fn keep_or_remove(folder: ProcessFolder) {
    drop(folder);
}

/// Elsewhere the files stay, in a folder that only the user can enter.
#[cfg(not(target_os = "linux"))]
struct SocketPath(PathBuf);

#[cfg(not(target_os = "linux"))]
impl SocketPath {
    fn to(socket: &Path) -> std::io::Result<Self> {
        Ok(Self(socket.to_path_buf()))
    }

    fn path(&self) -> PathBuf {
        self.0.clone()
    }
}

#[cfg(not(target_os = "linux"))]
fn keep_or_remove(folder: ProcessFolder) {
    // Until the process ends.
    std::mem::forget(folder);
}

/// Passes bytes both ways until one side closes, announces too long a frame, or stops reading.
async fn relay(mut outside: TcpStream, mut inside: UnixStream) {
    // Small messages go at once.
    outside.set_nodelay(true).ok();
    let (from_outside, to_outside) = outside.split();
    let (from_inside, to_inside) = inside.split();
    tokio::select! {
        () = inwards(from_outside, to_inside) => {}
        () = outwards(from_inside, to_outside) => {}
    }
}

async fn inwards(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut frames = Frames::default();
    let mut buffer = vec![0; PIECE];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        let bytes = &buffer[..read];
        if bytes.is_empty() || !frames.admit(bytes) || to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

/// Takes what the socket gives at once, whether the client reads or not: the socket writes to its
/// clients one after another, and one that does not read must not keep the others waiting.
async fn outwards(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let (queue, mut waiting) = unbounded_channel::<Vec<u8>>();
    let length = AtomicUsize::new(0);
    let length = &length;
    let collect = async move {
        loop {
            let mut piece = vec![0; PIECE];
            let read = from.read(&mut piece).await.unwrap_or(0);
            piece.truncate(read);
            if read == 0 || queue.send(piece).is_err() {
                return true;
            }
            if length.fetch_add(read, Ordering::Relaxed) > LONGEST_QUEUE {
                return false;
            }
        }
    };
    let deliver = async {
        while let Some(piece) = waiting.recv().await {
            if to.write_all(&piece).await.is_err() {
                return;
            }
            length.fetch_sub(piece.len(), Ordering::Relaxed);
        }
    };
    tokio::pin!(collect, deliver);
    tokio::select! {
        all = &mut collect => if all { deliver.await },
        () = &mut deliver => {}
    }
}

/// Whether bytes that a stranger sends would pass on to the sockets.
pub(in super::super) fn admits(bytes: &[u8]) -> bool {
    Frames::default().admit(bytes)
}

/// Where in the stream of frames the bytes are.
struct Frames {
    place: Place,
    /// Bytes until the next place.
    left: u64,
}

enum Place {
    /// The greeting, or what a frame holds.
    Content,
    /// One byte that says how the length is written.
    Flags,
    /// The length so far.
    Length(u64),
}

impl Default for Frames {
    fn default() -> Self {
        Self { place: Place::Content, left: GREETING }
    }
}

impl Frames {
    /// Follows the stream; false once a frame announces too much.
    fn admit(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((&first, rest)) = bytes.split_first() {
            if let Place::Content = self.place {
                let inside = self.left.min(bytes.len() as u64);
                bytes = &bytes[inside as usize..];
                self.left -= inside;
                self.finish_content();
                continue;
            }
            bytes = rest;
            match self.place {
                Place::Flags => {
                    let is_long = first & 0b10 != 0;
                    (self.place, self.left) = (Place::Length(0), if is_long { 8 } else { 1 });
                }
                Place::Length(so_far) => {
                    let length = so_far << 8 | u64::from(first);
                    self.left -= 1;
                    self.place = Place::Length(length);
                    if self.left == 0 {
                        if length > LONGEST_FRAME {
                            return false;
                        }
                        (self.place, self.left) = (Place::Content, length);
                        self.finish_content();
                    }
                }
                Place::Content => {}
            }
        }
        true
    }

    fn finish_content(&mut self) {
        if self.left == 0 {
            self.place = Place::Flags;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0xff; GREETING as usize];
        for frame in frames {
            match u8::try_from(frame.len()) {
                Ok(length) => bytes.extend([0, length]),
                Err(_) => {
                    bytes.push(2);
                    bytes.extend((frame.len() as u64).to_be_bytes());
                }
            }
            bytes.extend(*frame);
        }
        bytes
    }

    #[test]
    fn whole_messages_pass_however_they_are_cut() {
        let bytes = stream(&[b"READY", &[7; 5000], b"", b"x", &[2; 300]]);
        for size in [1, 2, 3, 64, 65, 1000, bytes.len()] {
            let mut frames = Frames::default();
            assert!(bytes.chunks(size).all(|chunk| frames.admit(chunk)), "{size}");
            assert!(matches!(frames.place, Place::Flags), "{size}");
        }
    }

    #[test]
    fn a_frame_that_announces_too_much_ends_the_connection() {
        for length in [LONGEST_FRAME + 1, 1 << 40, u64::MAX] {
            let mut bytes = stream(&[b"READY"]);
            bytes.push(3);
            bytes.extend(length.to_be_bytes());
            assert!(!Frames::default().admit(&bytes), "{length}");
            let mut frames = Frames::default();
            assert!(!bytes.chunks(1).all(|byte| frames.admit(byte)), "{length}");
        }
    }
}
