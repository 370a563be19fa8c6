//! Messages as they come over standard input: headers, an empty line, and a body in JSON.

use std::io::{self, BufRead, Read};

use lsp_server::{ErrorCode, Message};
use serde_json::Value;

use crate::error::controls_escaped;
use crate::{Error, Result};

/// Bytes of a header line at most.
const MOST_HEADER: u64 = 8192;
/// Bytes of a body at most.
const MOST_BODY: u64 = 64 << 20;
/// Characters of a header that an error shows.
const SHOWN: usize = 60;

/// What an editor sent.
#[derive(Debug)]
pub(super) enum Incoming {
    Message(Message),
    /// A body that is no message: the answer that it gets.
    Refused {
        id: Value,
        code: ErrorCode,
        reason: &'static str,
    },
}

impl Incoming {
    fn refused(code: ErrorCode, reason: &'static str) -> Self {
        Self::Refused { id: Value::Null, code, reason }
    }
}

/// The next message; `None` at the end of the input. A line may end with or without a carriage return.
///
/// # Errors
/// If nobody knows where the message ends, so that none can follow it.
pub(super) fn read(input: &mut impl BufRead) -> Result<Option<Incoming>> {
    let Some(length) = length(input)? else { return Ok(None) };
    if length > MOST_BODY {
        let skipped = io::copy(&mut input.take(length), &mut io::sink()).map_err(lost)?;
        return match skipped == length {
            true => Ok(Some(Incoming::refused(
                ErrorCode::InvalidRequest,
                "a message has more than 64 MiB and is not read",
            ))),
            false => Err(cut()),
        };
    }
    let mut body = Vec::new();
    input.take(length).read_to_end(&mut body).map_err(lost)?;
    match body.len() as u64 == length {
        true => Ok(Some(message(&body))),
        false => Err(cut()),
    }
}

/// Reads the headers; `None` at the end of the input.
fn length(input: &mut impl BufRead) -> Result<Option<u64>> {
    let mut length = None;
    let mut is_first = true;
    loop {
        let mut line = Vec::new();
        input.take(MOST_HEADER).read_until(b'\n', &mut line).map_err(lost)?;
        if line.is_empty() && is_first {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return Err(match line.len() as u64 + 1 < MOST_HEADER {
                true => cut(),
                false => Error::input("lsp: a header of a message is too long"),
            });
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            match (length, is_first) {
                (Some(_), _) => return Ok(length),
                // An empty line between messages.
                (None, true) => continue,
                (None, false) => {
                    return Err(Error::input("lsp: a message has no header Content-Length"));
                }
            }
        }
        is_first = false;
        let shown: String = controls_escaped(&line).chars().take(SHOWN).collect();
        let (name, value) = line.split_once(':').ok_or_else(|| {
            Error::input(format!("lsp: a message begins with \"{shown}\", which is no header"))
        })?;
        if name.trim().eq_ignore_ascii_case("Content-Length") {
            length = Some(value.trim().parse().map_err(|_| {
                Error::input(format!("lsp: the header \"{shown}\" says no number of bytes"))
            })?);
        }
    }
}

fn message(body: &[u8]) -> Incoming {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return Incoming::refused(ErrorCode::ParseError, "this is no JSON in UTF-8");
    };
    let id = value.get("id").filter(|id| id.is_number() || id.is_string()).cloned();
    // Otherwise it would pass for an answer.
    let has_name = value.get("method").is_none_or(Value::is_string);
    match serde_json::from_value(value) {
        Ok(message) if has_name => Incoming::Message(message),
        _ => Incoming::Refused {
            id: id.unwrap_or_default(),
            code: ErrorCode::InvalidRequest,
            reason: "this is no message of JSON-RPC: it has neither a method nor a result",
        },
    }
}

fn cut() -> Error {
    Error::input("lsp: the input ended within a message")
}

fn lost(error: io::Error) -> Error {
    Error::input(format!("lsp: standard input cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that an input holds, in words.
    fn told(mut input: &[u8]) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            match read(&mut input) {
                Ok(None) => return all,
                Ok(Some(Incoming::Message(Message::Request(request)))) => all.push(request.method),
                Ok(Some(Incoming::Message(_))) => all.push("message".to_owned()),
                Ok(Some(Incoming::Refused { id, code, .. })) => {
                    all.push(format!("{id} {}", code as i32));
                }
                Err(error) => {
                    all.push(error.to_string());
                    return all;
                }
            }
        }
    }

    fn framed(body: &[u8]) -> Vec<u8> {
        [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    #[test]
    fn a_body_that_is_no_message_is_refused_and_the_next_one_read() {
        let good: &[u8] = br#"{"jsonrpc": "2.0", "id": 1, "method": "good"}"#;
        for (bad, answer) in [
            (&b"{"[..], "null -32700"),
            (b"", "null -32700"),
            (b"\xff\xfe", "null -32700"),
            (b"[]", "null -32600"),
            (b"{\"id\": 7}", "message"),
            (b"{\"id\": \"a\", \"method\": 3}", "\"a\" -32600"),
        ] {
            let input = [framed(bad), framed(good)].concat();
            let told = told(&input);
            assert_eq!(told.last().unwrap(), "good", "{told:?}");
            if answer != "message" {
                assert_eq!(told[0], answer);
            }
        }
    }

    #[test]
    fn headers_may_end_without_carriage_returns() {
        let body = r#"{"id": 1, "method": "good"}"#;
        let input = format!("\ncontent-length:{}\nContent-Type: x\n\n{body}", body.len());
        assert_eq!(told(input.as_bytes()), ["good"]);
    }

    #[test]
    fn without_an_end_of_the_message_one_sentence_is_left() {
        for (input, sentence) in [
            ("Content-Length: many\r\n\r\n", "says no number of bytes"),
            ("Content-Length: -1\r\n\r\n", "says no number of bytes"),
            ("Content-Length: 99999999999999999999999\r\n\r\n", "says no number of bytes"),
            ("Content-Type: x\r\n\r\n{}", "has no header Content-Length"),
            ("hello\r\n\r\n", "\"hello\", which is no header"),
            ("Content-Length: 9\r\n\r\n{}", "ended within a message"),
            ("Content-Length: 9", "ended within a message"),
            ("Content-Length: 99999999999\r\n\r\n{}", "ended within a message"),
        ] {
            let told = told(input.as_bytes());
            assert!(told.len() == 1 && told[0].contains(sentence), "{input:?}: {told:?}");
        }
        assert!(told("x".repeat(10_000).as_bytes())[0].contains("too long"));
        assert!(told(b"").is_empty());
    }
}
