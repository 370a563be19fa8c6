//! What lines that the parser rejects mean in Python, notebooks and other shells, and what stands here for it.

/// A sentence, and what to write.
pub(super) type Advice = (&'static str, &'static str);

pub(super) const COMPREHENSION: Advice = (
    "syntax error: a comprehension stands in brackets of its own",
    "write sum([x.score for x in found])",
);
pub(super) const REST_OF_LIST: Advice =
    ("syntax error: no name takes the rest of a list", "write first, rest = xs[0], xs[1:]");

/// What a line meant that the parser rejects.
pub(super) fn meant(line: &str) -> Option<Advice> {
    let line = line.trim();
    of_other_shells(line).or_else(|| of_python(&bare(line)))
}

fn of_other_shells(line: &str) -> Option<Advice> {
    if line.ends_with("++") || line.ends_with("--") {
        return Some(("syntax error: Starlark has no `++` and `--`", "write x += 1 or x -= 1"));
    }
    if line.starts_with('!') {
        return Some((
            "syntax error: commands of the system do not run here",
            "verbs read and write files; for other commands, use a terminal",
        ));
    }
    if line.starts_with('%') {
        return Some((
            "syntax error: there are no commands with `%` but %%rust",
            "`:time EXPR` times, `:who` lists names, `:help` lists all such commands",
        ));
    }
    if line.starts_with(">>>") || line.starts_with("... ") {
        return Some((
            "syntax error: prompts of Python are no part of the code",
            "leave out the `>>>` and `...`",
        ));
    }
    None
}

/// `code` is a line without the contents of its texts and without its comment.
fn of_python(code: &str) -> Option<Advice> {
    const REDUCING: [&str; 8] =
        ["sum(", "max(", "min(", "any(", "all(", "sorted(", "list(", "len("];
    let is_balanced = is_balanced(code);
    if is_balanced
        && REDUCING.iter().any(|call| code.contains(call))
        && code.contains(" for ")
        && !code.starts_with("for ")
    {
        return Some(COMPREHENSION);
    }
    if code.starts_with('@') {
        return Some((
            "syntax error: Starlark has no decorators",
            "write f = decorated(f) below the function",
        ));
    }
    if code.starts_with("match ") && code.ends_with(':') {
        return Some(("syntax error: Starlark has no `match`", "write if …: elif …: else:"));
    }
    if code.contains(":=") {
        return Some((
            "syntax error: Starlark has no `:=`",
            "give the name its value on a line of its own",
        ));
    }
    if code.contains("&&") || code.contains("||") {
        return Some(("syntax error: Starlark has no `&&` and `||`", "write `and`, `or`"));
    }
    let squeezed: String = code.chars().filter(|letter| *letter != ' ').collect();
    if squeezed.contains("{**") || (squeezed.contains(",**") && squeezed.contains('{')) {
        return Some((
            "syntax error: `**` opens no dictionary within another one",
            "write a | {\"key\": 1}",
        ));
    }
    if squeezed.contains("[*") || squeezed.contains("=*") {
        return Some(("syntax error: `*` opens no list within another one", "write list(a) + [1]"));
    }
    if squeezed.contains(",*") && !squeezed.contains("(") {
        return Some(REST_OF_LIST);
    }
    if has_separated_digits(code) {
        return Some(("syntax error: numbers have no `_` within", "write 1000000"));
    }
    if code.contains("\" \"") || code.contains("\" f\"") {
        return Some((
            "syntax error: texts beside each other are not joined",
            "write \"a\" + \"b\"",
        ));
    }
    if is_balanced && assignments(code) > 1 {
        return Some((
            "syntax error: a line gives a value once",
            "write b = 3 and a = b on lines of their own",
        ));
    }
    if is_chained(code) {
        return Some(("syntax error: comparisons are not chained", "write 1 < x and x < 3"));
    }
    None
}

/// A line without the contents of its texts, and without its comment.
pub(super) fn bare(line: &str) -> String {
    let mut code = String::with_capacity(line.len());
    let (mut open, mut is_escaped) = (None, false);
    for letter in line.chars() {
        match open {
            Some(quote) if letter == quote && !is_escaped => {
                open = None;
                code.push('"');
            }
            Some(_) => is_escaped = letter == '\\' && !is_escaped,
            None if letter == '#' => break,
            None if letter == '"' || letter == '\'' => {
                (open, is_escaped) = (Some(letter), false);
                code.push('"');
            }
            None => code.push(letter),
        }
    }
    code.trim_end().to_owned()
}

