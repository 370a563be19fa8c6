//! Source as tokens, by the language's own lexer; where that fails, as well as possible.

use std::ops::Range;

use starlark_syntax::codemap::CodeMap;
use starlark_syntax::dialect::Dialect;
use starlark_syntax::lexer::{Lexer, Token as Lexed};

/// How often lexing may start anew behind a broken string. Each start costs time in proportion to
/// the text, which must not add up.
const FRESH_STARTS: usize = 64;

/// What a stretch of source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Word,
    Keyword,
    Number,
    /// A whole string, quotes included, or a part of an f-string outside its braces.
    Text,
    /// A string that does not end; its content begins at this offset.
    OpenText {
        content: usize,
    },
    /// Where an f-string begins and ends: its quotes.
    FormatStart,
    FormatEnd,
    Comment,
    Operator,
    Open,
    Close,
    Newline,
    /// Nothing that the language knows.
    Invalid,
}

/// A token in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub token: Token,
    /// Bytes of the source.
    pub range: Range<usize>,
}

/// All tokens of a source, in order. Ranges do not overlap and lie on character boundaries.
pub(crate) fn tokens(source: &str) -> Vec<Placed> {
    let mut tokens = Vec::new();
    let mut from = 0;
    for _ in 0..FRESH_STARTS {
        match lex(source, from, &mut tokens) {
            Some(resume) if resume < source.len() => from = resume,
            _ => return tokens,
        }
    }
    tokens.push(Placed { token: Token::Invalid, range: from..source.len() });
    tokens
}

/// Lexes from an offset on until a broken string; gives the offset behind that.
fn lex(source: &str, from: usize, tokens: &mut Vec<Placed>) -> Option<usize> {
    let text = &source[from..];
    let codemap = CodeMap::new(String::new(), text.to_owned());
    let mut end = from;
    // The f-strings that have begun and not ended, outermost first.
    let mut open: Vec<usize> = Vec::new();
    for lexed in Lexer::new(text, &Dialect::Extended, codemap) {
        let (token, range) = match lexed {
            Ok((begin, lexed, stop)) => (kind(&lexed), from + begin..from + stop),
            Err(_) => {
                let rest = source[end..].trim_start_matches([' ', '\t', '\r', '\n', '\\']);
                let begin = source.len() - rest.len();
                // An f-string that is broken counts as one text without expressions.
                if let Some(start) = open.first() {
                    let begin = tokens[*start].range.start;
                    tokens.truncate(*start);
                    return Some(push_string(source, begin, tokens));
                }
                // At the end of the text the lexer may repeat an error for ever.
                if rest.is_empty() {
                    return None;
                }
                if string_start(rest).is_some() {
                    return Some(push_string(source, begin, tokens));
                }
                let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let one = rest.chars().next().map_or(0, char::len_utf8);
                (Some(Token::Invalid), begin..begin + word.max(one))
            }
        };
        end = end.max(range.end);
        // Line ends within brackets are not tokens, and indentation does not matter here.
        if let Some(token) = token
            && !range.is_empty()
            && tokens.last().is_none_or(|last| last.range.end <= range.start)
            && source.is_char_boundary(range.start)
            && source.is_char_boundary(range.end)
        {
            match token {
                Token::FormatStart => open.push(tokens.len()),
                Token::FormatEnd => drop(open.pop()),
                _ => {}
            }
            tokens.push(Placed { token, range });
        }
    }
    None
}

/// Whether a character can be part of a name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Adds the string at `begin`, broken or not; gives its end.
fn push_string(source: &str, begin: usize, tokens: &mut Vec<Placed>) -> usize {
    let (content, quote, triple) = string_start(&source[begin..]).unwrap_or((0, '"', false));
    let content = begin + content;
    let mut quotes = 0;
    let mut escaped = false;
    let mut end = source.len();
    let mut token = Token::OpenText { content };
    for (at, c) in source[content..].char_indices() {
        if !triple && c == '\n' && !escaped {
            end = content + at;
            break;
        }
        quotes = if c == quote && !escaped { quotes + 1 } else { 0 };
        escaped = c == '\\' && !escaped;
        if quotes == if triple { 3 } else { 1 } {
            end = content + at + c.len_utf8();
            token = Token::Text;
            break;
        }
    }
    tokens.push(Placed { token, range: begin..end });
    end
}

/// Length of a string's prefix and opening quotes, its quote, and whether that stands three times.
fn string_start(text: &str) -> Option<(usize, char, bool)> {
    let body = text.trim_start_matches(['r', 'b', 'f']);
    let prefix = text.len() - body.len();
    let quote = body.chars().next().filter(|c| matches!(c, '"' | '\'') && prefix <= 2)?;
    let triple = body.starts_with(&quote.to_string().repeat(3));
    Some((prefix + if triple { 3 } else { 1 }, quote, triple))
}

