//! Tables and summaries of a study, as text in windows of three widths.

use u2ad::session::Part;

use super::snapshot::check;
use super::study::{numbers_are_comparable, shown, table};

const WIDTHS: [usize; 3] = [60, 80, 100];

/// What one expression shows, one width below the other.
fn at_all_widths(source: &str) -> String {
    let table = table(source);
    let at = |width: usize| {
        format!("{width} columns {}\n{}", "=".repeat(width - 11), table.to_text(width))
    };
    format!("{source}\n\n{}", WIDTHS.map(at).join("\n"))
}

#[test]
fn tables_of_findings_and_lesions() {
    if !numbers_are_comparable() {
        return;
    }
    for (name, source) in [
        ("findings", "table(found)"),
        ("training_history", "table(model)"),
        ("detected_lesions", "table(bright.lesions(0.2))"),
        ("true_lesions", "table(bright.true_lesions())"),
        ("lesion_matches", "table(bright.lesion_matches(0.2))"),
        ("lesion_load", "table(bright[0].lesion_load(0.2))"),
        (
            "own_rows",
            "table([{\"subject\": f.subject, \"score\": f.score, \"slices\": len(f.slices)} for f in bright])",
        ),
    ] {
        check("tables", name, &at_all_widths(source));
    }
}

#[test]
fn tables_of_evaluations() {
    if !numbers_are_comparable() {
        return;
    }
    for (name, source) in [
        ("evaluation", "table(evaluated[0])"),
        ("two_evaluations", "table(evaluated)"),
        ("comparison", "table(compare(evaluated[0], evaluated[1]))"),
    ] {
        check("tables", name, &at_all_widths(source));
    }
}

/// The values themselves, as they end a cell, and as `print` writes them.
#[test]
fn summaries_of_values() {
    if !numbers_are_comparable() {
        return;
    }
    let names = [
        "everyone",
        "clinic[0]",
        "clinic[0].slices",
        "clinic[0].image",
        "model",
        "model.history",
        "masks",
        "uncertainty",
        "uncertainty[0]",
        "found",
        "found[0]",
        "found[0].slices[0]",
        "evaluated[0]",
        "intensity_threshold()",
        "found.scores",
    ];
    let summary = |name: &str| {
        let parts = shown(name);
        let texts = parts.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Table(table) => table.to_text(80).trim_end().to_owned(),
            Part::Figure(figure) => format!("[figure: {}; {}]", figure.title, figure.note),
            other => panic!("{name} shows {other:?}"),
        });
        format!(">>> {name}\n{}\n", texts.collect::<Vec<_>>().join("\n"))
    };
    check("tables", "values", &names.map(summary).join("\n"));
}
