//! What is wrong with a file, found without running it.

use std::collections::HashMap;

use starlark::ErrorKind;
use starlark::syntax::AstModule;
use starlark::typing::AstModuleTypecheck;

use super::cursor::{Call, Cursor};
use super::false_alarms::{compared, is_false_alarm};
use super::wrong_words::wrong_words;
use crate::context::panics;
use crate::language::typing::{InFunction, typing_sentence};
use crate::language::{CellError, diagnose, dialect, rust_cell};
use crate::session::catalogue::manual;
use crate::session::verbs::globals;

/// Something that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub error: CellError,
    /// Whether the file cannot run at all; otherwise it runs up to this place.
    pub is_certain: bool,
}

/// Parses a file, looks up its names, compares types and words. `name` is what errors call it.
pub fn check(name: &str, source: &str) -> Vec<Problem> {
    if rust_cell(source).is_some() {
        return Vec::new();
    }
    // What the checks of the language cannot take is found when the file runs.
    panics::catch(|| problems(name, source)).unwrap_or_default()
}

fn problems(name: &str, source: &str) -> Vec<Problem> {
    // Tuples without brackets run, and some of what can be parsed does not.
    let parsed =
        dialect::parse_to_run(name, source).and_then(|_| dialect::parse_with_tuples(name, source));
    let ast = match parsed {
        Ok((_, ast)) => ast,
        Err(error) => return vec![Problem { error: explained(error), is_certain: true }],
    };
    let mut found: Vec<Problem> = typing_errors(ast).collect();
    // An assignment of a name that is not defined ends the check of a module at once, without a sentence.
    let before = found.len();
    found.retain(|problem| !problem.error.message.contains("unresolved ident"));
    let is_cut_short = found.len() < before;
    // The same once more as a function, into which the type checker looks.
    let function = InFunction::new(source);
    if let Ok((_, ast)) = dialect::parse_with_tuples(name, &function.source) {
        for mut problem in typing_errors(ast).filter(|one| is_cut_short || !one.is_certain) {
            let Some(place) = problem.error.place.as_deref_mut() else { continue };
            let Some(there) = function.place(place.line, place.column) else { continue };
            (place.line, place.column) = there;
            let line = source.split('\n').nth(place.line - 1).unwrap_or_default();
            place.source = line.trim_end().to_owned();
            let is_same = |other: &Problem| {
                other.error.message == problem.error.message
                    && other.error.place.as_ref().map(|one| (one.line, one.column)) == Some(there)
            };
            if !found.iter().any(is_same) {
                found.push(problem);
            }
        }
    }
    for problem in found.iter_mut().filter(|problem| !problem.is_certain) {
        reword(&mut problem.error, source);
    }
    let words = wrong_words(name, source).into_iter();
    found.extend(words.map(|error| Problem { error, is_certain: false }));
    let place =
        |problem: &Problem| problem.error.place.as_ref().map(|place| (place.line, place.column));
    found.sort_by_key(place);
    found
}

fn explained(error: starlark::Error) -> CellError {
    diagnose(error, &|function| manual().parameters(function))
}

fn typing_errors(ast: AstModule) -> impl Iterator<Item = Problem> {
    let compared = compared(&ast);
    let (errors, ..) = ast.typecheck(&globals(), &HashMap::new());
    let errors = errors.into_iter().filter(move |error| !is_false_alarm(error, &compared));
    errors.map(|error| {
        let is_certain = matches!(error.kind(), ErrorKind::Scope(_));
        Problem { error: explained(error), is_certain }
    })
}

/// Words an error of the type checker as one of a run.
fn reword(error: &mut CellError, source: &str) {
    let Some(place) = error.place.as_deref() else { return };
    let lines = source.split('\n').take(place.line - 1);
    let before: usize = lines.map(|line| line.chars().count() + 1).sum();
    let at = before + place.column - 1;
    let cursor = Cursor::new(source, at);
    let call = match error.message.starts_with("Missing required") {
        // The place is the call itself: behind its bracket is its inside.
        true => {
            let text = place.source.chars().skip(place.column - 1);
            let open = text.take_while(|letter| *letter != '(').count() + 1;
            called(&Cursor::new(source, at + open))
        }
        false => called(&cursor),
    };
    let parameters = |_: &str| {
        let parameters = call.iter().flat_map(|call| &call.function.parameters);
        parameters.map(|parameter| parameter.name.clone()).collect()
    };
    let function = call.as_ref().map(|call| &*call.function.name);
    (error.message, error.hint) = typing_sentence(&error.message, function, &parameters);
}

