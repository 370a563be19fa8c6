//! `u2ad run`: exit codes, order of output, errors, what is left on disk.

#[path = "../common/mod.rs"]
mod common;
mod gpu_check;
#[cfg(unix)]
mod interrupts;
mod jobs;
mod values;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use common::{Place, ended, files};

/// Runs a script that fails; gives its report.
fn failure(source: &str) -> String {
    let ended = Place::new().run(source, &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    ended.err
}

#[test]
fn a_script_prints_in_order_and_exits_with_0() {
    let source = "print('one')\nfor word in ['two', 'three']:\n    print(word)\n1 + 3";
    let ended = Place::new().run(source, &[]);
    assert_eq!((ended.code, &*ended.out), (Some(0), "one\ntwo\nthree\n4\n"));
}

#[cfg(not(feature = "rust-cells"))]
#[test]
fn a_build_without_rust_cells_says_how_to_get_them() {
    let sentence = "error: this build of u2ad has no Rust cells; `cargo install --path . --features \
                    rust-cells` in the source of u2ad gives one";
    let report = failure("rust('1 + 1')");
    assert!(report.starts_with(sentence) && report.contains("--> study.star:1:1"), "{report}");
    let report = failure("%%rust\n1 + 1");
    assert!(report.starts_with(sentence), "{report}");
}

#[test]
fn a_misspelt_keyword_names_the_function_and_the_nearest_parameter() {
    let report = failure("people = phantom_cohort(\n    subject = 3)\n");
    let sentence = "error: phantom_cohort has no parameter `subject`; did you mean `subjects`?";
    assert!(report.starts_with(sentence), "{report}");
    assert!(report.contains("--> study.star:1:10"), "{report}");
}

#[test]
fn a_misspelt_keyword_is_found_even_if_a_required_one_is_missing_for_it() {
    let report = failure("seed(numbr = 3)");
    let sentence = "error: seed has no parameter `numbr`; did you mean `number`?";
    assert!(report.starts_with(sentence), "{report}");
}

#[test]
fn a_wrong_type_names_parameter_expected_and_given() {
    let report = failure("train_epoch(u2ad(), 'clinic')");
    let sentence = "error: train_epoch: `cohort` must be Cohort, not the string \"clinic\"";
    assert!(report.starts_with(sentence), "{report}");
    assert!(report.contains("1 | train_epoch(u2ad(), 'clinic')\n  | ^^^^"), "{report}");
}

#[test]
fn a_script_beyond_its_memory_budget_fails_with_the_numbers() {
    let source = "print('before')\nlist(range(100000000))";
    let ended = Place::new().run(source, &["--memory", "0.3"]);
    assert_eq!((ended.code, &*ended.out), (Some(1), "before\n"));
    let sentence = "error: list: a list of 100000000 items takes 1.6 GB, but u2ad holds ";
    assert!(ended.err.starts_with(sentence), "{}", ended.err);
    assert!(ended.err.contains("its memory budget is 0.3 GB; `u2ad --memory GB`"), "{}", ended.err);
    assert!(ended.err.contains("--> study.star:2:1"), "{}", ended.err);
    let ended = Place::new().run(source, &["--memory", "much"]);
    assert_eq!((ended.code, &*ended.out), (Some(1), ""));
    assert!(ended.err.contains("--memory must be a number of gigabytes"), "{}", ended.err);
}

#[test]
fn a_syntax_error_points_at_the_place() {
    let report = failure("x = [1, 2\ny = 3\n");
    assert!(report.starts_with("error: syntax error: "), "{report}");
    assert!(report.contains("--> study.star:2:"), "{report}");
    let report = failure("import mine");
    assert!(report.contains("Starlark has no `import`; load(\"file.star\", \"name\")"), "{report}");
}

#[test]
fn an_unknown_name_is_found_before_anything_runs_and_suggests_the_nearest() {
    let place = Place::new();
    let ended = place.run("print('never')\npeple = 1\nprint(people_)\nlode_model('x')", &[]);
    assert_eq!((ended.code, &*ended.out), (Some(1), ""));
    let report = failure("load_modle('x')");
    assert!(
        report.starts_with("error: `load_modle` is not defined; did you mean `load_model`?"),
        "{report}"
    );
}

#[test]
fn an_error_in_a_function_shows_the_way_there() {
    let report = failure(
        "def inner(x):\n    return x[5]\n\ndef outer():\n    y = inner([1])\n    return y\n\nouter()\n",
    );
    assert!(report.starts_with("error: there is no item 5: the index is out of range"), "{report}");
    assert!(report.contains("--> study.star:2:12"), "{report}");
    let inner = report.find("in inner, called at study.star:5:9").expect("inner is shown");
    let outer = report.find("in outer, called at study.star:8:1").expect("outer is shown");
    assert!(inner < outer);
}

#[test]
fn a_file_that_is_missing_is_named() {
    let place = Place::new();
    let ended = ended(&mut place.command(&["run", "nothing.star"]));
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.starts_with("error: nothing.star: "), "{}", ended.err);
    let report = failure("load_cohort('nowhere')");
    assert!(report.starts_with("error: nowhere: "), "{report}");
    assert!(report.contains("--> study.star:1:1"), "{report}");
}

