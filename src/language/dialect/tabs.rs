//! Where the tab is that the language refuses. It says so of indentation at the end of the line before.

use starlark::{Error, ErrorKind};
use starlark_syntax::codemap::{CodeMap, Pos, Span};

/// How the language refuses tabs.
const REFUSED: &str = "tabs are not allowed";

/// An error about a tab at the tab; any other error as it is.
pub(super) fn placed(error: Error) -> Error {
    let Some(span) = error.span() else { return error };
    let message = error.without_diagnostic().to_string();
    let (source, begin) = (span.file.source(), span.span.begin().get() as usize);
    if !message.ends_with(REFUSED) || source.get(begin..).is_none_or(|rest| rest.starts_with('\t'))
    {
        return error;
    }
    let Some((begin, end)) = in_indentation(source, begin) else { return error };
    let codemap = CodeMap::new(span.filename().to_owned(), source.to_owned());
    let span = Span::new(Pos::new(begin as u32), Pos::new(end as u32));
    let kind = ErrorKind::Parser(anyhow::Error::msg(message));
    Error::new_spanned(kind, span, &codemap)
}

/// The first tabs in the indentation of a line of code behind a byte.
fn in_indentation(source: &str, from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    for line in source[from..].split_inclusive('\n') {
        let code = line.trim_start_matches([' ', '\t', '\r']);
        let indent = &line[..line.len() - code.len()];
        if let Some(tab) = indent.find('\t').filter(|_| !code.starts_with(['#', '\n'])) {
            let tabs = indent[tab..].bytes().take_while(|byte| *byte == b'\t').count();
            return Some((at + tab, at + tab + tabs));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::parse_to_run;

    #[test]
    fn a_tab_is_pointed_at() {
        for (source, line, column) in [
            ("if True:\n\tx = 1\n", 2, 1),
            ("\tx = 1", 1, 1),
            ("x =\t1\n", 1, 4),
            ("x = 1\n\n# a\tb\n\t\n  \ty = 2\n", 5, 3),
            ("def f():\r\n\treturn 1\r\n", 2, 1),
            ("x = [\n\t1]", 2, 1),
            ("1, 2\nif True:\n\tx = 1", 3, 1),
        ] {
            let error = parse_to_run("cell", source).unwrap_err();
            let span = error.span().unwrap().resolve_span();
            assert_eq!((span.begin.line + 1, span.begin.column + 1), (line, column), "{source:?}");
            assert!(error.to_string().contains("tabs are not allowed"), "{source:?}");
        }
    }
}