/// The call in whose brackets a cursor stands.
fn called(cursor: &Cursor) -> Option<Call> {
    let tokens = cursor.tokens();
    Call::at(&cursor.scope(&[], &tokens), &tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> Vec<String> {
        let line = |Problem { error, is_certain }: Problem| {
            let place = error.place.as_ref().unwrap();
            let kind = if is_certain { "error" } else { "warning" };
            format!("{}:{} {kind}: {}", place.line, place.column, error.sentence())
        };
        check("study.star", source).into_iter().map(line).collect()
    }

    #[test]
    fn wrong_arguments_are_found_at_the_top_and_in_functions() {
        let source = "people = phantom_cohort(subject = 3)
def learn(model, x):
    adapt(model, 3)
    return missing
seed()
learn(1, 2, 3)
";
        assert_eq!(
            told(source),
            [
                "1:25 warning: phantom_cohort has no parameter `subject`; did you mean `subjects`?",
                "3:18 warning: adapt: this must be a Cohort, not an int",
                "4:12 error: `missing` is not defined",
                "5:1 warning: seed needs `number`; it takes number",
                "6:13 warning: learn got too many unnamed arguments; it takes model, x",
            ]
        );
    }

    #[test]
    fn a_word_that_an_argument_does_not_take_is_told_at_the_argument() {
        let source = "\
m = u2ad(preset = \"big\")
quick = True
n = u2ad(  # small or paper
    \"small\" if quick else \"tiny\",
)
people = phantom_cohort(subjects = 2)
def look(model):
    return detect(model, people, scoring = 'loud')
device(\"gpu\")
plot(look(m), kind = \"é\")
";
        assert_eq!(
            told(source),
            [
                "1:19 warning: u2ad: `preset` cannot be \"big\"; choose one of \"small\", \"paper\"",
                "4:27 warning: u2ad: `preset` cannot be \"tiny\"; choose one of \"small\", \"paper\"",
                "8:44 warning: detect: `scoring` cannot be \"loud\"; choose one of \"published\", \"residual\", \
                 \"learned\", \"own\"",
                "9:8 warning: device: `name` cannot be \"gpu\"; choose one of \"auto\", \"cpu\", \"cuda\", \"metal\"",
                "10:22 warning: plot: `kind` cannot be \"é\"; choose one of \"panels\", \"curve\", \"histograms\"",
            ]
        );
        for fine in [
            "u2ad(preset = \"paper\")\nplot(1, kind = None)\n",
            "word = \"pap\"\nu2ad(preset = word + \"er\")\nu2ad(preset = \"pap\" + \"er\")\n",
            "def u2ad(preset): return preset\nu2ad(preset = \"big\")\n",
            "print(\"u2ad(preset = 'big')\")\n# u2ad(preset = \"big\")\n",
            "u2ad(preset = \"small\" if \"big\" in [\"x\"] else \"paper\", seed = 1)\n",
        ] {
            let about = told(fine);
            assert!(!about.iter().any(|line| line.contains("cannot be")), "{fine}: {about:?}");
        }
    }

    #[test]
    fn every_name_that_is_not_defined_is_told() {
        let source = "x = nme\nprint(zz)\ny = [x, other]\ndef f():\n    return inner\n";
        assert_eq!(
            told(source),
            [
                "1:5 error: `nme` is not defined",
                "2:7 error: `zz` is not defined",
                "3:9 error: `other` is not defined",
                "5:12 error: `inner` is not defined",
            ]
        );
    }

    #[test]
    fn a_tuple_without_brackets_is_a_statement() {
        assert!(told("x = 1\nx, 2\n").is_empty());
        assert_eq!(told("x = 1\nx, 2\nprint(zz)\n"), ["3:7 error: `zz` is not defined"]);
        assert_eq!(
            told("x = 1\nif type(x) == int: pass\n"),
            ["2:4 error: syntax error: `type` gives a text here; compare it with \"int\""]
        );
        assert_eq!(told("x y, 2\n").len(), 1);
        let both = ["1:5 error: `nope` is not defined", "2:6 error: `bb` is not defined"];
        assert_eq!(told("y = nope\n\"a\", bb\n"), both);
    }

    #[test]
    fn what_only_looks_wrong_to_the_type_checker_is_not_told() {
        for source in [
            "x = 3\nif x == None or x != \"a\": pass\n",
            "found = detect(intensity_threshold(), phantom_cohort(subjects = 2))\nfound == None\n",
            "print(1 in [None, \"a\"], \"b\" in {1: 2}, 1 in (\"a\", None), None not in set([1]))\n",
            "d = {1: \"a\"}\nprint(d.get(\"b\"), d.get(\"b\", 2))\n",
            "d = {1: \"a\"}\ndef add(to): to[\"b\"] = 2\nadd(d)\nprint(d[\"b\"])\n",
            "image = phantom_cohort(subjects = 1)[0].image\nprint((2 * image).mean, (0.5 * image + 1).std)\n",
            "image = phantom_cohort(subjects = 1)[0].image\nprint((-1 * image + 1)[0], 0.5 * image & image)\n",
            "s = struct(a = 1)\nif hasattr(s, \"b\"): print(s.b)\n",
        ] {
            assert_eq!(told(source), [] as [&str; 0], "{source}");
        }
        assert_eq!(
            told("x = [1].foo == 3\nprint(1 + \"a\" == 2)\n"),
            [
                "1:9 warning: a list has no `foo`",
                "2:7 warning: `+` does not work between an int and a string"
            ]
        );
    }

    #[test]
    fn nothing_is_wrong_with_what_runs() {
        let source = "load(\"helpers.star\", \"mean_of\")
people = phantom_cohort(subjects = 4)
job = start(lambda: pretrain(u2ad(), people, epochs = 1))
print(wait(job).losses, mean_of(people))
text = \"\"\"
  two lines\"\"\"
found = detect(intensity_threshold(), people)
found = evaluate(found)
def later(): return found.auroc
if later() > 0.5: print(f\"{found.auroc} of {
    len(people)}\")
";
        assert_eq!(told(source), [] as [&str; 0]);
        assert_eq!(told("x = = 1").len(), 1);
        assert!(told("").is_empty() && told("%%rust\nlet x = 1;").is_empty());
    }
}
