//! Trainings that go on from their checkpoints.

use std::fs;
use std::path::Path;

use super::*;
use crate::context::{Checkpoints, Streams};

/// Texts of notes, warnings and remarks.
#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Reporter for Heard {
    fn report(&self, event: Event) {
        if let Event::Note(text) | Event::Warning(text) | Event::Remark(text) = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

struct Process {
    context: Context,
    heard: Arc<Heard>,
}

/// A process that keeps checkpoints in a folder.
fn process(folder: &Path, every: Duration) -> Process {
    let heard = Arc::new(Heard::default());
    let mut context = Context::new(1).with_reporter(heard.clone());
    context.checkpoints = Checkpoints::inside(folder, every);
    Process { context, heard }
}

impl Process {
    fn begin(&self, data: &str) -> BegunTraining {
        let add = |all: &mut Fingerprint| {
            all.add(data);
            Ok(())
        };
        BegunTraining::new("pretrain", &self.context, add).unwrap()
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.0.lock().unwrap())
    }
}

/// The checkpoints of a training's number.
fn files_of(folder: &Path, number: usize) -> Vec<PathBuf> {
    let begin = format!("training-{number:04}-");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_of = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&begin);
    paths.filter(is_of).collect()
}

fn parts(text: &str) -> Result<Parts> {
    Ok(Parts::from([("model".to_owned(), text.as_bytes().to_vec())]))
}

#[test]
fn a_training_goes_on_from_its_checkpoint_and_tells_what_it_told() {
    let folder = tempfile::tempdir().unwrap();
    let first = process(folder.path(), Duration::ZERO);
    let mut one = first.begin("a");
    assert!(one.restored().is_none() && one.is_due());
    one.context(&first.context).note("slow");
    one.keep("epoch 2", &first.context, || parts("one"));
    one.finish(&first.context, || parts("done"));
    let mut two = first.begin("b");
    two.keep("epoch 7", &first.context, || parts("two"));
    let place = Checkpoints::last_place(folder.path()).unwrap();
    assert_eq!(place, "training 2 (pretrain), epoch 7");

    let second = process(folder.path(), Duration::ZERO);
    let restored = second.begin("a").restored().unwrap();
    assert!(restored.is_finished);
    assert_eq!(restored.parts, parts("done").unwrap());
    let told = ["slow", "training 1 (pretrain): taken from its checkpoint"];
    assert_eq!(second.heard(), told);
    let restored = second.begin("b").restored().unwrap();
    assert!(!restored.is_finished);
    assert_eq!(restored.parts, parts("two").unwrap());
    assert_eq!(second.heard(), ["training 2 (pretrain) goes on at epoch 7"]);
}

#[test]
fn a_training_that_has_another_number_by_now_finds_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let first = process(folder.path(), Duration::ZERO);
    first.begin("a").finish(&first.context, || parts("one"));
    first.begin("b").keep("epoch 7", &first.context, || parts("two"));
    // The first training is skipped, because its result lies in a file.
    let second = process(folder.path(), Duration::ZERO);
    let mut again = second.begin("b");
    assert_eq!(again.restored().unwrap().parts, parts("two").unwrap());
    assert_eq!(second.heard(), ["training 1 (pretrain) goes on at epoch 7"]);
    again.finish(&second.context, || parts("done"));
    assert_eq!((files_of(folder.path(), 1).len(), files_of(folder.path(), 2).len()), (1, 1));
    let third = process(folder.path(), Duration::ZERO);
    assert_eq!(third.begin("a").restored().unwrap().parts, parts("one").unwrap());
    assert_eq!(third.begin("b").restored().unwrap().parts, parts("done").unwrap());
}

#[test]
fn a_checkpoint_of_other_data_another_seed_or_with_a_changed_byte_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let first = process(folder.path(), Duration::ZERO);
    first.begin("a").keep("epoch 1", &first.context, || parts("one"));
    let other = process(folder.path(), Duration::ZERO);
    assert!(other.begin("b").restored().is_none());
    assert!(other.heard()[0].contains("belongs to other data"));
    let mut seeded = process(folder.path(), Duration::ZERO);
    seeded.context.streams = Streams::new(2);
    assert!(seeded.begin("a").restored().is_none());
    let [path] = &files_of(folder.path(), 1)[..] else { panic!("one checkpoint") };
    let whole = fs::read(path).unwrap();
    for at in [0, 10, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(path, &bytes).unwrap();
        let again = process(folder.path(), Duration::ZERO);
        assert!(again.begin("a").restored().is_none(), "byte {at}");
        assert!(again.heard()[0].contains("is damaged"));
    }
    fs::write(path, &whole[..whole.len() - 1]).unwrap();
    assert!(process(folder.path(), Duration::ZERO).begin("a").restored().is_none());
    fs::write(path, &whole).unwrap();
    assert!(process(folder.path(), Duration::ZERO).begin("a").restored().is_some());
}

#[test]
fn a_short_training_is_done_again_unless_it_must_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3600);
    let first = process(folder.path(), hour);
    let mut short = first.begin("a");
    assert!(!short.is_due());
    short.finish(&first.context, || parts("short"));
    let mut kept = first.begin("b").essential();
    kept.finish(&first.context, || parts("kept"));
    let second = process(folder.path(), hour);
    assert!(second.begin("a").restored().is_none());
    assert!(second.begin("b").restored().unwrap().is_finished);
}

#[test]
fn too_much_space_costs_what_is_quickest_to_do_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = process(folder.path(), Duration::ZERO);
    let store = Arc::get_mut(process.context.checkpoints.0.as_mut().unwrap()).unwrap();
    store.budget = 1500;
    for (data, seconds) in [("a", 100.0), ("b", 1.0), ("c", 10.0)] {
        let mut training = process.begin(data);
        training.before = seconds;
        training.finish(&process.context, || parts(&"x".repeat(300)));
    }
    let left = [1, 2, 3].map(|number| files_of(folder.path(), number).len());
    assert_eq!(left, [1, 0, 1]);
}

#[test]
fn nothing_is_kept_without_a_folder() {
    let context = Context::new(0);
    let never = |_: &mut Fingerprint| -> Result<()> { panic!("nothing needs a fingerprint") };
    let mut begun = BegunTraining::new("pretrain", &context, never).unwrap();
    assert!(!begun.is_kept() && !begun.is_due() && begun.restored().is_none());
    begun.keep("", &context, || panic!("nothing is written"));
    begun.finish(&context, || panic!("nothing is written"));
}
