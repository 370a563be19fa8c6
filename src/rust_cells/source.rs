//! A cell as evcxr gets it.

/// Printed when the cell begins to run.
pub(super) const BEGUN: &str = "\u{1e}begun";
/// The variable that a cell which ran to its end leaves.
pub(super) const COMPLETED: &str = "cell_completed";

/// What stands before the cell's own code, as a line of its own. evcxr does not report when
/// a compiled cell begins to run or whether it stopped early; what the cell prints and keeps shows
/// both.
const PROLOGUE: &str = "println!(\"\\u{1e}begun\"); let cell_completed = ();\n";

/// A cell with its prologue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub code: String,
    /// Lines before the prologue; `None` where there is none.
    before: Option<usize>,
}

impl Source {
    /// Commands such as `:dep` stay in front, as evcxr wants them. A cell of nothing else, or one
    /// that begins with attributes for the whole crate, has no prologue.
    pub fn new(cell: &str) -> Self {
        let is_code = |line: &&str| {
            let text = line.trim();
            !(text.is_empty() || text.starts_with([':', '!']) || line.starts_with("//"))
        };
        let before = cell.lines().take_while(|line| !is_code(line)).count();
        match cell.lines().nth(before) {
            Some(line) if !line.trim_start().starts_with("#!") => {
                let head = cell.split_inclusive('\n').take(before).map(str::len).sum::<usize>();
                let (head, code) = cell.split_at(head);
                Self { code: format!("{head}{PROLOGUE}{code}"), before: Some(before) }
            }
            _ => Self { code: cell.to_owned(), before: None },
        }
    }

    /// Whether the cell can tell that it began and completed.
    pub fn tells(&self) -> bool {
        self.before.is_some()
    }

    /// The line of the cell itself, both counted from 1; `None` for the prologue.
    pub fn own_line(&self, line: usize) -> Option<usize> {
        match self.before {
            Some(before) if line == before + 1 => None,
            Some(before) if line > before => Some(line - 1),
            _ => Some(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prologue_stands_behind_commands_and_moves_no_place() {
        let source = Source::new(":dep rand\n\nlet x = 1;\nx + y");
        let lines: Vec<_> = source.code.lines().collect();
        assert_eq!((lines[0], lines[3], lines[4]), (":dep rand", "let x = 1;", "x + y"));
        assert!(lines[2].contains(COMPLETED) && lines[2].contains("begun"));
        assert_eq!(
            [1, 2, 3, 4, 5].map(|line| source.own_line(line)),
            [Some(1), Some(2), None, Some(3), Some(4)]
        );
    }

    #[test]
    fn commands_alone_and_attributes_have_none() {
        for cell in [":dep rand", ":vars\n", "", "#![allow(unused)]\n1"] {
            let source = Source::new(cell);
            assert!(!source.tells() && source.code == cell, "{cell:?}");
            assert_eq!(source.own_line(1), Some(1));
        }
    }
}
