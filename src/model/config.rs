//! The network's configuration and its presets.

use serde::{Deserialize, Serialize};

use crate::cohort::{IntensityScale, SliceGrid};
use crate::options::unknown;
use crate::{Error, Result};

/// Sizes of the network. The default is the published one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Edge of the square image, pixels.
    pub image: usize,
    /// Edge of the square field of the body that the image shows, mm.
    #[serde(alias = "field_mm")]
    pub fov_mm: usize,
    /// Distance between slices, mm, that thinner ones are averaged to; 0: none are, as published.
    pub slice_mm: usize,
    /// What intensities are measured against.
    pub intensity: IntensityScale,
    /// Edge of a square patch, pixels.
    pub patch: usize,
    /// Patches of an image that the network looks at: the region's and those nearest to it. 0:
    /// all, as published.
    #[serde(alias = "context")]
    pub nearest_patches: usize,
    /// Channels of a token in the encoder.
    #[serde(alias = "dim")]
    pub embed_dim: usize,
    /// Transformer blocks of the encoder.
    pub depth: usize,
    /// Attention heads of the encoder.
    pub heads: usize,
    /// Channels of a token in the decoder.
    #[serde(alias = "decoder_dim")]
    pub decoder_embed_dim: usize,
    /// Transformer blocks of the decoder.
    pub decoder_depth: usize,
    /// Attention heads of the decoder.
    pub decoder_heads: usize,
    /// Hidden channels of the multilayer perceptron, as a multiple of the token's.
    pub mlp_ratio: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self::paper()
    }
}

impl Config {
    /// Names that [`Self::preset`] knows.
    pub const PRESETS: [&str; 2] = ["small", "paper"];

    /// The published options: 256 × 256 pixels, 12 encoder and 8 decoder blocks.
    pub fn paper() -> Self {
        Self {
            image: 256,
            fov_mm: 200,
            slice_mm: 0,
            intensity: IntensityScale::Percentile,
            patch: 8,
            nearest_patches: 0,
            embed_dim: 128,
            depth: 12,
            heads: 16,
            decoder_embed_dim: 64,
            decoder_depth: 8,
            decoder_heads: 8,
            mlp_ratio: 4,
        }
    }

    /// For laptops and tests: a field that is little more than the neck, of which the network looks
    /// at the canal and what is next to it, so that a tenth of the published patches is nearly as
    /// fine on the cord; half the channels, a quarter of the depth, the same head size. Slices are
    /// brought to a clinical thickness and intensities to those of the tissues, so that it can
    /// learn from healthy volumes of other scanners.
    pub fn small() -> Self {
        Self {
            image: 128,
            fov_mm: 128,
            slice_mm: 3,
            intensity: IntensityScale::Tissue,
            nearest_patches: 96,
            embed_dim: 64,
            depth: 3,
            heads: 8,
            decoder_embed_dim: 64,
            decoder_depth: 2,
            decoder_heads: 8,
            ..Self::paper()
        }
    }

