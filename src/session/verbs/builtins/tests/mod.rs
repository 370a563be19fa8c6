//! These functions beside the language's own.

mod texts;

use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;
use starlark::environment::Module;
use starlark::eval::Evaluator;

use super::watch::MOST_ITEMS;
use crate::language::dialect;
use crate::session::verbs::language;
use crate::session::{Cell, Output, Session, Settings, Sink};

struct Nobody;

impl Sink for Nobody {
    fn emit(&self, _: Output) {}
}

fn session() -> Session {
    Session::start(Settings::default(), Arc::new(Nobody)).unwrap()
}

fn cell(source: &str) -> Cell {
    Cell { name: "cell".into(), source: source.into(), folder: PathBuf::new() }
}

/// What these functions make of it.
fn ours(session: &Session, source: &str) -> Result<String, String> {
    let shown = session.run(cell(source)).map_err(|error| error.message)?;
    let text = shown.map(|display| display.to_text()).unwrap_or_default();
    // A wide value is shown in lines.
    let lines: Vec<&str> = text.split(",\n").map(str::trim_start).collect();
    Ok(lines.join(", "))
}

/// What the language's own make of it.
fn original(source: &str) -> Result<String, String> {
    let ast = dialect::parse("cell", source).map_err(|error| error.to_string())?;
    Module::with_temp_heap(|module| {
        let mut eval = Evaluator::new(&module);
        let value = eval.eval_module(ast, &language()).map_err(|error| error.to_string())?;
        Ok(if value.is_none() { String::new() } else { value.to_repr() })
    })
}

/// The same value, or an error in both.
fn check(session: &Session, source: &str) {
    let (ours, original) = (ours(session, source), original(source));
    match (&ours, &original) {
        (Err(_), Err(_)) => {}
        _ => assert_eq!(ours, original, "{source}"),
    }
}

/// Calls of every function, with S and T for sequences.
const CALLS: &[&str] = &[
    "list(S)",
    "list(set(S))",
    "set(S)",
    "sorted(S)",
    "sorted(S, reverse = True)",
    "sorted(S, key = lambda x: str(x)[-1:])",
    "sorted(S, key = lambda x: str(x)[-1:], reverse = True)",
    "sorted(S, key = lambda x: fail('no'))",
    "reversed(S)",
    "enumerate(S)",
    "enumerate(S, 3)",
    "enumerate(S, start = 2147483600)",
    "zip(S)",
    "zip(S, T)",
    "zip(T, S, range(3))",
    "zip(S, [])",
    "map(str, S)",
    "map(lambda x: [x, x], S)",
    "filter(bool, S)",
    "filter(None, S)",
    "filter(lambda x: str(x) < '3', S)",
    "max(S)",
    "min(S)",
    "max(S, key = str)",
    "min(S, key = lambda x: str(x)[-1:])",
    "any(S)",
    "all(S)",
];

fn item() -> impl Strategy<Value = String> {
    prop_oneof![
        (-30_i32..30).prop_map(|number| number.to_string()),
        (-30_i32..30).prop_map(|number| format!("{:?}", f64::from(number) / 4.0)),
        "[a-z ]{0,3}".prop_map(|text| format!("{text:?}")),
        (0_u8..4).prop_map(|number| format!("({number}, 'x')")),
        Just("None".to_owned()),
        Just("True".to_owned()),
        Just("4000000000".to_owned()),
    ]
}

/// Items of one kind, as sorting needs, or of any.
fn sequence() -> impl Strategy<Value = String> {
    let numbers = (-30_i32..30).prop_map(|number| number.to_string());
    let texts = "[a-c]{0,2}".prop_map(|text| format!("{text:?}"));
    let items = prop_oneof![
        prop::collection::vec(numbers, 0..12),
        prop::collection::vec(texts, 0..12),
        prop::collection::vec(item(), 0..6),
    ];
    let written = (items, 0..4_u8).prop_map(|(items, kind)| {
        let list = format!("[{}]", items.join(", "));
        match kind {
            0 => list,
            1 => format!("tuple({list})"),
            2 => format!("{{str(x): x for x in {list}}}"),
            _ => format!("{list} + {list}"),
        }
    });
    prop_oneof![
        8 => written,
        1 => (-9_i32..9, -9_i32..9, 1_i32..4).prop_map(|(a, b, c)| format!("range({a}, {b}, {c})")),
        1 => Just("7".to_owned()),
        1 => Just("'text'".to_owned()),
    ]
}

