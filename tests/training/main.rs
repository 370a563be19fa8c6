//! Training as a user relies on it: reproducible to the bit, resumable, interruptible, and the
//! same whatever the micro-batch and the number of ranks.

mod interrupts;
mod ranks;

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::Array2;
use u2ad::cohort::{IntensityScale, Slice, Subject};
use u2ad::context::Context;
use u2ad::detection::{MaskedAutoencoder, Reconstructor};
use u2ad::masking::{MaskSampler, MaskingStrategy};
use u2ad::model::Config;
use u2ad::training::{Adaptation, Model, Stage, TrainingOptions, adapt, estimate, train_epoch};
use u2ad::uncertainty::MonteCarlo;

fn config() -> Config {
    let sizes = (32, 4, 16, 2, 2);
    Config {
        image: sizes.0,
        fov_mm: 200,
        slice_mm: 0,
        intensity: IntensityScale::Percentile,
        patch: sizes.1,
        nearest_patches: 0,
        embed_dim: sizes.2,
        depth: sizes.3,
        heads: sizes.4,
        decoder_embed_dim: 8,
        decoder_depth: 1,
        decoder_heads: 2,
        mlp_ratio: 2,
    }
}

/// A slice with a bright band as its region, at a place of its own.
fn slice(index: usize) -> Slice {
    let centre = 12.0 + index as f32;
    let region = Array2::from_shape_fn((32, 32), |(r, c)| {
        r > 2 && r < 29 && (c as f32 - centre).abs() < 3.5
    });
    let image = Array2::from_shape_fn((32, 32), |(r, c)| {
        let base = if region[[r, c]] { 0.7 } else { 0.2 };
        base + 0.1 * ((r * 3 + c * 5 + index) as f32).sin()
    });
    Slice {
        subject: format!("sub-{:02}", index / 2).into(),
        index: index % 2,
        voxels: None,
        image,
        cord: region.clone(),
        csf: region.clone(),
        scoring: region.clone(),
        region,
        lesion: None,
        pixel_spacing_mm: (1.0, 1.0),
    }
}

fn subject(slices: &[Slice]) -> Arc<Subject> {
    Arc::new(Subject {
        name: slices[0].subject.clone(),
        participant: BTreeMap::new(),
        slices: slices.to_vec(),
        averaged: 1,
        healthy: None,
        discs: Vec::new(),
        native_transform: None,
        image_hash: None,
        lesion_marked: false,
        masks_found: false,
    })
}

fn options() -> TrainingOptions {
    TrainingOptions { batch_size: 3, ..TrainingOptions::default() }
}

type Bits = BTreeMap<String, Vec<u32>>;

fn bits(model: &Model) -> Bits {
    let tensors = model.parameters.tensors().into_iter().chain(model.adam.tensors());
    let bits = |tensor: candle_core::Tensor| -> Vec<u32> {
        let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        values.into_iter().map(f32::to_bits).collect()
    };
    tensors.map(|(name, tensor)| (name, bits(tensor))).collect()
}

/// Two epochs with random masks and one guided by both uncertainties.
fn study(context: &Context) -> Model {
    let slices: Vec<Slice> = (0..7).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let mut model = Model::new(config(), context).unwrap();
    let random = MaskSampler::random(config().patch);
    for _ in 0..2 {
        train_epoch(&mut model, &slices, &random, Stage::Pretrain, &options(), context).unwrap();
    }
    let settings = MonteCarlo { samples: 3, ..MonteCarlo::default() };
    let maps = estimate(&mut model, &slices, &settings, context).unwrap();
    let pairs = slices.iter().copied().zip(&maps);
    let sampler = MaskSampler::from_uncertainty(MaskingStrategy::Au, pairs, config().patch);
    train_epoch(&mut model, &slices, &sampler, Stage::Adapt, &options(), context).unwrap();
    model
}

#[test]
fn the_same_seed_gives_the_same_bits_whatever_the_thread_count() {
    let study = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| bits(&study(&Context::new(7))))
    };
    let one = study(1);
    assert_eq!(one, study(2));
    assert_eq!(one, study(5));
    assert_ne!(one, bits(&self::study(&Context::new(8))), "the seed must matter");
}

#[test]
fn a_loaded_checkpoint_trains_on_bit_for_bit() {
    let context = Context::new(3);
    let mut model = study(&context);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let mut loaded = Model::load(&path, &context.device).unwrap();
    assert_eq!(loaded.history, model.history);
    assert_eq!(bits(&loaded), bits(&model));
    let slices: Vec<Slice> = (0..7).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    for model in [&mut model, &mut loaded] {
        let settings = MonteCarlo { samples: 2, ..MonteCarlo::default() };
        let maps = estimate(model, &slices, &settings, &context).unwrap();
        let pairs = slices.iter().copied().zip(&maps);
        let sampler = MaskSampler::from_uncertainty(MaskingStrategy::Eu, pairs, config().patch);
        train_epoch(model, &slices, &sampler, Stage::Adapt, &options(), &context).unwrap();
    }
    assert_eq!(loaded.history, model.history);
    assert_eq!(bits(&loaded), bits(&model));
}

