//! Cells: what they show, in which order, and how they count.

use std::path::Path;

use serde_json::{Value, json};
use u2ad::context::Context;
use u2ad::model::Config;
use u2ad::phantom::{PhantomOptions, write_bids};
use u2ad::training::Model;

use super::client::{Kernel, Received};

fn kinds(published: &[Received]) -> Vec<String> {
    let kind = |received: &Received| match received.content["execution_state"].as_str() {
        Some(state) => state.to_owned(),
        None => received.kind.clone(),
    };
    published.iter().map(kind).collect()
}

#[tokio::test]
async fn what_a_cell_shows_comes_in_order_between_busy_and_idle() {
    let mut kernel = Kernel::new().await;
    let ran = kernel.run("print('one')\nshow('two')\nprint('three')\n6 * 7").await;
    assert_eq!(
        kinds(&ran.published),
        ["busy", "execute_input", "stream", "display_data", "stream", "execute_result", "idle"]
    );
    assert_eq!(ran.value(), "42");
    assert_eq!(ran.reply["status"], "ok");
    assert_eq!(ran.reply["user_expressions"], json!({}));
    let result = ran.all("execute_result")[0];
    assert_eq!(result.content["transient"], json!({}));
    assert_eq!(result.content["execution_count"], 1);
}

#[tokio::test]
async fn only_cells_of_the_history_count() {
    let mut kernel = Kernel::new().await;
    let count = |reply: &Value| reply["execution_count"].as_u64().unwrap();
    assert_eq!(count(&kernel.run("x = 1").await.reply), 1);
    let silent = kernel.run_with(json!({"code": "print(x)\nx", "silent": true})).await;
    assert_eq!(kinds(&silent.published), ["busy", "idle"]);
    let unkept = kernel.run_with(json!({"code": "x", "store_history": false})).await;
    assert_eq!((count(&unkept.reply), unkept.value()), (2, "1"));
    assert_eq!(kernel.run("  \n").await.reply["status"], "ok");
    assert_eq!(count(&kernel.run("x = 2").await.reply), 2);
    let asked = json!({"hist_access_type": "tail", "n": 9, "output": false, "raw": true});
    let id = kernel.ask("history_request", asked).await;
    let history = kernel.answer(&id).await.content;
    assert_eq!(history["history"], json!([[1, 1, "x = 1"], [1, 2, "x = 2"]]));
}

#[tokio::test]
async fn an_error_tells_name_sentence_and_place_and_keeps_the_values() {
    let mut kernel = Kernel::new().await;
    let ran = kernel.run("kept = 5\nkept + 'a'").await;
    assert_eq!(ran.reply["status"], "error");
    assert_eq!(ran.reply["ename"], "Error");
    assert_eq!(ran.reply["evalue"], "`+` does not work between an int and a string");
    let report = ran.reply["traceback"].to_string();
    assert!(report.contains("cell 1:2:1") && report.contains("\\u001b["), "{report}");
    assert_eq!(ran.all("error")[0].content["traceback"], ran.reply["traceback"]);
    assert_eq!(kernel.run("kept").await.value(), "5");
    assert_eq!(kernel.run("unheard_of").await.reply["ename"], "NameError");
    assert_eq!(kernel.run("x = = 1").await.reply["ename"], "SyntaxError");
}

#[tokio::test]
async fn an_error_aborts_the_cells_that_were_sent_after_it() {
    let mut kernel = Kernel::new().await;
    let ids = [
        kernel.send("fail('first')").await,
        kernel.send("second = 1").await,
        kernel.send("second = 2").await,
    ];
    let status = |reply: &Value| reply["status"].as_str().unwrap().to_owned();
    let mut statuses = Vec::new();
    for id in &ids {
        let ran = kernel.ran(id).await;
        statuses.push(status(&ran.reply));
        if statuses.last().unwrap() == "aborted" {
            assert_eq!(ran.reply, json!({"status": "aborted"}), "it has no number");
        }
    }
    assert_eq!(statuses, ["error", "aborted", "aborted"]);
    assert_eq!(kernel.run("second").await.reply["ename"], "NameError");
    let go_on = |code: &str| json!({"code": code, "stop_on_error": false});
    let failing = kernel.ask("execute_request", go_on("fail('again')")).await;
    let next = kernel.ask("execute_request", go_on("3")).await;
    assert_eq!(status(&kernel.ran(&failing).await.reply), "error");
    assert_eq!(kernel.ran(&next).await.value(), "3");
}

