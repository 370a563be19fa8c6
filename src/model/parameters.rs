//! The network's parameters: named, ordered, initialised from seeded streams.

use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::VarBuilder;
use rand::RngExt;
use rand_distr::{Distribution, Normal};

use super::position::sine_cosine_2d;
use super::{Config, Network};
use crate::context::{Stream, Streams};

/// Names of the fixed tables, which no optimiser touches.
const FIXED: [&str; 2] = ["pos_embed", "decoder_pos_embed"];

/// All tensors of a network by their published names. Ordered by name, so that every walk over
/// them is the same walk.
pub struct Parameters {
    trainable: BTreeMap<String, Var>,
    fixed: BTreeMap<String, Tensor>,
}

impl Parameters {
    /// Initialises as published: Xavier-uniform linears and patch embedding, zero biases, unit
    /// norms, N(0, 0.02) tokens. Each tensor has its own stream, `initialisation/<name>`.
    pub fn initialise(config: &Config, streams: &Streams, device: &Device) -> Result<Self> {
        let mut trainable = BTreeMap::new();
        for (name, shape) in shapes(config) {
            let mut stream = streams.stream(&format!("initialisation/{name}"), &[]);
            let values = initial_values(&name, &shape, &mut stream);
            let tensor = Tensor::from_vec(values, shape, device)?;
            trainable.insert(name, Var::from_tensor(&tensor)?);
        }
        let tables = [(FIXED[0], config.embed_dim), (FIXED[1], config.decoder_embed_dim)];
        let fixed = tables
            .into_iter()
            .map(|(name, dim)| Ok((name.into(), sine_cosine_2d(dim, config.grid(), device)?)))
            .collect::<Result<_>>()?;
        Ok(Self { trainable, fixed })
    }