#[test]
fn values_out_of_range_are_refused_with_a_sentence() {
    for (source, sentence) in [
        ("seed(-1)", "seed: `number` must be 0 or more, not -1"),
        ("device('gpu')", "there is no device \"gpu\"; choose"),
        ("u2ad(preset = 'big')", "there is no preset \"big\""),
        ("u2ad(heads = 5)", "the network's embed_dim (64) must be a multiple of heads (5)"),
        ("phantom_cohort(subjects = 2)[2]", "there is no subject 2: positions go from 0 to 1"),
        ("phantom_cohort(subjects = 2)['sub-x']", "phantoms has no subject sub-x"),
        ("phantom_cohort(subjects = 2).where(site = 'moon')", "nobody in phantoms has site = moon"),
        ("phantom_cohort(subjects = 2, lesions = 9)", "a phantom cohort of 2 subjects cannot"),
        ("help('trian')", "there is no verb \"trian\""),
        ("plot(3)", "plot: a value of type int has no figure"),
    ] {
        let report = failure(source);
        assert!(report.starts_with(&format!("error: {sentence}")), "{source}: {report}");
    }
}

#[test]
fn parameters_come_from_the_command_line_with_the_type_of_their_default() {
    let source = "print(parameter('epochs', 3) + 1, parameter('rate', 0.5), output_dir())";
    let run = |arguments: &[&str]| Place::new().run(source, arguments);
    assert_eq!(run(&[]).out, "4 0.5 runs/study\n");
    assert_eq!(run(&["-p", "epochs=9", "-p", "rate=2"]).out, "10 2.0 runs/study\n");
    let wrong = run(&["-p", "epochs=nine"]);
    assert_eq!(wrong.code, Some(1));
    let sentence = "error: parameter epochs must be of type int, not \"nine\"";
    assert!(wrong.err.starts_with(sentence), "{}", wrong.err);
    let unasked = run(&["-p", "epoch=9"]).err;
    assert!(unasked.contains("never asks for a parameter called \"epoch\""), "{unasked}");
}

#[test]
fn healthy_findings_set_the_threshold_and_say_so() {
    let source = "people = phantom_cohort(subjects = 8, size = 128)\n\
        method = intensity_threshold()\n\
        healthy = detect(method, people.healthy)\n\
        evaluated = evaluate(detect(method, people.clinical, name = 'mine'), threshold = healthy)\n\
        print(evaluated.method, evaluated.threshold_origin)";
    let ended = Place::new().run(source, &[]);
    let expected = "mine 4 healthy subjects: above all of them; 1 in 5 new ones may reach it\n";
    assert_eq!(ended.out, expected, "{}", ended.err);
}

#[test]
fn load_takes_names_from_files_beside_the_script() {
    let place = Place::new();
    fs::create_dir(place.path("lib")).unwrap();
    place.write("lib/deep.star", "def double(x): return 2 * x");
    place.write("helpers.star", "load('lib/deep.star', 'double')\ndef twice(x): return double(x)");
    let script = place.write("study.star", "load('helpers.star', 'twice')\nprint(twice(21))");
    let elsewhere = Place::new();
    let ended = ended(&mut elsewhere.command(&["run", script.to_str().unwrap()]));
    assert_eq!((ended.code, &*ended.out), (Some(0), "42\n"), "{}", ended.err);
}

