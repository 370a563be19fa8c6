//! Texts of values, and the sources that make them.

use super::{cell, check, ours, session};

#[test]
fn floats_become_text_as_in_python_wherever_they_do() {
    let session = session();
    let numbers = "19999999.0, 1999999.96, 1.9999999e-7, 123456789.0";
    let texts = ["19999999.0", "1999999.96", "1.9999999e-07", "123456789.0"];
    let list = format!("[{}]", texts.join(", "));
    let quoted = |text: &str| format!("\"{text}\"");
    for (source, expected) in [
        (format!("[{numbers}]"), list.clone()),
        (format!("str([{numbers}])"), quoted(&list)),
        (format!("repr(({numbers}))"), quoted(&format!("({})", texts.join(", ")))),
        (format!("[str(x) for x in [{numbers}]] == {texts:?}"), "True".to_owned()),
        (format!("list(map(str, [{numbers}])) == {texts:?}"), "True".to_owned()),
        (
            format!("x = [{numbers}]\nf'{{x}}|{{x[0]!r}}|{{x[1]}}'"),
            quoted(&format!("{list}|19999999.0|1999999.96")),
        ),
        (
            format!("'{{}} {{a}}'.format(1e7 * 2 - 1, a = [{numbers}])"),
            quoted(&format!("19999999.0 {list}")),
        ),
        (
            "t = '{0!r}'\n[t.format(19999999.0), '{}'.format('a')]".to_owned(),
            "[\"19999999.0\", \"a\"]".to_owned(),
        ),
        (
            "'%s %r %g %e %f %d %s' % (19999999.0, [1e-7], 123456789.0, 99999999.6, 1.5, 2.7, 'a')"
                .to_owned(),
            quoted("19999999.0 [1e-07] 123456789.0 1.000000e+08 1.500000 2 a"),
        ),
        ("'%s' % 19999999.0 + '%G' % 1e-7".to_owned(), quoted("19999999.01E-07")),
        (
            "{'a': 19999999.0, 2.5: struct(b = [99999999.0])}".to_owned(),
            "{\"a\": 19999999.0, 2.5: struct(b=[99999999.0])}".to_owned(),
        ),
        (
            "[float('inf'), -float('inf'), 0.1, 1e16, 1e15, -0.0]".to_owned(),
            "[inf, -inf, 0.1, 1e+16, 1000000000000000.0, -0.0]".to_owned(),
        ),
        ("['18 × 36']".to_owned(), "[\"18 × 36\"]".to_owned()),
        ("7.5 % 2 + -7 % 3".to_owned(), "3.5".to_owned()),
    ] {
        assert_eq!(ours(&session, &source).as_deref(), Ok(expected.as_str()), "{source}");
    }
}

#[test]
fn texts_are_those_of_the_language() {
    let session = session();
    for source in [
        "str([])",
        "str(())",
        "str((1,))",
        "str({})",
        "str(set())",
        "str(set([1, 'a']))",
        "str(struct(a = 1, b = 'x'))",
        "str(struct())",
        "str('a')",
        "repr('a\"b\\\\\\n\\t')",
        "repr(None)",
        "str(range(3))",
        "str(len)",
        "str(True)",
        "x = [1]\nx.append(x)\nstr(x)",
        "x = {}\nx['x'] = x\nstr(x)",
        "str()",
        "str(1, 2)",
        "repr(a = 1)",
        "f'{1} {(2, 3)} {[4]!r} {\"a\"!r} {{}}'",
        "x = 'a'\nf'{x}{x!r}{x + f\"{x}\"}'",
        "'{} {}'.format(1, [2])",
        "'{a!r} {}'.format(1, a = 'x')",
        "'{1} {0}'.format(1, 'x')",
        "'{} {}'.format(1)",
        "'{x}'.format(y = 1)",
        "'{} {0}'.format(1)",
        "'{}'.format(*[1], **{})",
        "f = '{}-{}'.format\nf(1, 'a')",
        "struct(format = lambda x: x + 1).format(2)",
        "'%d %s %r %x %o %%' % (1, 'a', 'b', 255, 8)",
        "'%s' % (1,)",
        "'%s' % [1, 2]",
        "'%s' % ((1, 2),)",
        "'%s %s' % 1",
        "'%s' % (1, 2)",
        "'%d' % 'a'",
        "'%q' % 1",
        "'%'  % 1",
        "'%' % ()",
        "x = 5\ny = 3\nx % y",
        "x = 5.5\ny = 0\nx % y",
        "type(str(1))",
        "def f(x: str) -> str: return x\nf('a')",
        "def f(x: str): pass\nf(1)",
        "def f(x: dict[str, int]) -> list[str]: return list(x)\nf({'a': 1})",
        "[isinstance(x, str) for x in (1, 'a')]",
        "str.type",
        "fail()",
        "fail('a', 1)",
    ] {
        check(&session, source);
    }
}

#[test]
fn places_of_errors_are_those_of_the_source_as_it_was_written() {
    let session = session();
    let place = |source: &str| {
        let error = session.run(cell(source)).unwrap_err();
        let place = *error.place.unwrap();
        (place.line, place.column, place.width, place.source)
    };
    let line = "x = f'é {1} {[2][7]}' + '{}'.format(3)";
    assert_eq!(place(&format!("y = f'{{1}}'\n{line}")), (2, 14, 6, line.to_owned()));
    let line = "x = f'{1}' + '{}'.format(3) + 'a' * 'b'";
    let (number, column, _, source) = place(line);
    assert_eq!((number, column, source.as_str()), (1, 31, line));
    let line = "'{} {}'.format(1)";
    assert_eq!(place(line), (1, 1, line.len(), line.to_owned()));
    let text = "x = f\"\"\"{\n  1 +\n  'a'\n}\"\"\"";
    assert_eq!((place(text).0, place(text).3.as_str()), (2, "  1 +"));
    let error = session.run(cell("fail(' ')")).unwrap_err();
    assert_eq!(error.message, "fail() was called without a reason");
}
