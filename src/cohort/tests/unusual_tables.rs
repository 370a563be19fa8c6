//! Participants tables and who is healthy by them.

use super::*;
use crate::cohort::HealthRule;

/// Loads two subjects with a table, and what was said.
fn with_table(
    name: &str,
    table: impl AsRef<[u8]>,
    rule: Option<HealthRule>,
) -> (crate::Result<Cohort>, Vec<String>, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    write_subject(root.path(), "sub-01");
    write_subject(root.path(), "sub-02");
    write(&root.path().join(name), table);
    let (listener, context) = listening();
    let options =
        LoadOptions { grid: SliceGrid::of_size(32), healthy: rule, ..LoadOptions::default() };
    (Cohort::load(root.path(), &options, &context), listener.all(), root)
}

fn healthy(cohort: crate::Result<Cohort>) -> Vec<String> {
    let cohort = cohort.and_then(|cohort| cohort.healthy());
    cohort.map_or_else(
        |error| vec![error.to_string()],
        |cohort| cohort.names().into_iter().map(str::to_owned).collect(),
    )
}

#[test]
fn the_column_that_decides_and_its_values_are_said() {
    let table = "participant_id\tpathology\nsub-01\tHC\nsub-02\tDCM\n";
    let (cohort, said, _root) = with_table("participants.tsv", table, None);
    assert_eq!(healthy(cohort), ["sub-01"]);
    let expected = "the participants column pathology decides who is healthy: 1 healthy (HC), 1 clinical (DCM)";
    assert!(said.contains(&expected.to_owned()), "{said:?}");
    let (cohort, said, _root) = with_table("notes.txt", "", None);
    assert_eq!(cohort.unwrap().clinical().unwrap().len(), 2);
    assert!(
        said[0].contains("no participants.tsv says who is healthy: all 2 subjects"),
        "{said:?}"
    );
}

#[test]
fn words_that_are_not_known_are_asked_about_and_a_rule_settles_them() {
    let table = "participant_id\tgroup\nsub-01\tG0\nsub-02\tG1\n";
    let (cohort, said, _root) = with_table("participants.tsv", table, None);
    let asked = "load_cohort(…, healthy = \"group == 'G0'\") if G0 is";
    assert!(said.iter().any(|line| line.contains(asked)), "{said:?}");
    assert!(healthy(cohort)[0].contains(asked));
    let rule = HealthRule::parse("group == 'G0'").unwrap();
    let (cohort, said, _root) = with_table("participants.tsv", table, Some(rule));
    let cohort = cohort.unwrap();
    assert_eq!(cohort.clinical().unwrap().names(), ["sub-02"]);
    let subject = cohort.subject(0, &Context::new(0)).unwrap();
    assert!(subject.is_healthy() && subject.has_lesion() == Some(false));
    assert!(said[0].ends_with("1 healthy (G0), 1 clinical (G1)"), "{said:?}");
    let wrong = HealthRule::parse("status == 'G0'").unwrap();
    let (refused, ..) = with_table("participants.tsv", table, Some(wrong));
    assert!(
        refused.unwrap_err().to_string().contains("no subject has a participants column status")
    );
}

#[test]
fn tables_of_other_kinds_are_read_and_gaps_are_said() {
    let (cohort, _, _root) =
        with_table("participants.csv", "participant_id,group\nsub-01,HV\nsub-02,MS\n", None);
    assert_eq!(healthy(cohort), ["sub-01"]);
    let (cohort, _, _root) = with_table(
        "participants.tsv",
        "participant_id\tgroup\rsub-01\thealthy\rsub-02\tMS\r",
        None,
    );
    assert_eq!(healthy(cohort), ["sub-01"]);
    let table = "participant_id\tgroup\nsub-01\tHC\nsub-09\tHC\n";
    let (_, said, _root) = with_table("participants.tsv", table, None);
    assert!(said.iter().any(|line| line.starts_with("1 subject without a row")), "{said:?}");
    assert!(
        said.iter()
            .any(|line| line
                .contains("1 row of the participants table without images, the first 09")),
        "{said:?}"
    );
    let (_, said, _root) = with_table("participants.tsv", "participant_id\tgroup\n", None);
    assert!(said.iter().any(|line| line.contains("a header and no rows")), "{said:?}");
}

#[test]
fn names_in_other_letters_are_matched_and_said() {
    let table = "participant_id\tgroup\nSub-01\tHC\nSUB-02\tMS\n";
    let (cohort, said, _root) = with_table("participants.tsv", table, None);
    assert_eq!(healthy(cohort), ["sub-01"]);
    let expected =
        "the participants table writes 2 subjects in other letters, the first sub-01 as Sub-01";
    assert!(said.contains(&expected.to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("without")), "{said:?}");
}