#[test]
fn load_says_what_is_wrong_with_a_file() {
    let place = Place::new();
    place.write("a.star", "load('b.star', 'x')");
    place.write("b.star", "load('a.star', 'x')");
    place.write("bad.star", "def f(:\n    pass");
    place.write("names.star", "double = 2");
    for (source, sentence) in [
        ("load('nothing.star', 'x')", "nothing.star: cannot be loaded: "),
        ("load('a.star', 'x')", "a.star: cannot be loaded: it is loading itself"),
        ("load('bad.star', 'f')", "syntax error: "),
        ("load('names.star', 'dubble')", "the loaded file defines no `dubble`; did you mean"),
    ] {
        let ended = place.run(source, &[]);
        assert!(ended.err.starts_with(&format!("error: {sentence}")), "{source}: {}", ended.err);
    }
    let ended = place.run("load('bad.star', 'f')", &[]);
    assert!(ended.err.contains("--> bad.star:1:7"), "{}", ended.err);
}

#[test]
fn standard_input_is_read_as_a_script() {
    for arguments in [&["run", "-"][..], &[]] {
        let place = Place::new();
        let mut command = place.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"print(6 * 7)").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(output.stdout, b"42\n");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let source = "people = phantom_cohort(subjects = 1, pixel_spacing_mm = 2, size = 64)\nprint(people[0].image.mean)";
    let draw = |source: &str, seed: &str| {
        let ended = Place::new().run(source, &["--seed", seed]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        ended.out
    };
    assert_eq!(draw(source, "1"), draw(source, "1"));
    assert_ne!(draw(source, "1"), draw(source, "2"));
    assert_eq!(draw(&format!("seed(2)\n{source}"), "1"), draw(source, "2"));
}

/// A study that takes a second.
const STUDY: &str = "
people = phantom_cohort(subjects = 4, pixel_spacing_mm = 2, size = 64)
model = u2ad(image = 64, depth = 1, decoder_depth = 1)
pretrain(model, people.healthy, epochs = 1)
uncertainty = estimate_uncertainty(model, people.clinical, samples = 2)
train_epoch(model, people.clinical, masks = regenerate_masks(uncertainty))
found = detect(model, people.clinical, samples = 2)
plot(found[0])
table([evaluate(found), evaluate(detect(intensity_threshold(), people.clinical))])
table(model)
model
";

#[test]
fn a_study_leaves_figures_tables_log_and_record() {
    let place = Place::new();
    let ended = place.run(STUDY, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let folder = place.path("runs/study");
    let names: Vec<_> = files(&folder).into_iter().map(|(name, _)| name).collect();
    for expected in ["evaluation.tsv", "training-history.png", "training-history.svg"] {
        assert!(names.iter().any(|name| name.ends_with(expected)), "{expected} in {names:?}");
    }
    assert_eq!(fs::read_to_string(folder.join("study.star")).unwrap(), STUDY);
    let log = fs::read_to_string(folder.join("log.txt")).unwrap();
    assert!(log.contains("patient AUROC"), "{log}");
    let record = fs::read_to_string(folder.join("run.json")).unwrap();
    assert!(record.contains("\"status\": \"completed\""), "{record}");
}

#[test]
fn runs_of_a_study_leave_equal_files_whatever_the_threads_and_the_instruction_set() {
    let place = Place::new();
    place.write("study.star", STUDY);
    // On a machine without AVX-512 the last one repeats the others.
    let settings =
        [("RAYON_NUM_THREADS", "1"), ("RAYON_NUM_THREADS", "3"), ("U2AD_INSTRUCTION_SET", "avx2")];
    for (name, value) in settings {
        let mut command = place.command(&["run", "study.star"]);
        assert_eq!(ended(command.env(name, value)).code, Some(0));
    }
    let runs = ["runs/study", "runs/study-2", "runs/study-3"].map(|run| files(&place.path(run)));
    for (run, setting) in runs[1..].iter().zip(&settings[1..]) {
        assert_eq!(runs[0].len(), run.len());
        for ((name, bytes), (other_name, other)) in runs[0].iter().zip(run) {
            assert_eq!(name, other_name);
            assert!(bytes == other, "{name} differs with {setting:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_takes_nothing_is_an_error() {
    let place = Place::new();
    place.write("study.star", "print('found')\nprint('more')");
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let child = place.command(&["run", "study.star"]).stdout(full).stderr(Stdio::piped()).spawn();
    let output = child.unwrap().wait_with_output().unwrap();
    let report = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert_eq!(report.matches("standard output cannot be written").count(), 1, "{report}");
    let log = fs::read_to_string(place.path("runs/study/log.txt")).unwrap();
    assert!(log.contains("found\nmore"), "{log}");
}
