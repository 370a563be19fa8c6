//! Mistakes of users and what the script runner says about them.

use std::fs;

use u2ad::context::Context;
use u2ad::phantom::{PhantomOptions, write_bids};

use super::common::{Place, ended};
use super::snapshot::check;

/// A script and what its run writes to standard error, from the first error or warning on.
fn report(place: &Place, source: &str, arguments: &[&str]) -> String {
    let ended = place.run(source, arguments);
    let errors: Vec<&str> = ended
        .err
        .lines()
        .skip_while(|line| !["error:", "warning:"].iter().any(|start| line.starts_with(start)))
        .collect();
    assert!(!errors.is_empty(), "{source} is not refused: {}{}", ended.out, ended.err);
    let script = source.trim().lines().map(|line| format!("    {line}").trim_end().to_owned());
    let script = script.collect::<Vec<_>>().join("\n");
    format!("{script}\n\n{}\nexit code {}\n", errors.join("\n"), ended.code.unwrap())
}

/// Compares the reports on some scripts, one below the other, each in a folder of its own.
fn reports_are(name: &str, sources: &[&str]) {
    let of = |source: &&str| report(&Place::new(), source, &[]);
    let all = sources.iter().map(of).collect::<Vec<_>>().join("\n");
    check("errors", name, &without_progress(&all));
}

#[test]
fn unknown_names() {
    reports_are(
        "unknown_names",
        &[
            "clinic = phantom_cohort(subjects = 2)\nplot(clinc)",
            "load_modle('model.safetensors')",
            "frobnicate(3)",
            "clinic = phantom_cohort(subjects = 2)\nprint(clinic.heathy)",
            "clinic = phantom_cohort(subjects = 2)\nprint(clinic['sub-01'])",
            "clinic = phantom_cohort(subjects = 2)\nprint(clinic[2])",
            "scores = {'sub-01': 0.5}\nprint(scores['sub-02'])",
            "help('trian')",
        ],
    );
}

#[test]
fn wrong_arguments() {
    reports_are(
        "wrong_arguments",
        &[
            "phantom_cohort(subject = 3)",
            "train_epoch(u2ad(), 'clinic')",
            "detect()",
            "seed(1, 2)",
            "detect(u2ad(), phantom_cohort(subjects = 2), 5, 0.5)",
            "plot(3)",
            "table('scores')",
            "len(3)",
        ],
    );
}

#[test]
fn values_out_of_range() {
    reports_are(
        "values_out_of_range",
        &[
            "seed(-1)",
            "device('gpu')",
            "u2ad(preset = 'big')",
            "u2ad(heads = 5)",
            "phantom_cohort(subjects = 2, pixel_spacing_mm = -1)",
            "detect(u2ad(), phantom_cohort(subjects = 2), samples = 0)",
            "detect(u2ad(), phantom_cohort(subjects = 2), mask_ratio = 1.5)",
            "detect(u2ad(), phantom_cohort(subjects = 2), scoring = 'learnt')",
            "pretrain(u2ad(), phantom_cohort(subjects = 2), epochs = 1, learning_rate = -0.1)",
            "print(1 / 0)",
            "print(2147483648 * 2 + 'mm')",
        ],
    );
}

#[test]
fn syntax_errors_and_habits_from_python() {
    reports_are(
        "syntax",
        &[
            "scores = [1, 2\nprint(scores)",
            "if True\n    print(1)",
            "for i in range(3):\nprint(i)",
            "name = 'clinic",
            "import numpy as np",
            "print(3 ** 2)",
            "class Study:\n    pass",
            "try:\n    print(1)\nexcept:\n    pass",
            "while True:\n    break",
            "open('scores.txt')",
            "x = 3\nprint(f'{x:.2f}')",
            "print(1 < 2 < 3)",
            "assert 1 == 2",
            "x: int = 'three'",
        ],
    );
}

#[test]
fn habits_from_python_and_other_shells() {
    reports_are(
        "habits",
        &[
            "import math\nprint(math.sqrt(2))",
            "import frobnicate",
            "print(np.mean([1, 2]))",
            "a = [2, 1]\na.sort()",
            "a = [2, 1]\nprint(a.mean())",
            "a = [2, 1]\na.map(len)",
            "image = phantom_cohort(subjects = 2)[0].middle.image\nimage > 0.5",
            "image = phantom_cohort(subjects = 2)[0].middle.image\nprint(image.max)",
            "people = phantom_cohort(subjects = 2)\npeople[0].middle.image - people[1].middle.image",
            "print('%.2f' % 0.5)",
            "print('{:.2f}'.format(0.5))",
            "print('{:>8}'.format('a'))",
            "with 3:\n    print(1)",
            "x = 3\ndel x",
            "x = 3\nx++\nprint(x)",
            "!ls",
            "%time 1 + 1",
            "quit()",
            "job = start(lambda: sleep(0))\nprint(job.result)",
            "people = phantom_cohort(subjects = 2)\nstart(detect(intensity_threshold(), people))",
            "found = detect(intensity_threshold(), phantom_cohort(subjects = 2))\nprint(len(found.lesions))",
            "print(std([1, 2]))",
            "print(phantom_cohort(subjects = 2)['clinic01'])",
            "help('qwertyuiop')",
        ],
    );
}

#[test]
fn errors_inside_functions_show_the_calls() {
    reports_are(
        "calls",
        &[
            "def first(scores):\n    return scores[5]\n\ndef summary(scores):\n    best = first(scores)\n    return best\n\nsummary([1, 2])",
            "def endless(n):\n    return endless(n + 1)\n\nendless(0)",
            "scores = [f.score for f in detect(intensity_threshold(), phantom_cohort(subjects = 2))]\nprint('highest: ' + scores[0])",
            "fail('the cohort has no healthy subjects')",
        ],
    );
}

