//! `u2ad lsp`, spoken to over standard input and output as an editor does.

#[path = "common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use common::{Place, ended};
use serde_json::{Value, json};

/// An editor with a language server.
struct Editor {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl Editor {
    fn new(place: &Place) -> Self {
        let mut command = place.command(&["lsp"]);
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
        let mut editor = Self { server, input, output: BufReader::new(output), asked: 0 };
        let answer = editor.ask("initialize", json!({ "capabilities": {} }));
        assert_eq!(answer["serverInfo"]["name"], "u2ad");
        assert_eq!(answer["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn heard(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server has gone");
            match line.trim().strip_prefix("Content-Length: ") {
                Some(number) => length = number.parse().unwrap(),
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut text = vec![0; length];
        self.output.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// Sends a request; gives the whole answer.
    fn answer(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer = self.heard();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer.get("error").is_none(), "{answer}");
        answer["result"].clone()
    }

    /// Opens a file; gives what is wrong with it.
    fn open(&mut self, uri: &str, text: &str) -> Vec<Value> {
        let document = json!({ "uri": uri, "languageId": "starlark", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        self.diagnostics(uri)
    }

    fn diagnostics(&mut self, uri: &str) -> Vec<Value> {
        let published = self.heard();
        assert_eq!(published["method"], "textDocument/publishDiagnostics", "{published}");
        assert_eq!(published["params"]["uri"], uri);
        published["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// Asks about a place: line and column, counted from 0.
    fn about(&mut self, method: &str, uri: &str, line: usize, column: usize) -> Value {
        let position = json!({ "line": line, "character": column });
        self.ask(method, json!({ "textDocument": { "uri": uri }, "position": position }))
    }

    fn shut_down(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null), Value::Null);
        self.tell("exit", Value::Null);
        assert!(self.server.wait().unwrap().success());
    }
}

fn uri(place: &Place, name: &str) -> String {
    format!("file://{}", place.path(name).display())
}

#[test]
fn an_editor_gets_errors_completions_pages_and_definitions() {
    let place = Place::new();
    place.write(
        "helpers.star",
        "# Of all subjects.\n\ndef mean_of(found):\n    return mean(found.scores)\n",
    );
    let study = uri(&place, "study.star");
    let mut editor = Editor::new(&place);

    let wrong = editor.open(&study, "people = phantom_cohort(\n    subjects = = 2)\n");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0]["severity"], 1);
    assert_eq!(wrong[0]["range"]["start"], json!({ "line": 1, "character": 15 }));
    assert!(wrong[0]["message"].as_str().unwrap().starts_with("syntax error"), "{wrong:?}");

    let source = "\
# %% [markdown]
# # A study

# %%
load(\"helpers.star\", \"mean_of\")
é = \"ü\"; people = phantom_cohort(subjects = 2)
found = detect(intensity_threshold(), people)
mean_of(found)
people.
";
    let change = |text: &str| {
        let document = json!({ "uri": study, "version": 2 });
        json!({ "textDocument": document, "contentChanges": [{ "text": text }] })
    };
    editor.tell("textDocument/didChange", change("patients = 1\nprint(people)\n"));
    let wrong = editor.diagnostics(&study);
    assert!(wrong[0]["message"].as_str().unwrap().contains("people"), "{wrong:?}");
    assert_eq!(wrong[0]["range"]["start"], json!({ "line": 1, "character": 6 }));

    editor.tell(
        "textDocument/didChange",
        change(&source.replace("é = \"ü\"; ", "").replace("people.\n", "")),
    );
    assert_eq!(editor.diagnostics(&study), Vec::<Value>::new());

    editor.tell("textDocument/didChange", change(&source.replace("é = ", "e = ")));
    editor.diagnostics(&study);
    let offered = editor.about("textDocument/completion", &study, 8, 7);
    let labels: Vec<_> =
        offered.as_array().unwrap().iter().map(|one| one["label"].as_str().unwrap()).collect();
    assert!(labels.contains(&"healthy") && labels.contains(&"clinical"), "{labels:?}");
    let offered = editor.about("textDocument/completion", &study, 5, 23);
    let verb = offered.as_array().unwrap().iter().find(|one| one["label"] == "phantom_cohort");
    let verb = verb.unwrap_or_else(|| panic!("{offered}")).clone();
    assert_eq!(verb["textEdit"]["range"]["start"], json!({ "line": 5, "character": 18 }));
    let resolved = editor.ask("completionItem/resolve", verb);
    let page = resolved["documentation"]["value"].as_str().unwrap();
    assert!(page.starts_with("Generates a cohort of synthetic spines"), "{page}");

    let hover = editor.about("textDocument/hover", &study, 6, 10);
    let page = hover["contents"]["value"].as_str().unwrap();
    assert!(page.contains("detect(model, cohort, samples = 10"), "{page}");
    assert_eq!(editor.about("textDocument/hover", &study, 2, 0), Value::Null);

    let here = editor.about("textDocument/definition", &study, 6, 39);
    assert_eq!(here["uri"], *study);
    assert_eq!(here["range"]["start"], json!({ "line": 5, "character": 9 }));
    let there = editor.about("textDocument/definition", &study, 7, 2);
    assert_eq!(there["uri"], *uri(&place, "helpers.star"));
    assert_eq!(there["range"]["start"], json!({ "line": 2, "character": 4 }));
    assert_eq!(editor.about("textDocument/definition", &study, 6, 10), Value::Null);

    let symbols =
        editor.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": study } }));
    let names: Vec<_> =
        symbols.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["[markdown]", "cell", "e", "people", "found"]);
    editor.shut_down();
}

#[test]
fn an_editor_hears_of_own_functions_and_of_what_loaded_files_lack() {
    let place = Place::new();
    place.write("helpers.star", "def mean_of(found):\n    'Averages.'\n    return 1\n");
    let study = uri(&place, "study.star");
    let mut editor = Editor::new(&place);
    let source = "\
load(\"helpers.star\", \"mean_off\", mine = \"mean_of\")
load(\"missing.star\", \"x\", \"y\")

def score(subject, *args):
    \"\"\"Scales it.\"\"\"
    return mean_off(subject)

print(score(mine), x, y)
";
    let wrong = editor.open(&study, source);
    let told: Vec<_> = wrong.iter().map(|one| one["message"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "helpers.star defines no `mean_off`; did you mean `mean_of`?",
            "missing.star cannot be loaded: it does not exist"
        ]
    );
    assert_eq!(wrong[0]["range"]["start"], json!({ "line": 0, "character": 21 }));
    assert_eq!(wrong[1]["range"]["start"], json!({ "line": 1, "character": 5 }));
    assert!(wrong.iter().all(|one| one["severity"] == 1), "{wrong:?}");

    let hover = editor.about("textDocument/hover", &study, 7, 8);
    let page = hover["contents"]["value"].as_str().unwrap();
    assert!(page.contains("score(subject, *args)") && page.contains("Scales it."), "{page}");
    assert_eq!(editor.about("textDocument/hover", &study, 5, 14), Value::Null);
    let hover = editor.about("textDocument/hover", &study, 7, 13);
    let page = hover["contents"]["value"].as_str().unwrap();
    assert!(page.contains("mean_of(found)") && page.contains("Averages."), "{page}");

    let symbols =
        editor.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": study } }));
    assert_eq!(symbols.as_array().unwrap().len(), 1, "{symbols}");
    let range = |from: [usize; 2], to: [usize; 2]| {
        let place = |[line, character]: [usize; 2]| json!({ "line": line, "character": character });
        json!({ "start": place(from), "end": place(to) })
    };
    assert_eq!(symbols[0]["range"], range([3, 0], [5, 28]));
    assert_eq!(symbols[0]["selectionRange"], range([3, 4], [3, 9]));
    editor.shut_down();
}

#[test]
fn what_an_editor_should_not_send_ends_nothing() {
    let place = Place::new();
    let mut editor = Editor::new(&place);
    let unknown = editor.answer("workspace/symbol", json!({ "query": "x" }));
    assert_eq!(unknown["error"]["code"], -32601);
    let wrong = editor.answer("textDocument/hover", json!({ "place": 3 }));
    assert_eq!(wrong["error"]["code"], -32602);
    assert_eq!(editor.about("textDocument/hover", "file:///unopened.star", 3, 3), Value::Null);
    editor.tell("$/setTrace", json!({ "value": "off" }));
    editor.tell("textDocument/didChange", json!(3));
    let untitled = "untitled:Untitled-1";
    assert_eq!(editor.open(untitled, "%%rust\nlet x = 1;").len(), 0);
    assert_eq!(editor.open(untitled, "load(\"a.star\", \"b\")\nb").len(), 0);
    let there = editor.about("textDocument/definition", untitled, 1, 0);
    assert_eq!(there["uri"], untitled);
    let out = json!({ "line": 99, "character": 99 });
    let params = json!({ "textDocument": { "uri": untitled }, "position": out });
    editor.ask("textDocument/completion", params);
    editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": untitled } }));
    assert_eq!(editor.diagnostics(untitled), Vec::<Value>::new());
    editor.shut_down();
}

#[test]
fn without_an_editor_it_says_so_and_ends() {
    let ended = ended(&mut Place::new().command(&["lsp"]));
    assert_eq!((ended.code, &*ended.out), (Some(1), ""));
    assert!(ended.err.starts_with("error: lsp: "), "{}", ended.err);
}

/// The scripts that the program itself brings are right in every name and type.
#[test]
fn nothing_is_wrong_with_the_tutorials() {
    let place = Place::new();
    let mut editor = Editor::new(&place);
    let tutorials = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tutorials")).unwrap();
    let mut checked = 0;
    for path in tutorials.map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "star") {
            let uri = format!("file://{}", path.display());
            let wrong = editor.open(&uri, &std::fs::read_to_string(&path).unwrap());
            assert!(wrong.is_empty(), "{}: {wrong:?}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 0, "there are no tutorials");
    editor.shut_down();
}
