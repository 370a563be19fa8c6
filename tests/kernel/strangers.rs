//! Messages that no client should send: none of them may stop the kernel.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jupyter_protocol::ConnectionInfo;
use jupyter_zmq_client::{
    ClientShellConnection, create_client_control_connection, create_client_iopub_connection,
    create_client_shell_connection_with_identity, create_client_stdin_connection_with_identity,
    peer_identity_for_session,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use zeromq::{SocketSend, ZmqMessage};

use super::client::{CellRun, Kernel, message, read};

async fn is_alive(kernel: &mut Kernel) {
    assert_eq!(kernel.run("1 + 1").await.value(), "2");
    let id = kernel.command("kernel_info_request", json!({})).await;
    assert_eq!(kernel.control_answer(&id).await.content["status"], "ok");
}

async fn shell(info: &ConnectionInfo, session: &str) -> ClientShellConnection {
    let identity = peer_identity_for_session(session).unwrap();
    create_client_shell_connection_with_identity(info, session, identity).await.unwrap()
}

#[tokio::test]
async fn a_message_with_a_wrong_signature_is_dropped() {
    let mut kernel = Kernel::new().await;
    let mut info = kernel.info.clone();
    info.key = "another-key".to_owned();
    let mut stranger = shell(&info, "stranger").await;
    let mut commander = create_client_control_connection(&info, "stranger").await.unwrap();
    stranger.send(message("execute_request", json!({"code": "x = 1"}))).await.unwrap();
    commander.send(message("shutdown_request", json!({"restart": false}))).await.unwrap();
    stranger.mac = None;
    stranger.send(message("execute_request", json!({"code": "x = 1"}))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(kernel.run("x").await.reply["ename"], "NameError");
    is_alive(&mut kernel).await;
}

#[tokio::test]
async fn an_unknown_or_broken_request_gets_an_error_and_other_messages_nothing() {
    let mut kernel = Kernel::new().await;
    let requests = [
        ("make_coffee_request", json!({})),
        ("execute_request", json!({"code": 3})),
        ("complete_request", json!({})),
        ("is_complete_request", json!({"source": "1"})),
        ("debug_request", json!({"command": "attach"})),
    ];
    for (kind, content) in requests {
        let id = kernel.ask(kind, content).await;
        let received = kernel.answer(&id).await;
        assert_eq!(received.kind, kind.replace("request", "reply"));
        assert_eq!(received.content["status"], "error", "{received:?}");
        kernel.until_idle(&id).await;
    }
    kernel.ask("nonsense", json!({})).await;
    is_alive(&mut kernel).await;
}

#[tokio::test]
async fn a_comm_that_nobody_listens_to_is_closed() {
    let mut kernel = Kernel::new().await;
    let open = json!({"comm_id": "c1", "target_name": "jupyter.widget", "data": {}});
    let id = kernel.ask("comm_open", open).await;
    let published = kernel.until_idle(&id).await;
    let closed = published.iter().find(|received| received.kind == "comm_close").unwrap();
    assert_eq!(closed.content["comm_id"], "c1");
    for kind in ["comm_msg", "comm_close"] {
        let id = kernel.ask(kind, json!({"comm_id": "c1", "data": {}})).await;
        kernel.until_idle(&id).await;
    }
    let id = kernel.ask("comm_info_request", json!({"target_name": "jupyter.widget"})).await;
    assert_eq!(kernel.answer(&id).await.content, json!({"status": "ok", "comms": {}}));
    is_alive(&mut kernel).await;
}

/// Frames with anything in them, some of which look like a message.
fn frames(random: &mut StdRng) -> ZmqMessage {
    let part = |random: &mut StdRng| -> Vec<u8> {
        const LIKELY: [&[u8]; 9] = [
            b"<IDS|MSG>",
            b"",
            b"{}",
            b"[]",
            b"null",
            b"{\"msg_id\":\"a\",\"username\":\"\",\"session\":\"\",\"msg_type\":\"execute_request\",\"version\":\"5.3\"}",
            b"{\"code\": \"1\"}",
            b"\xff\xfe",
            b"00ff",
        ];
        if random.random_bool(0.7) {
            return LIKELY[random.random_range(0..LIKELY.len())].to_vec();
        }
        let length = random.random_range(0..300);
        (0..length).map(|_| random.random()).collect()
    };
    let count = random.random_range(1..9);
    let parts: Vec<Bytes> = (0..count).map(|_| Bytes::from(part(random))).collect();
    ZmqMessage::try_from(parts).unwrap()
}

#[tokio::test]
async fn random_frames_on_every_socket_change_nothing() {
    let mut kernel = Kernel::new().await;
    let mut random = StdRng::seed_from_u64(5);
    let mut shell = shell(&kernel.info, "fuzz").await;
    let mut control = create_client_control_connection(&kernel.info, "fuzz").await.unwrap();
    let identity = peer_identity_for_session("fuzz").unwrap();
    let mut stdin =
        create_client_stdin_connection_with_identity(&kernel.info, "fuzz", identity).await.unwrap();
    for _ in 0..400 {
        shell.socket.send(frames(&mut random)).await.unwrap();
        control.socket.send(frames(&mut random)).await.unwrap();
        stdin.socket.send(frames(&mut random)).await.unwrap();
    }
    is_alive(&mut kernel).await;
}

#[tokio::test]
async fn bytes_that_are_no_protocol_at_all_change_nothing() {
    let mut kernel = Kernel::new().await;
    let mut random = StdRng::seed_from_u64(6);
    let ports = [
        kernel.info.shell_port,
        kernel.info.control_port,
        kernel.info.stdin_port,
        kernel.info.iopub_port,
        kernel.info.hb_port,
    ];
    // The greeting and a handshake as a DEALER sends them, for those that get further.
    let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0];
    greeting.extend(b"NULL");
    greeting.resize(64, 0);
    let ready: &[u8] = b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\0";
    for port in ports {
        for round in 0..30 {
            let mut stranger = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let length = random.random_range(0..400);
            let noise: Vec<u8> = (0..length).map(|_| random.random()).collect();
            if round % 3 > 0 {
                stranger.write_all(&greeting).ok();
            }
            if round % 3 > 1 {
                stranger.write_all(ready).ok();
            }
            stranger.write_all(&noise).ok();
            stranger.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            let _ = stranger.read(&mut [0; 64]);
        }
    }
    is_alive(&mut kernel).await;
}

#[tokio::test]
async fn a_cell_of_a_hundred_megabytes_is_refused_in_one_sentence() {
    let mut kernel = Kernel::new().await;
    let code = format!("x = \"{}\"", "a".repeat(100 << 20));
    let ran = kernel.run(&code).await;
    assert_eq!(ran.reply["status"], "error");
    let sentence = ran.reply["evalue"].as_str().unwrap();
    assert!(sentence.starts_with("a cell may have 4 MB, not 101 MB"), "{sentence}");
    for kind in ["complete_request", "inspect_request", "is_complete_request"] {
        let id = kernel.ask(kind, json!({"code": code, "cursor_pos": 3})).await;
        kernel.answer(&id).await;
        kernel.until_idle(&id).await;
    }
    is_alive(&mut kernel).await;
}

#[tokio::test]
async fn deeply_nested_source_does_not_overflow_a_stack() {
    let mut kernel = Kernel::new().await;
    const LEVELS: usize = 500_000;
    let deep = format!("{}1{}", "(".repeat(LEVELS), ")".repeat(LEVELS));
    let sum = format!("0{}", " + 1".repeat(LEVELS));
    let texts = format!("{}1{}", "f\"{".repeat(LEVELS), "}\"".repeat(LEVELS));
    let lambdas = format!("{}1", "lambda:".repeat(LEVELS));
    let negative = format!("{}1", "-".repeat(LEVELS));
    let (open, not) = ("[".repeat(LEVELS), "not ".repeat(LEVELS));
    for source in [&deep, &sum, &texts, &lambdas, &negative, &open, &not] {
        let ran = kernel.run(source).await;
        let sentence = ran.reply["evalue"].as_str().unwrap();
        assert!(sentence.contains("nested more than 1000 levels deep"), "{sentence}");
        assert_eq!(ran.reply["ename"], "SyntaxError");
        for kind in ["complete_request", "inspect_request", "is_complete_request"] {
            let content = json!({"code": source, "cursor_pos": LEVELS});
            let id = kernel.ask(kind, content.clone()).await;
            let answer = kernel.answer(&id).await.content;
            assert!(kind != "is_complete_request" || answer["status"] == "invalid", "{answer}");
            kernel.until_idle(&id).await;
            let id = kernel.command(kind, content).await;
            kernel.control_answer(&id).await;
            kernel.until_idle(&id).await;
        }
    }
    is_alive(&mut kernel).await;
}

#[tokio::test]
async fn a_recorded_message_is_taken_once() {
    let mut kernel = Kernel::new().await;
    let request = message("execute_request", json!({"code": "print('taken')"}));
    kernel.shell.send(request.clone()).await.unwrap();
    let ran = kernel.ran(&request.header.msg_id).await;
    assert_eq!(ran.text("stdout"), "taken\n");
    // On its own channel, and on another.
    kernel.shell.send(request.clone()).await.unwrap();
    kernel.control.send(request).await.unwrap();
    // The next reply on each channel answers the next request.
    is_alive(&mut kernel).await;
}

#[tokio::test]
async fn what_was_meant_for_the_process_before_this_one_does_not_end_it() {
    let mut kernel = Kernel::new().await;
    let before = SystemTime::now() - Duration::from_secs(60);
    let late = |kind: &str| {
        let mut late = message(kind, json!({"restart": false}));
        late.header.date = before.into();
        late
    };
    kernel.control.send(late("shutdown_request")).await.unwrap();
    kernel.shell.send(late("shutdown_request")).await.unwrap();
    let interrupt = late("interrupt_request");
    let running = kernel.send("sleep(0.5)\n'done'").await;
    kernel.until(|received| received.kind == "execute_input").await;
    kernel.control.send(interrupt.clone()).await.unwrap();
    kernel.control_answer(&interrupt.header.msg_id).await;
    assert_eq!(kernel.ran(&running).await.value(), "\"done\"");
    is_alive(&mut kernel).await;
    let (status, _) = kernel.shut_down().await;
    assert!(status.success());
}

#[tokio::test]
async fn a_listener_that_never_reads_does_not_stop_the_others() {
    let mut kernel = Kernel::new().await;
    let _unread = [
        create_client_iopub_connection(&kernel.info, "", "silent").await.unwrap(),
        create_client_iopub_connection(&kernel.info, "", "silent too").await.unwrap(),
    ];
    // More than all buffers on the way hold.
    let code = "for i in range(2000):\n  print('x' * 60000)\n";
    let id = kernel.ask("execute_request", json!({"code": code, "allow_stdin": false})).await;
    let published = kernel.until_idle(&id).await;
    let ran = CellRun { published, reply: kernel.answer(&id).await.content };
    assert_eq!(ran.reply["status"], "ok");
    assert_eq!(ran.text("stdout").lines().count(), 2000);
    is_alive(&mut kernel).await;
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_dropped() {
    let mut kernel = Kernel::new().await;
    kernel.stdin.send(message("input_reply", json!({"value": "early"}))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let id = kernel.send("ask('? ')").await;
    read(&mut kernel.stdin).await;
    kernel.stdin.send(message("input_reply", json!({"value": "right"}))).await.unwrap();
    assert_eq!(kernel.ran(&id).await.value(), "\"right\"");
}