#[test]
fn saving_twice_gives_the_same_file() {
    let model = study(&Context::new(3));
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a", "b"].map(|name| folder.path().join(name));
    paths.iter().for_each(|path| model.save(path).unwrap());
    let [a, b] = paths.map(|path| std::fs::read(path).unwrap());
    assert_eq!(a, b);
}

#[test]
fn a_damaged_optimiser_state_is_refused() {
    let context = Context::new(1);
    let mut model = Model::new(config(), &context).unwrap();
    let slices: Vec<Slice> = (0..2).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let sampler = MaskSampler::random(config().patch);
    train_epoch(&mut model, &slices, &sampler, Stage::Pretrain, &options(), &context).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let device = candle_core::Device::Cpu;
    let tensors = candle_core::safetensors::load_buffer(&bytes, &device).unwrap();
    let (weight, moment) = ("pos_embed", "adam.second.mask_token");
    // What comes out when the tensors are changed by `change`, with or without the metadata.
    let refusal =
        |with_metadata: bool,
         change: &dyn Fn(&str, candle_core::Tensor) -> Option<candle_core::Tensor>| {
            let changed: Vec<_> = tensors
                .iter()
                .filter_map(|(name, tensor)| Some((name.clone(), change(name, tensor.clone())?)))
                .collect();
            // Another program that changes a file takes its checksum out.
            let unchecked = |text: &String| {
                let end = text.find(",").unwrap();
                assert!(text.starts_with("{\"sha256\":"));
                format!("{{{}", &text[end + 1..])
            };
            let metadata =
                header.metadata().clone().filter(|_| with_metadata).map(|all| {
                    all.iter().map(|(key, text)| (key.clone(), unchecked(text))).collect()
                });
            let bytes = safetensors::serialize(changed, metadata).unwrap();
            std::fs::write(&path, bytes).unwrap();
            Model::load(&path, &device).err().map(|error| error.to_string()).unwrap_or_default()
        };
    assert_eq!(refusal(true, &|_, tensor| Some(tensor)), "");
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    std::fs::write(&path, flipped).unwrap();
    let error = Model::load(&path, &device).err().unwrap().to_string();
    assert!(error.contains("is damaged: its content does not fit its checksum"), "{error}");
    let error = refusal(false, &|_, tensor| Some(tensor));
    assert!(error.contains("has lost its metadata"), "{error}");
    for damaged in [weight, moment] {
        let error = refusal(true, &|name, tensor| {
            Some(if name == damaged { (tensor * f64::NAN).unwrap() } else { tensor })
        });
        assert!(error.contains("not finite numbers") && error.contains(damaged), "{error}");
    }
    let error = refusal(true, &|name, tensor| {
        Some(if name == moment { tensor.flatten_all().unwrap() } else { tensor })
    });
    assert!(error.contains("\"mask_token\" has another shape"), "{error}");
    for gone in [moment, "adam.first.mask_token"] {
        let error = refusal(true, &|name, tensor| (name != gone).then_some(tensor));
        assert!(error.contains("\"mask_token\" is incomplete"), "{error}");
    }
}

#[test]
fn micro_batches_change_the_gradient_only_by_rounding() {
    let train = |micro_batch| {
        let context = Context::new(1);
        let slices: Vec<Slice> = (0..3).map(slice).collect();
        let slices: Vec<&Slice> = slices.iter().collect();
        let mut model = Model::new(config(), &context).unwrap();
        let options = TrainingOptions { micro_batch, ..options() };
        let sampler = MaskSampler::random(config().patch);
        train_epoch(&mut model, &slices, &sampler, Stage::Pretrain, &options, &context).unwrap()
    };
    let (whole, single) = (train(None), train(Some(1)));
    assert!((whole.loss - single.loss).abs() < 1e-6 * whole.loss, "{whole:?} {single:?}");
}

#[test]
fn detection_and_estimation_never_share_their_draws() {
    let context = Context::new(1);
    let (mut model, slice) = (Model::new(config(), &context).unwrap(), slice(0));
    let settings = MonteCarlo { samples: 2, ..MonteCarlo::default() };
    let detection = MaskedAutoencoder::of(&mut model, settings).unwrap();
    let estimated = estimate(&mut model, &[&slice], &settings, &context).unwrap();
    let again = MaskedAutoencoder::of(&mut model, settings).unwrap();
    assert_eq!([detection.round, again.round, model.estimations], [0, 2, 3]);
    let found = detection.reconstruct(&[&slice], &context).unwrap();
    assert_ne!(found[0].reconstruction, estimated[0].mean);
}

