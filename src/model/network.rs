//! The published network: encoder over visible patches, decoder over all, two heads.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor};
use candle_nn::VarBuilder;
use candle_nn::ops::sigmoid;

use crate::context::CancelToken;

use super::block::{Blocks, LayerNorm, Linear};
use super::{Config, PatchOrder};

/// A masked autoencoder with a reconstruction head and an edge head (paper section 3.1).
///
/// Its passes take a cancel token: set, it stops them within a fraction of a second, and the
/// backward pass of their result too, with an error that becomes [`crate::Error::Cancelled`].
pub struct Network {
    config: Config,
    patch_embed: Linear,
    cls_token: Tensor, // (1, 1, embed_dim)
    pos_embed: Tensor, // (1, 1 + L, embed_dim)
    blocks: Blocks,
    norm: LayerNorm,
    decoder_embed: Linear,
    mask_token: Tensor,        // (1, 1, decoder_embed_dim)
    decoder_pos_embed: Tensor, // (1, 1 + L, decoder_embed_dim)
    decoder_blocks: Blocks,
    rec_norm: LayerNorm,
    rec_pred: Linear,
    edge_norm: LayerNorm,
    edge_pred: Linear,
    /// All of the above by their published names, as [`Parameters`](super::Parameters) has them.
    pub(super) tensors: BTreeMap<String, Tensor>,
}

/// What the network draws for every patch, visible or hidden; each (N, L, patch²) in (0, 1), and
/// 0 for patches that take no part.
pub struct Prediction {
    pub reconstruction: Tensor,
    pub edges: Tensor,
}

impl Network {
    /// Builds the network on the tensors of `vb`, named as in a published checkpoint.
    pub fn new(config: Config, vb: VarBuilder) -> Result<Self> {
        let Config { embed_dim, decoder_embed_dim, mlp_ratio, .. } = config;
        let tokens = 1 + config.patches();
        let stack =
            |depth, embed_dim, heads, vb| Blocks::new(depth, embed_dim, heads, mlp_ratio, vb);
        let decoder = vb.pp("decoder_blocks");
        Ok(Self {
            config,
            patch_embed: Linear::from_convolution(
                config.patch,
                embed_dim,
                vb.pp("patch_embed.proj"),
            )?,
            cls_token: vb.get((1, 1, embed_dim), "cls_token")?,
            pos_embed: vb.get((1, tokens, embed_dim), "pos_embed")?,
            blocks: stack(config.depth, embed_dim, config.heads, vb.pp("blocks"))?,
            norm: LayerNorm::new(embed_dim, vb.pp("norm"))?,
            decoder_embed: Linear::new(embed_dim, decoder_embed_dim, vb.pp("decoder_embed"))?,
            mask_token: vb.get((1, 1, decoder_embed_dim), "mask_token")?,
            decoder_pos_embed: vb.get((1, tokens, decoder_embed_dim), "decoder_pos_embed")?,
            decoder_blocks: stack(
                config.decoder_depth,
                decoder_embed_dim,
                config.decoder_heads,
                decoder,
            )?,
            rec_norm: LayerNorm::new(decoder_embed_dim, vb.pp("rec_norm"))?,
            rec_pred: Linear::new(decoder_embed_dim, config.patch_pixels(), vb.pp("rec_pred"))?,
            edge_norm: LayerNorm::new(decoder_embed_dim, vb.pp("edge_norm"))?,
            edge_pred: Linear::new(decoder_embed_dim, config.patch_pixels(), vb.pp("edge_pred"))?,
            tensors: BTreeMap::new(),
        })
    }

