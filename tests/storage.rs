//! Disks that are full, folders that may not be written, renaming that fails, several processes in one place:
//! what was there before stays whole, nothing half-written is left, and the exit code and one sentence say so.
#![cfg(unix)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Ended, Place, ended};
use u2ad::context::Context;
use u2ad::phantom::{PhantomOptions, write_bids};

/// Values that can be saved, and where they are saved. Every file is larger than [`LIMIT`].
const VALUES: &str = "
people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2.0)
";
const SAVES: [(&str, &str, &str); 8] = [
    ("model.safetensors", "", "save_model(u2ad(), PATH)"),
    (
        "method.safetensors",
        "",
        "save_method(convolutional_autoencoder(people.healthy, epochs = 1), PATH)",
    ),
    ("slice.nii", "", "save(people[0].middle.image, PATH)"),
    ("slice.nii.gz", "", "save(people[0].middle.image, PATH)"),
    ("slice.npy", "", "save(people[0].middle.image, PATH)"),
    ("slice.tsv", "", "save(people[0].middle.image, PATH)"),
    ("slice.png", "", "save(people[0].middle.image, PATH)"),
    ("report.html", "found = detect(intensity_threshold(), people)", "report(found, PATH)"),
];
/// The largest file that may be written, in units of 512 bytes: 12 KiB.
const LIMIT: &str = "24";

/// `u2ad` with a limit on the size of its files: beyond it a write fails half-way, as on a full disk.
fn limited(place: &Place, arguments: &[&str]) -> Ended {
    let program = env!("CARGO_BIN_EXE_u2ad");
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f $0; exec \"$@\"", LIMIT, program])
        .args(arguments)
        .current_dir(place.path(""))
        .stdin(Stdio::null());
    ended(&mut command)
}

/// Names of what a process did not finish, anywhere below a folder.
fn unfinished(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with(".unfinished-") {
            found.push(path);
        } else if path.is_dir() {
            found.extend(unfinished(&path));
        }
    }
    found
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    found
}

/// What a failed command says in the end.
#[track_caller]
fn refusal(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    for word in words {
        assert!(ended.err.contains(word), "{word} in {}{}", ended.out, ended.err);
    }
    for word in ["panicked", "unfinished", "os error"] {
        assert!(!ended.err.contains(word), "{word} in {}", ended.err);
    }
}

#[test]
fn a_file_that_does_not_fit_on_the_disk_leaves_the_old_one() {
    let place = Place::new();
    for (name, before, save) in SAVES {
        place.write(name, "old");
        let save = save.replace("PATH", &format!("'{name}'"));
        place.write("study.star", &format!("{VALUES}{before}\n{save}\n"));
        let ended = limited(&place, &["run", "study.star"]);
        refusal(&ended, &[name, "cannot be written (File too large)"]);
        assert_eq!(fs::read_to_string(place.path(name)).unwrap(), "old", "{name}");
        // The same without the limit, so that the test means what it says.
        let whole = common::ended(&mut place.command(&["run", "study.star"]));
        assert_eq!(whole.code, Some(0), "{name}: {}", whole.err);
        assert!(fs::metadata(place.path(name)).unwrap().len() > 24 * 512, "{name}");
    }
    assert!(unfinished(&place.path("")).is_empty(), "{:?}", unfinished(&place.path("")));
}

#[test]
fn an_export_that_does_not_fit_on_the_disk_leaves_the_old_one() {
    let place = Place::new();
    let root = place.path("bids");
    let options =
        PhantomOptions { subjects: 2, pixel_spacing_mm: 1.4, ..PhantomOptions::default() };
    write_bids(&root, &options, &Context::new(3)).unwrap();
    let arguments = ["screen", "bids", "--out", "found", "--report", "found.html"];
    let first = ended(&mut place.command(&arguments));
    assert_eq!(first.code, Some(0), "{}", first.err);
    let old = files(&place.path("found"));
    let page = fs::read(place.path("found.html")).unwrap();
    let again = limited(&place, &arguments);
    refusal(&again, &["cannot be written (File too large)"]);
    // The table is printed all the same.
    assert!(again.out.contains("sub-"), "{}", again.out);
    assert!(files(&place.path("found")) == old);
    assert!(fs::read(place.path("found.html")).unwrap() == page);
    assert!(unfinished(&place.path("")).is_empty(), "{:?}", unfinished(&place.path("")));
}

