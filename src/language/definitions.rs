//! Where the names of a source get their values.

use std::ops::Range;

use starlark::syntax::ast::{AstExprP, AstNoPayload, ExprP};
use starlark_syntax::syntax::ast::{ParameterP, StmtP};

use super::brackets::{closing, split};
use super::dialect::parse;
use super::tokens::{Placed, Token, tokens};

/// A place where a name gets a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Definition {
    pub name: String,
    pub kind: DefinitionKind,
    /// Bytes of the name.
    pub place: Range<usize>,
    /// Bytes of the whole function, from `def` to the end of its body; of anything else, those of the name.
    pub whole: Range<usize>,
    /// Bytes in which the name stands for this.
    pub scope: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DefinitionKind {
    Function,
    Variable,
    Parameter,
    /// A name of another file: the file as `load` has it, and the name there.
    Loaded {
        file: String,
        name: String,
    },
}

/// A statement: its first line, up to a colon and what follows that on the same line.
struct Statement<'t> {
    tokens: &'t [Placed],
    /// Bytes between the start of its line and its first token.
    indent: usize,
}

/// All definitions of a source, in order.
pub(crate) fn definitions(source: &str) -> Vec<Definition> {
    let tokens = tokens(source);
    let statements = statements(source, &tokens);
    let mut found = Vec::new();
    // The functions that are open, outermost first: their indentation and scope.
    let mut open: Vec<(usize, Range<usize>)> = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        let begin = statement.tokens[0].range.start;
        open.retain(|(_, scope)| scope.contains(&begin));
        let within = open.last().map_or(0..source.len(), |(_, scope)| scope.clone());
        let reader = Reader { source, within };
        if reader.text(&statement.tokens[0]) == "def" {
            let later = statements[number + 1..].iter();
            let behind = later.filter(|later| later.indent <= statement.indent);
            let end = behind.map(|later| later.tokens[0].range.start).next();
            let scope = begin..end.unwrap_or(source.len());
            let body = statements[number..].iter().flat_map(|one| one.tokens);
            let body = body.take_while(|placed| placed.range.start < scope.end);
            let is_code = |placed: &&Placed| placed.token != Token::Comment;
            let last = body.filter(is_code).last().map_or(begin, |last| last.range.end);
            reader.function(statement.tokens, &scope, begin..last, &mut found);
            open.push((statement.indent, scope));
        } else {
            reader.statement(statement.tokens, &mut found);
        }
    }
    found
}

/// Whether a function's source has default values that other names decide, or that may change: defined again, it may
/// have others.
pub(crate) fn computes_defaults(source: &str) -> bool {
    let is_fixed = |default: &AstExprP<AstNoPayload>| match &default.node {
        ExprP::Literal(_) => true,
        ExprP::Minus(number) => matches!(number.node, ExprP::Literal(_)),
        ExprP::Identifier(name) => ["True", "False", "None"].contains(&name.node.ident.as_str()),
        _ => false,
    };
    let computes = |parameter: &ParameterP<AstNoPayload>| matches!(parameter, ParameterP::Normal(_, _, Some(default)) if !is_fixed(default));
    let Ok(ast) = parse("definition", source) else { return false };
    let mut statement = ast.statement();
    while let StmtP::Statements(all) = &statement.node {
        let Some(first) = all.first() else { return false };
        statement = first;
    }
    matches!(&statement.node, StmtP::Def(one) if one.params.iter().any(|one| computes(&one.node)))
}

/// The definition that the name at a byte of the source has there: the innermost, and of those the last
/// one before it.
pub(crate) fn definition_at(source: &str, at: usize) -> Option<Definition> {
    let tokens = tokens(source);
    let touches = |placed: &&Placed| placed.range.start <= at && at <= placed.range.end;
    let word = tokens.iter().filter(touches).find(|placed| placed.token == Token::Word)?;
    let name = &source[word.range.clone()];
    if source[..word.range.start].trim_end().ends_with('.') {
        return None;
    }
    let all = definitions(source);
    let visible = all.into_iter().filter(|one| one.name == name);
    let mut visible: Vec<_> = visible.filter(|one| one.scope.contains(&word.range.start)).collect();
    let narrowest = visible.iter().map(|one| one.scope.len()).min()?;
    visible.retain(|one| one.scope.len() == narrowest);
    let before = visible.iter().rposition(|one| one.place.start <= word.range.start);
    Some(visible.swap_remove(before.unwrap_or(0)))
}

/// The definition of a name at the top of a file.
pub(crate) fn definition_of(source: &str, name: &str) -> Option<Definition> {
    let is_top = |one: &Definition| one.name == name && one.scope == (0..source.len());
    definitions(source).into_iter().rfind(is_top)
}

