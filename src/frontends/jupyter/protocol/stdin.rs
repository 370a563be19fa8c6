//! Lines that running code asks the user for.

use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use jupyter_protocol::{InputRequest, JupyterMessageContent};
use jupyter_zmq_client::RouterRecvConnection;

use super::incoming::{self, Request};
use super::outbox::Outbox;
use super::replays::SeenSignatures;
use crate::context::CancelToken;
use crate::error::locked;
use crate::{Error, Result};

/// How often the wait for an answer checks for an interrupt.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Asks the user who ran the cell, and receives the answer.
pub(in super::super) struct StandardInput {
    outbox: Outbox,
    waiting: Mutex<Option<Sender<String>>>,
}

impl StandardInput {
    pub fn new(outbox: Outbox) -> Self {
        Self { outbox, waiting: Mutex::default() }
    }

    /// Asks the sender of `request` for a line and waits for it.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if `cancel` is set before an answer comes.
    pub fn ask(
        &self,
        request: &Request,
        prompt: &str,
        hidden: bool,
        cancel: &CancelToken,
    ) -> Result<String> {
        let (sender, answer) = channel();
        self.expect(Some(sender));
        let question = InputRequest { prompt: prompt.to_owned(), password: hidden };
        self.outbox.send(request.reply(question));
        loop {
            match answer.recv_timeout(POLL_INTERVAL) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Timeout) if !cancel.is_cancelled() => {}
                Err(_) => {
                    self.expect(None);
                    return Err(Error::Cancelled);
                }
            }
        }
    }

    fn expect(&self, answer: Option<Sender<String>>) {
        *locked(&self.waiting) = answer;
    }

    /// Passes each answer to the call that waits for it; an answer without a question is dropped.
    pub async fn serve(&self, mut connection: RouterRecvConnection, seen: &SeenSignatures) {
        loop {
            let (_, content) = incoming::next(&mut connection, seen).await;
            if let JupyterMessageContent::InputReply(reply) = content {
                let waiting = locked(&self.waiting).take();
                if let Some(waiting) = waiting {
                    waiting.send(reply.value).ok();
                }
            }
        }
    }
}