proptest! {
    #[test]
    fn results_are_those_of_the_language(s in sequence(), t in sequence()) {
        let session = session();
        for call in CALLS {
            check(&session, &format!("S = {s}\nT = {t}\n{call}"));
        }
    }
}

#[test]
fn arguments_are_those_of_the_language() {
    let session = session();
    for call in [
        "list()",
        "list(1)",
        "list([1], [2])",
        "list(a = [1])",
        "set()",
        "set([[1]])",
        "sorted()",
        "sorted([1], str)",
        "sorted([1], key = 3)",
        "max()",
        "max([])",
        "min(2, 1)",
        "max(3, 1, key = str)",
        "max('ab')",
        "max([], key = str)",
        "zip()",
        "zip(1)",
        "map(str)",
        "map(1, [1])",
        "map(1, [])",
        "range()",
        "range(3)",
        "range(1, 9, 3)",
        "range(1, 2, 0)",
        "range(4, None)",
        "list(range(9, 0, -4))",
        "range(1, 2) == range(1, 3)",
        "range(2147483648)",
        "filter(str)",
        "enumerate()",
        "reversed('ab'.elems())",
        "any()",
        "all(x = [])",
        "min([3, 'a'])",
    ] {
        check(&session, call);
    }
}

#[test]
fn a_long_sort_is_stable_as_that_of_the_language() {
    let session = session();
    for (key, reverse) in [("p[0]", "False"), ("p[0]", "True"), ("-p[1] % 101", "False")] {
        let pairs = "[(i * 7919 % 13, i) for i in range(20000)]";
        let hash = "sum = 0\nfor p in order: sum = (sum * 31 + p[1]) % 1000003\nsum";
        check(
            &session,
            &format!("order = sorted({pairs}, key = lambda p: {key}, reverse = {reverse})\n{hash}"),
        );
    }
    // The first error ends a sort, wherever it is.
    assert!(ours(&session, "sorted(list(range(9000)) + ['a'])").is_err());
}

#[test]
fn types_are_still_types() {
    let session = session();
    for source in [
        "def f(x: list[int], y: set[str], z: dict[str, int], t: tuple[int, ...]) -> list: return x\n\
         f([1], set(['a']), {'a': 1}, (1, 2))",
        "def f(x: list) -> set: return set(x)\nf([2, 1])",
        "def f(x: list[int]): pass\nf(['a'])",
        "def f(x: set): pass\nf([1])",
        "def f() -> set[int]: return set(['a'])\nf()",
        "[isinstance(x, list) for x in ([], (), set(), {})]",
        "[isinstance(x, set) for x in ([], (), set(), {})]",
        "[isinstance(x, list[int]) for x in ([1], ['a'])]",
        "[list.type, set.type, str(list), str(set), type(list), type(list([]))]",
        "def f(x: range) -> range: return x\nf(range(3))",
        "[isinstance(x, range) for x in ([], range(2))]",
        "[range.type, str(range), type(range(3))]",
        "dir(list)",
        "list == list",
        "x = set([3, 1])\nx.add(2)\nlist(x)",
        "a = [1]\nb = list(a)\nb.append(2)\n[a, b]",
    ] {
        check(&session, source);
    }
}

#[test]
fn products_are_those_of_the_language() {
    let session = session();
    for source in [
        "'ab' * 3",
        "3 * 'ab'",
        "[1, 2] * 2",
        "2 * [x for x in range(2)]",
        "(1,) * 3",
        "f'{1}' * 2",
        "'ab' * 0",
        "'ab' * -1",
        "'ab' * 'c'",
        "[1] * 2.0",
        "[] * 4",
        "'' * 2147483647",
        "[2 * 3] * 2",
        "x = 4\n['a' * x, x * 3 * 1.5, x * x * -1, 1 << x * 2]",
        "2 * 3 + 1 if 'a' * 2 else 0",
        "def f(n): return [n * 2 for _ in [0] * n]\nf(3)",
        "x = 3\nx *= 2\n'a' * x",
        "'%d' % 3 * 2",
    ] {
        check(&session, source);
    }
    let error = |source| session.run(cell(source)).unwrap_err();
    assert_eq!(
        error("\n3 * ('a' * 'b')").message,
        "`*` does not work between a string and a string"
    );
    assert_eq!(error("\n3 * ('a' * 'b')").place.unwrap().column, 6);
    assert_eq!(
        error("'ab' * 5000000000").message,
        "`*`: a text takes at most 4294966784 bytes, not 10000000000"
    );
    assert!(error("n = 600000000\nx = n * [0]").message.starts_with("`*`: a list holds at most"));
}