#[test]
fn a_short_adaptation_reaches_both_strategies() {
    let context = Context::new(1);
    let subject = subject(&[slice(0), slice(1)]);
    let strategies = |options: Adaptation| -> Vec<MaskingStrategy> {
        let options = options.monte_carlo(MonteCarlo::default().samples(2));
        let mut model = Model::new(config(), &context).unwrap();
        let subjects = [subject.clone()];
        let records = adapt(&mut model, &subjects, &options, &context).unwrap();
        records.iter().map(|record| record.masking).collect()
    };
    use MaskingStrategy::{Au, Eu};
    assert_eq!(strategies(Adaptation::default().epochs(4)), [Eu, Eu, Eu, Au]);
    assert_eq!(strategies(Adaptation::default().epochs(3).epistemic_epochs(1)), [Eu, Au, Au]);
}

#[test]
fn training_reaches_every_parameter_and_lowers_the_loss() {
    let context = Context::new(2);
    let before = Model::new(config(), &context).unwrap();
    let slices: Vec<Slice> = (0..6).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let mut model = Model::new(config(), &context).unwrap();
    let sampler = MaskSampler::random(config().patch);
    for _ in 0..40 {
        train_epoch(&mut model, &slices, &sampler, Stage::Pretrain, &options(), &context).unwrap();
    }
    let (start, end) = (&model.history.epochs[0], &model.history.epochs[39]);
    assert!(end.loss < 0.5 * start.loss, "{} to {}", start.loss, end.loss);
    let after = bits(&model);
    for (name, _) in before.parameters.trainable() {
        assert_ne!(bits(&before)[name], after[name], "{name} never moved");
    }
}

#[test]
fn guided_masks_without_guidance_name_the_slice() {
    let context = Context::new(1);
    let (one, other) = (slice(0), slice(3));
    let mut model = Model::new(config(), &context).unwrap();
    let maps = estimate(&mut model, &[&one], &MonteCarlo::default(), &context).unwrap();
    let sampler =
        MaskSampler::from_uncertainty(MaskingStrategy::Eu, [(&one, &maps[0])], config().patch);
    let error = train_epoch(&mut model, &[&other], &sampler, Stage::Adapt, &options(), &context);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("sub-01") && error.contains("regenerate the masks"), "{error}");
}

#[test]
fn slices_of_another_size_are_refused_by_subject() {
    let context = Context::new(1);
    let mut model = Model::new(Config { image: 64, ..config() }, &context).unwrap();
    let sampler = MaskSampler::random(config().patch);
    let slice = slice(4);
    let error = train_epoch(&mut model, &[&slice], &sampler, Stage::Adapt, &options(), &context);
    assert_eq!(
        error.unwrap_err().to_string(),
        "subject sub-02: its slices are 32 × 32 pixels but the model takes 64 × 64"
    );
}

#[test]
fn masks_for_another_patch_size_are_refused() {
    let context = Context::new(1);
    let mut model = Model::new(config(), &context).unwrap();
    let (sampler, slice) = (MaskSampler::random(8), slice(0));
    let error = train_epoch(&mut model, &[&slice], &sampler, Stage::Adapt, &options(), &context);
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("the masks were made for patches of 8 pixels"), "{error}");
}

#[test]
fn what_lies_beyond_the_context_neither_counts_nor_hinders() {
    let context = Context::new(6);
    let near = slice(0);
    let mut far = near.clone();
    far.image.column_mut(31).fill(0.9);
    let settings = MonteCarlo { samples: 2, ..MonteCarlo::default() };
    let reconstructed = |model: &mut Model, slice: &Slice| {
        model.estimations = 0;
        estimate(model, &[slice], &settings, &context).unwrap().remove(0)
    };
    // 21 of 64 patches touch the region; the last column of patches is the farthest from it.
    let mut model = Model::new(Config { nearest_patches: 40, ..config() }, &context).unwrap();
    assert_eq!(reconstructed(&mut model, &near).variance, reconstructed(&mut model, &far).variance);
    let mut all = Model::new(config(), &context).unwrap();
    assert_ne!(reconstructed(&mut all, &near).variance, reconstructed(&mut all, &far).variance);

    let slices: Vec<Slice> = (0..6).map(slice).collect();
    let slices: Vec<&Slice> = slices.iter().collect();
    let random = MaskSampler::random(config().patch);
    let mut losses = (0..12).map(|_| {
        train_epoch(&mut model, &slices, &random, Stage::Pretrain, &options(), &context)
            .unwrap()
            .reconstruction
    });
    let (first, last) = (losses.next().unwrap(), losses.last().unwrap());
    assert!(last < 0.7 * first, "{first} → {last}");
}
