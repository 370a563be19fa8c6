//! What people write out of habit from Python, notebooks and other shells, and what stands here for it.

use strsim::osa_distance;

/// Modules of Python that users reach for, and what to use here.
const MODULES: &[(&[&str], &str)] = &[
    (&["math", "cmath"], "sqrt, round, abs, min, max, sum and mean need no module"),
    (
        &["np", "numpy", "scipy", "torch", "skimage", "cv2"],
        "maps have + − × ÷, .mean, .where(mask) and .above(value); for more, write a cell in Rust (`%%rust`)",
    ),
    (
        &["pd", "pandas", "csv"],
        "table(value) shows a table and keeps it; rows(value) gives its rows",
    ),
    (&["plt", "matplotlib", "seaborn", "sns"], "plot(value) draws a figure"),
    (
        &["os", "pathlib", "shutil", "glob", "subprocess"],
        "verbs read and write files; output_dir() is the folder of results",
    ),
    (&["sys", "argparse"], "parameter(\"name\", default) reads what `-p name=value` sets"),
    (
        &["random", "time", "datetime", "re", "copy", "pickle", "nibabel", "nib", "tqdm"],
        "help() lists what there is",
    ),
];

/// The language's own suggestion, if it is near: it also offers names that have little in common with what was
/// written.
pub(super) fn suggestion(message: &str, offered: &str) -> Option<String> {
    let offered = offered.trim_end_matches('?');
    // Nobody mistypes these.
    if ["None", "True", "False"].contains(&offered.trim_matches('`')) {
        return None;
    }
    let written = message.trim_end_matches(" not found").trim_matches('`').rsplit('`').next()?;
    is_near(written, offered.trim_matches('`')).then(|| format!("did you mean {offered}?"))
}

/// What to write instead of what works in Python alone.
pub(super) fn of(message: &str, source: &str) -> Option<String> {
    if is_about_formats(message, source) {
        return Some(
            "write format(x, \".2f\"), or format(x, \"03d\") to pad with zeros".to_owned(),
        );
    }
    if let Some(hint) = argument(message) {
        return Some(hint.to_owned());
    }
    if message.starts_with("Index `-") && source.contains(".pop(-") {
        return Some(
            "pop counts from 0: a.pop(len(a) - 1); a.pop() takes the last item".to_owned(),
        );
    }
    let quoted = |prefix: &str| message.strip_prefix(prefix)?.strip_suffix('`');
    if let Some((kind, name)) =
        quoted("Object of type `").and_then(|rest| rest.split_once("` has no attribute `"))
    {
        return attribute(kind, name).map(str::to_owned);
    }
    let rest = quoted("Operation `")?;
    if let Some((operator, kinds)) = rest.split_once("` not supported for types `") {
        let (left, right) = kinds.split_once("` and `")?;
        return operation(operator, left, right).map(str::to_owned);
    }
    let (operator, kind) = rest.split_once("` not supported on type `")?;
    let called = (operator == "call()").then(|| called_value(kind, source)).flatten();
    called.or_else(|| operation(operator, kind, "").map(str::to_owned))
}

/// What to do instead of a name that is not defined.
pub(super) fn undefined(name: &str) -> Option<(String, String)> {
    if let Some((_, instead)) = MODULES.iter().find(|(names, _)| names.contains(&name)) {
        let sentence = format!("`{name}` is a module of Python, and there are none here");
        return Some((sentence, (*instead).to_owned()));
    }
    let instead = match name {
        "open" => "verbs read and write files; help() lists them",
        "exit" | "quit" => {
            "Ctrl-D or :quit ends the shell, a notebook's menu its kernel, and fail(\"…\") a script with an error"
        }
        "pow" => "write `x * x`; sqrt(x) is the square root",
        "input" => "parameter(\"name\", default) reads what `-p name=value` sets",
        "isinstance" => "write `type(x) == \"list\"`",
        "display" => "the last value of a cell is shown; show(value) shows one earlier",
        "pwd" | "ls" | "cd" => {
            "output_dir() is the folder of results; paths begin where u2ad was started"
        }
        _ => return None,
    };
    Some((format!("Starlark has no `{name}`"), instead.to_owned()))
}

/// What to write instead of an argument that a function does not take.
fn argument(message: &str) -> Option<&'static str> {
    let extra = |function: &str| message.ends_with(&format!(" for call to {function}"));
    if extra("print") && ["`end`", "`sep`"].iter().any(|name| message.contains(name)) {
        return Some("print writes a line; put texts together first: \" \".join([…])");
    }
    if extra("print") && message.contains("`file`") {
        return Some("warn(text) writes to standard error; table and save write files");
    }
    if message.contains("`default`") && (extra("max") || extra("min")) {
        return Some("write max(xs) if xs else 0");
    }
    if extra("start") && message.contains("extra positional") {
        return Some("write start(lambda: pretrain(model, …))");
    }
    if message.contains("actual `Image`") && message.contains("parameter `x`") {
        return Some("image.absolute has no signs; image.mean, .minimum and .maximum are numbers");
    }
    message.contains("expected `Evaluation`, actual `Findings").then_some("write evaluate(found)")
}

