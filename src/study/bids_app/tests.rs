use std::fs;
use std::path::{Path, PathBuf};

use super::place::Place;
use super::*;
use crate::Error;
use crate::context::Context;
use crate::files::{Claim, WorkLock};
use crate::phantom::{PhantomOptions, write_bids};
use crate::study::folders::files;
use crate::study::screening::Detector;

/// A tree of four participants: the masks of the last are missing.
fn tree(folder: &Path) -> PathBuf {
    let root = folder.join("bids");
    let options =
        PhantomOptions { subjects: 4, pixel_spacing_mm: 1.4, ..PhantomOptions::default() };
    write_bids(&root, &options, &Context::new(3)).unwrap();
    let last = participant_folders(&root).unwrap().pop().unwrap();
    fs::remove_dir_all(root.join("derivatives/labels").join(last)).unwrap();
    root
}

/// Writes a volume as a header and its voxels, 32-bit floats.
fn write_pair(volume: &crate::volume::Volume, header: &Path) {
    let whole = header.with_extension("nii");
    volume.write(&whole, None).unwrap();
    let bytes = fs::read(&whole).unwrap();
    fs::remove_file(&whole).unwrap();
    let (head, voxels) = bytes.split_at(352);
    let mut head = head.to_vec();
    head[108..112].copy_from_slice(&0f32.to_le_bytes());
    head[344..348].copy_from_slice(b"ni1\0");
    fs::write(header, head).unwrap();
    fs::write(header.with_extension("img"), voxels).unwrap();
}

fn level<'a>(app: &'a BidsApp, detector: &'a Detector) -> ParticipantLevel<'a> {
    ParticipantLevel { app, detector, seed: 0, sessions: &[], force: false, work: None }
}

fn screen(app: &BidsApp, participant: &str, force: bool) -> Vec<SessionOutcome> {
    let mut outcomes = Vec::new();
    let each = |result: SessionResult| outcomes.push(result.outcome);
    let detector = Detector::without_model();
    let level = ParticipantLevel { force, ..level(app, &detector) };
    level.screen(participant, &Context::new(0), each).unwrap();
    outcomes
}

#[test]
fn a_participant_is_screened_once_until_something_it_is_made_of_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (root, output) = (tree(folder.path()), folder.path().join("out"));
    let app = BidsApp::new(&root, &output).unwrap();
    let name = app.participants(&[]).unwrap().remove(0);
    let first = screen(&app, &name, false);
    let [SessionOutcome::Screened { record, because: None }] = first.as_slice() else {
        panic!("{first:?}");
    };
    assert!(record.images[0].score.is_some() && record.images[0].masks == "given");
    assert_eq!(record.making.inputs.len(), 5, "{:?}", record.making.inputs);
    let written = files(&output);
    for ending in ["_scores.tsv", "_u2ad.json", "_cases.json", "_desc-anomaly_T2w.nii.gz"] {
        assert!(output.join(format!("{name}/anat/{name}{ending}")).is_file(), "{ending}");
    }
    assert!(output.join(format!("{name}.html")).is_file());
    assert!(matches!(screen(&app, &name, false)[0], SessionOutcome::Finished(_)));
    assert!(matches!(screen(&app, &name, true)[0], SessionOutcome::Screened { because: None, .. }));
    assert!(files(&output) == written, "the same files to the same bits");

    // A file that is gone, and one that was cut off.
    for damage in ["is missing", "was changed or is damaged"] {
        let scores = output.join(format!("{name}/anat/{name}_scores.tsv"));
        match damage {
            "is missing" => fs::remove_file(&scores).unwrap(),
            _ => fs::write(&scores, "participant_id").unwrap(),
        }
        let group = app.gather(std::slice::from_ref(&name), &[], &Context::new(0)).unwrap();
        assert!(group.outdated[0].1.contains(damage), "{:?}", group.outdated);
        let again = screen(&app, &name, false);
        let [SessionOutcome::Screened { because: Some(because), .. }] = again.as_slice() else {
            panic!("{again:?}");
        };
        assert!(because.contains(damage), "{because}");
        assert!(fs::read_to_string(&scores).unwrap().lines().count() > 1);
    }

    // Other voxels of a pair, whose header stays. A mask that changes, a report that is gone, a file of the user.
    let image = root.join(format!("{name}/anat/{name}_T2w.nii.gz"));
    let volume = crate::volume::Volume::read(&image).unwrap();
    fs::remove_file(&image).unwrap();
    let pair = image.with_extension("").with_extension("hdr");
    write_pair(&volume, &pair);
    assert!(matches!(
        screen(&app, &name, false)[0],
        SessionOutcome::Screened { because: Some(_), .. }
    ));
    assert!(matches!(screen(&app, &name, false)[0], SessionOutcome::Finished(_)));
    let mut voxels = fs::read(pair.with_extension("img")).unwrap();
    voxels.reverse();
    fs::write(pair.with_extension("img"), voxels).unwrap();
    assert!(matches!(
        screen(&app, &name, false)[0],
        SessionOutcome::Screened { because: Some(_), .. }
    ));
    let mask = root.join(format!("derivatives/labels/{name}/anat/{name}_T2w_label-CSF_seg.nii.gz"));
    fs::remove_file(&mask).unwrap();
    let again = screen(&app, &name, false);
    let [SessionOutcome::Screened { because: Some(because), .. }] = again.as_slice() else {
        panic!("{again:?}");
    };
    assert!(because.starts_with("from other images, masks"), "{because}");
    // A copy that was cut off does not replace what was found in the whole image.
    let page = fs::read(output.join(format!("{name}.html"))).unwrap();
    let voxels = fs::read(pair.with_extension("img")).unwrap();
    fs::write(pair.with_extension("img"), &voxels[..1000]).unwrap();
    let cut_off = screen(&app, &name, false);
    let [SessionOutcome::Failed(reason)] = cut_off.as_slice() else { panic!("{cut_off:?}") };
    assert!(reason.ends_with("the findings of the earlier screening stay as they are"), "{reason}");
    assert!(fs::read(output.join(format!("{name}.html"))).unwrap() == page);
    fs::write(pair.with_extension("img"), voxels).unwrap();
    assert!(matches!(screen(&app, &name, false)[0], SessionOutcome::Finished(_)));
    fs::write(output.join(format!("{name}/anat/notes.txt")), "mine").unwrap();
    let refused = screen(&app, &name, true);
    let [SessionOutcome::Failed(reason)] = refused.as_slice() else { panic!("{refused:?}") };
    assert!(reason.contains("holds notes.txt, which u2ad did not write"), "{reason}");
    assert!(output.join(format!("{name}/anat/notes.txt")).is_file());
}

