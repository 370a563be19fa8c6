//! The transcript of a session: its cells, as a script that can be run again.

use serde::{Deserialize, Serialize};

use super::script_cells::{ScriptCell, script_of};

/// The cells of a session in the order they ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    pub cells: Vec<TypedCell>,
}

/// One cell and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedCell {
    pub source: String,
    /// Why it stopped, in one sentence; `None` if it ran to its end.
    pub stopped: Option<String>,
}

impl Transcript {
    /// The cells as a script that runs again.
    pub fn to_script(&self) -> String {
        script_of(&self.script_cells())
    }

    /// The cells of that script. One that stopped is kept as a comment with the reason: running
    /// the script must not stop there again.
    pub fn script_cells(&self) -> Vec<ScriptCell> {
        self.cells.iter().map(|cell| ScriptCell::code(cell.rerunnable())).collect()
    }
}

impl Transcript {
    /// The source of the function that a `def` at the beginning of a line gave this name, in the
    /// last cell that did.
    pub(crate) fn definition(&self, name: &str) -> Option<String> {
        self.cells.iter().rev().find_map(|cell| definition(&cell.source, name))
    }
}

fn definition(source: &str, name: &str) -> Option<String> {
    let head = format!("def {name}(");
    let lines: Vec<&str> = source.lines().collect();
    let first = lines.iter().rposition(|line| line.starts_with(&head))?;
    // It goes on as long as lines are indented, empty, or end the list of parameters.
    let goes_on = |line: &&&str| line.is_empty() || line.starts_with([' ', '\t', ')']);
    let length = 1 + lines[first + 1..].iter().take_while(goes_on).count();
    Some(lines[first..first + length].join("\n").trim_end().to_owned())
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
        let transcript = Transcript { cells };
        let found = transcript.definition("f").unwrap();
        assert_eq!(found, "def f(\n    a,\n):\n    if a:\n\n        return 2");
        assert_eq!(transcript.definition("x"), None);
    }

    #[test]
    fn a_script_holds_what_ran_and_comments_what_stopped() {
        let cell = |source: &str, stopped: Option<&str>| TypedCell {
            source: source.to_owned(),
            stopped: stopped.map(str::to_owned),
        };
        let cells = vec![cell("x = 1\n", None), cell("f(\n  2)", Some("`f` is not defined"))];
        let script = Transcript { cells }.to_script();
        let expected = "# %%\nx = 1\n\n# %%\n# stopped: `f` is not defined\n# f(\n#   2)\n";
        assert_eq!(script, expected);
    }
}