/// What to do instead of an attribute that a type does not have.
fn attribute(kind: &str, name: &str) -> Option<&'static str> {
    Some(match (kind, name) {
        ("list", "sort") => "sorted(a) gives a sorted list",
        ("list", "reverse") => "reversed(a) gives the items in the other order",
        ("list", "copy") => "list(a) makes a copy",
        ("list" | "tuple", "mean" | "sum" | "max" | "min") => {
            "write mean(a), sum(a), max(a) or min(a)"
        }
        ("list" | "tuple", "map" | "filter") => "write [f(x) for x in a] or [x for x in a if …]",
        ("list" | "tuple", "len" | "length" | "size" | "shape") => "write len(a)",
        ("list", "push" | "add") => "a.append(x) adds an item",
        ("Image", "max") => "write image.maximum",
        ("Image", "min") => "write image.minimum",
        ("Image", "abs") => "write image.absolute",
        ("Image", "numpy" | "array" | "data" | "to_numpy") => {
            "save(image, \"image.npy\") writes it for Python"
        }
        ("Image", "median") => "write image.percentile(50)",
        ("Image", "size") => "write image.shape",
        ("Job", "result" | "get" | "join" | "value") => "wait(job) gives its result",
        ("Job", "cancel" | "stop" | "kill" | "terminate") => "stop(job) stops it",
        ("Job", "done" | "status" | "running") => {
            "job.state is \"running\", \"done\", \"stopped\" or \"failed\""
        }
        ("Cohort" | "Findings", "shape" | "size") => "len(…) counts the subjects",
        ("Cohort" | "Findings", "head" | "tail" | "subjects") => {
            "cohort[:3] has the first three, `for one in cohort` visits all, cohort.names has the names"
        }
        ("Slice", "shape" | "size") => "write slice.image.shape",
        ("Model", "predict" | "transform") => "detect(model, cohort) looks for anomalies",
        ("Model", "loss" | "losses") => "plot(model) draws the losses, table(model) lists them",
        ("Model", "summary") => "the model itself, as the last line of a cell, tells its sizes",
        ("Model", "to" | "cuda" | "cpu" | "device") => {
            "device(\"auto\") chooses where everything runs"
        }
        ("Model", "train" | "fit" | "forward" | "eval") => {
            "pretrain(model, …), adapt(model, …) and train_epoch(model, …) train it; detect(model, …) uses it"
        }
        (_, "plot") => "plot(value) draws it",
        (
            _,
            "to_csv" | "to_tsv" | "to_pandas" | "to_json" | "to_dataframe" | "to_df" | "df"
            | "values" | "columns",
        ) => {
            "table(value, \"file.tsv\") writes its numbers, rows(value) gives them as dictionaries"
        }
        ("NoneType", "savefig" | "save" | "show" | "show_plot") => {
            "a figure is shown as it is drawn; help(\"save figure\") says how it is kept"
        }
        ("float" | "int", "round" | "abs" | "format") => {
            "write round(x, 2), abs(x), format(x, \".2f\")"
        }
        _ => return None,
    })
}

/// What to do instead of an operator between two types, or on one.
fn operation(operator: &str, left: &str, right: &str) -> Option<&'static str> {
    match (operator, left, right) {
        ("format(%d)", "float", _) => Some("write int(x)"),
        ("compare", "Image", "int" | "float") | ("compare", "int" | "float", "Image") => {
            Some("image.above(0.5) and image.below(0.5) are masks")
        }
        ("compare", "Image", "Image") => Some("(a − b).above(0) is the mask where a is larger"),
        ("len()" | "(iter)" | "[]", "function", _) => {
            Some("a function is called with brackets: found.lesions()")
        }
        ("call()", kind, _) if ["int", "float", "string", "list", "dict"].contains(&kind) => Some(
            "a value is written without brackets behind it; perhaps a name of a function was given to a value",
        ),
        _ => None,
    }
}

/// A number called as if it were a method of its owner: `image.mean()`.
fn called_value(kind: &str, source: &str) -> Option<String> {
    let callee = source.trim().strip_suffix("()")?;
    let (_, attribute) = callee.rsplit_once('.')?;
    let is_word =
        |text: &str| !text.is_empty() && text.chars().all(crate::language::tokens::is_word);
    (is_word(attribute) && ["int", "float", "string", "bool", "NoneType"].contains(&kind))
        .then(|| format!("`{attribute}` is a value, not a function: write {callee}"))
}

/// A message about a format that the language does not know: of `%` or of `.format`.
fn is_about_formats(message: &str, source: &str) -> bool {
    let in_braces =
        message.starts_with("Invalid character '") && message.ends_with("inside replacement field");
    let key = message.strip_prefix("Key `").and_then(|rest| rest.strip_suffix("` was not found"));
    message.starts_with("Unsupported format character")
        || in_braces
        || key.is_some_and(|key| key.contains(':') && source.contains(".format("))
}

/// Whether `other` is near enough to a mistyped `name` to be what was meant: one slip of the fingers in a name of
/// four to six letters, two in longer ones; shorter names have too many neighbours.
fn is_near(name: &str, other: &str) -> bool {
    let (name, other) = (name.to_lowercase(), other.to_lowercase());
    let letters = name.chars().count();
    let slips = match letters {
        0..4 => 0,
        4..6 => 1,
        6..12 => 2,
        _ => 3,
    };
    let is_longer = letters >= 3 && other.starts_with(&name);
    name.trim_matches('_') == other.trim_matches('_')
        || is_longer
        || osa_distance(&name, &other) <= slips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_name_is_no_suggestion() {
        for (name, other) in
            [("math", "hash"), ("std", "str"), ("os", "s"), ("pwd", "ord"), ("map", "pop")]
        {
            assert!(!is_near(name, other), "{name} {other}");
        }
        for (name, other) in [
            ("appen", "append"),
            ("train_epohc", "train_epoch"),
            ("True", "true"),
            ("x", "_x"),
            ("dubble", "double"),
        ] {
            assert!(is_near(name, other), "{name} {other}");
        }
    }

    #[test]
    fn a_value_that_is_called_is_told() {
        let told = called_value("float", "image.mean()").unwrap();
        assert_eq!(told, "`mean` is a value, not a function: write image.mean");
        assert_eq!(called_value("History", "f()"), None);
    }
}