#[test]
fn a_participant_that_somebody_else_works_on_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (root, output) = (tree(folder.path()), folder.path().join("out"));
    let app = BidsApp::new(&root, &output).unwrap();
    let name = app.participants(&[]).unwrap().remove(0);
    let place = Place { participant: name.clone(), session: None };
    let Claim::Held(lock) = WorkLock::claim(&place.lock(&app.output)).unwrap() else { panic!() };
    let busy = screen(&app, &name, false);
    assert!(matches!(&busy[0], SessionOutcome::Busy(who) if who.starts_with("process ")));
    drop(lock);
    // An interruption leaves nothing, and the next run goes on.
    let context = Context::new(0);
    context.cancel.cancel();
    let detector = Detector::without_model();
    let stopped = level(&app, &detector).screen(&name, &context, |_| {});
    assert!(matches!(stopped, Err(Error::Cancelled)));
    assert!(!output.join(&name).exists());
    assert!(matches!(screen(&app, &name, false)[0], SessionOutcome::Screened { .. }));
}

#[test]
fn sessions_are_finished_each_for_itself_and_a_bad_image_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (root, output) = (tree(folder.path()), folder.path().join("out"));
    let name = participant_folders(&root).unwrap().pop().unwrap();
    let image = root.join(format!("{name}/anat/{name}_T2w.nii.gz"));
    for session in ["ses-1", "ses-2"] {
        let anat = root.join(format!("{name}/{session}/anat"));
        fs::create_dir_all(&anat).unwrap();
        fs::copy(&image, anat.join(format!("{name}_{session}_T2w.nii.gz"))).unwrap();
    }
    fs::remove_dir_all(root.join(format!("{name}/anat"))).unwrap();
    let bad = root.join(format!("{name}/ses-2/anat/{name}_ses-2_T2w.nii.gz"));
    fs::write(&bad, "no image").unwrap();
    let app = BidsApp::new(&root, &output).unwrap();
    let (detector, context) = (Detector::without_model(), Context::new(0));
    let mut results = Vec::new();
    let each = |result| results.push(result);
    let first = ["1".to_owned()];
    let one = ParticipantLevel { sessions: &first, ..level(&app, &detector) };
    one.screen(&name, &context, each).unwrap();
    assert_eq!((results.len(), results[0].is_complete()), (1, true));
    assert_eq!(results[0].name, format!("{name}_ses-1"));
    let all = app.gather(std::slice::from_ref(&name), &[], &context).unwrap();
    assert_eq!(all.missing, [(format!("{name}_ses-2"), "was not screened yet".to_owned())]);
    results.clear();
    let each = |result| results.push(result);
    level(&app, &detector).screen(&name, &context, each).unwrap();
    assert!(matches!(results[0].outcome, SessionOutcome::Finished(_)));
    let SessionOutcome::Screened { record, .. } = &results[1].outcome else { panic!() };
    assert!(record.has_failures() && !results[1].is_complete());
    assert!(output.join(format!("{name}_ses-1.html")).is_file());
    assert!(output.join(format!("{name}/ses-1/anat/{name}_ses-1_scores.tsv")).is_file());
    let gather =
        |sessions: &[String]| app.gather(std::slice::from_ref(&name), sessions, &Context::new(0));
    let group = gather(&[]).unwrap();
    assert_eq!((group.images(), group.failed().count()), (2, 1));
    let group = gather(&first).unwrap();
    assert_eq!((group.images(), group.failed().count()), (1, 0));
    let none = gather(&["9".to_owned()]).map(drop).unwrap_err().to_string();
    assert!(none.contains("no findings of these participants and sessions"), "{none}");
}