#[test]
fn lists_that_the_language_does_not_have_are_refused() {
    let session = session();
    let endless = "range(1 << 30)";
    for call in ["list(R)", "sorted(R)", "reversed(R)", "enumerate(R)", "zip(R, R)", "map(str, R)"]
    {
        let error = ours(&session, &call.replace('R', endless)).unwrap_err();
        let most = format!("a list holds at most {MOST_ITEMS} items, not {}", 1 << 30);
        assert!(error.ends_with(&most), "{error}");
    }
    assert_eq!(ours(&session, "zip(range(1 << 30), [1])").unwrap(), "[(0, 1)]");
}

/// The language's own counts on from −2³¹.
#[test]
fn positions_beyond_32_bits_go_on() {
    let counted = ours(&session(), "enumerate([1, 2], 2147483647)").unwrap();
    assert_eq!(counted, "[(2147483647, 1), (2147483648, 2)]");
}

#[test]
fn an_error_of_range_names_what_is_wrong() {
    let session = session();
    let error = ours(&session, "range('a')").unwrap_err();
    assert!(error.starts_with("range: `start_or_stop` must be int"), "{error}");
    let error = ours(&session, "range(1, 'a')").unwrap_err();
    assert!(error.starts_with("range: `stop` must be"), "{error}");
}

#[test]
fn a_loop_that_ends_in_an_error_leaves_its_list_free() {
    let session = session();
    for (stopped, change, shown) in [
        ("x = [1, 2]\nfor i in x: fail('stop')", "x.append(3)\nx", "[1, 2, 3]"),
        ("d = {'a': 1}\nfor k in d: fail('stop')", "d['b'] = 2\nd", "{\"a\": 1, \"b\": 2}"),
        ("w = [1]\n[fail('stop') for a in w]", "w.append(2)\nw", "[1, 2]"),
        (
            "v = [[1]]\ndef f():\n  for a in v[0]: fail('stop')\nf()",
            "v[0].append(2)\nv",
            "[[1, 2]]",
        ),
    ] {
        assert!(ours(&session, stopped).unwrap_err().contains("stop"));
        assert_eq!(ours(&session, change).unwrap(), shown);
    }
    // Changes of what a loop goes over are refused before it begins, and change nothing.
    for (value, change, of) in [
        ("y = [1, 2]", "for i in y: y.append(i)", "list"),
        ("y = [1, 2]", "for i in y: y[0] = i", "list"),
        ("y = [1, 2]", "for i in y:\n  y += [i]", "list"),
        ("y = {1: 2}", "for i in y: y.pop(i)", "dict"),
        ("y = set([1])", "for i in y: y.add(2)", "set"),
    ] {
        let refused = ours(&session, &format!("{value}\n{change}")).unwrap_err();
        assert!(refused.contains(&format!("changes the {of} that it goes over")), "{refused}");
        let more = if of == "list" { "y.append(3)" } else { "y.clear()" };
        assert!(ours(&session, &format!("{more}\nlen(y)")).is_ok());
    }
    for (fine, shown) in [
        (
            "y = [1, 2]\ndef f(y):\n  for x in y:\n    y = [x]\n    y.append(x)\n  return y\nf(y)",
            "[2, 2]",
        ),
        ("y = [[1], [2]]\nfor y in y: y.append(9)\ny", "[2, 9]"),
        ("y = [1, 2, 3]\nfor x in y:\n  if x == 2:\n    y.remove(x)\n    break\ny", "[1, 3]"),
        ("y = [1]\ndef f():\n  for x in y:\n    def add(y): y.append(x)\n  return y\nf()", "[1]"),
    ] {
        assert_eq!(ours(&session, fine).unwrap(), shown, "{fine}");
    }
    let new_key = ours(&session, "y = {'a': 1}\nfor k in y: y[k + 'x'] = 2").unwrap_err();
    assert!(new_key.contains("changes the dict that it goes over"), "{new_key}");
    // As in Python: values may change, keys stay.
    let values = "d = {'a': 1, 'b': 2}\nfor k in d: d[k] = 10 * d[k]\nd";
    assert_eq!(ours(&session, values).unwrap(), "{\"a\": 10, \"b\": 20}");
}

#[test]
fn tuples_need_no_brackets() {
    let session = session();
    assert_eq!(ours(&session, "a = 1; b = 2\na, b").unwrap(), "(1, 2)");
    assert_eq!(ours(&session, "1,").unwrap(), "(1,)");
}
