//! What holds for every cohort, wherever its subjects come from.

use super::*;
use crate::cohort::{IntensityScale, Slice, TissueIntensity};
use crate::context::Streams;
use crate::phantom::PhantomOptions;

fn tree(table: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in ["sub-01", "sub-02", "sub-03", "sub-04"] {
        write_subject(root.path(), name);
    }
    if !table.is_empty() {
        write(&root.path().join("participants.tsv"), table);
    }
    root
}

const TABLE: &str = "participant_id\tdataset\thas_lesion\tsite\nsub-01\tpublic\tn/a\tA\n\
     sub-02\tclinical\t0\tA\nsub-03\tclinical\t1\tB\nsub-04\tclinical\tn/a\tB\n";

fn said<T>(result: crate::Result<T>) -> String {
    match result {
        Ok(_) => panic!("it must be refused"),
        Err(error) => error.to_string(),
    }
}

/// A cohort with a name that does not depend on the temporary folder.
fn named(root: &tempfile::TempDir) -> Cohort {
    let folder = root.path().join("clinic");
    for name in ["sub-01", "sub-02", "sub-03", "sub-04"] {
        write_subject(&folder, name);
    }
    load(&folder, &Context::new(0)).unwrap()
}

#[test]
fn derived_cohorts_share_the_prepared_subjects() {
    let root = tree(TABLE);
    let (listener, context) = listening();
    let cohort = load(root.path(), &context).unwrap();
    let clinical = cohort.clinical().unwrap();
    assert_eq!(clinical.names(), ["sub-02", "sub-03", "sub-04"]);
    let first = clinical.subject(0, &context).unwrap();
    let all = cohort.subjects(&context).unwrap();
    assert!(Arc::ptr_eq(&first, &all[1]));
    assert_eq!(*listener.steps.lock().unwrap(), 3, "one was preprocessed already");
    assert!(Arc::ptr_eq(&all[3], &clinical.slice(2..9).subjects(&context).unwrap()[0]));
    assert_eq!(*listener.steps.lock().unwrap(), 3, "all were preprocessed already");
}

#[test]
fn lesion_truth_follows_mask_then_table_then_health() {
    let root = tree(TABLE);
    write(&label_path(root.path(), "sub-03", "label-lesion_seg"), mask(2));
    let context = Context::new(0);
    let subjects = load(root.path(), &context).unwrap().subjects(&context).unwrap();
    let truth: Vec<_> = subjects.iter().map(|subject| subject.has_lesion()).collect();
    assert_eq!(truth, [Some(false), Some(false), Some(true), None]);
    let pixels = |subject: usize| {
        let maps = subjects[subject].slices.iter().map(|slice| slice.lesion.as_ref());
        maps.map(|map| map.map(|map| map.iter().any(|&lesion| lesion))).collect::<Vec<_>>()
    };
    assert_eq!(pixels(0), [Some(false); 3]);
    assert_eq!(pixels(1), [Some(false); 3]);
    assert_eq!(pixels(2), [Some(true); 3]);
    assert_eq!(pixels(3), [None; 3]);
}

#[test]
fn a_lesion_without_a_mask_is_known_for_the_subject_only() {
    let root = tree(TABLE);
    let context = Context::new(0);
    let subject = load(root.path(), &context).unwrap().subject(2, &context).unwrap();
    assert_eq!(subject.has_lesion(), Some(true));
    assert!(subject.slices.iter().all(|slice| slice.lesion.is_none()));
}

#[test]
fn a_mask_against_the_table_counts_and_is_noted() {
    let root = tree(TABLE);
    write(&label_path(root.path(), "sub-02", "label-lesion_seg"), mask(2));
    let (listener, context) = listening();
    let subjects = load(root.path(), &context).unwrap().subjects(&context).unwrap();
    assert_eq!(subjects[1].has_lesion(), Some(true));
    assert_eq!(
        listener.about_subjects(),
        [
            "subject sub-02: has a lesion mask, but counts as without a lesion in the participants table; the mask counts"
        ]
    );
}

