//! What holds for every baseline that is trained.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;

use super::{
    Baseline, ConvolutionalTraining, DenoisingTraining, DiffusionTraining, FeatureMemoryOptions,
    IntensityThreshold, UncertaintyTraining, VariationalTraining,
};
use crate::Result;
use crate::cohort::{Cohort, IntensityScale, Slice, SliceGrid, Subject};
use crate::context::{Context, Streams};
use crate::detection::{Reconstruction, Scoring, detect};
use crate::evaluation::{EvaluationOptions, evaluate};
use crate::model::Config;
use crate::phantom::PhantomOptions;
use crate::training::{Model, TrainingOptions, pretrain};

pub(super) const GRID: SliceGrid =
    SliceGrid { size: 64, fov_mm: 128, slice_mm: 0, intensity: IntensityScale::Percentile };

pub(super) fn subjects() -> Vec<Arc<Subject>> {
    let options = PhantomOptions { subjects: 2, ..PhantomOptions::default() };
    let cohort = Cohort::phantom(&options, GRID, &Streams::new(4)).unwrap();
    cohort.subjects(&Context::new(0)).unwrap()
}

/// A memory of the features of a small network, trained for some epochs.
fn memory(epochs: usize, subjects: &[Arc<Subject>], context: &Context) -> Baseline {
    let config =
        Config { image: 64, slice_mm: 0, intensity: GRID.intensity, patch: 4, ..Config::small() };
    let mut model = Model::new(config, context).unwrap();
    let options = TrainingOptions::default().batch_size(2);
    pretrain(&mut model, subjects, epochs, &options, context).unwrap();
    let options = FeatureMemoryOptions::default().share(1.0).neighbourhood(1);
    Baseline::FeatureMemory(options.fill(&model, subjects, context).unwrap())
}

/// Every trained baseline, small.
fn trained(epochs: usize) -> Vec<Baseline> {
    let (subjects, context) = (subjects(), Context::new(5));
    let denoising = DenoisingTraining::default().epochs(epochs).batch_size(2).learning_rate(3e-3);
    let denoising = DenoisingTraining { width: 8, ..denoising };
    let convolutional = ConvolutionalTraining::default()
        .epochs(epochs)
        .batch_size(2)
        .learning_rate(3e-3)
        .width(8)
        .bottleneck(16);
    let uncertain = UncertaintyTraining::default().epochs(epochs).batch_size(2).learning_rate(3e-3);
    let uncertain = uncertain.width(8).latent(16);
    let variational = VariationalTraining::default().epochs(epochs).batch_size(2).width(8);
    let variational = variational.latent(16).learning_rate(3e-3).restoration_steps(20);
    let diffusion = DiffusionTraining::default().epochs(epochs).batch_size(2).width(8);
    let diffusion = diffusion.passes(10).noise_steps(100).learning_rate(3e-3);
    let reconstructing = variational.clone().restoration_steps(0);
    vec![
        memory(epochs.min(10), &subjects, &context),
        Baseline::DenoisingAutoencoder(denoising.train(&subjects, GRID, &context).unwrap()),
        Baseline::ConvolutionalAutoencoder(convolutional.train(&subjects, GRID, &context).unwrap()),
        Baseline::AutoencoderWithUncertainty(uncertain.train(&subjects, GRID, &context).unwrap()),
        Baseline::VariationalAutoencoder(reconstructing.train(&subjects, GRID, &context).unwrap()),
        Baseline::VariationalAutoencoder(variational.train(&subjects, GRID, &context).unwrap()),
        Baseline::DiffusionModel(diffusion.train(&subjects, GRID, &context).unwrap()),
    ]
}

fn reconstructed(method: &Baseline, subject: &Subject) -> Vec<Reconstruction> {
    let slices: Vec<&Slice> = subject.slices.iter().collect();
    method.reconstructor().reconstruct(&slices, &Context::new(5)).unwrap()
}

