//! The transcript of a session: its cells, as a script that can be run again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use starlark::syntax::ast::AstNoPayload;
use starlark_syntax::syntax::ast::{AstStmtP, StmtP};
use starlark_syntax::syntax::uniplate::Visit;

use super::dialect::bindings::{binds, is_target};
use super::dialect::marks::unmarked;
use super::dialect::{parse_with_tuples, source_text};
use super::script_cells::{ScriptCell, script_of};

/// The cells of a session in the order they ran, and what the session began with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    pub cells: Vec<TypedCell>,
    /// The seed that the session began with.
    #[serde(default)]
    pub seed: u64,
    /// The parameters that the command line set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
}

/// One cell and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedCell {
    pub source: String,
    /// Why it stopped, in one sentence; `None` if it ran to its end.
    pub stopped: Option<String>,
}

impl Transcript {
    /// The cells as a script that runs again under this file name.
    pub fn to_script(&self, name: &str) -> String {
        script_of(&self.script_cells(name))
    }

    /// The cells of that script. One that stopped is kept as a comment with the reason: running
    /// the script must not stop there again. A first cell sets the seed and tells the parameters, where the session
    /// began with others than a script does by default.
    pub fn script_cells(&self, name: &str) -> Vec<ScriptCell> {
        let cells = self.cells.iter().map(|cell| ScriptCell::code(cell.rerunnable()));
        self.beginning(name).map(ScriptCell::code).into_iter().chain(cells).collect()
    }

    fn beginning(&self, name: &str) -> Option<String> {
        let mut lines = Vec::new();
        if !self.parameters.is_empty() {
            let pairs = self.parameters.iter().map(|(name, value)| format!("{name}={value}"));
            let pairs = one_line(&pairs.collect::<Vec<_>>().join(", "));
            lines.push(format!("# The session had the parameters {pairs}."));
        }
        if self.seed != 0 || !self.parameters.is_empty() {
            let command = rerun_command(name, self.seed, &self.parameters);
            lines.push(format!("# To repeat it: {command}"));
        }
        if self.seed != 0 {
            lines.push(format!("seed({})", self.seed));
        }
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// The command that runs a script with this seed and these parameters, in one line for a shell.
pub fn rerun_command(script: &str, seed: u64, parameters: &BTreeMap<String, String>) -> String {
    let mut command = format!("u2ad run {}", word(script));
    if seed != 0 {
        command.push_str(&format!(" --seed {seed}"));
    }
    for (name, value) in parameters {
        command.push_str(&format!(" -p {}", word(&format!("{name}={value}"))));
    }
    command
}

/// One word of a command, in quotes if it needs them.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./=:,+@%".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", one_line(text).replace('\'', r"'\''")),
    }
}

/// A text without line breaks, for a comment.
fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

impl Transcript {
    /// The source of the function that has this name: that of the last cell that gave the name a value, if it was a `def`
    /// at the top of the cell. `None` too if that cell stopped and an earlier one gave the name another value: nobody
    /// knows which of them it has.
    pub(crate) fn definition(&self, name: &str) -> Option<String> {
        let cells = self.cells.iter().rev();
        let mut bindings = cells.filter_map(|cell| Some((cell, binding(&cell.source, name)?)));
        let (cell, last) = bindings.next()?;
        let Binding::Function(source) = last else { return None };
        (cell.stopped.is_none() || bindings.next().is_none()).then_some(source)
    }
}

/// What gives a name its value.
enum Binding {
    /// The source of a `def`.
    Function(String),
    Other,
}

/// What gives a name its value in a cell, the last of several; `None` if the cell does not.
fn binding(source: &str, name: &str) -> Option<Binding> {
    // One that cannot be parsed did not run.
    let (text, ast) = parse_with_tuples("cell", source_text(source)).ok()?;
    let mut found = None;
    let mut look = |statement: &AstStmtP<AstNoPayload>| match &statement.node {
        StmtP::Def(one) if one.name.node.ident == name => {
            let range = statement.span.begin().get() as usize..statement.span.end().get() as usize;
            let source = unmarked(text.get(range).unwrap_or_default());
            found = Some(Binding::Function(source.trim_end().to_owned()));
        }
        _ if binds_within(statement, name) => found = Some(Binding::Other),
        _ => {}
    };
    match &ast.statement().node {
        StmtP::Statements(all) => all.iter().for_each(look),
        _ => look(ast.statement()),
    }
    found
}

