//! Findings, thresholds and trainings in the language.

use super::*;

#[test]
fn a_threshold_of_another_scoring_is_refused() {
    let (session, _) = session();
    let cells = "people = phantom_cohort(subjects = 2, size = 64)\n\
                 found = detect(intensity_threshold(), people)\n\
                 healthy = detect(intensity_threshold(), people.healthy, scoring = 'published')\n";
    shown(&session, cells);
    let error = session.run(cell("evaluate(found, threshold = healthy)")).unwrap_err();
    assert!(error.message.contains("needs the same scoring"), "{}", error.message);
    let error = session.run(cell("detect(intensity_threshold(), people, scoring = 'learned')"));
    let error = error.unwrap_err().message;
    assert!(error.contains("has no lesion probabilities"), "{error}");
}

#[test]
fn findings_in_the_folds_of_a_cohort_are_joined() {
    let (session, _) = session();
    let cells = "people = phantom_cohort(subjects = 4, size = 128, pixel_spacing_mm = 2)\n\
                 whole = detect(intensity_threshold(), people)\n\
                 first = detect(intensity_threshold(), people[:2])\n\
                 second = detect(intensity_threshold(), people[2:])\n\
                 joined = first + second\n";
    shown(&session, cells);
    assert_eq!(shown(&session, "joined.scores == whole.scores"), "True");
    assert_eq!(shown(&session, "evaluate(joined).auroc == evaluate(whole).auroc"), "True");
    for (cell_of, reason) in [
        ("joined + first", "is in both findings"),
        (
            "first + detect(intensity_threshold(), people[2:], name = \"other\")",
            "different methods",
        ),
        (
            "first + detect(intensity_threshold(), people[2:], scoring = \"published\")",
            "different scorings",
        ),
        (
            "first + detect(intensity_threshold(), people[2:].preprocess(size = 64))",
            "different slices",
        ),
    ] {
        let error = session.run(cell(cell_of)).unwrap_err().message;
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn what_is_learned_from_the_wrong_people_is_warned_about() {
    let (session, memory) = session();
    let warned = |part: &str| {
        let all = memory.0.lock().unwrap();
        all.iter().filter(|text| text.starts_with("Warning") && text.contains(part)).count()
    };
    shown(
        &session,
        "people = phantom_cohort(subjects = 4, pixel_spacing_mm = 2.0)\nmodel = u2ad(image = 32, patch = 8, \
         embed_dim = 16, depth = 1, heads = 2, decoder_embed_dim = 16, decoder_depth = 1, decoder_heads = 2)",
    );
    shown(&session, "memory = feature_memory(model, people.healthy)");
    assert_eq!(warned("the model has learned nothing"), 1);
    shown(&session, "pretrain(model, people.healthy, epochs = 1)");
    assert_eq!(warned("have a known lesion"), 0);
    shown(&session, "for i in range(2): pretrain(model, people, epochs = 1)");
    assert_eq!(warned("pretrain: 1 of 4 subjects have a known lesion"), 1);
    shown(&session, "feature_memory(model, people.healthy)");
    assert_eq!(warned("are not known to be healthy"), 0);
    shown(&session, "feature_memory(model, people)");
    assert_eq!(warned("2 of 4 subjects are not known to be healthy"), 1);
    assert_eq!(warned("the model has learned nothing"), 1);
}
