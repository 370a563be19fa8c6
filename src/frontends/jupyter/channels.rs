//! The two channels for requests. Shell: cells join the queue of the executor, everything else is
//! answered beside it. Control: the few requests that must be heard whatever else happens.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use jupyter_protocol::{InterruptReply, JupyterMessageContent, ShutdownReply, Status};
use jupyter_zmq_client::RouterRecvConnection;

use super::answers::answer;
use super::execution::Job;
use super::incoming::{self, Request, announcement};
use super::kernel::Kernel;

/// A request that is answered beside running cells, on a thread of its own: what it asks about
/// can be long or nested.
pub(super) type Question = (Request, JupyterMessageContent);

/// Reads the shell channel until the process ends.
pub(super) async fn shell(
    kernel: Arc<Kernel>,
    mut connection: RouterRecvConnection,
    jobs: Sender<Job>,
    questions: Sender<Question>,
) {
    loop {
        let (request, content) = incoming::next(&mut connection).await;
        // Without readers the kernel is ending.
        match content {
            JupyterMessageContent::ExecuteRequest(execute) => {
                jobs.send(Job { request, execute }).ok();
            }
            // Older clients ask here.
            JupyterMessageContent::ShutdownRequest(asked) => {
                shut_down(&kernel, &kernel.shell, &request, asked.restart);
            }
            content => {
                questions.send((request, content)).ok();
            }
        }
    }
}

/// Reads the control channel until the process ends.
pub(super) async fn control(kernel: Arc<Kernel>, mut connection: RouterRecvConnection) {
    loop {
        let (request, content) = incoming::next(&mut connection).await;
        match content {
            JupyterMessageContent::InterruptRequest(_) => {
                kernel.state(&request, Status::busy());
                kernel.interrupt();
                kernel.control.send(request.reply(InterruptReply::new()));
                kernel.done_beside(&request);
            }
            JupyterMessageContent::ShutdownRequest(asked) => {
                shut_down(&kernel, &kernel.control, &request, asked.restart);
            }
            content => answer(&kernel, &kernel.control, &request, content),
        }
    }
}

fn shut_down(kernel: &Kernel, outbox: &super::outbox::Outbox, request: &Request, restart: bool) {
    kernel.state(request, Status::busy());
    let reply = ShutdownReply { restart, ..ShutdownReply::default() };
    outbox.send(request.reply(reply.clone()));
    kernel.iopub.send(announcement(reply));
    kernel.state(request, Status::idle());
    kernel.stop.notify_one();
}
