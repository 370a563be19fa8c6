//! What a kernel does with requests that arrive while a cell runs.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Kernel;

const ENDLESS: &str = "kept = 5\nfor i in range(1 << 30):\n  for j in range(1 << 30): pass";

/// What a cell trains that takes hours.
const MODEL: &str = "people = phantom_cohort(subjects = 2, size = 128)\n\
                     model = u2ad(preset = 'small')\nlen(people)";
const TRAINING: &str = "pretrain(model, people, epochs = 100000, batch_size = 2)";

async fn interrupt(kernel: &mut Kernel) {
    let id = kernel.command("interrupt_request", json!({})).await;
    assert_eq!(kernel.control_answer(&id).await.content["status"], "ok");
}

#[tokio::test]
async fn training_stops_soon_and_keeps_what_it_learnt() {
    let mut kernel = Kernel::new().await;
    kernel.run(MODEL).await;
    let id = kernel.send(TRAINING).await;
    let trains = |text: &str| text.contains("epoch");
    kernel
        .until(|received| received.content["data"]["text/plain"].as_str().is_some_and(trains))
        .await;
    let asked = Instant::now();
    interrupt(&mut kernel).await;
    let ran = kernel.ran(&id).await;
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    assert_eq!(ran.reply["ename"], "KeyboardInterrupt");
    let ran = kernel.run("[len(people), type(model)]").await;
    assert_eq!(ran.value(), "[2, \"Model\"]");
}

#[tokio::test]
async fn a_signal_interrupts_as_a_message_does_and_aborts_what_waits() {
    let mut kernel = Kernel::new().await;
    let running = kernel.send(ENDLESS).await;
    let waiting = kernel.send("kept = 6").await;
    kernel.until(|received| received.kind == "execute_input").await;
    // The cell has begun; its first statement takes no time.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let process = kernel.id().to_string();
    assert!(Command::new("kill").args(["-INT", &process]).status().unwrap().success());
    assert_eq!(kernel.ran(&running).await.reply["ename"], "KeyboardInterrupt");
    assert_eq!(kernel.ran(&waiting).await.reply["status"], "aborted");
    assert_eq!(kernel.run("kept").await.value(), "5");
    // With nothing to interrupt, the kernel just lives on.
    assert!(Command::new("kill").args(["-INT", &process]).status().unwrap().success());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(kernel.run("kept + 1").await.value(), "6");
}

#[tokio::test]
async fn questions_are_answered_while_a_cell_runs() {
    let mut kernel = Kernel::new().await;
    let running = kernel.send(ENDLESS).await;
    kernel.until(|received| received.kind == "execute_input").await;
    let asked = Instant::now();
    for _ in 0..20 {
        let completion = json!({"code": "phantom_co", "cursor_pos": 10});
        let id = kernel.ask("complete_request", completion).await;
        let reply = kernel.answer(&id).await.content;
        assert_eq!(reply["matches"], json!(["phantom_cohort"]));
        let id = kernel.ask("inspect_request", json!({"code": "seed", "cursor_pos": 4})).await;
        assert_eq!(kernel.answer(&id).await.content["found"], true);
        let id = kernel.ask("is_complete_request", json!({"code": "f("})).await;
        assert_eq!(kernel.answer(&id).await.content["status"], "incomplete");
        let id = kernel.ask("comm_info_request", json!({})).await;
        assert_eq!(kernel.answer(&id).await.content["comms"], json!({}));
        let id = kernel.ask("kernel_info_request", json!({})).await;
        assert_eq!(kernel.answer(&id).await.content["language_info"]["name"], "python");
        let id = kernel.command("kernel_info_request", json!({})).await;
        assert_eq!(kernel.control_answer(&id).await.content["implementation"], "u2ad");
    }
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    // Whoever watches only the last state sees that the cell still runs.
    let id = kernel.ask("comm_info_request", json!({})).await;
    kernel.answer(&id).await;
    kernel
        .until(|received| received.parent == id && received.content["execution_state"] == "idle")
        .await;
    let next = kernel.next_published().await;
    assert_eq!((&*next.parent, &next.content["execution_state"]), (&*running, &json!("busy")));
    interrupt(&mut kernel).await;
    assert_eq!(kernel.ran(&running).await.reply["status"], "error");
}

#[tokio::test]
async fn a_line_can_be_asked_for_and_the_wait_be_interrupted() {
    let mut kernel = Kernel::new().await;
    let id = kernel.send("name = ask('your name? ')\nname").await;
    let asked = super::client::read(&mut kernel.stdin).await;
    assert_eq!((&*asked.kind, &*asked.parent), ("input_request", &*id));
    assert_eq!(asked.content, json!({"prompt": "your name? ", "password": false}));
    let reply = super::client::message("input_reply", json!({"value": "Ada", "status": "ok"}));
    kernel.stdin.send(reply).await.unwrap();
    assert_eq!(kernel.ran(&id).await.value(), "\"Ada\"");

    let id = kernel.send("ask('again? ')").await;
    super::client::read(&mut kernel.stdin).await;
    interrupt(&mut kernel).await;
    assert_eq!(kernel.ran(&id).await.reply["ename"], "KeyboardInterrupt");

    let silent = json!({"code": "ask('no? ')", "allow_stdin": false});
    let refused = kernel.run_with(silent).await;
    assert_eq!(refused.reply["status"], "error");
    assert_eq!(kernel.run("name").await.value(), "\"Ada\"");
}

#[tokio::test]
async fn an_interrupt_at_the_very_start_of_a_cell_is_not_lost() {
    let mut kernel = Kernel::new().await;
    for _ in 0..30 {
        let id = kernel.send("for i in range(1 << 30):\n  for j in range(1 << 30): pass").await;
        // Published before the first statement runs.
        kernel.until(|received| received.kind == "execute_input").await;
        interrupt(&mut kernel).await;
        assert_eq!(kernel.ran(&id).await.reply["ename"], "KeyboardInterrupt");
    }
    assert_eq!(kernel.run("1 + 1").await.value(), "2");
}
