//! Tuples without brackets as statements of their own, such as `model, cohort` at the end of a cell: Python shows
//! them, and the language knows them only behind `=` and `return`.

use starlark::Error;
use starlark_syntax::codemap::CodeMap;
use starlark_syntax::dialect::Dialect;
use starlark_syntax::lexer::{Lexer, Token};

use super::marks::{TUPLE, with_marks};

/// The source with a mark around the statement that this error is about, if it has a comma and no mark yet. Whether it
/// is a tuple is told by parsing again.
pub(super) fn marked(source: &str, error: &Error) -> Option<String> {
    let at = error.span()?.span.begin().get() as usize;
    let codemap = CodeMap::new(String::new(), source.to_owned());
    let (mut begin, mut end, mut has_comma, mut depth) = (None, 0, false, 0_usize);
    for lexed in Lexer::new(source, &Dialect::Extended, codemap) {
        let (from, token, to) = lexed.ok()?;
        let ends = matches!(token, Token::Newline | Token::Semicolon);
        if ends && from >= at {
            break;
        }
        match token {
            Token::Newline | Token::Semicolon | Token::Indent | Token::Dedent => {
                (begin, has_comma, depth) = (None, false, 0);
            }
            // Behind it a block may begin.
            Token::Colon if depth == 0 => (begin, has_comma) = (None, false),
            Token::Comment(_) => {}
            token => {
                match token {
                    Token::OpeningRound | Token::OpeningSquare | Token::OpeningCurly => depth += 1,
                    Token::ClosingRound | Token::ClosingSquare | Token::ClosingCurly => {
                        depth = depth.saturating_sub(1);
                    }
                    Token::Comma => has_comma |= depth == 0,
                    _ => {}
                }
                begin = begin.or(Some(from));
                end = to;
            }
        }
    }
    let begin = begin.filter(|begin| has_comma && !source[*begin..].starts_with(TUPLE))?;
    with_marks(source, vec![(TUPLE, begin, end)])
}
