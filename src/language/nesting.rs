//! A limit to nesting, and the stack for what it allows. The parser and everything that walks a parsed
//! source call themselves for each level, so source that is nested without limit would exhaust the
//! stack and end the process.

use starlark::ErrorKind;
use starlark_syntax::codemap::{CodeMap, Pos, Span};
use starlark_syntax::dialect::Dialect;
use starlark_syntax::lexer::{Lexer, Token};

/// How many levels source may have: brackets, blocks, and operators in one expression.
const MOST_LEVELS: usize = 1000;

/// Stack that the parser needs for so many levels, twice over. What walks the result needs less.
const PARSER_STACK: usize = 8 << 20;

/// How the sentence about deeper source ends.
pub(super) const TOO_DEEP: &str = "levels deep";

/// Refuses source that is nested too deeply for the parser.
pub(super) fn check(name: &str, source: &str) -> starlark::Result<()> {
    // Every level takes a character.
    if source.len() <= MOST_LEVELS {
        return Ok(());
    }
    let codemap = CodeMap::new(name.to_owned(), source.to_owned());
    let mut levels = Levels::default();
    // What cannot be read ends the parser too.
    for (begin, token, end) in
        Lexer::new(source, &Dialect::Extended, codemap.clone()).map_while(Result::ok)
    {
        levels.take(&token);
        if levels.depth > MOST_LEVELS {
            let sentence = format!(
                "syntax error: brackets, operators and blocks are nested more than {MOST_LEVELS} \
                 {TOO_DEEP}"
            );
            let kind = ErrorKind::Parser(anyhow::Error::msg(sentence));
            let span = Span::new(Pos::new(begin as u32), Pos::new(end as u32));
            return Err(starlark::Error::new_spanned(kind, span, &codemap));
        }
    }
    Ok(())
}

/// Calls the parser with the stack that it needs, whichever thread this is.
pub(super) fn with_room<R>(parse: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(PARSER_STACK, PARSER_STACK, parse)
}

/// At least as many levels as the tree of the source has at the current token.
#[derive(Default)]
struct Levels {
    depth: usize,
    /// The brackets that are open, outermost first.
    brackets: Vec<Expression>,
    /// The expression outside all brackets.
    outermost: Expression,
    /// For each block that is open: how many `elif` its last statement has, each within the one
    /// before.
    blocks: Vec<usize>,
    /// `elif` of the last statement outside all blocks.
    elifs: usize,
    /// Whether the next token begins a statement.
    at_statement: bool,
}

/// One expression between brackets and commas.
#[derive(Clone, Copy, Default)]
struct Expression {
    /// Its operators and brackets so far: each may hold all that came before.
    links: usize,
    /// Lambdas in it whose parameters are not over. Their commas do not end the expression.
    lambdas: usize,
}

impl Levels {
    fn take(&mut self, token: &Token) {
        if std::mem::take(&mut self.at_statement) {
            self.begin_statement(token);
        }
        match token {
            Token::Newline | Token::Semicolon => {
                self.end_expression();
                self.at_statement = true;
            }
            Token::Indent => {
                self.blocks.push(0);
                self.depth += 1;
                self.at_statement = true;
            }
            Token::Dedent => {
                self.depth -= self.blocks.pop().map_or(0, |elifs| 1 + elifs);
                self.at_statement = true;
            }
            Token::OpeningRound
            | Token::OpeningSquare
            | Token::OpeningCurly
            | Token::FStringExprStart => {
                self.link();
                self.brackets.push(Expression::default());
            }
            Token::ClosingRound | Token::ClosingSquare | Token::ClosingCurly => self.close(),
            Token::FStringExprEnd => {
                self.close();
                // The expressions of an f-string stand beside each other.
                let around = self.expression();
                if around.links > 0 {
                    around.links -= 1;
                    self.depth -= 1;
                }
            }
            Token::Comma if self.expression().lambdas == 0 => self.end_expression(),
            Token::Colon => {
                let expression = self.expression();
                expression.lambdas = expression.lambdas.saturating_sub(1);
            }
            Token::Lambda => {
                self.expression().lambdas += 1;
                self.link();
            }
            Token::Comma
            | Token::Identifier(_)
            | Token::Int(_)
            | Token::Float(_)
            | Token::String(_)
            | Token::Bytes(_)
            | Token::Comment(_)
            | Token::FStringStart(_)
            | Token::FStringText(_)
            | Token::FStringBang
            | Token::FStringEnd => {}
            _ => self.link(),
        }
    }

    fn begin_statement(&mut self, token: &Token) {
        let elifs = self.blocks.last_mut().unwrap_or(&mut self.elifs);
        match token {
            Token::Elif => {
                *elifs += 1;
                self.depth += 1;
            }
            Token::Newline | Token::Indent | Token::Dedent | Token::Comment(_) => {}
            Token::Else => {}
            _ => self.depth -= std::mem::take(elifs),
        }
    }

    fn expression(&mut self) -> &mut Expression {
        self.brackets.last_mut().unwrap_or(&mut self.outermost)
    }