fn kind(lexed: &Lexed) -> Option<Token> {
    Some(match lexed {
        Lexed::Indent | Lexed::Dedent | Lexed::Tabs => return None,
        Lexed::Comment(_) => Token::Comment,
        Lexed::Newline => Token::Newline,
        Lexed::Identifier(_) => Token::Word,
        Lexed::Int(_) | Lexed::Float(_) => Token::Number,
        Lexed::String(_) | Lexed::Bytes(_) | Lexed::FStringText(_) => Token::Text,
        Lexed::FStringStart(_) => Token::FormatStart,
        Lexed::FStringEnd => Token::FormatEnd,
        Lexed::OpeningCurly
        | Lexed::OpeningRound
        | Lexed::OpeningSquare
        | Lexed::FStringExprStart => Token::Open,
        Lexed::ClosingCurly
        | Lexed::ClosingRound
        | Lexed::ClosingSquare
        | Lexed::FStringExprEnd => Token::Close,
        Lexed::Reserved => Token::Invalid,
        Lexed::And
        | Lexed::Break
        | Lexed::Continue
        | Lexed::Def
        | Lexed::Elif
        | Lexed::Else
        | Lexed::For
        | Lexed::If
        | Lexed::In
        | Lexed::Lambda
        | Lexed::Load
        | Lexed::Not
        | Lexed::Or
        | Lexed::Pass
        | Lexed::Return => Token::Keyword,
        _ => Token::Operator,
    })
}

/// The language's keywords that are worth completing.
pub(crate) const KEYWORDS: [&str; 15] = [
    "and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "load", "not",
    "or", "pass", "return",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(source: &str) -> Vec<(Token, &str)> {
        tokens(source).into_iter().map(|t| (t.token, &source[t.range])).collect()
    }

    #[test]
    fn whole_source_is_read_by_the_languages_lexer() {
        use Token::*;
        assert_eq!(
            texts("x = f(a[0], 'b') # note"),
            [
                (Word, "x"),
                (Operator, "="),
                (Word, "f"),
                (Open, "("),
                (Word, "a"),
                (Open, "["),
                (Number, "0"),
                (Close, "]"),
                (Operator, ","),
                (Text, "'b'"),
                (Close, ")"),
                (Comment, "# note"),
            ]
        );
    }

    #[test]
    fn a_string_that_does_not_end_ends_with_its_line() {
        use Token::*;
        let found = texts("f(strategy = \"e\ny = 1");
        assert_eq!(found[4], (OpenText { content: 14 }, "\"e"), "{found:?}");
        assert_eq!(found[5..].len(), 4, "{found:?}");
        assert_eq!(texts("'''a\nb")[0], (OpenText { content: 3 }, "'''a\nb"));
        assert_eq!(texts("f\"{x} and")[0], (OpenText { content: 2 }, "f\"{x} and"));
        // A bad escape breaks the lexer but not the string.
        assert_eq!(texts(r#""\x" + 1"#).len(), 3);
    }

    #[test]
    fn an_f_string_keeps_its_expressions() {
        let found = texts("f'{a.b} c'");
        assert!(found.contains(&(Token::Word, "b")), "{found:?}");
        assert_eq!(found.first().unwrap().0, Token::FormatStart);
        assert_eq!(found.last().unwrap().0, Token::FormatEnd);
        // The cursor in an open expression.
        assert!(texts("f'{a.").contains(&(Token::Word, "a")));
    }

    #[test]
    fn an_open_nested_f_string_ends() {
        for source in [r#"f"{f"a"}"#, r#"f"{f"a""#, r#"f"{f"{f"a"#, r#"f'''{f"a"}"#, r#"f"{f'a'}"#]
        {
            assert!(!tokens(source).is_empty(), "{source}");
        }
    }

    #[test]
    fn what_the_language_does_not_know_is_invalid() {
        assert_eq!(texts("a $ b")[1], (Token::Invalid, "$"));
        assert_eq!(texts("import x")[0], (Token::Invalid, "import"));
    }

    #[test]
    fn keywords_are_keywords() {
        for keyword in KEYWORDS {
            assert_eq!(texts(keyword)[0], (Token::Keyword, keyword));
        }
    }

    #[test]
    fn a_large_text_of_broken_strings_is_read_in_time() {
        let source = "\"a\n".repeat(100_000);
        assert!(tokens(&source).len() >= FRESH_STARTS);
    }

    proptest! {
        #[test]
        fn any_text_gives_ordered_tokens_on_character_boundaries(source in ".*|[\\PC\n\"'{}()\\[\\]f.\\\\r# \t]*") {
            let mut end = 0;
            for Placed { range, .. } in tokens(&source) {
                prop_assert!(end <= range.start && range.start < range.end);
                prop_assert!(source.get(range.clone()).is_some());
                end = range.end;
            }
        }
    }
}
