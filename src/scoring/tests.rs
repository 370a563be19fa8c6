//! Scoring networks on small phantoms.

use super::*;
use crate::cohort::{Cohort, Subject};
use crate::context::Streams;
use crate::model::{Config, Network, Parameters};
use crate::phantom::PhantomOptions;
use crate::simulation::LesionSimulator;

fn config() -> Config {
    Config { image: 64, nearest_patches: 48, depth: 1, decoder_depth: 1, ..Config::small() }
}

fn network() -> Network {
    let parameters = Parameters::initialise(&config(), &Streams::new(1), &Device::Cpu).unwrap();
    parameters.frozen_network(&config()).unwrap()
}

fn subjects(count: usize) -> Vec<Arc<Subject>> {
    let options =
        PhantomOptions { subjects: count, clinical: Some(0), ..PhantomOptions::default() };
    let cohort = Cohort::phantom(&options, config().slice_grid(), &Streams::new(3)).unwrap();
    cohort.subjects(&Context::new(0)).unwrap()
}

fn monte_carlo() -> MonteCarlo {
    MonteCarlo::default().samples(2)
}

/// Lesions that fill some of the small images' large pixels.
fn lesions(count: (usize, usize)) -> LesionSimulator {
    let lesions = LesionSimulator::default().length_mm((20.0, 25.0)).width_mm((6.0, 8.0));
    lesions.count(count).contrast((0.5, 0.6))
}

fn training() -> ScorerTraining {
    let mut training = ScorerTraining::default()
        .members(1)
        .epochs(6)
        .healthy_rounds(2)
        .clinical_rounds(1)
        .lesions(lesions((1, 2)))
        .initial_weights(InitialWeights::Random);
    training.width = 4;
    training
}

fn trained(training: &ScorerTraining, seed: u64) -> LesionScorer {
    let people = subjects(3);
    let (healthy, clinical) = people.split_at(2);
    training
        .train(
            (&network(), TrainingState { epochs: 7, steps: Some(70) }),
            (healthy, clinical),
            (monte_carlo(), 0),
            &Context::new(seed),
        )
        .unwrap()
}

fn scores(scorer: &LesionScorer, subject: &Subject) -> Vec<Array2<f32>> {
    let slices: Vec<&Slice> = subject.slices.iter().collect();
    let context = Context::new(9);
    let maps = monte_carlo().estimate(&network(), &slices, 0, &context).unwrap();
    scorer.score(&slices, &maps, &context).unwrap()
}

#[test]
fn simulated_lesions_get_a_higher_probability_than_the_cord_around_them() {
    let scorer = trained(&training().epochs(25).learning_rate(1e-2), 1);
    let mut stream = Streams::new(77).stream("test", &[]);
    let painted = lesions((2, 2)).paint(&subjects(3)[2], &mut stream).unwrap().subject;
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (slice, map) in painted.slices.iter().zip(scores(&scorer, &painted)) {
        assert_eq!(map.dim(), slice.image.dim());
        assert!(map.iter().all(|value| (0.0..=1.0).contains(value)));
        let lesion = slice.lesion.as_ref().unwrap();
        for (pixel, _) in slice.scoring.indexed_iter().filter(|(_, scored)| **scored) {
            if lesion[pixel] { &mut inside } else { &mut outside }.push(map[pixel]);
        }
    }
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    assert!(inside.len() > 10);
    let (lesion, normal) = (mean(&inside), mean(&outside));
    assert!(lesion > 2.0 * normal, "{lesion} in lesions, {normal} elsewhere");
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
    let mut short = training();
    short.epochs = 2;
    let bits_of = |training: &ScorerTraining, threads: usize, seed: u64| -> Vec<u32> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let scorer = pool.install(|| trained(training, seed));
        let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        scorer.tensors().values().flat_map(values).map(f32::to_bits).collect()
    };
    let bits = |threads: usize, seed: u64| bits_of(&short, threads, seed);
    let one = bits(1, 1);
    assert_eq!(one, bits(3, 1));
    assert_ne!(one, bits(1, 2));
    let augmented = short.clone().mask_augmentation(0.5);
    assert_ne!(one, bits_of(&augmented, 1, 1));
    assert_eq!(bits_of(&augmented, 1, 1), bits_of(&augmented, 3, 1));
}

#[test]
fn a_scorer_comes_back_from_its_tensors() {
    let mut short = training();
    (short.epochs, short.members) = (1, 2);
    let scorer = trained(&short, 1);
    let mut tensors = scorer.tensors();
    tensors.insert("other".to_owned(), Tensor::new(&[1f32], &Device::Cpu).unwrap());
    let again = LesionScorer::from_tensors(scorer.description().clone(), &mut tensors).unwrap();
    assert_eq!(tensors.len(), 1, "what belongs to others stays");
    let subject = &subjects(1)[0];
    assert_eq!(scores(&scorer, subject), scores(&again, subject));
    let error = LesionScorer::from_tensors(scorer.description().clone(), &mut tensors);
    assert!(error.unwrap_err().to_string().contains("scorer.0."));
}

#[test]
fn settings_that_make_no_sense_and_missing_subjects_are_errors() {
    let fails = |training: ScorerTraining, people: &[Arc<Subject>]| {
        training
            .train(
                (&network(), TrainingState { epochs: 0, steps: None }),
                (people, &[]),
                (monte_carlo(), 0),
                &Context::new(1),
            )
            .unwrap_err()
            .to_string()
    };
    assert!(fails(training(), &[]).contains("needs subjects"));
    let people = subjects(1);
    assert!(fails(training().healthy_rounds(0), &people).contains("at least one round"));
    assert!(fails(training().members(0), &people).contains("members"));
    assert!(fails(training().mask_augmentation(1.5), &people).contains("is a share"));
    assert!(fails(ScorerTraining { width: 6, ..training() }, &people).contains("width"));
    let other_width = training().initial_weights(InitialWeights::Phantoms);
    assert!(fails(other_width, &people).contains("have a width of 12, not 4"));
    let none = training().lesions(LesionSimulator::default().count((0, 0)));
    assert!(fails(none, &people).contains("no lesion could be painted"));
}

#[test]
fn an_interrupt_ends_the_training() {
    let context = Context::new(1);
    context.cancel.cancel();
    let people = subjects(1);
    let outcome = training().train(
        (&network(), TrainingState { epochs: 0, steps: None }),
        (&people, &[]),
        (monte_carlo(), 0),
        &context,
    );
    assert!(matches!(outcome, Err(Error::Cancelled)));
}

#[test]
fn maps_that_do_not_belong_to_the_slices_are_refused() {
    let mut short = training();
    short.epochs = 1;
    let scorer = trained(&short, 1);
    let subject = &subjects(1)[0];
    let slices: Vec<&Slice> = subject.slices.iter().collect();
    let context = Context::new(9);
    let maps = monte_carlo().estimate(&network(), &slices, 0, &context).unwrap();
    let error = scorer.score(&slices, &maps[1..], &context).unwrap_err().to_string();
    assert!(error.contains("each slice needs its maps"), "{error}");
}