#[test]
fn figures_and_lines_that_do_not_fit_make_the_run_fail() {
    let place = Place::new();
    let figures = "plot(phantom_cohort(subjects = 2, pixel_spacing_mm = 2.0)[0])\nprint('after')";
    let lines = "for number in range(2000):\n    print('line', number)\nprint('after')";
    for source in [figures, lines] {
        place.write("study.star", source);
        let ended = limited(&place, &["run", "study.star"]);
        refusal(&ended, &["could not be saved", "File too large"]);
        assert!(ended.out.contains("after"), "the script goes on: {}", ended.out);
        assert!(ended.err.lines().count() < 10, "said once: {}", ended.err);
    }
    assert!(unfinished(&place.path("")).is_empty());
}

#[test]
fn a_training_whose_checkpoints_do_not_fit_ends_as_one_that_left_them() {
    let source = "
people = phantom_cohort(subjects = 2, pixel_spacing_mm = 3.0)
model = u2ad(image = 64, embed_dim = 32, depth = 1, heads = 2, decoder_embed_dim = 32, decoder_depth = 1, decoder_heads = 2)
pretrain(model, people, epochs = 2)
print(model.history[-1].loss)
";
    let place = Place::new();
    place.write("study.star", source);
    let arguments = ["run", "study.star", "--checkpoint-every", "0"];
    let whole = ended(&mut place.command(&arguments));
    let ended = limited(&place, &arguments);
    assert_eq!((ended.code, &ended.out), (Some(0), &whole.out), "{}{}", ended.err, whole.err);
    let warned = ended.err.matches("a checkpoint of this training was not kept").count();
    assert_eq!(warned, 1, "{}", ended.err);
}

#[test]
fn commands_that_write_one_file_leave_the_old_one() {
    let place = Place::new();
    let cell = format!("# %%\nprint(\"{}\")\n", "long ".repeat(4000));
    place.write("long.star", &cell);
    place.write("long.ipynb", "old");
    let full = limited(&place, &["convert", "--force", "long.star", "long.ipynb"]);
    refusal(&full, &["long.ipynb: cannot be written (File too large)"]);
    assert_eq!(fs::read_to_string(place.path("long.ipynb")).unwrap(), "old");
    let refused = ended(&mut place.command(&["convert", "long.star", "long.ipynb"]));
    refusal(&refused, &["long.ipynb: exists already and is not replaced"]);
    assert_eq!(fs::read_to_string(place.path("long.ipynb")).unwrap(), "old");
    assert!(unfinished(&place.path("")).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn every_command_says_that_standard_output_takes_nothing() {
    let place = Place::new();
    place.write("image.nii.gz", "no image");
    place.write("first.star", "print(1)");
    assert_eq!(ended(&mut place.command(&["run", "first.star"])).code, Some(0));
    for arguments in [
        "runs",
        "doctor",
        "reference",
        "completions bash",
        "kernel list",
        "kernel install --prefix kernels",
        "new study.star --tutorial quickstart",
        "screen image.nii.gz",
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = place.command(&arguments);
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        let sentence = "standard output cannot be written to: No space left on device";
        assert!(said.contains(sentence) && !said.contains("panicked"), "{arguments:?}: {said}");
    }
}

/// Runs `u2ad` as a user who owns nothing: root may write everywhere. `None`, with a message, where that
/// is impossible.
fn as_stranger(place: &Place, arguments: &[&str]) -> Option<Ended> {
    let command = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("HOME", place.path("home"));
        if fs::metadata(place.path("")).unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        command
    };
    let mut version = command(&["--version"]);
    version.stdout(Stdio::null()).stderr(Stdio::null());
    if !version.status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: the program cannot be run as another user here");
        return None;
    }
    Some(ended(&mut command(arguments)))
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A place that a stranger can enter, with folders `home` and `open` that everybody may write and `closed`
/// that nobody but root may.
fn shared() -> Place {
    let place = Place::new();
    mode(&place.path(""), 0o755);
    for (name, bits) in [("home", 0o777), ("open", 0o777), ("closed", 0o755)] {
        fs::create_dir(place.path(name)).unwrap();
        mode(&place.path(name), bits);
    }
    place
}

#[test]
fn a_folder_that_may_not_be_written_keeps_its_files() {
    let place = shared();
    for (name, before, save) in SAVES {
        let path = format!("closed/{name}");
        place.write(&path, "old");
        let save = save.replace("PATH", &format!("'{path}'"));
        place.write("study.star", &format!("{VALUES}{before}\n{save}\n"));
        mode(&place.path("closed"), 0o555);
        let Some(ended) = as_stranger(&place, &["run", "study.star", "--out", "open/runs"]) else {
            return;
        };
        mode(&place.path("closed"), 0o755);
        refusal(&ended, &[&path, "Permission denied"]);
        assert_eq!(fs::read_to_string(place.path(&path)).unwrap(), "old", "{name}");
    }
    assert_eq!(files(&place.path("closed")).len(), SAVES.len());
}

#[test]
fn results_that_have_no_place_are_refused_before_anything_runs() {
    let place = shared();
    place.write("study.star", "print('ran')");
    mode(&place.path("closed"), 0o555);
    let Some(ended) = as_stranger(&place, &["run", "study.star", "--out", "closed/runs"]) else {
        return;
    };
    refusal(&ended, &["closed/runs: ", "Permission denied"]);
    assert!(!ended.out.contains("ran"), "{}", ended.out);
    let file = place.write("file", "old");
    let over = common::ended(&mut place.command(&["run", "study.star", "--out", "file"]));
    refusal(&over, &["file: "]);
    assert_eq!(fs::read_to_string(file).unwrap(), "old");
}

#[test]
fn a_renaming_that_fails_leaves_the_old_file() {
    let place = shared();
    if fs::metadata(place.path("")).unwrap().uid() != 0 {
        eprintln!("skipped: needs files of another user, which root alone can make");
        return;
    }
    // In a folder with the sticky bit everybody may make files, but not replace those of others.
    mode(&place.path("open"), 0o1777);
    for (name, before, save) in SAVES {
        let path = format!("open/{name}");
        place.write(&path, "old");
        let save = save.replace("PATH", &format!("'{path}'"));
        place.write("study.star", &format!("{VALUES}{before}\n{save}\n"));
        let Some(ended) = as_stranger(&place, &["run", "study.star", "--out", "home/runs"]) else {
            return;
        };
        refusal(&ended, &[&path, "cannot be written (Operation not permitted)"]);
        assert_eq!(fs::read_to_string(place.path(&path)).unwrap(), "old", "{name}");
    }
    assert!(unfinished(&place.path("open")).is_empty(), "{:?}", unfinished(&place.path("open")));
}

/// A file system of a megabyte, unmounted in the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, with a message, where nothing can be mounted.
    fn mount(path: &Path) -> Option<Self> {
        fs::create_dir(path).unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=1m", "none"]).arg(path);
        let mounted = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(path.to_path_buf()));
        }
        eprintln!("skipped: no file system can be mounted here");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[test]