#[tokio::test]
async fn expressions_beside_a_cell_are_answered_one_by_one() {
    let mut kernel = Kernel::new().await;
    let expressions = json!({"sum": "x + 1", "wrong": "y", "nothing": "None"});
    let ran = kernel.run_with(json!({"code": "x = 1", "user_expressions": expressions})).await;
    let answers = &ran.reply["user_expressions"];
    assert_eq!(answers["sum"]["data"]["text/plain"], "2");
    assert_eq!(answers["wrong"]["status"], "error");
    assert_eq!(answers["wrong"]["ename"], "NameError");
    assert_eq!(answers["nothing"]["status"], "ok");
    assert_eq!(kinds(&ran.published), ["busy", "execute_input", "idle"]);
}

#[tokio::test]
async fn a_figure_has_its_size_on_the_page_and_its_title_as_text() {
    let mut kernel = Kernel::new().await;
    let ran = kernel.run("p = phantom_cohort(subjects = 2, size = 64)\nplot(p[0])\np[1]").await;
    let shown = ran.all("display_data");
    let result = ran.all("execute_result");
    for received in [shown[0], result[0]] {
        let png = received.content["data"]["image/png"].as_str().unwrap();
        assert!(png.starts_with("iVBORw0KGgo"), "{}", &png[..20]);
        let width = received.content["metadata"]["image/png"]["width"].as_u64().unwrap();
        assert!((100..1200).contains(&width), "{width}");
        let text = received.content["data"]["text/plain"].as_str().unwrap();
        assert!(text.starts_with("[figure: "), "{text}");
    }
}

#[tokio::test]
async fn showing_under_the_same_name_updates_in_place_in_this_cell_and_in_earlier_ones() {
    let mut kernel = Kernel::new().await;
    let ran = kernel.run("for i in range(3):\n  show(i, id = 'count')\n").await;
    let kinds = kinds(&ran.published);
    assert_eq!(kinds[..3], ["busy", "execute_input", "display_data"]);
    assert_eq!(kinds.last().map(String::as_str), Some("idle"));
    // Updates that follow quickly on each other may be left out, but for the last one.
    let updates = ran.all("update_display_data");
    assert!((1..=2).contains(&updates.len()), "{kinds:?}");
    assert_eq!(updates.last().unwrap().content["data"]["text/plain"], "2");
    let id = &ran.all("display_data")[0].content["transient"]["display_id"];
    assert_eq!(id, "count");
    let next = kernel.run("show(7, id = 'count')").await;
    let updated = next.all("update_display_data");
    assert_eq!(updated[0].content["data"]["text/plain"], "7");
    assert_eq!(next.all("display_data")[0].content["data"]["text/plain"], "7");
}

#[tokio::test]
async fn training_shows_one_progress_display_that_updates() {
    let mut kernel = Kernel::new().await;
    let code = "people = phantom_cohort(subjects = 6, size = 128)\n\
                model = u2ad(preset = 'small')\n\
                pretrain(model, people, epochs = 6, batch_size = 2)\nNone";
    let ran = kernel.run(code).await;
    assert_eq!(ran.reply["status"], "ok", "{:?}", ran.reply);
    let is_progress = |received: &&&Received| {
        received.content["metadata"]["u2ad"]["progress"].as_bool() == Some(true)
    };
    let shown: Vec<&Received> = ran.all("display_data");
    let shown: Vec<_> = shown.iter().filter(is_progress).collect();
    assert_eq!(shown.len(), 1, "{:?}", kinds(&ran.published));
    assert!(shown[0].content["data"]["text/html"].as_str().unwrap().contains("<progress"));
    let updates = ran.all("update_display_data");
    let last = updates.last().unwrap();
    assert_eq!(last.content["transient"], shown[0].content["transient"]);
    assert!(last.content["data"]["image/png"].is_string(), "the curve stays");
}

