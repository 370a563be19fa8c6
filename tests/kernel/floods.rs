//! Much text: few messages, in order, in time, and the same for every program that runs a notebook.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{CellRun, Kernel, Received, message, read};

/// Streams and displays of a cell, in order: the name of a stream or the kind of message, and text.
fn outputs(ran: &CellRun) -> Vec<(String, String)> {
    let output = |received: &Received| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match received.kind.as_str() {
            "stream" => Some((text(&received.content["name"]), text(&received.content["text"]))),
            "display_data" | "execute_result" => {
                Some((received.kind.clone(), text(&received.content["data"]["text/plain"])))
            }
            "error" => Some((received.kind.clone(), text(&received.content["evalue"]))),
            _ => None,
        }
    };
    ran.published.iter().filter_map(output).collect()
}

#[tokio::test]
async fn a_flood_of_lines_becomes_tens_of_messages_and_loses_none() {
    let mut kernel = Kernel::new().await;
    let ran = kernel.run("for i in range(200000):\n  print('line', i)\n").await;
    let text = ran.text("stdout");
    assert_eq!(text.lines().count(), 200_000);
    assert!(text.ends_with("line 199998\nline 199999\n"));
    assert!(ran.published.len() < 100, "{} messages", ran.published.len());
}

#[tokio::test]
async fn a_flood_of_both_streams_is_few_messages_too() {
    let mut kernel = Kernel::new().await;
    let ran = kernel.run("for i in range(20000):\n  print(i)\n  warn(i)\n").await;
    let expected: String = (0..20_000).map(|line| format!("{line}\n")).collect();
    assert_eq!(ran.text("stdout"), expected);
    assert_eq!(ran.text("stderr"), expected);
    assert!(ran.published.len() < 1000, "{} messages", ran.published.len());
}

#[tokio::test]
async fn the_streams_keep_their_order_among_displays_and_errors() {
    let mut kernel = Kernel::new().await;
    let code = "print('a')\nwarn('b')\nprint('c')\nshow('d')\nwarn('e')\nprint('f')\nfail('g')";
    let expected = [
        ("stdout", "a\n"),
        ("stderr", "b\n"),
        ("stdout", "c\n"),
        ("display_data", "\"d\""),
        ("stderr", "e\n"),
        ("stdout", "f\n"),
        ("error", "g"),
    ];
    for allow_stdin in [true, false] {
        let ran = kernel.run_with(json!({ "code": code, "allow_stdin": allow_stdin })).await;
        let found = outputs(&ran);
        let found: Vec<_> = found.iter().map(|(kind, text)| (&**kind, &**text)).collect();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn text_comes_while_its_cell_runs_and_before_a_question() {
    let mut kernel = Kernel::new().await;
    let id = kernel.send("print('soon')\nsleep(600)").await;
    kernel.until(|received| received.kind == "execute_input").await;
    let begun = Instant::now();
    kernel.until(|received| received.kind == "stream").await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let interrupt = kernel.command("interrupt_request", json!({})).await;
    kernel.control_answer(&interrupt).await;
    assert_eq!(kernel.ran(&id).await.reply["status"], "error");

    let id = kernel.send("print('who asks')\nask('? ')").await;
    read(&mut kernel.stdin).await;
    kernel.until(|received| received.kind == "stream").await;
    kernel.stdin.send(message("input_reply", json!({ "value": "x" }))).await.unwrap();
    assert_eq!(kernel.ran(&id).await.reply["status"], "ok");
}

/// Jupyter Server drops messages beyond a thousand a second.
#[tokio::test]
async fn a_display_that_a_loop_updates_sends_some_values_and_the_last_one() {
    let mut kernel = Kernel::new().await;
    let ran = kernel.run("for i in range(20000): show(i, id = 'x')\nprint('end')").await;
    let updates = ran.all("update_display_data");
    assert!(updates.len() < 300, "{}", updates.len());
    assert_eq!(updates.last().unwrap().content["data"]["text/plain"], "19999");
    let ran =
        kernel.run("show(1, id = 'x')\nfor i in range(5): show(i, id = 'x')\nsleep(0.5)").await;
    assert_eq!(ran.all("update_display_data").last().unwrap().content["data"]["text/plain"], "4");
}

/// A program that runs a notebook stores every message, so they must not follow the clock.
#[tokio::test]
async fn without_somebody_who_watches_text_between_displays_is_one_message() {
    let mut kernel = Kernel::new().await;
    let code = "print('begin')\nfor i in range(10):\n  print(i)\n  sleep(0.06)\nshow('x')\n\
                for i in range(20000):\n  print(i)\n";
    let ran = kernel.run_with(json!({ "code": code, "allow_stdin": false })).await;
    let lines = |count: usize| -> String { (0..count).map(|line| format!("{line}\n")).collect() };
    let expected = [
        ("stdout".to_owned(), format!("begin\n{}", lines(10))),
        ("display_data".to_owned(), "\"x\"".to_owned()),
        ("stdout".to_owned(), lines(20_000)),
    ];
    assert_eq!(outputs(&ran), expected);
}

#[tokio::test]
async fn progress_divides_text_where_it_began_whenever_it_appears() {
    let mut kernel = Kernel::new().await;
    let code = "people = phantom_cohort(subjects = 6, lesions = 0, size = 128)\n\
                model = u2ad(preset = 'small')\nclear_output()\nprint('before')\n\
                pretrain(model, people, epochs = 6, batch_size = 2)\nprint('after')\nNone";
    let ran = kernel.run_with(json!({ "code": code, "allow_stdin": false })).await;
    let shown = outputs(&ran);
    let kinds: Vec<_> = shown.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["stdout", "display_data", "stdout"], "{shown:?}");
    assert_eq!(shown[0].1, "before\n");
}
