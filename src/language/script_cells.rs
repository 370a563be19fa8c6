//! Scripts divided into cells by lines `# %%`, which editors and notebooks know as the start of a cell.

use super::dialect::parse;
use super::rust_cell::{from_call, to_call};
use super::tokens::{Token, tokens};

/// A cell of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptCell {
    pub kind: ScriptCellKind,
    /// Code, or text in Markdown; without empty lines at its ends.
    pub source: String,
}

/// What a cell of a script holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptCellKind {
    Code,
    /// Text in Markdown: comments in the script.
    Markdown,
}

impl ScriptCell {
    pub fn code(source: impl Into<String>) -> Self {
        Self::new(ScriptCellKind::Code, source.into())
    }

    pub fn markdown(source: impl Into<String>) -> Self {
        Self::new(ScriptCellKind::Markdown, source.into())
    }

    fn new(kind: ScriptCellKind, source: String) -> Self {
        let source = with_plain_ends(&source);
        let begin = source.split_inclusive('\n').take_while(|line| line.trim().is_empty());
        let begin = begin.map(str::len).sum::<usize>();
        Self { kind, source: source[begin..].trim_end().to_owned() }
    }
}

/// A text whose lines end without carriage returns, however many there were.
fn with_plain_ends(text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let last = lines.len() - 1;
    lines[..last].iter_mut().for_each(|line| *line = line.trim_end_matches('\r'));
    lines.join("\n")
}

/// How a cell is written in a script, according to its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Code,
    /// Code that does not parse, in comments: otherwise it could run into the next cell.
    CommentedCode,
    Markdown,
}

/// The cells of a script. `# %%` begins one with code, `# %% [markdown]` one whose comments are
/// text, `# %% [commented code]` one whose comments are code that does not parse; what comes
/// before the first of these lines is code. Empty cells are left out.
pub fn script_cells(script: &str) -> Vec<ScriptCell> {
    let mut cells = Vec::new();
    let (mut form, mut from) = (Form::Code, 0);
    let mut end = |form, text: &str| {
        let cell = match form {
            Form::Code => {
                let ScriptCell { kind, source } = ScriptCell::code(unescaped(text));
                ScriptCell { kind, source: from_call(&source) }
            }
            Form::CommentedCode => ScriptCell::code(uncommented(text)),
            Form::Markdown => ScriptCell::markdown(uncommented(text)),
        };
        if !cell.source.is_empty() {
            cells.push(cell);
        }
    };
    // By the lexer, since such a line may also stand in a string.
    for comment in tokens(script).into_iter().filter(|placed| placed.token == Token::Comment) {
        let at_line_start =
            script[..comment.range.start].ends_with('\n') || comment.range.start == 0;
        let text = &script[comment.range.clone()];
        if let Some(marked) = marker(text).filter(|_| at_line_start) {
            end(form, &script[from..comment.range.start]);
            (form, from) = (marked, comment.range.end);
        }
    }
    end(form, &script[from..]);
    cells
}

/// A script of these cells, which [`script_cells`] reads back.
pub fn script_of(cells: &[ScriptCell]) -> String {
    let cell = |ScriptCell { kind, source }: &ScriptCell| {
        let code = to_call(source);
        match kind {
            ScriptCellKind::Code if parse("cell", &code).is_ok() => {
                format!("# %%\n{}\n", escaped(&code))
            }
            ScriptCellKind::Code => format!("# %% [commented code]\n{}", commented(source)),
            ScriptCellKind::Markdown => format!("# %% [markdown]\n{}", commented(source)),
        }
    };
    cells.iter().map(cell).collect::<Vec<_>>().join("\n")
}

/// Text in comments, none of which looks like the start of a cell.
fn commented(text: &str) -> String {
    let line = |line| match line {
        "" => "#\n".to_owned(),
        line => format!("{}\n", escape(&format!("# {line}"))),
    };
    text.split('\n').map(line).collect()
}