    /// The network's sizes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All tensors by their published names, for another process.
    pub(crate) fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.tensors
    }

    /// Encodes the visible patches. `patches`: (N, L, patch²). Returns (N, keep + 1, embed_dim),
    /// the class token first.
    pub fn encode(
        &self,
        patches: &Tensor,
        order: &PatchOrder,
        cancel: &CancelToken,
    ) -> Result<Tensor> {
        let (batch, count, pixels) = patches.dims3()?;
        let embed_dim = self.config.embed_dim;
        let rows = order.visible_rows(patches.device())?; // (N · keep,)
        let visible = patches.reshape((batch * count, pixels))?.index_select(&rows, 0)?;
        let positions =
            self.pos_embed.narrow(1, 1, count)?.broadcast_as((batch, count, embed_dim))?;
        let positions = positions.reshape((batch * count, embed_dim))?.index_select(&rows, 0)?;
        let x = (self.patch_embed.forward(&visible)? + positions)?; // (N · keep, embed_dim)
        let x = x.reshape((batch, order.keep(), embed_dim))?;
        let class = (&self.cls_token + self.pos_embed.narrow(1, 0, 1)?)?;
        let class = class.broadcast_as((batch, 1, embed_dim))?;
        let x = Tensor::cat(&[&class, &x], 1)?; // (N, keep + 1, embed_dim)
        self.norm.forward(&self.blocks.forward(&x, cancel)?)
    }

    /// Decodes to the tokens of the patches that take part, without the class token:
    /// (N, tokens, decoder_embed_dim).
    fn decode(&self, latent: &Tensor, order: &PatchOrder, cancel: &CancelToken) -> Result<Tensor> {
        let (batch, encoded, _) = latent.dims3()?;
        let (tokens, embed_dim) = (order.tokens() + 1, self.config.decoder_embed_dim);
        let x = self.decoder_embed.forward(latent)?.reshape((batch * encoded, embed_dim))?;
        let table = Tensor::cat(&[&x, &self.mask_token.reshape((1, embed_dim))?], 0)?;
        let x = table.index_select(&order.decoder_rows(latent.device())?, 0)?;
        let x = x.reshape((batch, tokens, embed_dim))?;
        let x = match order.decoder_places(latent.device())? {
            None => x.broadcast_add(&self.decoder_pos_embed)?,
            Some(places) => {
                let positions = self.decoder_pos_embed.squeeze(0)?.index_select(&places, 0)?;
                (x + positions.reshape((batch, tokens, embed_dim))?)?
            }
        }; // (N, 1 + tokens, decoder_embed_dim)
        let x = self.decoder_blocks.forward(&x, cancel)?;
        // Here once, not behind each head: the copy is paid once as well.
        x.narrow(1, 1, tokens - 1)?.contiguous()
    }

    /// Draws every patch of the images, (N, L, patch²): from the tokens of those that take part,
    /// 0 for the others.
    fn head(
        &self,
        x: &Tensor,
        order: &PatchOrder,
        norm: &LayerNorm,
        pred: &Linear,
    ) -> Result<Tensor> {
        let predicted = sigmoid(&pred.forward(&norm.forward(x)?)?)?; // (N, tokens, patch²)
        let Some(rows) = order.predicted_rows(x.device())? else { return Ok(predicted) };
        let predicted = predicted.flatten_to(1)?;
        let pixels = predicted.dim(1)?;
        let nothing = Tensor::zeros((1, pixels), predicted.dtype(), predicted.device())?;
        let all = Tensor::cat(&[&predicted, &nothing], 0)?.index_select(&rows, 0)?;
        all.reshape((order.batch(), order.patches(), pixels))
    }

    /// Reconstructs a batch. `patches`: (N, L, patch²) in [0, 1].
    pub fn forward(
        &self,
        patches: &Tensor,
        order: &PatchOrder,
        cancel: &CancelToken,
    ) -> Result<Prediction> {
        let x = self.decode(&self.encode(patches, order, cancel)?, order, cancel)?;
        Ok(Prediction {
            reconstruction: self.head(&x, order, &self.rec_norm, &self.rec_pred)?,
            edges: self.head(&x, order, &self.edge_norm, &self.edge_pred)?,
        })
    }

    /// Reconstructs a batch without the edge head: (N, L, patch²).
    pub fn reconstruct(
        &self,
        patches: &Tensor,
        order: &PatchOrder,
        cancel: &CancelToken,
    ) -> Result<Tensor> {
        let x = self.decode(&self.encode(patches, order, cancel)?, order, cancel)?;
        self.head(&x, order, &self.rec_norm, &self.rec_pred)
    }
}
