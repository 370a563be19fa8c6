//! What the parser says of habits from Python that its message alone tells from slips, and what stands here for them.

use super::rejected_lines::{Advice, COMPREHENSION, REST_OF_LIST, bare, is_balanced};

/// What a message of the parser about a line means.
pub(super) fn meant(message: &str, line: &str) -> Option<Advice> {
    let code = bare(line.trim());
    let squeezed: String = code.chars().filter(|letter| *letter != ' ').collect();
    match message {
        "unparenthesized tuple with trailing comma" if squeezed.contains(",*") => {
            return Some(REST_OF_LIST);
        }
        "unparenthesized tuple with trailing comma" => {
            return Some((
                "syntax error: a tuple that ends with a comma needs brackets",
                "write (x,), or `first = xs[0]` to take the only item",
            ));
        }
        "left-hand-side of assignment must take the form `a`, `a.b` or `a[b]`" => {
            return Some(match squeezed.split('=').next().is_some_and(has_stretch) {
                true => (
                    "syntax error: a stretch of a list cannot be given another value",
                    "write xs = xs[:1] + [3] + xs[2:]",
                ),
                false => (
                    "syntax error: only a name, an attribute or an item can be given a value",
                    "`==` compares",
                ),
            });
        }
        _ => {}
    }
    let rest = message.strip_prefix("Parse error: ")?;
    let found = rest.strip_prefix("unexpected ")?;
    let is_assigned_star = is_start_of_targets(&squeezed);
    match found {
        "keyword 'for', expected symbol ')'" if is_balanced(&code) && !code.starts_with("for ") => {
            Some(COMPREHENSION)
        }
        "symbol ',', expected symbol ':'" | "symbol '}', expected symbol ':'"
            if has_items_alone(&code) =>
        {
            Some(("syntax error: braces hold the items of a dictionary", "write set([1, 2])"))
        }
        "keyword 'for', expected symbol ':'" if has_items_alone(&code) => Some((
            "syntax error: braces hold the items of a dictionary",
            "write set([x for x in xs])",
        )),
        "keyword 'for', expected keyword 'else'" => Some((
            "syntax error: `a if b` before `for` needs an `else`",
            "write [x for x in xs if x > 0] to leave items out",
        )),
        _ if found.ends_with(", expected keyword 'else'") => {
            Some(("syntax error: `a if b` needs an `else`", "write x = a if b else None"))
        }
        "symbol '=', expected symbol ':'" => {
            Some(("syntax error: `=` gives a name a value", "write `==` to compare"))
        }
        "symbol '=', expected f-string expression end '}'" => {
            Some(("syntax error: braces in an f-string hold no `=`", "write f\"x = {x}\""))
        }
        _ if found.starts_with("symbol '*'") && is_assigned_star => Some(REST_OF_LIST),
        _ if found.starts_with("string literal") && code.starts_with("print \"") => {
            Some(("syntax error: `print` is a function", "write print(\"…\")"))
        }
        _ => None,
    }
}

/// Whether a text without spaces has square brackets with a colon: `xs[1:]`.
fn has_stretch(text: &str) -> bool {
    text.split('[').skip(1).any(|inside| inside.split(']').next().unwrap_or_default().contains(':'))
}

/// Whether braces hold items without keys, as those of a set do.
fn has_items_alone(code: &str) -> bool {
    let Some((_, inside)) = code.split_once('{') else { return false };
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    !inside.trim().is_empty() && !inside.contains(':')
}

/// Whether what stands before the first `=` has a star before a name that takes the rest: `*rest, last = xs`.
fn is_start_of_targets(squeezed: &str) -> bool {
    let Some((targets, _)) = squeezed.split_once('=') else { return false };
    let begin = targets.trim_start_matches(['(', '[']);
    begin.starts_with('*') || (begin.contains(",*") && !begin.contains(['(', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn habits_of_python_are_told_by_the_message() {
        const TUPLE: &str = "unparenthesized tuple with trailing comma";
        const TARGET: &str = "left-hand-side of assignment must take the form `a`, `a.b` or `a[b]`";
        for (message, line, hint) in [
            ("keyword 'for', expected symbol ')'", "print(\", \".join(x for x in xs))", "sum(["),
            ("keyword 'for', expected symbol ')'", "  x.score for x in found", "sum(["),
            ("symbol ',', expected symbol ':'", "print({1, 2})", "set([1, 2])"),
            ("symbol ',', expected symbol ':'", "x = {1,", "set([1, 2])"),
            ("symbol '}', expected symbol ':'", "x = {\"a: b\"}", "set([1, 2])"),
            ("keyword 'for', expected symbol ':'", "{x for x in xs}", "set([x for"),
            ("new line, expected keyword 'else'", "y = x if x", "if b else None"),
            ("keyword 'for', expected keyword 'else'", "[a if a for a in xs]", "for x in xs if"),
            ("symbol '=', expected symbol ':'", "if x = 3:", "=="),
            ("symbol '=', expected f-string expression end '}'", "f\"{x=}\"", "{x}"),
            ("symbol '*', expected expression", "*rest, last = xs", "xs[1:]"),
            ("symbol '*', expected symbol ')'", "(a, *b) = xs", "xs[1:]"),
            ("string literal \"a\", expected new line", "print 'a'", "print("),
            (TUPLE, "first, *rest = xs", "xs[1:]"),
            (TUPLE, "x = 1,", "(x,)"),
            (TARGET, "xs[1:] = [3]", "xs[2:]"),
            (TARGET, "f(x) = {1: 2}", "compares"),
        ] {
            let message = match message {
                TUPLE | TARGET => message.to_owned(),
                rest => format!("Parse error: unexpected {rest}"),
            };
            let told = meant(&message, line).unwrap_or_else(|| panic!("{line}"));
            assert!(told.1.contains(hint), "{line}: {told:?}");
        }
        for (message, line) in [
            ("keyword 'for', expected symbol ')'", "for x in xs:"),
            ("keyword 'for', expected symbol ')'", "print(len(x) for x in xs"),
            ("symbol ',', expected symbol ':'", "d = {\"a\": 1, \"b\", 2}"),
            ("new line, expected symbol ':'", "if x == {}"),
            ("symbol '*', expected symbol ')'", "x = f(a, *b"),
            ("string literal \"a\", expected new line", "x = b 'a'"),
        ] {
            assert_eq!(meant(&format!("Parse error: unexpected {message}"), line), None, "{line}");
        }
    }
}