/// What the method shows of a slice: its own measure of anomaly, else the positive residual.
fn shown(method: &Baseline, subject: &Subject, slice: usize) -> Array2<f32> {
    let found = reconstructed(method, subject).swap_remove(slice);
    let image = &subject.slices[slice].image;
    found.anomaly.unwrap_or_else(|| (image - &found.reconstruction).mapv(|value| value.max(0.0)))
}

/// A subject with a lesion painted into the middle of one of its slices, and its pixels.
fn with_lesion(subject: &Subject, slice: usize) -> (Subject, Array2<bool>) {
    let mut subject = subject.clone();
    let scoring = subject.slices[slice].scoring.clone();
    let inside: Vec<_> =
        scoring.indexed_iter().filter(|(_, inside)| **inside).map(|(at, _)| at).collect();
    let (row, column) = inside[inside.len() / 2];
    let lesion = Array2::from_shape_fn(scoring.dim(), |(r, c)| {
        r.abs_diff(row) <= 2 && c.abs_diff(column) <= 1 && scoring[(r, c)]
    });
    let image = &mut subject.slices[slice].image;
    image.zip_mut_with(&lesion, |value, inside| *value += if *inside { 0.4 } else { 0.0 });
    (subject, lesion)
}

/// Probability that a pixel of the lesion shows more than another one of the scoring region.
fn auroc(map: &Array2<f32>, lesion: &Array2<bool>, scoring: &Array2<bool>) -> f64 {
    let of = |wanted: bool| -> Vec<f32> {
        let pixels = map.iter().zip(lesion).zip(scoring);
        pixels.filter(|((_, l), s)| **s && **l == wanted).map(|((value, _), _)| *value).collect()
    };
    let (ill, normal) = (of(true), of(false));
    let above = ill.iter().map(|ill| normal.iter().filter(|normal| ill > normal).count());
    above.sum::<usize>() as f64 / (ill.len() * normal.len()) as f64
}

/// Epochs after which the small networks reconstruct the phantoms.
const EPOCHS: usize = 30;

#[test]
fn training_lowers_the_loss_and_a_painted_lesion_stands_out() {
    let subjects = subjects();
    for method in trained(EPOCHS) {
        let name = method.reconstructor().name();
        if !matches!(method, Baseline::FeatureMemory(_)) {
            let losses = method.losses();
            assert_eq!(losses.len(), EPOCHS, "{name}");
            // The loss of a Gaussian's mean and variance may be negative.
            assert!(losses[EPOCHS - 1] < losses[0] - 0.3 * losses[0].abs(), "{name}: {losses:?}");
        }
        // In so small a network, what is left of the noise outweighs a lesion of three pixels. Its own test looks
        // at the reconstruction.
        if matches!(method, Baseline::DiffusionModel(_)) {
            continue;
        }
        let (subject, lesion) = with_lesion(&subjects[0], 2);
        let map = shown(&method, &subject, 2);
        let found = auroc(&map, &lesion, &subject.slices[2].scoring);
        assert!(found > 0.6, "{name}: pixel AUROC {found}");
    }
}

#[test]
fn outside_the_region_nothing_is_changed() {
    let subjects = subjects();
    for method in trained(1) {
        for (slice, found) in subjects[1].slices.iter().zip(reconstructed(&method, &subjects[1])) {
            for (pixel, inside) in slice.region.indexed_iter() {
                if !inside {
                    assert_eq!(found.reconstruction[pixel], slice.image[pixel]);
                    assert_eq!(found.error[pixel], 0.0);
                    assert_eq!(found.variance.as_ref().map_or(0.0, |map| map[pixel]), 0.0);
                    assert_eq!(found.anomaly.as_ref().map_or(0.0, |map| map[pixel]), 0.0);
                }
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
    let subject = &subjects()[0];
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let found: Vec<_> =
                trained(2).iter().map(|method| reconstructed(method, subject)).collect();
            let maps = found.iter().flatten().flat_map(|one| {
                one.reconstruction.iter().chain(&one.error).chain(one.anomaly.iter().flatten())
            });
            maps.map(|value| value.to_bits()).collect::<Vec<u32>>()
        })
    };
    assert_eq!(bits(1), bits(2));
}