#[test]
fn selections_that_cannot_be_made_say_what_there_is() {
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("clinic/participants.tsv"), TABLE);
    let cohort = named(&root);
    assert_eq!(cohort.filter("site", "B").unwrap().names(), ["sub-03", "sub-04"]);
    assert_eq!(cohort.filter("site", "B").unwrap().name(), "clinic [site = B]");
    assert_eq!(said(cohort.filter("site", "C")), "nobody in clinic has site = C; there is A, B");
    assert_eq!(
        said(cohort.filter("scanner", "C")),
        "clinic has no participants column scanner; it has dataset, has_lesion, site"
    );
    assert_eq!(cohort.find("sub-03").unwrap(), 2);
    assert_eq!(
        said(cohort.find("sub-09")),
        "clinic has no subject sub-09; it holds 4 subjects from sub-01 to sub-04"
    );
    assert_eq!(said(cohort.entry(4)), "clinic has no subject 4; it has 4, counted from 0");
    let healthy = cohort.healthy().unwrap();
    assert_eq!(said(healthy.clinical()), "everybody in clinic [healthy] is healthy");
    assert_eq!(
        said(cohort.clinical().unwrap().healthy()),
        "nobody in clinic [clinical] is healthy by its participants column (dataset, group, cohort, pathology)"
    );
    assert!(cohort.slice(4..9).is_empty());
}

#[test]
fn without_a_table_everybody_is_clinical_and_healthy_says_which_column_to_add() {
    let root = tempfile::tempdir().unwrap();
    let cohort = named(&root);
    assert_eq!(cohort.clinical().unwrap().len(), 4);
    assert_eq!(
        said(cohort.healthy()),
        "nothing says who is healthy in clinic; add a column `dataset` with the values healthy and clinical to participants.tsv (one of dataset, group, cohort, pathology will do), or give a rule: load_cohort(…, healthy = \"column == 'value'\")"
    );
}

#[test]
fn a_subject_missing_from_the_table_is_told() {
    let root = tree("participant_id\tgroup\nsub-01\thc\nsub-02\thc\nsub-04\thc\n");
    let (listener, context) = listening();
    assert_eq!(load(root.path(), &context).unwrap().clinical().unwrap().names(), ["sub-03"]);
    assert_eq!(
        *listener.warnings.lock().unwrap(),
        [
            "1 subject without a row in the participants table, the first sub-03; counted as clinical"
        ]
    );
}

#[test]
fn another_frame_is_prepared_from_the_same_files() {
    let root = tree("");
    let context = Context::new(0);
    let cohort = load(root.path(), &context).unwrap();
    let larger = cohort.on_grid(SliceGrid::of_size(64)).unwrap();
    assert_eq!((cohort.grid().size, larger.grid().size), (32, 64));
    assert_eq!(cohort.subject(0, &context).unwrap().slices[0].size(), 32);
    assert_eq!(larger.subject(0, &context).unwrap().slices[0].size(), 64);
    let empty = cohort.on_grid(SliceGrid::of_size(0));
    assert_eq!(said(empty), "size must be 8 to 4096 pixels, not 0");
    let close = cohort.on_grid(SliceGrid { size: 32, fov_mm: 20, ..SliceGrid::default() }).unwrap();
    let pixel_spacing_mm = close.subject(0, &context).unwrap().slices[0].pixel_spacing_mm.0;
    assert!((pixel_spacing_mm - 20.0 / 32.0).abs() < 0.05, "{pixel_spacing_mm}");
}

#[test]
fn intensities_and_thickness_are_the_same_whether_or_not_the_slices_were_there_before() {
    let options = PhantomOptions { subjects: 1, ..PhantomOptions::default() };
    let plain = SliceGrid { size: 64, fov_mm: 128, ..SliceGrid::default() };
    let tissue = SliceGrid { slice_mm: 3, intensity: IntensityScale::Tissue, ..plain };
    let context = Context::new(0);
    let cohort = || Cohort::phantom(&options, plain, &Streams::new(2)).unwrap();
    let first = cohort();
    let acquired = first.subject(0, &context).unwrap();
    let fitted = first.on_grid(tissue).unwrap().subject(0, &context).unwrap();
    let fresh = cohort().on_grid(tissue).unwrap().subject(0, &context).unwrap();
    assert_eq!(fitted.slices, fresh.slices);
    assert!(fitted.slices.len() <= acquired.slices.len());
    assert_ne!(fitted.slices[0].image, acquired.slices[0].image);
    let slices: Vec<&Slice> = fitted.slices.iter().collect();
    let cord = TissueIntensity::of(&slices).unwrap().cord;
    assert!((cord - 0.3).abs() < 0.02, "the median of the cord is {cord}");
}

