//! The numbers of a reference implementation in PyTorch, checked against the published model:
//! forward pass, losses and gradients of one step for every masking strategy, and the course of
//! twenty Adam steps. Each is checked twice: with the fused kernels, and with candle's own operations, which
//! graphics cards use. `tests/fixtures/README.md` says what the files hold.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use ndarray::{Array2, Array3, Axis};
use u2ad::cohort::{IntensityScale, Slice};
use u2ad::context::{CancelToken, Context};
use u2ad::masking::{
    BatchStatistics, MaskingStrategy, Normalisation, draw_order, published_scores,
};
use u2ad::model::{
    Config, Network, Parameters, PatchOrder, keep_count, order_from_scores, patch_counts, patchify,
};
use u2ad::ops::with_composed_operations;
use u2ad::training::{Adam, Loss, Target, pixel_weights, sobel};
use u2ad::uncertainty::MonteCarlo;

const CONFIG: Config = Config {
    image: 64,
    fov_mm: 200,
    slice_mm: 0,
    intensity: IntensityScale::Percentile,
    patch: 8,
    nearest_patches: 0,
    embed_dim: 32,
    depth: 3,
    heads: 4,
    decoder_embed_dim: 16,
    decoder_depth: 2,
    decoder_heads: 2,
    mlp_ratio: 4,
};
const RATIO: f64 = 0.75;

type Tensors = BTreeMap<String, Tensor>;

