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
