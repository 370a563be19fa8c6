//! Trainings that are interrupted or killed: what they keep, and that they go on with the same bits.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use u2ad::Error;
use u2ad::cohort::{Slice, Subject};
use u2ad::context::{CancelToken, Checkpoints, Context, Event, Reporter};
use u2ad::masking::MaskSampler;
use u2ad::model::Config;
use u2ad::training::{
    Adaptation, Model, Stage, TrainingOptions, adapt, estimate, pretrain, train_epoch,
};
use u2ad::uncertainty::MonteCarlo;

use crate::{bits, config, options, slice, subject};

/// Cancels once a number of batches are done.
struct CancelAfter {
    batches: usize,
    context: Mutex<Option<Context>>,
    notes: Mutex<Vec<String>>,
}

impl Reporter for CancelAfter {
    fn report(&self, event: Event) {
        match event {
            Event::Advanced { done, .. } if done == self.batches => {
                if let Some(context) = self.context.lock().unwrap().take() {
                    context.cancel.cancel();
                }
            }
            Event::Note(text) | Event::Remark(text) => self.notes.lock().unwrap().push(text),
            _ => {}
        }
    }
}

#[test]
fn an_interrupted_epoch_keeps_its_finished_batches_and_says_so() {
    let reporter =
        Arc::new(CancelAfter { batches: 2, context: Mutex::default(), notes: Mutex::default() });
    let context = Context::new(1).with_reporter(reporter.clone());
    *reporter.context.lock().unwrap() = Some(context.clone());
    let slices: Vec<Slice> = (0..12).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let mut model = Model::new(config(), &context).unwrap();
    let sampler = MaskSampler::random(config().patch);
    let mut train =
        || train_epoch(&mut model, &slices, &sampler, Stage::Pretrain, &options(), &context);
    assert!(matches!(train(), Err(Error::Cancelled)));
    assert_eq!(*reporter.notes.lock().unwrap(), ["kept: epoch 1: 2 of 4 batches"]);
    context.cancel.reset();
    assert_eq!(train().unwrap().epoch, 1, "the model trains on");
    assert_eq!(model.adam.steps(), 4, "a stage begins with a fresh optimiser");
}

/// Sets the token a while from now, on a thread of its own.
fn cancel_in(delay: Duration, context: &Context) -> JoinHandle<()> {
    let token = context.cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(delay);
        token.cancel();
    })
}

#[test]
fn an_interrupt_inside_a_batch_leaves_the_model_as_before_it() {
    let context = Context::new(1);
    let slices: Vec<Slice> = (0..4).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let config = Config { depth: 8, decoder_depth: 8, ..config() };
    let sampler = MaskSampler::random(config.patch);
    let options = TrainingOptions { batch_size: 4, ..options() };
    let train = |model: &mut Model| {
        train_epoch(model, &slices, &sampler, Stage::Pretrain, &options, &context)
    };
    let mut model = Model::new(config, &context).unwrap();
    let start = Instant::now();
    train(&mut model).unwrap();
    let batch = start.elapsed();
    let mut interrupted = 0;
    for tenths in 1..10 {
        let before = (bits(&model), model.adam.steps(), model.history.clone());
        let timer = cancel_in(batch.mul_f64(f64::from(tenths) / 10.0), &context);
        match train(&mut model) {
            Err(Error::Cancelled) => {
                interrupted += 1;
                let after = (bits(&model), model.adam.steps(), model.history.clone());
                assert!(before == after, "after {tenths} tenths of a batch");
            }
            other => drop(other.unwrap()), // faster than the first time
        }
        timer.join().unwrap();
        context.cancel.reset();
    }
    assert!(interrupted > 0);
    train(&mut model).expect("the model trains on");
}

#[test]
fn an_interrupt_inside_an_estimation_stops_it() {
    let context = Context::new(1);
    let slice = slice(0);
    let mut model = Model::new(config(), &context).unwrap();
    let settings = MonteCarlo { samples: 1000, ..MonteCarlo::default() };
    let timer = cancel_in(Duration::from_millis(20), &context);
    assert!(matches!(estimate(&mut model, &[&slice], &settings, &context), Err(Error::Cancelled)));
    timer.join().unwrap();
    assert_eq!(model.estimations, 0);
    context.cancel.reset();
    let settings = MonteCarlo { samples: 2, ..MonteCarlo::default() };
    assert!(estimate(&mut model, &[&slice], &settings, &context).is_ok());
}

/// Cancels at the first event of progress whose count is reached, whichever task it comes from.
struct CancelAtEvent {
    left: Mutex<usize>,
    cancel: CancelToken,
}

impl Reporter for CancelAtEvent {
    fn report(&self, event: Event) {
        if let Event::Advanced { .. } = event {
            let mut left = self.left.lock().unwrap();
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.cancel.cancel();
            }
        }
    }
}

#[test]
fn a_training_stopped_at_any_instant_goes_on_from_its_checkpoint_with_the_same_bits() {
    let slices: Vec<Slice> = (0..6).map(slice).collect();
    let subjects: Vec<Arc<Subject>> = slices.chunks(2).map(subject).collect();
    let healthy = &subjects[..1];
    let options = Adaptation::default()
        .epochs(5)
        .epistemic_epochs(3)
        .refresh(2)
        .monte_carlo(MonteCarlo::default().samples(2))
        .training(options());
    // A process: the same work from the start, as a script that runs again.
    let process = |context: &Context| -> Result<Model, Error> {
        let mut model = Model::new(config(), context)?;
        pretrain(&mut model, healthy, 2, &options.training, context)?;
        adapt(&mut model, &subjects, &options, context)?;
        train_epoch(
            &mut model,
            &slices.iter().collect::<Vec<_>>(),
            &MaskSampler::random(config().patch),
            Stage::Pretrain,
            &options.training,
            context,
        )?;
        Ok(model)
    };
    let whole = process(&Context::new(3)).unwrap();
    let mut instants = 0;
    for at in 1.. {
        let folder = tempfile::tempdir().unwrap();
        // Every other time, checkpoints come only from the interrupt itself.
        let every = if at % 2 == 0 { Duration::ZERO } else { Duration::from_secs(3600) };
        let mut context = Context::new(3);
        context.checkpoints = Checkpoints::inside(folder.path(), every);
        let (left, cancel) = (Mutex::new(at), context.cancel.clone());
        let stopped = context.clone().with_reporter(Arc::new(CancelAtEvent { left, cancel }));
        match process(&stopped) {
            Err(Error::Cancelled) => instants += 1,
            Err(error) => panic!("{error}"),
            // Every instant was tried.
            Ok(_) => break,
        }
        context.cancel.reset();
        context.checkpoints = Checkpoints::inside(folder.path(), every);
        let model = process(&context).unwrap();
        assert!(bits(&model) == bits(&whole), "other weights after an interrupt at event {at}");
        assert_eq!(model.history, whole.history, "{at}");
        assert_eq!(model.estimations, whole.estimations, "{at}");
    }
    assert!(instants > 20, "{instants}");
}