fn fixture(name: &str) -> Tensors {
    let path = format!("{}/tests/fixtures/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap().into_iter().collect()
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn rows(tensor: &Tensor) -> Array2<f32> {
    let (n, l) = tensor.dims2().unwrap();
    Array2::from_shape_vec((n, l), floats(tensor)).unwrap()
}

/// (N, 1, H, W) to images.
fn images(tensor: &Tensor) -> Vec<Array2<f32>> {
    let (n, _, h, w) = tensor.dims4().unwrap();
    let all = Array3::from_shape_vec((n, h, w), floats(tensor)).unwrap();
    all.axis_iter(Axis(0)).map(|image| image.to_owned()).collect()
}

fn farthest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

struct Batch {
    images: Vec<Array2<f32>>,
    regions: Vec<Array2<bool>>,
    region: Array2<u32>,
}

impl Batch {
    fn new(fixture: &Tensors) -> Self {
        let regions: Vec<_> =
            images(&fixture["roi"]).into_iter().map(|r| r.mapv(|v| v > 0.0)).collect();
        let counts: Vec<_> = regions.iter().map(|r| patch_counts(r.view(), CONFIG.patch)).collect();
        let shape = (counts.len(), counts[0].len());
        Self {
            images: images(fixture.get("images").unwrap_or_else(|| &fixture["image"])),
            region: Array2::from_shape_vec(shape, counts.concat()).unwrap(),
            regions,
        }
    }

    fn target(&self, order: &PatchOrder) -> Target {
        let stack = |images: Vec<Array2<f32>>| {
            let shape = (images.len(), images[0].nrows(), images[0].ncols());
            let flat: Vec<f32> = images.into_iter().flatten().collect();
            Tensor::from_vec(flat, shape, &Device::Cpu).unwrap()
        };
        let cut = |image: &Array2<f32>| patchify(image.view(), CONFIG.patch);
        let regions: Vec<_> =
            self.regions.iter().map(|r| patchify(r.view(), CONFIG.patch)).collect();
        let views: Vec<_> = regions.iter().map(|r| r.view()).collect();
        let region = ndarray::stack(Axis(0), &views).unwrap();
        let hidden = order.batch() * (order.patches() - order.keep());
        let weights = pixel_weights(order, region.view(), hidden);
        Target {
            patches: stack(self.images.iter().map(cut).collect()),
            edges: stack(self.images.iter().map(|i| cut(&sobel(i.view()))).collect()),
            weights: stack(weights.axis_iter(Axis(0)).map(|w| w.to_owned()).collect()),
        }
    }
}

fn weights() -> Parameters {
    Parameters::from_tensors(&CONFIG, fixture("weights"), &Device::Cpu).unwrap()
}

/// Runs a check with the fused kernels, and with candle's operations.
fn on_both_paths(check: impl Fn()) {
    check();
    with_composed_operations(check);
}

fn check_step(name: &str, strategy: MaskingStrategy) {
    let fixture = fixture(&format!("step_{name}"));
    let batch = Batch::new(&fixture);
    let noise = rows(&fixture["noise"]);
    let variance = rows(&fixture["variance_per_patch"]);
    let spared = rows(&fixture["spared_per_patch"]).mapv(|error| error > 0.0);
    let statistics = BatchStatistics {
        region: batch.region.view(),
        variance: variance.view(),
        spared: spared.view(),
    };
    let (normalisation, region) = (Normalisation::Raw, batch.region.view());
    let order = draw_order(strategy, normalisation, 1.0, noise.view(), &statistics, RATIO);
    let scores = rows(&fixture["scores"]);
    if matches!(strategy, MaskingStrategy::EuPublished | MaskingStrategy::AuPublished) {
        let drawn = published_scores(strategy, 1.0, noise.view(), &statistics);
        let apart = farthest(drawn.as_slice().unwrap(), scores.as_slice().unwrap());
        assert!(apart < 2e-6, "scores differ by {apart}");
    }
    let keep = keep_count(region, RATIO);
    assert_eq!(keep as i64, fixture["keep"].to_vec1::<i64>().unwrap()[0]);
    assert_eq!(order.keep(), keep);
    // Equal scores may stand in any order (the reference sorts unstably, and its spared patches all
    // score 0): the sequence of scores must be the same, and so must the mask but for patches that
    // tie at the cut. The network is then fed the reference's order.
    let reference: Vec<Vec<i64>> = fixture["order"].to_vec2().unwrap();
    let reference = Array2::from_shape_fn(order.order().dim(), |(i, p)| reference[i][p] as u32);
    let mask = order.mask();
    let expected_mask = rows(&fixture["mask"]);
    for image in 0..order.batch() {
        let key =
            |patch: u32| (region[[image, patch as usize]] > 0, scores[[image, patch as usize]]);
        for (drawn, expected) in order.order().row(image).iter().zip(reference.row(image)) {
            let ((inside, drawn), (is_inside, expected)) = (key(*drawn), key(*expected));
            assert!(inside == is_inside && (drawn - expected).abs() < 2e-6, "image {image}");
        }
        let cut = key(order.visible(image).last().unwrap() as u32);
        let mut untied = (0..order.patches()).filter(|patch| key(*patch as u32) != cut);
        assert!(untied.all(|p| f32::from(mask[[image, p]]) == expected_mask[[image, p]]));
    }
    let order = PatchOrder::new(reference, keep);
    let parameters = weights();
    let network = parameters.trainable_network(&CONFIG).unwrap();
    let target = batch.target(&order);
    assert!(farthest(&floats(&target.patches), &floats(&fixture["patches"])) == 0.0);
    let latent = network.encode(&target.patches, &order, &CancelToken::default()).unwrap();
    assert!(farthest(&floats(&latent), &floats(&fixture["latent"])) < 1e-5);
    let prediction = network.forward(&target.patches, &order, &CancelToken::default()).unwrap();
    let pairs =
        [(&prediction.reconstruction, "reconstruction"), (&prediction.edges, "edge_prediction")];
    for (drawn, name) in pairs {
        let apart = farthest(&floats(drawn), &floats(&fixture[name]));
        assert!(apart < 1e-5, "{name} differs by {apart}");
    }
    let alone = network.reconstruct(&target.patches, &order, &CancelToken::default()).unwrap();
    assert_eq!(floats(&alone), floats(&prediction.reconstruction));

    let loss = Loss::new(&prediction, &target).unwrap();
    let losses: Vec<f32> = [&loss.total, &loss.reconstruction, &loss.edge]
        .map(|part| part.to_scalar().unwrap())
        .to_vec();
    let expected = floats(&fixture["losses"]);
    assert_eq!(losses.len(), expected.len());
    for (loss, expected) in losses.iter().zip(expected) {
        assert!((loss - expected).abs() < 1e-5 * expected.abs().max(1.0), "{loss} {expected}");
    }

    let gradients = loss.total.backward().unwrap();
    assert!(parameters.trainable().count() > 0);
    for (name, var) in parameters.trainable() {
        let gradient = gradients.get(var.as_tensor()).unwrap_or_else(|| panic!("{name}: no grad"));
        let expected = floats(&fixture[&format!("grad.{name}")]);
        let largest = expected.iter().fold(0f32, |a, b| a.max(b.abs()));
        let apart = farthest(&floats(gradient), &expected);
        assert!(apart <= 1e-4 * largest + 1e-9, "{name}: {apart} of {largest}");
    }
}

#[test]
fn a_step_with_random_masks_has_the_reference_numbers() {
    on_both_paths(|| check_step("random", MaskingStrategy::Random));
}

#[test]
fn a_step_with_epistemic_masks_has_the_reference_numbers() {
    on_both_paths(|| check_step("eu_paper", MaskingStrategy::Eu));
}

#[test]
fn a_step_with_aleatoric_masks_has_the_reference_numbers() {
    on_both_paths(|| check_step("au_paper", MaskingStrategy::Au));
}

#[test]
fn a_step_with_the_published_codes_epistemic_masks_has_the_reference_numbers() {
    on_both_paths(|| check_step("eu_published_code", MaskingStrategy::EuPublished));
}

#[test]
fn a_step_with_the_published_codes_aleatoric_masks_has_the_reference_numbers() {
    on_both_paths(|| check_step("au_published_code", MaskingStrategy::AuPublished));
}

#[test]
fn edges_are_the_reference_sobel_magnitude() {
    let fixture = fixture("step_random");
    let (images, edges) = (images(&fixture["images"]), images(&fixture["edges"]));
    assert!(!images.is_empty());
    assert_eq!(images.len(), edges.len());
    for (image, edges) in images.iter().zip(edges) {
        let ours = sobel(image.view());
        let apart = farthest(ours.as_slice().unwrap(), edges.as_slice().unwrap());
        assert!(apart < 1e-6, "{apart}");
    }
}

#[test]
fn twenty_adam_steps_follow_the_reference_course() {
    on_both_paths(check_course);
}

fn check_course() {
    let fixture = fixture("trajectory");
    let batch = Batch::new(&fixture);
    let keep = keep_count(batch.region.view(), RATIO);
    let noise = &fixture["noise"];
    let expected: Vec<Vec<f32>> = fixture["losses"].to_vec2().unwrap();
    let parameters = weights();
    let network: Network = parameters.trainable_network(&CONFIG).unwrap();
    let mut adam = Adam::default();
    assert_eq!(expected.len(), 20);
    for (step, expected) in expected.iter().enumerate() {
        let scores = rows(&noise.get(step).unwrap());
        let order = order_from_scores(scores.view(), batch.region.view(), keep);
        let target = batch.target(&order);
        let prediction = network.forward(&target.patches, &order, &CancelToken::default()).unwrap();
        let loss = Loss::new(&prediction, &target).unwrap();
        for (part, expected) in [&loss.total, &loss.reconstruction, &loss.edge].iter().zip(expected)
        {
            let part: f32 = part.to_scalar().unwrap();
            assert!((part - expected).abs() < 1e-3 * expected, "step {step}: {part} {expected}");
        }
        let store = loss.total.backward().unwrap();
        let gradients: BTreeMap<_, _> = parameters
            .trainable()
            .map(|(name, var)| (name.to_owned(), store.get(var.as_tensor()).unwrap().clone()))
            .collect();
        adam.step(&parameters, &gradients, 3e-3).unwrap();
    }
    for (name, tensor) in parameters.tensors() {
        let (mut ours, mut expected) =
            (floats(&tensor), floats(&fixture[&format!("final.{name}")]));
        if name.ends_with("attn.qkv.bias") {
            // A softmax does not feel the keys' bias: its gradient is rounding noise, which Adam
            // blows up to steps of arbitrary sign.
            let keys = ours.len() / 3..2 * ours.len() / 3;
            ours.drain(keys.clone());
            expected.drain(keys);
        }
        let largest = expected.iter().fold(0f32, |a, b| a.max(b.abs()));
        let apart = farthest(&ours, &expected);
        assert!(apart <= 1e-3 * largest, "{name}: {apart} of {largest}");
    }
}

#[test]
fn monte_carlo_maps_equal_the_published_loop() {
    on_both_paths(check_maps);
}

fn check_maps() {
    let fixture = fixture("monte_carlo");
    let batch = Batch::new(&fixture);
    let keep = keep_count(batch.region.view(), RATIO);
    let noise = rows(&fixture["noise"]);
    let draws: Vec<_> = noise
        .axis_iter(Axis(0))
        .map(|noise| order_from_scores(noise.insert_axis(Axis(0)), batch.region.view(), keep))
        .collect();
    let draws: Vec<_> = draws.iter().map(|order| order.order().view()).collect();
    let order = PatchOrder::new(ndarray::concatenate(Axis(0), &draws).unwrap(), keep);
    assert_eq!(order.batch() as i64, fixture["passes"].to_vec1::<i64>().unwrap()[0]);

    let context = Context::new(0);
    let slice = Slice {
        subject: "fixture".into(),
        index: 0,
        voxels: None,
        image: batch.images[0].clone(),
        cord: batch.regions[0].clone(),
        csf: batch.regions[0].clone(),
        region: batch.regions[0].clone(),
        scoring: batch.regions[0].clone(),
        lesion: None,
        pixel_spacing_mm: (1.0, 1.0),
    };
    let network = weights().frozen_network(&CONFIG).unwrap();
    let progress = context.progress("reconstruction", "pass", order.batch());
    let maps =
        MonteCarlo::default().reconstruct(&network, &slice, &order, &context, &progress).unwrap();
    // Outside the region of interest the mean is the image here; the published loop reconstructs whole patches.
    let outside = |values: &mut Vec<f32>| {
        let places = values.iter_mut().zip(&slice.image).zip(&slice.region);
        places.filter(|(_, inside)| !**inside).for_each(|((value, image), _)| *value = *image);
    };
    for (ours, name) in [(&maps.variance, "variance"), (&maps.mean, "mean"), (&maps.error, "error")]
    {
        let mut published = floats(&fixture[name]);
        if name == "mean" {
            outside(&mut published);
        }
        let apart = farthest(ours.as_slice().unwrap(), &published);
        assert!(apart < 1e-5, "{name} differs by {apart}");
    }
}

#[test]
fn the_two_paths_are_not_the_same_arithmetic() {
    // Otherwise the checks above would run one path twice.
    let fixture = fixture("step_random");
    let batch = Batch::new(&fixture);
    let keep = keep_count(batch.region.view(), RATIO);
    let order = order_from_scores(rows(&fixture["noise"]).view(), batch.region.view(), keep);
    let target = batch.target(&order);
    let latent = || {
        let network = weights().trainable_network(&CONFIG).unwrap();
        floats(&network.encode(&target.patches, &order, &CancelToken::default()).unwrap())
    };
    let (fused, composed) = (latent(), with_composed_operations(latent));
    assert_ne!(fused, composed);
    assert_eq!(fused, latent());
}
