use proptest::prelude::*;

use super::*;

#[test]
fn a_script_is_read_in_cells_and_written_back() {
    let script = "\
# %% [markdown]
# # A study
#
# It begins with a *cohort*.

# %%
people = phantom_cohort(subjects = 2)
people

# %%
for subject in people:
    # A comment of the code.
    show(subject)
";
    let cells = script_cells(script);
    let expected = [
        ScriptCell::markdown("# A study\n\nIt begins with a *cohort*."),
        ScriptCell::code("people = phantom_cohort(subjects = 2)\npeople"),
        ScriptCell::code("for subject in people:\n    # A comment of the code.\n    show(subject)"),
    ];
    assert_eq!(cells, expected);
    assert_eq!(script_of(&cells), script);
}

#[test]
fn cells_in_rust_are_calls_in_a_script() {
    let cells =
        [ScriptCell::code("%%rust\nlet x = \"a\\n\";\n// # %%\nx"), ScriptCell::code("y = 1")];
    let script = script_of(&cells);
    let expected = "# %%\nrust(r\"\"\"\nlet x = \"a\\n\";\n// # %%\nx\n\"\"\")\n\n# %%\ny = 1\n";
    assert_eq!(script, expected);
    assert_eq!(script_cells(&script), cells);
}

#[test]
fn a_script_without_cells_is_one() {
    assert_eq!(script_cells("x = 1\n"), [ScriptCell::code("x = 1")]);
    assert_eq!(
        script_cells("\n# note\n\n# %%\n\n# %% done\ny = 2"),
        [ScriptCell::code("# note"), ScriptCell::code("y = 2").titled("done")]
    );
    assert!(script_cells("").is_empty());
}

#[test]
fn text_may_look_like_a_cell_too() {
    let cells = [ScriptCell::markdown("%%\n# %%\n# # %% [md]\n## Heading")];
    assert_eq!(script_cells(&script_of(&cells)), cells);
}

#[test]
fn what_only_looks_like_a_cell_stays_where_it_is() {
    let source = "text = \"\"\"\n# %%\n\"\"\"\n#%%time\nx = 1  # %% here";
    assert_eq!(script_cells(source), [ScriptCell::code(source)]);
    let cells = [ScriptCell::code("# %% not a cell\n# # %% nor this\nx = 1")];
    assert_eq!(script_cells(&script_of(&cells)), cells);
}

#[test]
fn a_code_cell_that_another_program_wrote_keeps_its_comments() {
    let cells = script_cells("# %% [code]\n# A comment.\nx = 1\n");
    assert_eq!(cells, [ScriptCell::code("# A comment.\nx = 1")]);
}

#[test]
fn code_that_does_not_parse_leaves_its_neighbours_alone() {
    let sources =
        ["  é", " %%", "x = \"\"\"", "y = \"\"\"", "f(", "# %%\n)", ":who", "f\"{f\"a\"}"];
    let cells = sources.map(ScriptCell::code);
    assert_eq!(script_cells(&script_of(&cells)), cells);
}

#[test]
fn carriage_returns_at_the_ends_of_lines_are_left_out() {
    assert_eq!(ScriptCell::code("a\r\nb\r\r\nc\rd").source, "a\nb\nc\rd");
}

#[test]
fn raw_cells_tags_and_attachments_are_kept() {
    let picture = "iVBORw0KGgo".repeat(30);
    let attachments = serde_json::json!({"a picture.png": {"image/png": picture}});
    let cells = [
        ScriptCell::code("epochs = 3").tagged(vec!["parameters".into(), "a \"b\" [raw]".into()]),
        ScriptCell::markdown("![](attachment:a.png)").with_attachments(Some(attachments.clone())),
        ScriptCell::raw("<b>as it is</b>\n# %% [md]").tagged(vec!["html".into()]),
        ScriptCell::markdown("").with_attachments(Some(attachments)),
    ];
    let script = script_of(&cells);
    assert!(script.starts_with("# %% tags=[\"parameters\","), "{script}");
    assert!(script.lines().all(|line| line.len() <= 102), "{script}");
    assert_eq!(script_cells(&script), cells);
    let trimmed: String = script.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert_eq!(script_cells(&trimmed), cells);
    // What is no longer what it was is kept to be looked at.
    let damaged = script_cells("# %% [markdown]\n# A\n\n# %% [attachments]\n# {\"a\"");
    assert_eq!(damaged, [ScriptCell::markdown("A"), ScriptCell::raw("{\"a\"")]);
}

proptest! {
    #[test]
    fn any_cells_survive_a_script(
        sources in prop::collection::vec((
            0..3_u8,
            "(# |#|%%|\\[markdown\\]| tags=|\n|x = 1| |é|\"a\"){0,12}",
            prop::collection::vec("(a|\"| tags=|\\[raw\\]|é| |\n){0,4}", 0..3),
            prop::option::of("(a|\"|é|#| |%%|\n){0,4}"),
            "(a|#| |%%|\\[raw\\]|\\[md\\]|tags=|\n){0,4}",
        ), 0..6)
    ) {
        let cell = |(kind, source, tags, attached, title): (u8, String, Vec<String>, Option<String>, String)| {
            let cell = match kind {
                0 => ScriptCell::code(source),
                1 => ScriptCell::markdown(source),
                _ => ScriptCell::raw(source),
            };
            let attachments = attached.filter(|_| kind == 1).map(|name| {
                serde_json::json!({name: {"image/png": "iVBORw0KGgo".repeat(12)}})
            });
            let is_empty = cell.source.is_empty();
            // An empty cell has no line of its own to hold tags.
            cell.titled(&title).with_attachments(attachments).tagged(if is_empty { Vec::new() } else { tags })
        };
        let cells: Vec<_> = sources.into_iter().map(cell).collect();
        let cells: Vec<_> = cells.into_iter().filter(|cell| !cell.is_empty()).collect();
        prop_assert_eq!(script_cells(&script_of(&cells)), cells);
    }
}

#[test]
fn titles_are_kept() {
    let script = "\
# %% Cohort
x = 1

# %% What was found [markdown] tags=[\"slow\"]
# Text.

# %% An empty one

";
    let cells = script_cells(script);
    let expected = [
        ScriptCell::code("x = 1").titled("Cohort"),
        ScriptCell::markdown("Text.").titled("What was found").tagged(vec!["slow".into()]),
        ScriptCell::code("").titled("An empty one"),
    ];
    assert_eq!(cells, expected);
    assert_eq!(script_of(&cells), script);
    // What would mean something else there is left out or changed.
    let titled = |title: &str| ScriptCell::code("x = 1").titled(title).title;
    assert_eq!(titled(" two\nlines [raw] "), Some("two lines".to_owned()));
    assert_eq!(titled("a tags=[1] [no kind]"), Some("a tags:[1] [no kind]".to_owned()));
    assert_eq!(titled("[markdown]"), None);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_cell() {
    let cells = script_cells("\u{feff}# %% [markdown]\n# # A study\n\n# %%\nx = 1\n");
    assert_eq!(cells.len(), 2);
    assert_eq!(cells[0].source, "# A study");
    assert_eq!(ScriptCell::code("\u{feff}x = 1").source, "x = 1");
}