    /// A preset by name.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "small" => Ok(Self::small()),
            "paper" => Ok(Self::paper()),
            _ => Err(unknown("preset", name, &Self::PRESETS)),
        }
    }

    /// The grid of the slices that the network takes.
    pub fn slice_grid(&self) -> SliceGrid {
        let Self { image, fov_mm, slice_mm, intensity, .. } = *self;
        SliceGrid { size: image, fov_mm, slice_mm, intensity }
    }

    /// Patches along one edge of the image.
    pub fn grid(&self) -> usize {
        self.image / self.patch
    }

    /// Patches of an image: L.
    pub fn patches(&self) -> usize {
        self.grid() * self.grid()
    }

    /// Patches of an image that take part, as a rule.
    pub fn tokens(&self) -> usize {
        if self.nearest_patches == 0 {
            self.patches()
        } else {
            self.nearest_patches.min(self.patches())
        }
    }

    /// Pixels of a patch.
    pub fn patch_pixels(&self) -> usize {
        self.patch * self.patch
    }

    /// Whether the sizes fit together and into memory; the error says which do not.
    pub fn validate(&self) -> Result<()> {
        // Far above every published network, and small enough that no product overflows.
        let sizes = [
            ("image", self.image, 4096),
            ("fov_mm", self.fov_mm, 2048),
            ("patch", self.patch, 512),
            ("embed_dim", self.embed_dim, 8192),
            ("depth", self.depth, 256),
            ("heads", self.heads, 1024),
            ("decoder_embed_dim", self.decoder_embed_dim, 8192),
            ("decoder_depth", self.decoder_depth, 256),
            ("decoder_heads", self.decoder_heads, 1024),
            ("mlp_ratio", self.mlp_ratio, 64),
        ];
        for (name, value, most) in sizes {
            if value == 0 {
                return Err(Error::input(format!("the network's {name} must be at least 1")));
            }
            if value > most {
                return Err(Error::input(format!(
                    "the network's {name} must be at most {most}, not {value}"
                )));
            }
        }
        let weight_bytes = self.weight_bytes();
        if weight_bytes > MOST_WEIGHT_BYTES {
            return Err(Error::input(format!(
                "a network of these sizes has weights of {} GB; at most {} GB are accepted. Choose a smaller depth or embed_dim",
                weight_bytes >> 30,
                MOST_WEIGHT_BYTES >> 30
            )));
        }
        let divides = |what: &str, whole: usize, by: &str, part: usize| {
            if whole.is_multiple_of(part) {
                return Ok(());
            }
            Err(Error::input(format!(
                "the network's {what} ({whole}) must be a multiple of {by} ({part})"
            )))
        };
        divides("image", self.image, "patch", self.patch)?;
        divides("embed_dim", self.embed_dim, "heads", self.heads)?;
        divides("decoder_embed_dim", self.decoder_embed_dim, "decoder_heads", self.decoder_heads)?;
        // The position table splits its channels into row and column, sine and cosine.
        divides("embed_dim", self.embed_dim, "the 4 parts of a position", 4)?;
        divides("decoder_embed_dim", self.decoder_embed_dim, "the 4 parts of a position", 4)
    }

    /// About how many bytes the weights take: those of the blocks and of the position tables.
    fn weight_bytes(&self) -> u64 {
        let stack = |depth: usize, dim: usize| {
            let block = (dim * dim * (4 + 2 * self.mlp_ratio)) as u64;
            depth as u64 * block + ((self.patches() + 1) * dim) as u64
        };
        4 * (stack(self.depth, self.embed_dim) + stack(self.decoder_depth, self.decoder_embed_dim))
    }

    /// Upper bound of the activations that training keeps per image, bytes: those of unfused
    /// operations. `composite`: attention stores its probabilities instead of recomputing them.
    pub fn activation_bytes(&self, composite: bool) -> usize {
        let tokens = self.tokens() + 1;
        let stack = |depth: usize, dim: usize, heads: usize| {
            let scores = if composite { 4 * tokens * heads } else { 0 };
            // Per token and block: two norms, q, k, v, their mixture, two residuals, the hidden
            // layer before and after its activation, and their gradients in passing.
            depth * tokens * ((10 + 3 * self.mlp_ratio) * dim + scores)
        };
        4 * (stack(self.depth, self.embed_dim, self.heads)
            + stack(self.decoder_depth, self.decoder_embed_dim, self.decoder_heads))
    }

    /// Multiply-adds × 2 of one forward pass of one image with `visible` visible patches: the
    /// measure behind time estimates.
    pub fn forward_flops(&self, visible: usize) -> f64 {
        let stack = |tokens: f64, dim: f64, depth: f64| {
            let linear = 2.0 * tokens * dim * dim * (4.0 + 2.0 * self.mlp_ratio as f64);
            depth * (linear + 4.0 * tokens * tokens * dim)
        };
        let encoder = stack(visible as f64 + 1.0, self.embed_dim as f64, self.depth as f64);
        let decoder = stack(
            self.tokens() as f64 + 1.0,
            self.decoder_embed_dim as f64,
            self.decoder_depth as f64,
        );
        encoder + decoder
    }
}

/// The optimiser keeps two more copies of the weights, and training their gradients.
const MOST_WEIGHT_BYTES: u64 = 2 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_machine_holds_are_refused_before_anything_is_allocated() {
        let said = |change: fn(&mut Config)| {
            let mut config = Config::preset("small").unwrap();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(said(|config| config.image = 100_000).contains("image must be at most 4096"));
        assert!(said(|config| config.embed_dim = 1_000_000).contains("embed_dim must be at most"));
        assert!(said(|config| config.depth = 1_000_000_000).contains("depth must be at most 256"));
        let large = |config: &mut Config| (config.embed_dim, config.heads) = (8192, 8);
        assert!(said(large).contains("weights of"), "{}", said(large));
    }

    #[test]
    fn presets_are_valid_and_an_unknown_one_is_named() {
        for name in Config::PRESETS {
            Config::preset(name).unwrap().validate().unwrap();
        }
        let error = Config::preset("papre").unwrap_err().to_string();
        assert!(error.contains("papre") && error.contains("\"small\""), "{error}");
    }

    #[test]
    fn a_configuration_with_the_names_of_earlier_versions_is_read() {
        let json = r#"{"image":128,"field_mm":128,"patch":8,"context":96,"dim":64,"depth":3,
            "heads":8,"decoder_dim":64,"decoder_depth":2,"decoder_heads":8,"mlp_ratio":4}"#;
        // What those versions did not know is as it was then.
        let expected =
            Config { slice_mm: 0, intensity: IntensityScale::Percentile, ..Config::small() };
        assert_eq!(serde_json::from_str::<Config>(json).unwrap(), expected);
    }

    #[test]
    fn sizes_that_do_not_fit_are_named() {
        let config = Config { heads: 5, ..Config::paper() };
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, "the network's embed_dim (128) must be a multiple of heads (5)");
        let config = Config { depth: 0, ..Config::paper() };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "the network's depth must be at least 1"
        );
    }
}