#[test]
fn methods_that_lack_something() {
    reports_are(
        "missing_conditions",
        &[
            "found = detect(intensity_threshold(), phantom_cohort(subjects = 2, pixel_spacing_mm = 2))\nfound.lesions()",
            "phantom_cohort(subjects = 2).where(site = 'moon')",
            "rewind(u2ad(), 3)",
            "detect(u2ad(), phantom_cohort(subjects = 2), scoring = 'learned')",
            "sleep(-1)",
            "ask('Which reader?')",
        ],
    );
}

#[test]
fn files_that_are_missing_or_not_what_they_should_be() {
    let place = Place::new();
    place.write("notes.safetensors", "no model");
    place.write("a.star", "load('b.star', 'x')");
    place.write("b.star", "load('a.star', 'x')");
    place.write("names.star", "double = 2");
    place.write("bad.star", "def f(:\n    pass");
    let sources = [
        "load_cohort('nowhere')",
        "load_cohort('.')",
        "load_model('nowhere.safetensors')",
        "load_model('notes.safetensors')",
        "load('nothing.star', 'x')",
        "load('a.star', 'x')",
        "load('bad.star', 'f')",
        "load('names.star', 'dubble')",
        "save(phantom_cohort(subjects = 2)[0].image, 'image.jpg')",
        "table([{'subject': 'sub-01'}], 'scores.xlsx')",
        "report(detect(intensity_threshold(), phantom_cohort(subjects = 2, pixel_spacing_mm = 2)), 'study.pdf')",
    ];
    let all = sources.map(|source| report(&place, source, &[]));
    check("errors", "files", &all.join("\n"));
}

#[test]
fn a_cohort_with_faults() {
    let place = Place::new();
    let options =
        PhantomOptions { subjects: 4, pixel_spacing_mm: 2.0, ..PhantomOptions::default() };
    write_bids(&place.path("clinic"), &options, &Context::new(0)).unwrap();
    let files: Vec<_> = files_below(&place.path("clinic"));
    let of = |subject: &str, ending: &str| {
        let found = files.iter().find(|path| path.contains(subject) && path.ends_with(ending));
        found.unwrap_or_else(|| panic!("{subject} {ending} in {files:?}")).clone()
    };
    let subjects: Vec<&str> = ["sub-healthy01", "sub-healthy02", "sub-clinic01"].to_vec();
    fs::remove_file(of(subjects[0], MASK)).unwrap();
    fs::write(of(subjects[1], "_T2w.nii.gz"), "no volume").unwrap();
    let empty = fs::read(of(subjects[2], "_T2w.nii.gz")).unwrap();
    fs::write(of(subjects[2], "_T2w.nii.gz"), &empty[..empty.len() / 2]).unwrap();
    let sources = [
        "people = load_cohort('clinic')\nprint(len(people.names), people.broken)\nprint(people['sub-healthy01'].image)",
        "people = load_cohort('clinic')\nplot(people)\nprint(len(people))",
        "people = load_cohort('clinic', strict = True)\nplot(people)",
        "people = load_cohort('clinic')\nprint(people['sub-healthy02'].image)",
    ];
    let all = sources.map(|source| report(&place, source, &[]));
    check("errors", "faulty_cohort", &without_progress(&all.join("\n")));
}

/// The text without lines such as "preprocess clinic: 100 % (subject 3 of 3) in 2 seconds", which only a slow or
/// busy machine prints.
fn without_progress(text: &str) -> String {
    let is_progress = |line: &str| {
        ["subject", "pass", "epoch", "batch"]
            .iter()
            .any(|unit| line.contains(&format!(" % ({unit} ")))
    };
    let kept: Vec<&str> = text.split('\n').filter(|line| !is_progress(line)).collect();
    kept.join("\n")
}

/// How the phantom's masks of the cord end.
const MASK: &str = "label-SC_seg.nii.gz";

fn files_below(folder: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = |path: std::path::PathBuf| match path.is_dir() {
        true => files_below(&path),
        false => vec![path.display().to_string()],
    };
    entries.flat_map(below).collect()
}

#[test]
fn parameters_of_scripts() {
    let source = "print(parameter('epochs', 3), parameter('method', 'paper'))";
    let place = Place::new();
    let all = [&["-p", "epochs=nine"][..], &["-p", "epoch=9"], &["-p", "epochs"]]
        .map(|arguments| format!("{}\n{}", arguments.join(" "), report(&place, source, arguments)));
    check("errors", "parameters", &all.join("\n"));
}

#[cfg(unix)]
#[test]
fn an_interrupt() {
    use super::snapshot::without_numbers_after;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let place = Place::new();
    let source = "
people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 32)
model = u2ad(image = 32, depth = 1, decoder_depth = 1)
print('training')
pretrain(model, people, epochs = 1000000)
";
    place.write("study.star", source);
    let mut command = place.command(&["run", "study.star"]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = place.path("runs/study/log.txt");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !fs::read_to_string(&log).is_ok_and(|log| log.contains("training")) {
        assert!(Instant::now() < deadline, "the training never began");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let report = String::from_utf8(output.stderr).unwrap();
    let last: Vec<&str> = report.lines().skip_while(|line| !line.contains("interrupted")).collect();
    let report = without_numbers_after(&last.join("\n"), "epoch ");
    check(
        "errors",
        "interrupt",
        &format!("{report}\nexit code {}\n", output.status.code().unwrap()),
    );
}

#[test]
fn a_script_that_is_missing() {
    let place = Place::new();
    let ended = ended(&mut place.command(&["run", "nothing.star"]));
    check("errors", "missing_script", &format!("{}exit code {}\n", ended.err, ended.code.unwrap()));
}