#[tokio::test]
async fn commands_of_the_shell_work_in_a_cell() {
    let mut kernel = Kernel::new().await;
    kernel.run("answer = 42").await;
    let who = kernel.run(":who").await;
    let names = who.all("display_data")[0].content["data"]["text/plain"].as_str().unwrap();
    assert!(names.contains("answer"), "{names}");
    let time = kernel.run(":time answer + 1").await;
    assert_eq!(time.value(), "43");
    let took = time.all("display_data")[0].content["data"]["text/plain"].as_str().unwrap();
    assert!(took.starts_with("took "), "{took}");
    for refused in [":quit", ":images none", ":nonsense"] {
        assert_eq!(kernel.run(refused).await.reply["status"], "error", "{refused}");
    }
    assert_eq!(kernel.run("answer").await.value(), "42");
}

#[tokio::test]
async fn images_of_a_loaded_cohort_are_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let options = PhantomOptions { subjects: 2, pixel_spacing_mm: 4.0, ..Default::default() };
    write_bids(folder.path(), &options, &Context::new(1)).unwrap();
    let mut kernel = Kernel::new().await;
    let place = folder.path().display();
    kernel.run(&format!("people = load_cohort('{place}')\none = people[0].middle")).await;
    let image = format!("{place}/sub-healthy01/anat/sub-healthy01_T2w.nii.gz");
    let before = std::fs::read(&image).unwrap();
    let refused = kernel.run(&format!("save(one.image, '{image}')")).await;
    let reason = refused.reply["evalue"].as_str().unwrap();
    assert!(reason.contains("is an input of a study"), "{reason}");
    for (verb, ending) in [
        ("save_model(u2ad(), {})", "a model is written as .safetensors"),
        ("save_method(intensity_threshold(), {})", "a method is written as .safetensors"),
        ("table([{'a': 1}], path = {})", "a table is written as .tsv"),
    ] {
        let refused = kernel.run(&verb.replace("{}", &format!("'{image}'"))).await;
        let reason = refused.reply["evalue"].as_str().unwrap();
        assert!(reason.contains(ending), "{verb}: {reason}");
    }
    assert_eq!(std::fs::read(&image).unwrap(), before);
    // A model of another session is an input of this one.
    let model = format!("{place}/model.safetensors");
    let link = format!("{place}/latest.safetensors");
    Model::new(Config::small(), &Context::new(1)).unwrap().save(Path::new(&model)).unwrap();
    std::os::unix::fs::symlink(&model, &link).unwrap();
    let before = std::fs::read(&model).unwrap();
    kernel.run(&format!("model = load_model('{link}')")).await;
    for place in [&model, &link] {
        let save = format!("save_method(intensity_threshold(), '{place}')");
        let refused = kernel.run(&save).await;
        let reason = refused.reply["evalue"].as_str().unwrap();
        assert!(reason.contains("is an input of a study"), "{reason}");
    }
    assert_eq!(std::fs::read(&model).unwrap(), before);
    // Who loads a model, trains it and saves it in its place is told what that means.
    let saved = kernel.run(&format!("save_model(model, '{link}')")).await;
    let said = saved.text("stdout") + &saved.text("stderr");
    assert!(said.contains("a model was loaded from") && said.contains("is replaced"), "{said}");
    for _ in 0..2 {
        let saved = kernel.run(&format!("save_model(model, '{place}/own.safetensors')")).await;
        assert_eq!(saved.reply["status"], "ok");
        kernel.run(&format!("load_model('{place}/own.safetensors')")).await;
    }
    assert_eq!(
        kernel.run(&format!("save(one.image, '{place}/one.npy')")).await.reply["status"],
        "ok"
    );
}