    fn link(&mut self) {
        self.expression().links += 1;
        self.depth += 1;
    }

    fn end_expression(&mut self) {
        let ended = std::mem::take(self.expression());
        self.depth -= ended.links;
    }

    fn close(&mut self) {
        if let Some(ended) = self.brackets.pop() {
            self.depth -= ended.links;
        }
    }
}

#[cfg(test)]
mod tests {
    use starlark::syntax::AstModule;

    use super::super::dialect::parse;
    use super::*;

    fn depth(source: &str) -> usize {
        let mut levels = Levels { at_statement: true, ..Levels::default() };
        let codemap = CodeMap::new(String::new(), source.to_owned());
        let tokens = Lexer::new(source, &Dialect::Extended, codemap).map_while(Result::ok);
        tokens.fold(0, |deepest, (_, token, _)| {
            levels.take(&token);
            deepest.max(levels.depth)
        })
    }

    /// Source of every kind that nests, so many levels deep.
    fn nested(levels: usize) -> Vec<String> {
        let around = |open: &str, inside: &str, close: &str| {
            format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
        };
        let blocks = |levels: usize| -> String {
            let line = |level| format!("{}if x:\n", " ".repeat(level));
            (0..levels).map(line).chain([format!("{}pass\n", " ".repeat(levels))]).collect()
        };
        vec![
            around("(", "1", ")"),
            around("[", "1", "]"),
            around("[", "", ""),
            around("{1: ", "1", "}"),
            around("f(", "1", ")"),
            around("f(a = ", "1", ")"),
            around("f(*", "1", ")"),
            around("x[", "1", "]"),
            around("x[:", "1", "]"),
            around("[1 for x in ", "y", "]"),
            around("not ", "1", ""),
            around("-", "1", ""),
            around("~+", "1", ""),
            around("lambda: ", "1", ""),
            around("lambda a, b = 1, *c: ", "1", ""),
            around("1 if x else ", "1", ""),
            around("f\"{", "1", "}\""),
            around("f'{(", "1", ")}'"),
            around("1 + ", "1", ""),
            around("1 or 2 and ", "1", ""),
            around("", "f", "()"),
            around("", "x", "[0]"),
            around("", "x", ".a"),
            format!("x: {} = 1", around("list[", "int", "]")),
            format!("def f(a = {}): pass", around("(", "1", ")")),
            format!("[1 {}]", "for x in y ".repeat(levels)),
            format!("if x:\n  pass\n{}", "elif x:\n  pass\n".repeat(levels)),
            format!("def f():\n  if x: pass\n{}", "  elif x: pass\n".repeat(levels)),
            blocks(levels.min(3000)),
        ]
    }

    #[test]
    fn no_source_is_too_deep_for_a_thread() {
        // With the smallest stack that a thread has here.
        let parsed = std::thread::Builder::new().stack_size(2 << 20).spawn(|| {
            for source in nested(500_000) {
                let error = parse("cell", &source).map(drop).unwrap_err().to_string();
                let start: String = source.chars().take(40).collect();
                assert!(error.contains("levels deep"), "{start}: {error}");
            }
            for source in nested(MOST_LEVELS / 4) {
                let start: String = source.chars().take(40).collect();
                assert!(depth(&source) <= MOST_LEVELS, "{start}");
                if let Err(error) = parse("cell", &source) {
                    assert!(!error.to_string().contains("levels deep"), "{start}: {error}");
                }
            }
        });
        parsed.unwrap().join().unwrap();
    }

    /// The same, as deep as is allowed.
    fn deepest() -> Vec<String> {
        let kinds = nested(1).into_iter().enumerate();
        kinds
            .map(|(kind, shallow)| nested(MOST_LEVELS / depth(&shallow).max(1)).swap_remove(kind))
            .collect()
    }

    #[test]
    fn the_deepest_source_allowed_fits_every_thread() {
        let in_thread = |stack: usize, work: fn()| {
            std::thread::Builder::new().stack_size(stack).spawn(work).unwrap().join().unwrap();
        };
        // Half of what the parser is given is enough, whoever calls it.
        in_thread(PARSER_STACK / 2, || {
            for source in deepest() {
                AstModule::parse("cell", source, &Dialect::Extended).ok();
            }
        });
        in_thread(2 << 20, || {
            for source in deepest() {
                parse("cell", &source).ok();
            }
        });
    }

    #[test]
    fn what_stands_side_by_side_is_not_deep() {
        let statements = "x = f(a, b)[0].c + 1\nif x:\n  y = 1\nelif z:\n  y = 2\n".repeat(2000);
        let list = format!("[{}]", "-1, f(x), {1: 2}, (lambda a, b: a)(1, 2), ".repeat(2000));
        let text = format!("f\"{}\"", "{x} and {y + 1} ".repeat(2000));
        let row = "x = 1; ".repeat(2000);
        for source in [&statements, &list, &text, &row] {
            assert!(depth(source) < 12, "{}: {}", &source[..20], depth(source));
            assert!(parse("cell", source).is_ok());
        }
    }
}