    /// Whether nothing was learned: all biases are still zero, as they are initialised.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub fn are_initial(&self) -> candle_core::Result<bool> {
        for (name, tensor) in self.tensors() {
            if name.ends_with("bias") && tensor.abs()?.max_all()?.to_scalar::<f32>()? > 0.0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes tensors by their published names. Missing, misshapen or unknown ones are named in
    /// the error.
    pub fn from_tensors(
        config: &Config,
        mut tensors: BTreeMap<String, Tensor>,
        device: &Device,
    ) -> Result<Self> {
        let mut this = Self { trainable: BTreeMap::new(), fixed: BTreeMap::new() };
        let mut expected = shapes(config);
        let tokens = 1 + config.patches();
        expected.insert(FIXED[0].into(), vec![1, tokens, config.embed_dim]);
        expected.insert(FIXED[1].into(), vec![1, tokens, config.decoder_embed_dim]);
        for (name, shape) in expected {
            let Some(tensor) = tensors.remove(&name) else {
                candle_core::bail!("the weights lack \"{name}\"");
            };
            if tensor.dims() != shape {
                candle_core::bail!("\"{name}\" has shape {:?}, not {shape:?}", tensor.dims());
            }
            let tensor = tensor.to_device(device)?.to_dtype(DType::F32)?;
            if FIXED.contains(&name.as_str()) {
                this.fixed.insert(name, tensor);
            } else {
                this.trainable.insert(name, Var::from_tensor(&tensor)?);
            }
        }
        if let Some(name) = tensors.keys().next() {
            candle_core::bail!("the weights hold an unknown tensor \"{name}\"");
        }
        Ok(this)
    }

    /// What the optimiser changes, in the order of names.
    pub fn trainable(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.trainable.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// All tensors, detached, in the order of names.
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        let trained = self.trainable.iter().map(|(name, var)| (name.clone(), var.detach()));
        trained.chain(self.fixed.iter().map(|(name, t)| (name.clone(), t.clone()))).collect()
    }

    /// Number of trainable values.
    pub fn count(&self) -> usize {
        self.trainable.values().map(|var| var.elem_count()).sum()
    }

    /// A network whose gradients reach these parameters.
    pub fn trainable_network(&self, config: &Config) -> Result<Network> {
        let trained = self.trainable.iter().map(|(n, var)| (n.clone(), var.as_tensor().clone()));
        let fixed = self.fixed.iter().map(|(name, tensor)| (name.clone(), tensor.clone()));
        self.network(config, trained.chain(fixed).collect())
    }

    /// A network on the same weights that records no graph: inference keeps no activations.
    pub fn frozen_network(&self, config: &Config) -> Result<Network> {
        self.network(config, self.tensors().into_iter().collect())
    }

    fn network(&self, config: &Config, tensors: HashMap<String, Tensor>) -> Result<Network> {
        let device = self.device();
        let builder = VarBuilder::from_tensors(tensors.clone(), DType::F32, &device);
        let mut network = Network::new(*config, builder)?;
        network.tensors = tensors.into_iter().collect();
        Ok(network)
    }

    /// Where the parameters live.
    pub fn device(&self) -> Device {
        self.fixed.values().next().map_or(Device::Cpu, |tensor| tensor.device().clone())
    }
}

/// Shapes of all trainable tensors, by published name.
fn shapes(config: &Config) -> BTreeMap<String, Vec<usize>> {
    let Config { patch, embed_dim, decoder_embed_dim, .. } = *config;
    let mut all = BTreeMap::new();
    let linear = |all: &mut BTreeMap<_, _>, name: &str, input: usize, output: usize| {
        all.insert(format!("{name}.weight"), vec![output, input]);
        all.insert(format!("{name}.bias"), vec![output]);
    };
    let norm = |all: &mut BTreeMap<_, _>, name: &str, dim: usize| {
        all.insert(format!("{name}.weight"), vec![dim]);
        all.insert(format!("{name}.bias"), vec![dim]);
    };
    let stacks = [
        ("blocks", config.depth, embed_dim),
        ("decoder_blocks", config.decoder_depth, decoder_embed_dim),
    ];
    for (stack, depth, dim) in stacks {
        for block in (0..depth).map(|i| format!("{stack}.{i}")) {
            norm(&mut all, &format!("{block}.norm1"), dim);
            norm(&mut all, &format!("{block}.norm2"), dim);
            linear(&mut all, &format!("{block}.attn.qkv"), dim, 3 * dim);
            linear(&mut all, &format!("{block}.attn.proj"), dim, dim);
            linear(&mut all, &format!("{block}.mlp.fc1"), dim, dim * config.mlp_ratio);
            linear(&mut all, &format!("{block}.mlp.fc2"), dim * config.mlp_ratio, dim);
        }
    }
    all.insert("patch_embed.proj.weight".into(), vec![embed_dim, 1, patch, patch]);
    all.insert("patch_embed.proj.bias".into(), vec![embed_dim]);
    all.insert("cls_token".into(), vec![1, 1, embed_dim]);
    all.insert("mask_token".into(), vec![1, 1, decoder_embed_dim]);
    norm(&mut all, "norm", embed_dim);
    linear(&mut all, "decoder_embed", embed_dim, decoder_embed_dim);
    for head in ["rec", "edge"] {
        norm(&mut all, &format!("{head}_norm"), decoder_embed_dim);
        linear(&mut all, &format!("{head}_pred"), decoder_embed_dim, config.patch_pixels());
    }
    all
}

fn initial_values(name: &str, shape: &[usize], stream: &mut Stream) -> Vec<f32> {
    let count = shape.iter().product();
    if name.ends_with("token") {
        let normal = Normal::new(0.0f32, 0.02).expect("a positive standard deviation");
        return (0..count).map(|_| normal.sample(stream)).collect();
    }
    if name.contains("norm") && name.ends_with("weight") {
        return vec![1.0; count];
    }
    if name.ends_with("bias") {
        return vec![0.0; count];
    }
    // Xavier-uniform; the patch embedding's (dim, 1, patch, patch) counts as (dim, patch²).
    let (output, input) = (shape[0], shape[1..].iter().product::<usize>());
    let bound = (6.0 / (input + output) as f32).sqrt();
    (0..count).map(|_| stream.random_range(-bound..bound)).collect()
}