fn has_separated_digits(code: &str) -> bool {
    let letters: Vec<char> = code.chars().collect();
    let is_within = |at: usize| {
        letters[at] == '_' && letters[at - 1].is_ascii_digit() && letters[at + 1].is_ascii_digit()
    };
    let is_in_name = |at: usize| {
        let before = letters[..at].iter().rev().take_while(|c| c.is_alphanumeric() || **c == '_');
        before.last().is_some_and(|first| !first.is_ascii_digit())
    };
    (1..letters.len().saturating_sub(1)).any(|at| is_within(at) && !is_in_name(at))
}

/// Whether all brackets of a line are closed in it: else, most likely, one of them is what is missing.
pub(super) fn is_balanced(code: &str) -> bool {
    let mut open = Vec::new();
    code.chars().all(|letter| match letter {
        '(' | '[' | '{' => {
            open.push(letter);
            true
        }
        ')' => open.pop() == Some('('),
        ']' => open.pop() == Some('['),
        '}' => open.pop() == Some('{'),
        _ => true,
    }) && open.is_empty()
}

/// Assignments outside of brackets.
fn assignments(code: &str) -> usize {
    let letters: Vec<char> = code.chars().collect();
    let (mut depth, mut count) = (0_i32, 0);
    for (at, letter) in letters.iter().enumerate() {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '=' if depth == 0 => {
                let before = at.checked_sub(1).map(|before| letters[before]);
                let is_comparison = letters.get(at + 1) == Some(&'=')
                    || before.is_some_and(|before| "=!<>+-*/%|&^".contains(before));
                count += usize::from(!is_comparison);
            }
            _ => {}
        }
    }
    count
}

/// Whether two comparisons share a side, as in `1 < x < 3`.
fn is_chained(code: &str) -> bool {
    code.split([',', '(', ')', '[', ']', ':']).any(|part| {
        let parts = part.split(" and ").flat_map(|part| part.split(" or "));
        parts.into_iter().any(|part| {
            let signs = part.replace("==", "<").replace("!=", "<").replace(['>'], "<");
            signs.replace("<=", "<").matches('<').count() > 1
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_other_shells_are_known() {
        assert!(meant("  x++").is_some_and(|(_, hint)| hint.contains("x += 1")));
        assert!(meant("!ls").is_some() && meant("%time f()").is_some());
        assert!(meant(">>> x = 6").is_some_and(|(_, hint)| hint.contains(">>>")));
        assert_eq!(meant("x = (1"), None);
    }

    #[test]
    fn habits_of_python_are_known() {
        for (line, part) in [
            ("@dec", "f = decorated(f)"),
            ("match x:", "if …"),
            ("if (n := 5) > 3: pass", "line of its own"),
            ("x = a && b", "`and`"),
            ("d = {**a, \"z\": 1}", "a | {"),
            ("x = [*l, 1]", "list(a) + [1]"),
            ("a, *b = xs", "xs[1:]"),
            ("n = 1_000_000", "1000000"),
            ("x = \"a\" \"b\"", "\"a\" + \"b\""),
            ("a = b = 3", "lines of their own"),
            ("if 1 < x < 3:", "1 < x and x < 3"),
            ("print(sum(x for x in xs))", "sum(["),
        ] {
            let told = meant(line).unwrap_or_else(|| panic!("{line}"));
            assert!(told.1.contains(part), "{line}: {told:?}");
        }
        for line in [
            "x = a b",
            "f(a = 1, b = 2",
            "if a < b and b < c",
            "print(\"a && b\"",
            "x_1_2 = y z",
            "x == 1 y",
            "d = {\"a\": 1, \"b\" 2}",
            "f(*args, **more",
            "x = f(\"a\", \"b\"",
            "print([len(s) for s in xs)",
            "ys = [len(y) for y in xs",
            "    a = 3, b = 4 c = 5)",
        ] {
            assert_eq!(meant(line), None, "{line}");
        }
    }
}
