//! Scripts divided into cells by lines `# %%`, which editors and notebooks know as the start of a cell.

use serde_json::Value;

use super::dialect::{parse_to_run, source_text};
use super::parameters::only_sets_parameters;
use super::rust_cell::{from_call, to_call};
use super::tokens::{Token, tokens};

/// Comes before the tags of a cell on its first line.
const TAGS: &str = " tags=";
/// What stands in square brackets on the first line of a cell and says how it is written.
const FORMS: [(&str, Form); 6] = [
    ("[markdown]", Form::Markdown),
    ("[md]", Form::Markdown),
    ("[commented code]", Form::CommentedCode),
    ("[raw]", Form::Raw),
    ("[attachments]", Form::Attachments),
    ("[code]", Form::Code),
];
/// Characters of a line of attachments.
const ATTACHMENT_WIDTH: usize = 100;

/// A cell of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptCell {
    pub kind: ScriptCellKind,
    /// Code, or text; without empty lines at its ends.
    pub source: String,
    /// What its first line calls it: `# %% Title`.
    pub title: Option<String>,
    /// Words that programs know the cell by, such as `parameters`.
    pub tags: Vec<String>,
    /// Files that the text shows, as notebooks have them: contents in base64 by name and type.
    pub attachments: Option<Value>,
}

/// What a cell of a script holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptCellKind {
    Code,
    /// Text in Markdown: comments in the script.
    Markdown,
    /// Text that notebooks leave as it is: comments in the script.
    Raw,
}

impl ScriptCell {
    pub fn code(source: impl Into<String>) -> Self {
        Self::new(ScriptCellKind::Code, source.into())
    }

    pub fn markdown(source: impl Into<String>) -> Self {
        Self::new(ScriptCellKind::Markdown, source.into())
    }

    pub fn raw(source: impl Into<String>) -> Self {
        Self::new(ScriptCellKind::Raw, source.into())
    }

    /// The same cell with tags.
    pub fn tagged(self, tags: Vec<String>) -> Self {
        Self { tags, ..self }
    }

    /// The same cell with a title, on one line and without what has another meaning there.
    pub fn titled(self, title: &str) -> Self {
        Self { title: plain_title(title), ..self }
    }

    /// The same cell with attachments.
    pub fn with_attachments(self, attachments: Option<Value>) -> Self {
        Self { attachments, ..self }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty() && self.attachments.is_none() && self.title.is_none()
    }

    fn new(kind: ScriptCellKind, source: String) -> Self {
        let source = with_plain_ends(&source);
        let plain = |text| match kind {
            ScriptCellKind::Code => source_text(text),
            _ => text,
        };
        let begin = source.split_inclusive('\n').take_while(|line| plain(line).trim().is_empty());
        let begin = begin.map(str::len).sum::<usize>();
        let source = plain(&source[begin..]).trim_end().to_owned();
        Self { kind, source, title: None, tags: Vec::new(), attachments: None }
    }
}

/// A title as the first line of a cell can hold it; `None` if nothing is left of it.
fn plain_title(text: &str) -> Option<String> {
    let mut title = text.to_owned();
    loop {
        let before = title.clone();
        title = title.replace(TAGS.trim_start(), "tags:");
        for (form, _) in FORMS {
            title = title.replace(form, " ");
        }
        title = title.split_whitespace().collect::<Vec<_>>().join(" ");
        if title == before {
            return Some(title).filter(|title| !title.is_empty());
        }
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
    Raw,
    /// No cell, but the attachments of the one before.
    Attachments,
}

/// A line that begins a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marker {
    form: Form,
    title: Option<String>,
    tags: Vec<String>,
}

/// The cells of a script. `# %%` begins one with code, `# %% [markdown]` and `# %% [raw]` one whose comments
/// are text, `# %% [commented code]` one whose comments are code that does not parse; what comes
/// before the first of these lines is code. A title may stand before the brackets, and `tags=["a", "b"]` behind them. `# %% [attachments]` begins the
/// attachments of the cell before. Empty cells are left out.
pub fn script_cells(script: &str) -> Vec<ScriptCell> {
    let script = source_text(script);
    let mut cells: Vec<ScriptCell> = Vec::new();
    let (mut marker, mut from) = (Marker { form: Form::Code, title: None, tags: Vec::new() }, 0);
    // Whether the last cell is the one that was written last: an empty one may have been left out.
    let mut is_last = false;
    let mut end = |Marker { form, title, tags }: Marker, text: &str| {
        let cell = match form {
            Form::Code => {
                let cell = ScriptCell::code(unescaped(text));
                ScriptCell { source: from_call(&cell.source), ..cell }
            }
            Form::CommentedCode => ScriptCell::code(uncommented(text)),
            Form::Markdown => ScriptCell::markdown(uncommented(text)),
            Form::Raw => ScriptCell::raw(uncommented(text)),
            Form::Attachments => {
                let json: String = uncommented(text).lines().collect();
                match (serde_json::from_str(&json).ok(), cells.last_mut().filter(|_| is_last)) {
                    (Some(attachments), Some(last)) => {
                        last.attachments = Some(attachments);
                        return;
                    }
                    (Some(attachments), None) => {
                        ScriptCell::markdown("").with_attachments(Some(attachments))
                    }
                    // Somebody has changed it: it is kept to be looked at.
                    (None, _) => ScriptCell::raw(uncommented(text)),
                }
            }
        };
        let cell = ScriptCell { title, ..cell };
        is_last = !cell.is_empty();
        if is_last {
            cells.push(cell.tagged(tags));
        }
    };
    // By the lexer, since such a line may also stand in a string.
    for comment in tokens(script).into_iter().filter(|placed| placed.token == Token::Comment) {
        let at_line_start =
            script[..comment.range.start].ends_with('\n') || comment.range.start == 0;
        let text = &script[comment.range.clone()];
        if let Some(next) = marker_of(text).filter(|_| at_line_start) {
            let ended = std::mem::replace(&mut marker, next);
            end(ended, &script[from..comment.range.start]);
            from = comment.range.end;
        }
    }
    end(marker, &script[from..]);
    cells
}