fn a_full_file_system_keeps_what_it_holds() {
    let place = Place::new();
    let Some(disk) = SmallDisk::mount(&place.path("disk")) else { return };
    for name in ["model.safetensors", "other"] {
        place.write(&format!("disk/{name}"), "old");
    }
    let fill = |bytes: usize| fs::write(disk.0.join("filler"), vec![0; bytes]);
    fill(900 << 10).unwrap();
    let study = "save_model(u2ad(), 'disk/model.safetensors')";
    place.write("study.star", study);
    let ended = common::ended(&mut place.command(&["run", "study.star"]));
    refusal(&ended, &["disk/model.safetensors: cannot be written (No space left on device)"]);
    // Not even a file of some bytes fits, or the record of a run.
    fill(2 << 20).unwrap_err();
    for name in ["cord.nii.gz", "cord.nii", "cord.npy"] {
        let study = format!("{VALUES}save(people[0].middle.cord, 'disk/{name}')");
        place.write("study.star", &study);
        let ended = common::ended(&mut place.command(&["run", "study.star"]));
        refusal(&ended, &[&format!("disk/{name}: cannot be written (")]);
        assert!(!disk.0.join(name).exists());
    }
    let ended = common::ended(&mut place.command(&["run", "study.star", "--out", "disk/runs"]));
    refusal(&ended, &["disk/runs", "No space left on device"]);
    for name in ["model.safetensors", "other"] {
        assert_eq!(fs::read_to_string(disk.0.join(name)).unwrap(), "old");
    }
    assert!(unfinished(&disk.0).is_empty(), "{:?}", unfinished(&disk.0));
}

#[test]
fn several_processes_that_screen_into_one_folder_leave_the_whole_one_of_the_last() {
    let place = Place::new();
    let root = place.path("bids");
    let options =
        PhantomOptions { subjects: 2, pixel_spacing_mm: 1.4, ..PhantomOptions::default() };
    write_bids(&root, &options, &Context::new(3)).unwrap();
    let arguments = ["screen", "bids", "--out", "found", "--report", "found.html"];
    let first = ended(&mut place.command(&arguments));
    assert_eq!(first.code, Some(0), "{}", first.err);
    let (expected, page) =
        (files(&place.path("found")), fs::read(place.path("found.html")).unwrap());
    let start = |_| {
        let mut command = place.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(start).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
    }
    assert!(files(&place.path("found")) == expected);
    assert!(fs::read(place.path("found.html")).unwrap() == page);
    assert!(unfinished(&place.path("")).is_empty());
}