#[test]
fn a_method_is_told_from_one_that_was_trained_longer() {
    let of = |epochs| trained(epochs).into_iter().map(|method| method.reconstructor().identity());
    for ((one, same), other) in of(1).zip(of(1)).zip(of(2)) {
        assert_eq!(one, same);
        assert_ne!(one, other);
    }
}

#[test]
fn beyond_the_window_nothing_is_found() {
    let mut subject = (*subjects().swap_remove(0)).clone();
    // Slices of 96 pixels, all of which are cord.
    for slice in &mut subject.slices {
        let whole = Array2::from_elem((96, 96), true);
        slice.image = Array2::from_elem((96, 96), 0.5);
        (slice.cord, slice.csf) = (whole.clone(), whole.mapv(|_| false));
        (slice.region, slice.scoring) = (whole.clone(), whole);
        slice.lesion = None;
    }
    let (grid, context) = (SliceGrid { size: 96, ..GRID }, Context::new(5));
    let training = ConvolutionalTraining::default().epochs(1).batch_size(2).width(8).bottleneck(16);
    let subject = Arc::new(subject);
    let method = training.train(std::slice::from_ref(&subject), grid, &context).unwrap();
    let method = Baseline::ConvolutionalAutoencoder(method);
    for found in reconstructed(&method, &subject) {
        let error = |columns: std::ops::Range<usize>| {
            found.error.slice(ndarray::s![.., columns]).iter().fold(0f32, |most, e| most.max(*e))
        };
        assert_eq!((error(0..15), error(81..96)), (0.0, 0.0));
        assert!(error(20..70) > 0.0);
    }
}

#[test]
fn a_method_is_saved_and_loaded_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let subject = &subjects()[0];
    let threshold = Baseline::IntensityThreshold(IntensityThreshold { local_mm: Some(20.0) });
    for method in trained(1).into_iter().chain([threshold]) {
        let path = folder.path().join("new").join("method.safetensors");
        method.save(&path).unwrap();
        let loaded = Baseline::load(&path).unwrap();
        assert_eq!(loaded.reconstructor().name(), method.reconstructor().name());
        assert_eq!(loaded.losses(), method.losses());
        assert_eq!(loaded.reconstructor().grid(), method.reconstructor().grid());
        assert_eq!(reconstructed(&loaded, subject), reconstructed(&method, subject));
        // Nor does it depend on the session that loads it.
        let (slices, elsewhere) = (subject.slices.iter().collect::<Vec<_>>(), Context::new(6));
        let found = loaded.reconstructor().reconstruct(&slices, &elsewhere).unwrap();
        assert_eq!(found, reconstructed(&method, subject));
        assert_eq!(loaded.reconstructor().made_by(6), method.reconstructor().made_by(6));
    }
}

#[test]
fn a_method_knows_whom_it_learned_from_and_its_file_does_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("method.safetensors");
    let (all, context) = (subjects(), Context::new(5));
    for method in trained(1) {
        method.save(&path).unwrap();
        let loaded = Baseline::load(&path).unwrap();
        let found = detect(loaded.reconstructor(), &all, None, &context).unwrap();
        let seen: Vec<_> = found.subjects.iter().map(|one| one.seen.clone().unwrap()).collect();
        let name = method.reconstructor().name();
        // One of the two phantoms is a patient, which only the memory is told to take for healthy.
        let is_memory = matches!(method, Baseline::FeatureMemory(_));
        for (subject, seen) in all.iter().zip(&seen) {
            assert!(seen.same_image && *seen.name == *subject.name, "{name}: {seen:?}");
            assert_eq!(seen.healthy, is_memory || subject.is_healthy(), "{name}: {seen:?}");
        }
    }
    let threshold = Baseline::IntensityThreshold(IntensityThreshold::default());
    let found = detect(threshold.reconstructor(), &all, None, &context).unwrap();
    assert!(found.subjects.iter().all(|one| one.seen.is_none()));
}