#[test]
fn a_table_of_other_names_is_said_with_a_name_of_each_side() {
    let table = "participant_id\tgroup\npatient1\tHC\npatient2\tMS\n";
    let (_, said, _root) = with_table("participants.tsv", table, None);
    let expected = "no row of the participants table belongs to a subject: participant_id is such as patient1, and the \
                    subjects are called such as sub-01; write both alike";
    assert!(said.contains(&expected.to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("no column")), "{said:?}");
    let rule = HealthRule::parse("group == 'HC'").unwrap();
    let (refused, ..) = with_table("participants.tsv", table, Some(rule));
    assert_eq!(refused.unwrap_err().to_string(), format!("healthy: {expected}"));
}

#[test]
fn rows_of_sessions_that_disagree_are_said_and_are_rows_all_the_same() {
    let table = "participant_id\tsession_id\tgroup\nsub-01\t1\tHC\nsub-01\t2\tMS\nsub-02\t1\tHC\nsub-02\t2\tMS\n";
    let (_, said, _root) = with_table("participants.tsv", table, None);
    let expected = "the rows of the participants table disagree on who is healthy: all 2 subjects count as clinical";
    assert!(said.contains(&expected.to_owned()), "{said:?}");
    assert!(said.iter().any(|line| line.contains("(group of sub-01, sub-02)")), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("without a row")), "{said:?}");
    let one = "participant_id\tsession_id\tgroup\nsub-01\t1\tHC\nsub-02\t1\tHC\nsub-02\t2\tMS\n";
    let (cohort, said, _root) = with_table("participants.tsv", one, None);
    assert_eq!(healthy(cohort), ["sub-01"]);
    assert!(said.iter().any(|line| line.contains("(group of sub-02)")), "{said:?}");
}

#[test]
fn rows_that_are_called_after_images_are_those_of_the_images() {
    let root = tempfile::tempdir().unwrap();
    for name in ["sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1", "sub-02_ses-2", "sub-03_ses-1"] {
        let (subject, session) = name.split_once('_').unwrap();
        let at = root.path().join(format!("{subject}/{session}/anat/{name}_T2w"));
        write(&at.with_extension("nii"), image_of(name));
        write(&at.with_file_name(format!("{name}_T2w_label-SC_seg.nii")), mask(10));
    }
    let of = |rows: &str| {
        let table = format!("participant_id\tgroup\n{rows}");
        write(&root.path().join("participants.tsv"), table);
        let (listener, context) = listening();
        (healthy(load(root.path(), &context)), listener.all())
    };
    // An image of a person with one image is called after the person.
    let images =
        "sub-01_ses-1\thc\n01_ses-2\tms\nsub-02_ses-1\tms\nsub-02_ses-2\thc\nsub-03_ses-1\thc\n";
    let (names, said) = of(images);
    assert_eq!(names, ["sub-01_ses-1", "sub-02_ses-2", "sub-03"]);
    assert!(said.iter().any(|line| line.ends_with("3 healthy (hc), 2 clinical (ms)")), "{said:?}");
    let untrue = |line: &String| line.contains("without") || line.contains("disagree");
    assert!(!said.iter().any(untrue), "{said:?}");
    // The row of an image comes before that of the person, who may have both.
    let (names, said) = of("sub-01\thc\nsub-01_ses-2\tms\nsub-02_ses-1\thc\nsub-03_ses-9\thc\n");
    assert_eq!(names, ["sub-01_ses-1", "sub-02_ses-1"]);
    let find = |part: &str| said.iter().any(|line| line.starts_with(part));
    assert!(
        find("2 subjects without a row in the participants table, the first sub-02_ses-2"),
        "{said:?}"
    );
    assert!(find("1 row of the participants table without images, the first 03_ses-9"), "{said:?}");
    // A file that is given alone has the row that it has in the tree.
    write(&root.path().join("participants.tsv"), format!("participant_id\tgroup\n{images}"));
    let path = root.path().join("sub-02/ses-2/anat/sub-02_ses-2_T2w.nii");
    let options = LoadOptions { grid: SliceGrid::of_size(32), ..LoadOptions::default() };
    let alone = Cohort::of_images(&[path], &options, &Context::new(0)).unwrap();
    assert!(alone.entry(0).unwrap().is_healthy());
}

#[test]
fn a_table_of_names_alone_has_a_row_for_each() {
    let (_, said, _root) = with_table("participants.tsv", "participant_id\nsub-01\nsub-02\n", None);
    assert!(said[0].starts_with("the participants table has no column dataset, group"), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("without a row")), "{said:?}");
}

#[cfg(unix)]
#[test]
fn a_table_that_is_a_dangling_link_is_refused() {
    let root = tempfile::tempdir().unwrap();
    write_subject(root.path(), "sub-01");
    let link = root.path().join("participants.tsv");
    std::os::unix::fs::symlink(".git/annex/objects/aa/bb/MD5E-s9--1.tsv", &link).unwrap();
    let said = refusal(root.path(), &LoadOptions::default());
    assert!(said.contains("git annex get participants.tsv"), "{said}");
}
