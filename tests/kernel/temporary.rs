//! What a kernel that trained leaves in the temporary folder: nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{Kernel, start_with_temporary};

const TRAIN: &str = "\
model = u2ad(image = 32, patch = 8, embed_dim = 16, depth = 1, heads = 2, decoder_embed_dim = 16,
             decoder_depth = 1, decoder_heads = 2)
pretrain(model, phantom_cohort(subjects = 2, pixel_spacing_mm = 2.0), epochs = 2, batch_size = 4)
len(model.snapshots)";

/// Files and folders, the outermost only.
fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A kernel that has snapshots in the folder.
async fn trained(temporary: &Path) -> Kernel {
    let mut kernel = Kernel::connect(start_with_temporary(temporary)).await;
    assert_eq!(kernel.run(TRAIN).await.value(), "3");
    assert_eq!(entries(temporary).len(), 1, "the snapshots are elsewhere");
    kernel
}

fn signal(kernel: &Kernel, name: &str) {
    let sent = Command::new("kill").args([name, &kernel.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

#[tokio::test]
async fn a_kernel_that_is_shut_down_restarted_or_terminated_leaves_nothing() {
    for end in ["shutdown", "restart", "terminate"] {
        let temporary = tempfile::tempdir().unwrap();
        let mut kernel = trained(temporary.path()).await;
        match end {
            "terminate" => signal(&kernel, "-TERM"),
            _ => {
                let restart = json!({ "restart": end == "restart" });
                kernel.command("shutdown_request", restart).await;
            }
        }
        assert!(kernel.ended().await.success());
        assert_eq!(entries(temporary.path()), [""; 0], "{end}");
    }
}

#[tokio::test]
async fn a_kernel_clears_what_a_killed_one_left_and_leaves_a_running_one_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let mut killed = trained(temporary.path()).await;
    let left = entries(temporary.path());
    signal(&killed, "-KILL");
    killed.ended().await;
    assert_eq!(entries(temporary.path()), left);
    let mut second = Kernel::connect(start_with_temporary(temporary.path())).await;
    let asked = Instant::now();
    while !entries(temporary.path()).is_empty() && asked.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(entries(temporary.path()), [""; 0]);
    assert_eq!(second.run(TRAIN).await.value(), "3");
    let mut third = Kernel::connect(start_with_temporary(temporary.path())).await;
    third.run("sleep(0.5)").await;
    assert_eq!(second.run("rewind(model, epoch = 1)\nmodel.epochs").await.value(), "1");
    second.shut_down().await;
    third.shut_down().await;
    assert_eq!(entries(temporary.path()), [""; 0]);
}