/// The tag behind which papermill sets the parameters of a notebook.
const PARAMETERS: &str = "parameters";

/// The place of the cell that is tagged as the parameters without saying so: the first one that only sets
/// parameters, unless tags say otherwise.
fn parameters_cell<'c>(cells: impl IntoIterator<Item = &'c ScriptCell>) -> Option<usize> {
    let mut found = None;
    for (at, cell) in cells.into_iter().enumerate() {
        let is_code = cell.kind == ScriptCellKind::Code;
        if found.is_none() && is_code && only_sets_parameters(&cell.source) {
            found = Some((at, cell));
        } else if cell.tags.iter().any(|tag| tag == PARAMETERS) {
            return None;
        }
    }
    found.filter(|(_, cell)| cell.tags.is_empty() || cell.tags == [PARAMETERS]).map(|(at, _)| at)
}

/// The tags of each cell in a notebook.
pub fn notebook_tags<'c>(
    cells: impl IntoIterator<Item = &'c ScriptCell, IntoIter: Clone>,
) -> Vec<Vec<String>> {
    let cells = cells.into_iter();
    let mut tags: Vec<_> = cells.clone().map(|cell| cell.tags.clone()).collect();
    if let Some(at) = parameters_cell(cells) {
        tags[at] = vec![PARAMETERS.to_owned()];
    }
    tags
}

/// A script of these cells, which [`script_cells`] reads back.
pub fn script_of(cells: &[ScriptCell]) -> String {
    let parameters = parameters_cell(cells);
    let cell = |(at, cell): (usize, &ScriptCell)| {
        let ScriptCell { kind, source, title, tags, attachments } = cell;
        let code = to_call(source);
        let (form, body) = match kind {
            ScriptCellKind::Code if parse_to_run("cell", &code).is_ok() => {
                ("", format!("{}\n", escaped(&code)))
            }
            ScriptCellKind::Code => (" [commented code]", commented(source)),
            ScriptCellKind::Markdown => (" [markdown]", commented(source)),
            ScriptCellKind::Raw => (" [raw]", commented(source)),
        };
        let tags = match tags.is_empty() || parameters == Some(at) {
            true => String::new(),
            false => format!("{TAGS}{}", Value::from(tags.clone())),
        };
        let attachments = attachments.as_ref().map(|attachments| {
            // No spaces: editors cut those at the ends of lines.
            let json = attachments.to_string().replace(' ', "\\u0020");
            let letters: Vec<char> = json.chars().collect();
            let lines =
                letters.chunks(ATTACHMENT_WIDTH).map(|line| line.iter().collect::<String>());
            format!("\n# %% [attachments]\n{}", commented(&lines.collect::<Vec<_>>().join("\n")))
        });
        let title = title.as_deref().and_then(plain_title);
        let title = title.map_or(String::new(), |title| format!(" {title}"));
        format!("# %%{title}{form}{tags}\n{body}{}", attachments.unwrap_or_default())
    };
    cells.iter().enumerate().map(cell).collect::<Vec<_>>().join("\n")
}

/// Text in comments, none of which looks like the start of a cell.
fn commented(text: &str) -> String {
    let line = |line| match line {
        "" => "#\n".to_owned(),
        line => format!("{}\n", escape(&format!("# {line}"))),
    };
    text.split('\n').map(line).collect()
}

/// The cell that a comment begins, if it begins one.
fn marker_of(comment: &str) -> Option<Marker> {
    let rest = comment.strip_prefix('#')?.trim_start().strip_prefix("%%")?;
    if rest.chars().next().is_some_and(|c| !c.is_whitespace() && c != '[') {
        return None;
    }
    let (form, tags) = rest.split_once(TAGS).unwrap_or((rest, ""));
    let tags = serde_json::Deserializer::from_str(tags).into_iter().next();
    let title = plain_title(form);
    let form = FORMS.iter().find(|(word, _)| form.contains(word)).map_or(Form::Code, |(_, is)| *is);
    let tags = tags.and_then(Result::ok).unwrap_or_default();
    Some(Marker { form, title, tags })
}

/// Code of a cell in which a comment looks like the start of another, with that comment escaped.
fn escaped(source: &str) -> String {
    by_comment(source, escape)
}

/// A comment, escaped so that it does not look like the start of a cell.
fn escape(comment: &str) -> String {
    match marker_of(comment).is_some() || unescape(comment).is_some() {
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
    (marker_of(inner).is_some() || unescape(inner).is_some()).then_some(inner)
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
mod tests;
