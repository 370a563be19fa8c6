//! The two channels for requests. Shell: cells join the queue of the executor, everything else is
//! answered beside it. Control: the few requests that must be read at any time.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use jupyter_protocol::{
    ExecuteRequest, InterruptReply, JupyterMessageContent, ShutdownReply, Status,
};
use jupyter_zmq_client::RouterRecvConnection;

use super::handler::RequestHandler;
use super::incoming::{self, Request, announcement};
use super::log::log;
use super::outbox::Outbox;
use super::replies::answer;

/// A cell that waits for its turn.
pub(in super::super) struct Job {
    pub request: Request,
    pub execute: ExecuteRequest,
}

/// A request that is answered beside running cells, on a thread of its own: what it asks about
/// can be long or nested.
pub(in super::super) type Question = (Request, JupyterMessageContent);

/// Reads the shell channel until the process ends.
pub(in super::super) async fn shell(
    handler: Arc<impl RequestHandler>,
    mut connection: RouterRecvConnection,
    jobs: Sender<Job>,
    questions: Sender<Question>,
) {
    loop {
        let (request, content) = incoming::next(&mut connection, handler.seen_signatures()).await;
        // A queue without a reader means that the kernel is ending.
        match content {
            JupyterMessageContent::ExecuteRequest(execute) => {
                handler.output_channels().cell_received();
                jobs.send(Job { request, execute }).ok();
            }
            // Older clients send it here.
            JupyterMessageContent::ShutdownRequest(shutdown) => {
                let outbox = &handler.output_channels().shell;
                shut_down(&*handler, outbox, &request, shutdown.restart);
            }
            content => {
                questions.send((request, content)).ok();
            }
        }
    }
}

/// Reads the control channel until the process ends.
pub(in super::super) async fn control(
    handler: Arc<impl RequestHandler>,
    mut connection: RouterRecvConnection,
) {
    loop {
        let (request, content) = incoming::next(&mut connection, handler.seen_signatures()).await;
        let channels = handler.output_channels();
        match content {
            // Meant for a cell of the process before this one.
            JupyterMessageContent::InterruptRequest(_)
                if request.was_sent_before(handler.process_start()) =>
            {
                channels.publish_status(&request, Status::busy());
                channels.control.send(request.reply(InterruptReply::new()));
                channels.publish_idle_beside_cell(&request);
            }
            JupyterMessageContent::InterruptRequest(_) => {
                channels.publish_status(&request, Status::busy());
                handler.interrupt();
                channels.control.send(request.reply(InterruptReply::new()));
                channels.publish_idle_beside_cell(&request);
            }
            JupyterMessageContent::ShutdownRequest(shutdown) => {
                shut_down(&*handler, &channels.control, &request, shutdown.restart);
            }
            content => answer(&*handler, &channels.control, &request, content),
        }
    }
}

fn shut_down(handler: &impl RequestHandler, outbox: &Outbox, request: &Request, restart: bool) {
    // A client that restarts a dead kernel has told the dead one to end; the message may come to the
    // new one, which has the same address.
    if request.was_sent_before(handler.process_start()) {
        log("a shutdown_request from before this process began was dropped");
        return;
    }
    let channels = handler.output_channels();
    channels.publish_status(request, Status::busy());
    let reply = ShutdownReply { restart, ..ShutdownReply::default() };
    outbox.send(request.reply(reply.clone()));
    channels.iopub.send(announcement(reply));
    channels.publish_status(request, Status::idle());
    handler.shut_down();
}