#[test]
fn an_interrupted_preparation_stops_and_can_go_on() {
    let root = tree("");
    let context = Context::new(0);
    let cohort = load(root.path(), &context).unwrap();
    context.cancel.cancel();
    assert_eq!(said(cohort.subjects(&context)), "interrupted");
    assert_eq!(said(cohort.subject(0, &context)), "interrupted");
    context.cancel.reset();
    assert_eq!(cohort.subjects(&context).unwrap().len(), 4);
}

#[test]
fn files_that_change_between_loading_and_reading_are_told_once() {
    let root = tree(TABLE);
    let (listener, context) = listening();
    let cohort = load(root.path(), &context).unwrap();
    let told = || {
        let warnings = listener.warnings.lock().unwrap().clone();
        warnings.into_iter().filter(|line| line.contains("changed since")).collect::<Vec<_>>()
    };
    cohort.subject(0, &context).unwrap();
    assert!(told().is_empty());
    let label = label_path(root.path(), "sub-02", "label-SC_seg");
    let file = fs::File::options().append(true).open(&label).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    write(&root.path().join("participants.tsv"), format!("{TABLE}\n\n"));
    // What is in memory is not read again.
    cohort.subject(0, &context).unwrap();
    assert!(told().is_empty());
    cohort.healthy().unwrap().on_grid(SliceGrid::of_size(64)).unwrap().subjects(&context).unwrap();
    let told_now = told();
    cohort.subjects(&context).unwrap();
    assert_eq!(told(), told_now);
    assert_eq!(told_now.len(), 1);
    let sentence = in_root(root.path(), &told_now[0]);
    assert!(
        sentence.starts_with(
            "1 file of ROOT changed since it was loaded (first: ROOT/participants.tsv)"
        ),
        "{sentence}"
    );
    // Loaded again, the cohort has the new files.
    load(root.path(), &context).unwrap().subjects(&context).unwrap();
    assert_eq!(told().len(), 1);
}

#[test]
fn a_cohort_without_one_usable_subject_is_refused() {
    let root = tree("");
    for name in ["sub-01", "sub-02", "sub-03", "sub-04"] {
        write(&image_path(root.path(), name), nifti(&SHAPE, &[f32::NAN; 4800]));
    }
    let context = Context::new(0);
    let cohort = load(root.path(), &context).unwrap();
    assert_eq!(
        said(cohort.subjects(&context)),
        "subject sub-01: all voxels of its image are NaN (none of the 4 subjects can be used)"
    );
    assert_eq!(cohort.broken().len(), 4);
}

#[test]
fn positions_stay_when_the_voxels_of_a_subject_turn_out_to_be_unusable() {
    let root = tree(TABLE);
    write(&label_path(root.path(), "sub-02", "label-SC_seg"), mask(0));
    let context = Context::new(0);
    let cohort = load(root.path(), &context).unwrap();
    assert_eq!(cohort.usable(), [0, 1, 2, 3], "its header is as it should be");
    assert_eq!(cohort.subjects(&context).unwrap().len(), 3);
    assert_eq!(cohort.usable(), [0, 1, 2, 3]);
    assert_eq!(cohort.broken().len(), 1);
    assert!(said(cohort.subject(1, &context)).starts_with("subject sub-02: "));
}

#[test]
fn a_grid_that_is_asked_for_again_is_not_preprocessed_again() {
    let root = tree(TABLE);
    let context = Context::new(0);
    let cohort = load(root.path(), &context).unwrap();
    let first = cohort.subject(0, &context).unwrap();
    let back = cohort.on_grid(SliceGrid::of_size(64)).unwrap().on_grid(cohort.grid()).unwrap();
    assert!(Arc::ptr_eq(&first, &back.subject(0, &context).unwrap()));
}

#[test]
fn discs_have_the_names_of_their_vertebrae() {
    let names = [3, 8, 9, 19, 20, 21, 25].map(crate::cohort::Disc::name);
    assert_eq!(names, ["C2/C3", "C7/T1", "T1/T2", "T11/T12", "T12/L1", "L1/L2", "L5/S1"]);
}

