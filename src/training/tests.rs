//! What trainings remember, and what they say before they begin.

use std::sync::{Arc, Mutex};

use super::*;
use crate::cohort::{Cohort, SliceGrid, Subject};
use crate::context::{Context, Event, Reporter, Streams};
use crate::detection::{MaskedAutoencoder, Reconstructor, detect};
use crate::model::Config;
use crate::phantom::PhantomOptions;
use crate::uncertainty::MonteCarlo;

/// Keeps notes and warnings.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Reporter for Listener {
    fn report(&self, event: Event) {
        if let Event::Note(text) | Event::Warning(text) = event {
            self.0.lock().unwrap().push(text);
        }
    }
}

fn context(seed: u64, listener: &Arc<Listener>) -> Context {
    Context::new(seed).with_reporter(listener.clone())
}

fn model(context: &Context) -> Model {
    let config = Config { image: 32, embed_dim: 16, depth: 1, heads: 2, ..Config::small() };
    let config = Config { decoder_embed_dim: 16, decoder_depth: 1, decoder_heads: 2, ..config };
    Model::new(config, context).unwrap()
}

fn subjects(model: &Model) -> Vec<Arc<Subject>> {
    let options =
        PhantomOptions { subjects: 1, pixel_spacing_mm: 3.0, ..PhantomOptions::default() };
    let grid = SliceGrid { size: 32, ..model.grid() };
    let cohort = Cohort::phantom(&options, grid, &Streams::new(3)).unwrap();
    cohort.subjects(&Context::new(0)).unwrap()
}

fn adaptation() -> Adaptation {
    Adaptation::default().epochs(2).monte_carlo(MonteCarlo::default().samples(2))
}

#[test]
fn a_model_keeps_the_settings_of_its_trainings_in_its_file() {
    let listener = Arc::new(Listener::default());
    let context = context(3, &listener);
    let mut model = model(&context);
    let subjects = subjects(&model);
    let options = TrainingOptions::default().batch_size(4).augment(false);
    pretrain(&mut model, &subjects, 2, &options, &context).unwrap();
    adapt(&mut model, &subjects, &adaptation(), &context).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let loaded = Model::load(&path, &context.device).unwrap();
    let [first, second] = &loaded.history.trainings[..] else { panic!("{:?}", loaded.history) };
    assert_eq!((first.first_epoch, first.seed, first.batch_size, first.augment), (1, 3, 4, false));
    assert_eq!(first.guidance, None);
    let schedule = second.guidance.as_ref().unwrap().schedule.as_ref().unwrap();
    let expected = Schedule { epistemic_epochs: 1, refresh: 10, samples: 2 };
    assert_eq!((second.first_epoch, schedule), (3, &expected));
    assert_eq!(loaded.history.initial_seed, Some(3));
}

#[test]
fn training_on_under_another_seed_is_warned_of_once() {
    let listener = Arc::new(Listener::default());
    let first = context(3, &listener);
    let mut model = model(&first);
    let subjects = subjects(&model);
    let options = TrainingOptions::default();
    pretrain(&mut model, &subjects, 1, &options, &first).unwrap();
    pretrain(&mut model, &subjects, 1, &options, &first).unwrap();
    assert!(listener.0.lock().unwrap().is_empty());
    let other = context(0, &listener);
    adapt(&mut model, &subjects, &adaptation(), &other).unwrap();
    pretrain(&mut model, &subjects, 1, &options, &other).unwrap();
    let told = listener.0.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("the model was trained with seed 3; this session has seed 0"));
    assert_eq!(model.history.seeds(), [3, 0]);
}

#[test]
fn a_second_adaptation_says_where_its_schedule_begins() {
    let listener = Arc::new(Listener::default());
    let context = context(3, &listener);
    let mut model = model(&context);
    let subjects = subjects(&model);
    adapt(&mut model, &subjects, &adaptation(), &context).unwrap();
    adapt(&mut model, &subjects, &adaptation().epistemic_epochs(0), &context).unwrap();
    assert!(listener.0.lock().unwrap().is_empty());
    adapt(&mut model, &subjects, &adaptation(), &context).unwrap();
    let told = listener.0.lock().unwrap().join("\n");
    let expected = "the model was adapted for 4 epochs before, and the schedule begins anew: 1 epoch by \"eu\", then 1 by";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn findings_tell_which_model_made_them() {
    let context = Context::new(3);
    let mut model = model(&context);
    let subjects = subjects(&model);
    let settings = MonteCarlo::default().samples(2);
    let method = MaskedAutoencoder::of(&mut model, settings).unwrap();
    let found = detect(&method, &subjects, None, &Context::new(8)).unwrap();
    let made_by = found.made_by.unwrap();
    assert_eq!(made_by.identity, method.identity());
    assert_eq!(made_by.model, method.model_facts());
    let facts = made_by.model.unwrap();
    assert_eq!((made_by.seed, facts.seeds, facts.epochs), (8, vec![3], 0));
    assert_eq!((facts.monte_carlo, facts.weights.len()), (settings, 64));
    pretrain(&mut model, &subjects, 1, &TrainingOptions::default(), &context).unwrap();
    let trained = MaskedAutoencoder::of(&mut model, settings).unwrap().model_facts().unwrap();
    assert_ne!(trained.weights, facts.weights);
}