#[test]
fn a_file_that_holds_something_else_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("method.safetensors");
    let said = |path: &Path| Baseline::load(path).unwrap_err().to_string();
    std::fs::write(&path, "text").unwrap();
    assert!(said(&path).contains("is not the file of a method"), "{}", said(&path));
    let model = Model::new(Config::small(), &Context::new(0));
    model.unwrap().save(&path).unwrap();
    assert!(said(&path).contains("load_model"), "{}", said(&path));
    let method = trained(1).swap_remove(1);
    let Baseline::DenoisingAutoencoder(mut network) = method else { panic!("another order") };
    network.network.width = 4;
    Baseline::DenoisingAutoencoder(network).save(&path).unwrap();
    let refused = Model::load(&path, &candle_core::Device::Cpu).err().unwrap().to_string();
    assert!(refused.ends_with("holds a method to compare with; use load_method"), "{refused}");
    assert!(said(&path).contains("has shape"), "{}", said(&path));
}

#[test]
fn slices_of_another_size_and_no_slices_are_errors() -> Result<()> {
    let (subjects, context) = (subjects(), Context::new(0));
    let training = ConvolutionalTraining::default().epochs(1).width(4).bottleneck(4);
    let error = training.train(&[], GRID, &context).unwrap_err().to_string();
    assert_eq!(error, "the convolutional autoencoder needs subjects with slices");
    let other = SliceGrid { size: 128, ..GRID };
    let error = training.train(&subjects, other, &context).unwrap_err().to_string();
    assert!(error.contains("its slices are 64 × 64 pixels"), "{error}");
    let error = training.clone().bottleneck(6).train(&subjects, GRID, &context).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("bottleneck of the convolutional autoencoder must be a multiple of 4")
    );
    // Slices whose edge is not a multiple of the network's step are padded.
    let odd = SliceGrid { size: 72, ..GRID };
    let options = PhantomOptions { subjects: 1, ..PhantomOptions::default() };
    let cohort = Cohort::phantom(&options, odd, &Streams::new(4))?;
    let method = training.train(&cohort.subjects(&context)?, odd, &context)?;
    let method = Baseline::ConvolutionalAutoencoder(method);
    let found = reconstructed(&method, &cohort.subjects(&context)?[0]);
    assert_eq!(found[0].reconstruction.dim(), (72, 72));
    Ok(())
}

#[test]
fn a_memory_reconstructs_nothing_and_has_no_similarity() {
    let (subjects, context) = (subjects(), Context::new(5));
    let method = memory(0, &subjects, &context);
    let found = detect(method.reconstructor(), &subjects, None, &context).unwrap();
    assert_eq!(found.scoring, Scoring::Own);
    let evaluation = evaluate(&found, &EvaluationOptions::default(), &context).unwrap();
    assert_eq!(evaluation.normal, None);
    let error = detect(method.reconstructor(), &subjects, Some(Scoring::Residual), &context);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("reconstructs nothing"), "{error}");
    let threshold = IntensityThreshold::default();
    let error = detect(&threshold, &subjects, Some(Scoring::Own), &context).unwrap_err();
    assert!(error.to_string().contains("no measure of anomaly of its own"), "{error}");
}

#[test]
fn training_a_model_further_does_not_change_a_memory_made_of_it() {
    let (subjects, context) = (subjects(), Context::new(5));
    let config = Config { image: 64, slice_mm: 0, intensity: GRID.intensity, ..Config::small() };
    let mut model = Model::new(config, &context).unwrap();
    let memory = FeatureMemoryOptions::default().fill(&model, &subjects, &context).unwrap();
    let memory = Baseline::FeatureMemory(memory);
    let before = reconstructed(&memory, &subjects[0]);
    // What is in the memory has no distance from it.
    let options = FeatureMemoryOptions::default().share(1.0);
    let all = Baseline::FeatureMemory(options.fill(&model, &subjects, &context).unwrap());
    assert!(
        reconstructed(&all, &subjects[0]).iter().all(|one| one.error.iter().all(|e| *e == 0.0))
    );
    let options = TrainingOptions::default().batch_size(2);
    pretrain(&mut model, &subjects, 1, &options, &context).unwrap();
    assert_eq!(reconstructed(&memory, &subjects[0]), before);
}