/// The form of the cell that a comment begins, if it begins one.
fn marker(comment: &str) -> Option<Form> {
    let rest = comment.strip_prefix('#')?.trim_start().strip_prefix("%%")?;
    match rest.chars().next() {
        Some(c) if !c.is_whitespace() && c != '[' => None,
        _ if rest.contains("[markdown]") || rest.contains("[md]") => Some(Form::Markdown),
        _ if rest.contains("[commented code]") => Some(Form::CommentedCode),
        _ => Some(Form::Code),
    }
}

/// Code of a cell in which a comment looks like the start of another, with that comment escaped.
fn escaped(source: &str) -> String {
    by_comment(source, escape)
}

/// A comment, escaped so that it does not look like the start of a cell.
fn escape(comment: &str) -> String {
    match marker(comment).is_some() || unescape(comment).is_some() {
        true => format!("# {comment}"),
        false => comment.to_owned(),
    }
}

fn unescaped(source: &str) -> String {
    by_comment(source, |comment| unescape(comment).unwrap_or(comment).to_owned())
}

/// A comment without the "# " that [`escape`] has put before it.
fn unescape(comment: &str) -> Option<&str> {
    let inner = comment.strip_prefix("# ").filter(|inner| inner.starts_with('#'))?;
    (marker(inner).is_some() || unescape(inner).is_some()).then_some(inner)
}

/// Source with its comments at line starts replaced.
fn by_comment(source: &str, replaced: impl Fn(&str) -> String) -> String {
    let (mut text, mut from) = (String::with_capacity(source.len()), 0);
    for comment in tokens(source).into_iter().filter(|placed| placed.token == Token::Comment) {
        let begin = comment.range.start;
        if begin == 0 || source[..begin].ends_with('\n') {
            text.push_str(&source[from..begin]);
            text.push_str(&replaced(&source[comment.range.clone()]));
            from = comment.range.end;
        }
    }
    text + &source[from..]
}

/// The text in comments.
fn uncommented(text: &str) -> String {
    let line = |line: &str| {
        let line = unescape(line).unwrap_or(line);
        let line = line.strip_prefix('#').unwrap_or(line);
        format!("{}\n", line.strip_prefix(' ').unwrap_or(line))
    };
    text.split('\n').map(line).collect()
}

#[cfg(test)]
mod tests {
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
            ScriptCell::code(
                "for subject in people:\n    # A comment of the code.\n    show(subject)",
            ),
        ];
        assert_eq!(cells, expected);
        assert_eq!(script_of(&cells), script);
    }

    #[test]
    fn cells_in_rust_are_calls_in_a_script() {
        let cells =
            [ScriptCell::code("%%rust\nlet x = \"a\\n\";\n// # %%\nx"), ScriptCell::code("y = 1")];
        let script = script_of(&cells);
        let expected =
            "# %%\nrust(r\"\"\"\nlet x = \"a\\n\";\n// # %%\nx\n\"\"\")\n\n# %%\ny = 1\n";
        assert_eq!(script, expected);
        assert_eq!(script_cells(&script), cells);
    }

    #[test]
    fn a_script_without_cells_is_one() {
        assert_eq!(script_cells("x = 1\n"), [ScriptCell::code("x = 1")]);
        assert_eq!(
            script_cells("\n# note\n\n# %%\n\n# %% done\ny = 2"),
            [ScriptCell::code("# note"), ScriptCell::code("y = 2"),]
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

    proptest! {
        #[test]
        fn any_cells_survive_a_script(
            sources in prop::collection::vec((any::<bool>(), "(# |#|%%|\\[markdown\\]|\n|x = 1| |é|\"a\"){0,12}"), 0..6)
        ) {
            let cell = |(code, source): (bool, String)| {
                if code { ScriptCell::code(source) } else { ScriptCell::markdown(source) }
            };
            let cells: Vec<_> = sources.into_iter().map(cell).collect();
            let cells: Vec<_> = cells.into_iter().filter(|cell| !cell.source.is_empty()).collect();
            prop_assert_eq!(script_cells(&script_of(&cells)), cells);
        }
    }
}
