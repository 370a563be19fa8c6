//! Help pages of all verbs and types, at 80 columns.

use u2ad::session::manual;

use super::snapshot::check;
use super::study::page;

#[test]
fn pages_of_verbs() {
    check("help", "overview", &page("help()").text(80));
    for verb in manual().verbs() {
        check("help", &verb.name, &page(&format!("help({})", verb.name)).text(80));
    }
}

/// What can be done with each kind of value.
#[test]
fn pages_of_values() {
    for (name, value) in [
        ("cohort", "everyone"),
        ("subject", "clinic[0]"),
        ("slice", "clinic[0].slices[0]"),
        ("image", "clinic[0].image"),
        ("model", "model"),
        ("history", "model.history"),
        ("epoch", "model.history[0]"),
        ("method", "intensity_threshold()"),
        ("masks", "masks"),
        ("uncertainty", "uncertainty"),
        ("slice_uncertainty", "uncertainty[0]"),
        ("findings", "found"),
        ("finding", "found[0]"),
        ("slice_finding", "found[0].slices[0]"),
        ("evaluation", "evaluated[0]"),
        ("comparison", "compare(evaluated[0], evaluated[1])"),
    ] {
        check("help/values", name, &page(&format!("help({value})")).text(80));
    }
}