/// Whether a statement, or one within it, gives a name a value. What is within a function does not.
fn binds_within(statement: &AstStmtP<AstNoPayload>, name: &str) -> bool {
    let mut found = binds(statement, name)
        || matches!(&statement.node, StmtP::AssignModify(target, ..) if is_target(&target.node, name));
    if !matches!(statement.node, StmtP::Def(_)) {
        statement.node.visit_children(|child| {
            if let Visit::Stmt(inner) = child {
                found |= binds_within(inner, name);
            }
        });
    }
    found
}

impl TypedCell {
    fn rerunnable(&self) -> String {
        let source = self.source.trim_end();
        match &self.stopped {
            None => source.to_owned(),
            Some(reason) => {
                let commented = source.lines().map(|line| format!("\n# {line}"));
                format!("# stopped: {reason}{}", commented.collect::<String>())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_in_the_cell_that_defined_it() {
        let source = "x = 1\ndef f(\n    a,\n):\n    if a:\n\n        return 2\n\ny = f(1)\n";
        let cells = vec![TypedCell { source: source.into(), stopped: None }];
        let transcript = Transcript { cells, ..Transcript::default() };
        let found = transcript.definition("f").unwrap();
        assert_eq!(found, "def f(\n    a,\n):\n    if a:\n\n        return 2");
        assert_eq!(transcript.definition("x"), None);
    }

    #[test]
    fn the_last_value_of_a_name_decides() {
        let definition = |cells: &[(&str, bool)]| {
            let cell = |&(source, stopped): &(&str, bool)| TypedCell {
                source: source.to_owned(),
                stopped: stopped.then(|| "it stopped".to_owned()),
            };
            let cells = cells.iter().map(cell).collect();
            Transcript { cells, ..Transcript::default() }.definition("f")
        };
        let one = "def f(): return 1";
        assert_eq!(definition(&[(one, false), ("g = 2", false)]).unwrap(), one);
        for later in ["f = lambda: 5", "f = make(2)", "if x:\n    f = 3", "for f in []: pass"] {
            assert_eq!(definition(&[(one, false), (later, false)]), None, "{later}");
        }
        // A text that looks like a function, and one that is longer than it looks.
        let text = "x = \"\"\"\ndef f(): return 3\n\"\"\"";
        assert_eq!(definition(&[(one, false), (text, false)]).unwrap(), one);
        let long =
            "def f(x):\n    y = \"\"\"\nleft\n\"\"\"\n# left\n    return y\n1, 2\nx = f(1)\n";
        let expected = "def f(x):\n    y = \"\"\"\nleft\n\"\"\"\n# left\n    return y";
        assert_eq!(definition(&[(long, false)]).unwrap(), expected);
        // Nobody knows whether the second one ran.
        let stopped = "fail('x')\ndef f(): return 2";
        assert_eq!(definition(&[(one, false), (stopped, true)]), None);
        assert_eq!(
            definition(&[("def f(): return 2\nfail('x')", true)]).unwrap(),
            "def f(): return 2"
        );
        assert_eq!(definition(&[(one, false), ("def f(: return 2", true)]).unwrap(), one);
    }

    #[test]
    fn a_script_holds_what_ran_and_comments_what_stopped() {
        let cell = |source: &str, stopped: Option<&str>| TypedCell {
            source: source.to_owned(),
            stopped: stopped.map(str::to_owned),
        };
        let cells = vec![cell("x = 1\n", None), cell("f(\n  2)", Some("`f` is not defined"))];
        let script = Transcript { cells, ..Transcript::default() }.to_script("t.star");
        let expected = "# %%\nx = 1\n\n# %%\n# stopped: `f` is not defined\n# f(\n#   2)\n";
        assert_eq!(script, expected);
    }

    #[test]
    fn a_script_begins_with_what_the_session_began_with() {
        let cells = vec![TypedCell { source: "k = parameter(\"k\", 2)".into(), stopped: None }];
        let pairs = [("k", "3"), ("site", "it's\nhere")];
        let parameters = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let transcript = Transcript { cells, seed: 7, parameters: parameters.into() };
        let expected = "# %%\n# The session had the parameters k=3, site=it's here.\n\
                        # To repeat it: u2ad run 'my t.star' --seed 7 -p k=3 -p 'site=it'\\''s here'\nseed(7)\n\n\
                        # %%\nk = parameter(\"k\", 2)\n";
        assert_eq!(transcript.to_script("my t.star"), expected);
        let json = serde_json::to_string(&transcript).unwrap();
        assert_eq!(serde_json::from_str::<Transcript>(&json).unwrap(), transcript);
        let earlier: Transcript = serde_json::from_str(r#"{"cells":[]}"#).unwrap();
        assert_eq!(earlier, Transcript::default());
    }
}
