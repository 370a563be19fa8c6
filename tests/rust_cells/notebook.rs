use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Kernel;

/// Runs a cell in Rust.
async fn rust(kernel: &mut Kernel, code: &str) -> crate::client::CellRun {
    kernel.run(&format!("%%rust\n{code}")).await
}

fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent_of = |id: u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    ids.filter(|id| parent_of(*id) == Some(parent)).collect()
}

/// The host of the Rust cells, and the process that they run in.
fn processes(kernel: &Kernel) -> (u32, u32) {
    let is_ours = |id: &u32| {
        let line = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.split('\0').next().is_some_and(|program| program.ends_with("u2ad"))
    };
    let host = children(kernel.id()).into_iter().find(is_ours).unwrap();
    (host, children(host).into_iter().find(is_ours).unwrap())
}

/// Waits for the end of a process that was told to go.
async fn ended(process: u32) {
    let until = Instant::now() + Duration::from_secs(30);
    while fs::exists(format!("/proc/{process}")).unwrap() && !is_zombie(process) {
        assert!(Instant::now() < until, "{process} lives on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn kill(process: u32) {
    assert!(Command::new("kill").args(["-9", &process.to_string()]).status().unwrap().success());
}

async fn interrupt(kernel: &mut Kernel) {
    let id = kernel.command("interrupt_request", json!({})).await;
    assert_eq!(kernel.control_answer(&id).await.content["status"], "ok");
}

#[test]
fn cells_live_from_one_to_the_next_and_whatever_ends_them_costs_only_their_side() {
    let (_, _turn) = crate::cells();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(one_notebook());
}

async fn one_notebook() {
    let mut kernel = Kernel::new().await;
    kernel.limit = Duration::from_secs(600);
    kernel.run("kept = 41").await;

    // What they show.
    let ran = rust(&mut kernel, "let x = 1; fn twice(n: i32) -> i32 { 2 * n }\ntwice(x) + 1").await;
    assert_eq!(ran.value(), "3", "{:?}", ran.reply);
    assert!(ran.text("stdout").starts_with("starting Rust cells"), "{:?}", ran.published);
    let ran = rust(&mut kernel, "println!(\"one\"); eprintln!(\"two\"); twice(x)").await;
    assert_eq!((ran.value(), &*ran.text("stdout")), ("2", "one\n"));
    assert_eq!(ran.text("stderr"), "two\n");
    let shows = "pub struct Page; impl Page { pub fn evcxr_display(&self) { \
                 println!(\"EVCXR_BEGIN_CONTENT text/html\\n<b>bold</b>\\nEVCXR_END_CONTENT\"); \
                 println!(\"EVCXR_BEGIN_CONTENT text/plain\\nplain\\nEVCXR_END_CONTENT\"); } }\nPage";
    let ran = rust(&mut kernel, shows).await;
    assert_eq!(ran.value(), "plain", "{:?}", ran.reply);
    let shown = &ran.all("execute_result")[0].content["data"];
    assert_eq!(shown["text/html"], "<b>bold</b>");

    // A dependency of one's own.
    let krate = kernel.folder.path().join("tiny");
    fs::create_dir_all(krate.join("src")).unwrap();
    fs::write(krate.join("Cargo.toml"), "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\n")
        .unwrap();
    fs::write(krate.join("src/lib.rs"), "pub fn seven() -> i32 { 7 }\n").unwrap();
    let depend =
        format!(":dep tiny = {{ path = {:?} }}\ntiny::seven() + x", krate.display().to_string());
    let ran = rust(&mut kernel, &depend).await;
    assert_eq!(ran.value(), "8", "{:?}", ran.reply);

    // What stops them.
    let ran = rust(&mut kernel, "let y = 2;\nmissing(y)").await;
    assert_eq!(ran.reply["status"], "error");
    let trace = ran.reply["traceback"].to_string();
    assert!(trace.contains(":3:1") && trace.contains("missing(y)"), "{trace}");
    let ran = rust(&mut kernel, "let z = 1;\npanic!(\"out of {}\", z)").await;
    assert_eq!(ran.reply["evalue"], "out of 1");
    assert_eq!(ran.text("stderr"), "");
    let ran = rust(&mut kernel, "\"a\".parse::<i32>()?").await;
    assert_eq!(ran.reply["evalue"], "invalid digit found in string");
    assert_eq!(rust(&mut kernel, "x + 1").await.value(), "2");

    // A question to the user goes to the front end.
    let asks = "println!(\"EVCXR_INPUT_REQUEST:Who\"); let mut name = String::new(); \
                std::io::stdin().read_line(&mut name)?; name.trim().to_owned()";
    let id = kernel.send(&format!("%%rust\n{asks}")).await;
    let question = crate::client::read(&mut kernel.stdin).await;
    assert_eq!(question.content["prompt"], "Who");
    let answer = crate::client::message("input_reply", json!({"value": "me", "status": "ok"}));
    kernel.stdin.send(answer).await.unwrap();
    assert_eq!(kernel.ran(&id).await.value(), "\"me\"");

    // Interrupted while compiling: nothing is lost. The endless constant keeps the compiler busy.
    let busy = "#[allow(long_running_const_eval)] const LONG: u64 = { let mut i = 0u64; \
                while i < u64::MAX { i += 1; } i };\nLONG";
    let id = kernel.send(&format!("%%rust\n{busy}")).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    interrupt(&mut kernel).await;
    let ran = kernel.ran(&id).await;
    assert_eq!(ran.reply["ename"], "KeyboardInterrupt");
    assert_eq!(rust(&mut kernel, "x + 1").await.value(), "2");

    // Interrupted while running: the variables go, definitions stay.
    let id = kernel.send("%%rust\nprintln!(\"runs\"); loop {}").await;
    kernel.until(|received| received.content["text"] == "runs\n").await;
    interrupt(&mut kernel).await;
    let ran = kernel.ran(&id).await;
    assert_eq!(ran.reply["ename"], "KeyboardInterrupt");
    assert!(ran.text("stdout").contains("variables of Rust cells are lost"), "{:?}", ran.published);
    assert_eq!(rust(&mut kernel, "twice(4)").await.value(), "8");

    // The end of the process.
    rust(&mut kernel, "let x = 5;").await;
    let ran = rust(&mut kernel, "std::process::exit(3)").await;
    let why = "the process that the Rust cell ran in ended (exit status: 3); the variables of Rust \
               cells are lost, what they define is kept";
    assert_eq!(ran.reply["evalue"], why);
    assert_eq!(rust(&mut kernel, "twice(5)").await.value(), "10");
    let id = kernel.send("%%rust\nprintln!(\"on\"); loop {}").await;
    kernel.until(|received| received.content["text"] == "on\n").await;
    kill(processes(&kernel).1);
    let why = kernel.ran(&id).await.reply["evalue"].to_string();
    assert!(why.contains("signal: 9"), "{why}");

    // The end of the host, and of everything there.
    let id = kernel.send("%%rust\nprintln!(\"here\"); loop {}").await;
    kernel.until(|received| received.content["text"] == "here\n").await;
    let (host, child) = processes(&kernel);
    kill(host);
    let why = kernel.ran(&id).await.reply["evalue"].to_string();
    assert!(why.contains("variables and definitions of Rust cells are lost"), "{why}");
    ended(child).await;
    assert_eq!(rust(&mut kernel, "1 + 1").await.value(), "2");
    assert_eq!(kernel.run("kept + 1").await.value(), "42");
}

fn is_zombie(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.contains(") Z ")
}