#[test]
fn subjects_made_in_memory_are_a_cohort_of_one_size() {
    let root = tree(TABLE);
    let context = Context::new(0);
    let subjects = load(root.path(), &context).unwrap().subjects(&context).unwrap();
    let subjects: Vec<_> = subjects.iter().map(|subject| (**subject).clone()).collect();
    let cohort = Cohort::from_subjects("drawn", subjects.clone()).unwrap();
    assert_eq!(cohort.grid(), SliceGrid::of_size(32));
    assert_eq!(cohort.healthy().unwrap().names(), ["sub-01"]);
    assert_eq!(cohort.subjects(&context).unwrap().len(), 4);
    // A rule that was given when they were loaded stays.
    let mut ruled = subjects.clone();
    ruled.iter_mut().for_each(|one| one.healthy = Some(&*one.name != "sub-01"));
    let ruled = Cohort::from_subjects("ruled", ruled).unwrap();
    assert_eq!(ruled.clinical().unwrap().names(), ["sub-01"]);
    assert_eq!(
        said(cohort.on_grid(SliceGrid::of_size(64))),
        "sub-01 came preprocessed with 32 pixels for 200 mm and cannot be preprocessed with 64 pixels for 200 mm; load the volumes it was made from"
    );
    assert_eq!(
        said(Cohort::from_subjects("drawn", Vec::new())),
        "the subjects of drawn have no slices"
    );
    let larger = load(root.path(), &context).unwrap().on_grid(SliceGrid::of_size(64)).unwrap();
    let larger = (*larger.subject(0, &context).unwrap()).clone();
    assert_eq!(
        said(Cohort::from_subjects("drawn", [subjects, vec![larger]].concat())),
        "the slices of drawn differ in size (32 and 64 pixels); preprocess all alike"
    );
}

#[test]
fn phantoms_are_drawn_when_asked_for_and_the_same_for_the_same_seed() {
    let options =
        PhantomOptions { subjects: 4, pixel_spacing_mm: 3.0, ..PhantomOptions::default() };
    let cohort =
        |seed| Cohort::phantom(&options, SliceGrid::of_size(64), &Streams::new(seed)).unwrap();
    let names = ["sub-healthy01", "sub-healthy02", "sub-clinic01", "sub-clinic02"];
    assert_eq!(cohort(1).names(), names);
    assert_eq!((cohort(1).healthy().unwrap().len(), cohort(1).clinical().unwrap().len()), (2, 2));
    // The cohort's own seed counts, not that of whoever preprocesses it.
    let context = Context::new(9);
    let subjects = cohort(1).subjects(&context).unwrap();
    let truth: Vec<_> = subjects.iter().map(|subject| subject.has_lesion()).collect();
    assert_eq!(truth, [Some(false), Some(false), Some(true), Some(false)]);
    assert_eq!(subjects[3].slices, cohort(1).subject(3, &context).unwrap().slices);
    assert_ne!(subjects[3].slices, cohort(2).subject(3, &context).unwrap().slices);
    assert_eq!(
        cohort(1).on_grid(SliceGrid::of_size(32)).unwrap().subject(0, &context).unwrap().slices[0]
            .size(),
        32
    );
    assert!(
        subjects
            .iter()
            .all(|subject| subject.native_transform.is_some() && !subject.discs.is_empty())
    );
}

#[test]
fn a_lesion_that_no_slice_shows_makes_a_patient_all_the_same() {
    let options = PhantomOptions { subjects: 1, clinical: Some(1), ..PhantomOptions::default() };
    let cohort = Cohort::phantom(&options, SliceGrid::default(), &Streams::new(3)).unwrap();
    let mut subject = (*cohort.subject(0, &Context::new(0)).unwrap()).clone();
    assert!(subject.lesion_marked && !subject.has_unseen_lesion());
    subject.participant.clear();
    subject.slices.retain(|slice| !slice.lesion.iter().flatten().any(|set| *set));
    assert_eq!(subject.has_lesion(), Some(true));
    assert!(subject.has_unseen_lesion());
    subject.lesion_marked = false;
    assert_eq!(subject.has_lesion(), Some(false));
}
