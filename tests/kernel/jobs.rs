//! Jobs: cells run beside them, and their displays follow.

use super::client::Kernel;

#[tokio::test]
async fn a_job_runs_beside_cells_and_its_display_follows_it() {
    let mut kernel = Kernel::new().await;
    let ran = kernel.run("job = start(lambda: sleep(3))\njob").await;
    let shown = ran.all("display_data")[0];
    let text = shown.content["data"]["text/plain"].as_str().unwrap();
    assert!(text.starts_with("job 1 (sleep): running for "), "{text}");
    let id = shown.content["transient"]["display_id"].clone();
    assert!(id.is_string());
    assert_eq!(kernel.run("job.state").await.value(), "\"running\"");
    // No cell runs any more.
    let update = kernel.until(|received| received.kind == "update_display_data").await;
    assert_eq!(update.content["transient"]["display_id"], id);
    let text = update.content["data"]["text/plain"].as_str().unwrap();
    assert!(text.starts_with("job 1 (sleep): done in "), "{text}");
    let ran = kernel.run("1 + 1").await;
    assert!(ran.text("stdout").contains("job 1 (sleep): done in "), "{}", ran.text("stdout"));
    assert_eq!(ran.value(), "2");
}