fn statements<'t>(source: &str, tokens: &'t [Placed]) -> Vec<Statement<'t>> {
    let mut statements = Vec::new();
    let ends = |placed: &Placed| {
        placed.token == Token::Newline
            || (placed.token == Token::Operator && &source[placed.range.clone()] == ";")
    };
    for line in tokens.split(ends) {
        let code = line.iter().position(|placed| placed.token != Token::Comment);
        let Some(tokens) = code.map(|from| &line[from..]) else { continue };
        let begin = tokens[0].range.start;
        let line = source[..begin].rfind('\n').map_or(0, |end| end + 1);
        statements.push(Statement { tokens, indent: begin - line });
    }
    statements
}

/// Reads the definitions of one statement.
struct Reader<'a> {
    source: &'a str,
    /// The scope in which it stands.
    within: Range<usize>,
}

impl Reader<'_> {
    fn text(&self, placed: &Placed) -> &str {
        &self.source[placed.range.clone()]
    }

    fn define(&self, name: &Placed, kind: DefinitionKind, scope: &Range<usize>) -> Definition {
        Definition {
            name: self.text(name).to_owned(),
            kind,
            place: name.range.clone(),
            whole: name.range.clone(),
            scope: scope.clone(),
        }
    }

    /// `def name(a, b = 1): …`
    fn function(
        &self,
        tokens: &[Placed],
        scope: &Range<usize>,
        whole: Range<usize>,
        found: &mut Vec<Definition>,
    ) {
        let [_, name, rest @ ..] = tokens else { return };
        let function = self.define(name, DefinitionKind::Function, &self.within);
        let whole = whole.start..whole.end.max(name.range.end);
        found.push(Definition { whole, ..function });
        let end = closing(rest, 0);
        for parameter in split(self.source, rest.get(1..end).unwrap_or_default(), ",") {
            let name = parameter.iter().find(|placed| placed.token == Token::Word);
            found.extend(name.map(|name| self.define(name, DefinitionKind::Parameter, scope)));
        }
        let body = Self { source: self.source, within: scope.clone() };
        body.statement(rest.get(end + 1..).unwrap_or_default(), found);
    }

    fn statement(&self, tokens: &[Placed], found: &mut Vec<Definition>) {
        if tokens.first().is_some_and(|first| self.text(first) == "load") {
            return self.load(tokens, found);
        }
        self.loops(tokens, found);
        let parts = split(self.source, tokens, "=");
        let [targets @ .., _] = parts.as_slice() else { return };
        for target in targets {
            let target = match target {
                // An annotation.
                [name, colon, ..] if name.token == Token::Word && self.text(colon) == ":" => {
                    &target[..1]
                }
                // A body on the line of its `if` or `for`.
                _ => split(self.source, target, ":").last().copied().unwrap_or_default(),
            };
            self.targets(target, &self.within, found);
        }
    }

    /// Names that get a value: not attributes, calls or indices.
    fn targets(&self, tokens: &[Placed], scope: &Range<usize>, found: &mut Vec<Definition>) {
        for (at, placed) in tokens.iter().enumerate() {
            let is_after_dot = at > 0 && self.text(&tokens[at - 1]) == ".";
            let next = tokens.get(at + 1).map(|next| self.text(next));
            let is_part = matches!(next, Some("." | "(" | "["));
            if placed.token == Token::Word && !is_after_dot && !is_part {
                found.push(self.define(placed, DefinitionKind::Variable, scope));
            }
        }
    }

    /// Variables of loops, of comprehensions and of lambdas.
    fn loops(&self, tokens: &[Placed], found: &mut Vec<Definition>) {
        for (at, placed) in tokens.iter().enumerate() {
            let rest = &tokens[at + 1..];
            let inside = match (placed.token, self.text(placed)) {
                (Token::Keyword, "for") => tokens[..at].iter().any(|one| one.token == Token::Open),
                (Token::Keyword, "lambda") => true,
                _ => continue,
            };
            let end = match self.text(placed) {
                "for" => rest.iter().position(|one| self.text(one) == "in"),
                _ => rest.iter().position(|one| self.text(one) == ":"),
            };
            let names = &rest[..end.unwrap_or(0)];
            let whole = tokens.first().zip(tokens.last());
            let whole = whole.map_or(0..0, |(first, last)| first.range.start..last.range.end);
            let scope = if inside { whole } else { self.within.clone() };
            for name in split(self.source, names, ",") {
                let head = split(self.source, name, "=")[0];
                self.targets(head, &scope, found);
            }
        }
    }

    /// `load("file.star", "name", mine = "name")`
    fn load(&self, tokens: &[Placed], found: &mut Vec<Definition>) {
        let end = closing(tokens, 1);
        let arguments = split(self.source, tokens.get(2..end).unwrap_or_default(), ",");
        let [file, names @ ..] = arguments.as_slice() else { return };
        let content = |placed: &Placed| self.text(placed).trim_matches(['"', '\'']).to_owned();
        let Some(file) = file.first().map(content) else { return };
        for argument in names {
            let (Some(first), Some(last)) = (argument.first(), argument.last()) else { continue };
            let name = if first.token == Token::Word {
                self.text(first).to_owned()
            } else {
                content(first)
            };
            let kind = DefinitionKind::Loaded { file: file.clone(), name: content(last) };
            let (place, scope) = (first.range.clone(), self.within.clone());
            found.push(Definition { name, kind, whole: place.clone(), place, scope });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The line, counted from 1, where the name at `|` is defined.
    fn line(source: &str) -> Option<usize> {
        let at = source.find('|').unwrap();
        let source = source.replacen('|', "", 1);
        let found = definition_at(&source, at)?;
        Some(source[..found.place.start].matches('\n').count() + 1)
    }

    #[test]
    fn a_name_leads_to_where_it_got_its_value() {
        assert_eq!(line("a = 1\na = 2\nprint(|a)\na = 3"), Some(2));
        assert_eq!(line("def f():\n    return la|ter\nlater = 2"), Some(3));
        assert_eq!(line("def f(a, b = 1):\n    a = b\n    return a + |b\nb = 2"), Some(1));
        assert_eq!(line("x = 1\ndef f():\n    x = 2\n    return |x"), Some(3));
        assert_eq!(line("x = 1\ndef f():\n    x = 2\nprint(|x)"), Some(1));
        assert_eq!(line("for s in clinic:\n    show(|s)"), Some(1));
        assert_eq!(line("s = 1\nxs = [\n    s.age\n    for s in clinic if |s\n]"), Some(4));
        assert_eq!(line("a, b = 1, 2\n# b = 3\n|b"), Some(1));
        assert_eq!(line("f = lambda x, y = 2: x + |y"), Some(1));
        assert_eq!(line("x: int = 3\nif x: z = 4\nprint(|z)"), Some(2));
        assert_eq!(line("f|oo()\ndef foo(): pass"), Some(2));
        assert_eq!(line("a = 1\nb.|a"), None);
        assert_eq!(line("adap|t(model)"), None);
    }

    #[test]
    fn a_function_goes_from_its_first_word_to_its_last() {
        let source = "def f(a):\n    if a:\n        return 1\n    # a note\n\n# %%\ndef g(): return 2  # two\n";
        let whole = |name: &str| source[definition_of(source, name).unwrap().whole].to_owned();
        assert_eq!(whole("f"), "def f(a):\n    if a:\n        return 1");
        assert_eq!(whole("g"), "def g(): return 2");
    }

    #[test]
    fn a_loaded_name_leads_to_its_file() {
        let source = "load(\"lib/helpers.star\", \"mean\", spread = \"deviation\")\nspread([1])";
        let kind = |name: &str, file: &str| DefinitionKind::Loaded {
            file: file.to_owned(),
            name: name.to_owned(),
        };
        let found = definition_at(source, source.len() - 9).unwrap();
        assert_eq!(found.kind, kind("deviation", "lib/helpers.star"));
        assert_eq!(definition_of(source, "mean").unwrap().kind, kind("mean", "lib/helpers.star"));
    }

    /// Sources of pieces that are code, or could have been.
    const PIECES: &str = "(def |f\\(|a|, |b = |: |\\)|\n|    |for |in |lambda |=|\\[|\\]|\\{|\\}|;|\\.|load\\(|\"|\"\"\"|f\"|é|\\\\|#|\t|\r|x: int|\\*|%){0,30}";

    fn check(source: &str) -> Result<(), TestCaseError> {
        for one in definitions(source) {
            prop_assert_eq!(source.get(one.place.clone()), Some(&*one.name));
            prop_assert!(one.whole.start <= one.place.start && one.place.end <= one.whole.end);
            prop_assert!(source.get(one.whole.clone()).is_some());
            prop_assert!(one.scope.start <= one.scope.end && one.scope.end <= source.len());
            prop_assert!(source.is_char_boundary(one.scope.start));
            prop_assert!(source.is_char_boundary(one.scope.end));
            definition_of(source, &one.name);
        }
        // Also where no character begins, and behind the end.
        for at in 0..source.len() + 2 {
            if let Some(found) = definition_at(source, at) {
                prop_assert!(definitions(source).contains(&found));
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn any_text_has_definitions_in_their_places(source in "(?s).{0,60}") {
            check(&source)?;
        }

        #[test]
        fn any_code_has_definitions_in_their_places(source in PIECES) {
            check(&source)?;
        }
    }
}