#[test]
fn the_group_has_all_tables_an_evaluation_and_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let (root, output) = (tree(folder.path()), folder.path().join("out"));
    let app = BidsApp::new(&root, &output).unwrap();
    let names = app.participants(&[]).unwrap();
    let context = Context::new(0);
    let early = app.gather(&names, &[], &context).map(drop).unwrap_err().to_string();
    assert!(early.contains("run the level participant first"), "{early}");
    for name in &names[..3] {
        screen(&app, name, false);
    }
    let group = app.gather(&names, &[], &context).unwrap();
    assert_eq!((group.missing.len(), group.outdated.len()), (1, 0));
    let evaluation = group.evaluation.as_ref().expect("phantoms have a ground truth");
    assert_eq!(evaluation.subjects.with_lesion + evaluation.subjects.without_lesion, 3);
    assert!(evaluation.segments.is_some() && evaluation.lesions.is_some());
    let table = fs::read_to_string(output.join("group_findings.tsv")).unwrap();
    assert_eq!(table.lines().count(), 4, "{table}");
    let scores = fs::read_to_string(output.join("group_scores.tsv")).unwrap();
    assert_eq!(scores.matches("participant_id").count(), 1);
    assert!(names[..3].iter().all(|name| scores.contains(name.as_str())));
    let dictionary: serde_json::Value =
        serde_json::from_slice(&fs::read(output.join("group_findings.json")).unwrap()).unwrap();
    for column in table.lines().next().unwrap().split('\t') {
        assert!(dictionary[column]["Description"].is_string(), "{column}");
    }
    let page = fs::read_to_string(output.join("group.html")).unwrap();
    assert!(page.contains(&format!("href=\"{}.html\"", names[0])));
    assert!(page.contains("was not screened yet"));

    // A mask goes, and the table calls somebody else healthy.
    let mask =
        root.join(format!("derivatives/labels/{0}/anat/{0}_T2w_label-CSF_seg.nii.gz", names[0]));
    fs::remove_file(mask).unwrap();
    let participants = root.join("participants.tsv");
    let changed = fs::read_to_string(&participants)
        .unwrap()
        .replace(&format!("{}\tpublic", names[1]), &format!("{}\tclinical", names[1]));
    fs::write(&participants, changed).unwrap();
    let group = app.gather(&names, &[], &context).unwrap();
    let outdated: Vec<&str> = group.outdated.iter().map(|(name, _)| &**name).collect();
    assert!(outdated.contains(&&*names[0]) && !outdated.contains(&&*names[2]), "{outdated:?}");
    assert!(group.outdated[0].1.contains("have changed since it was screened"));
}

#[test]
fn the_group_tells_whom_the_method_knew() {
    let folder = tempfile::tempdir().unwrap();
    let (root, output) = (tree(folder.path()), folder.path().join("out"));
    let app = BidsApp::new(&root, &output).unwrap();
    let names = app.participants(&[]).unwrap();
    for name in &names[..3] {
        screen(&app, name, false);
    }
    let gather = || app.gather(&names[..3], &[], &Context::new(0)).unwrap();
    assert!(gather().known.is_empty());
    // As a model that was trained with this participant notes it.
    let place = Place { participant: names[0].clone(), session: None };
    let path = place.file(&output, super::session::CASES);
    let mut cases: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    cases[0]["seen"] = serde_json::json!({"name": names[0], "same_image": true, "healthy": true});
    fs::write(&path, cases.to_string()).unwrap();
    let known = gather().known;
    let expected =
        "the method learned from 1 image of the 3 subjects of this evaluation as healthy";
    assert!(known.len() == 1 && known[0].starts_with(expected), "{known:?}");
    assert!(fs::read_to_string(output.join("group.html")).unwrap().contains(expected));
}

#[test]
fn folders_that_are_something_else_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = tree(folder.path());
    let refusal =
        |bids: &Path, output: &Path| BidsApp::new(bids, output).map(drop).unwrap_err().to_string();
    assert!(refusal(&root, &root).contains("is the BIDS tree itself"));
    assert!(refusal(folder.path(), &root).contains("it has no folder sub-"));
    let participant = root.join(participant_folders(&root).unwrap().remove(0));
    assert!(refusal(&root, &participant).contains("folder of a participant"));
    assert!(refusal(&root, &participant.join("new")).contains("folder of a participant"));
    assert!(!participant.join("new").exists());
    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("dataset_description.json"), "{\"Name\": \"x\"}").unwrap();
    assert!(refusal(&root, &other).contains("holds another dataset"));
    let app = BidsApp::new(&root, &folder.path().join("out")).unwrap();
    let names = app.participants(&[]).unwrap();
    let twice = [names[0].clone(), names[0][4..].to_owned()];
    assert_eq!(app.participants(&twice).unwrap(), names[..1]);
    let unknown = app.participants(&["nobody".into()]).unwrap_err().to_string();
    assert!(unknown.contains("has no participant sub-nobody"), "{unknown}");
}
