//! Tuples without brackets as statements of their own, such as `model, cohort` at the end of a cell: Python shows
//! them, and the language knows them only behind `=` and `return`.

use starlark::Error;
use starlark_syntax::codemap::CodeMap;
use starlark_syntax::dialect::Dialect;
use starlark_syntax::lexer::{Lexer, Token};

use super::marks::{TUPLE, with_marks};

/// The source with a mark around the statement that this error is about, if it may be a tuple without brackets.
/// Whether it is one is told by parsing again.
pub(super) fn marked(source: &str, error: &Error) -> Option<String> {
    let at = error.span()?.span.begin().get() as usize;
    let codemap = CodeMap::new(String::new(), source.to_owned());
    let mut begin = None;
    let (mut end, mut has_comma) = (0, false);
    for lexed in Lexer::new(source, &Dialect::Extended, codemap) {
        let (from, token, to) = lexed.ok()?;
        let ends = matches!(token, Token::Newline | Token::Semicolon);
        if from >= at {
            let begin = begin.filter(|_| has_comma && (ends || from >= source.len()))?;
            return with_marks(source, vec![(TUPLE, begin, end)]);
        }
        match token {
            Token::Newline | Token::Semicolon | Token::Indent | Token::Dedent | Token::Colon => {
                (begin, has_comma) = (None, false);
            }
            Token::Comment(_) => {}
            token => {
                has_comma |= matches!(token, Token::Comma);
                begin = begin.or(Some(from));
                end = to;
            }
        }
    }
    None
}
