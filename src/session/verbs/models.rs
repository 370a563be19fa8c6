//! Verbs that make, load and save models.

use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::none::{NoneOr, NoneType};

use super::long_work::{apply, change};
use super::{optional_unsigned, unsigned};
use crate::files::user_path;
use crate::model::Config;
use crate::session::engine::jobs::Later;
use crate::session::state::State;
use crate::session::values::ModelValue;
use crate::training::{self, Model};

#[starlark_module]
pub(super) fn verbs(builder: &mut GlobalsBuilder) {
    /// Makes an untrained model, initialised from the session's seed.
    ///
    /// "small" suits a laptop: 128 × 128 pixels for 128 × 128 mm, 3 + 2 transformer blocks.
    /// "paper" is the published size: 256 × 256 pixels for 200 × 200 mm, 12 + 8 blocks.
    ///
    /// # Arguments
    /// * `preset`: "small" or "paper".
    /// * `image`: edge of the square images in pixels; None: the preset's. The same holds for
    ///   the parameters that follow.
    /// * `fov_mm`: edge of the images' square field of view, in mm.
    /// * `patch`: edge of a patch in pixels.
    /// * `nearest_patches`: number of patches that the network sees, those nearest to the region; 0:
    ///   all, as published.
    /// * `embed_dim`: channels of a token in the encoder.
    /// * `depth`: transformer blocks of the encoder.
    /// * `heads`: attention heads of the encoder.
    /// * `decoder_embed_dim`: channels of a token in the decoder.
    /// * `decoder_depth`: transformer blocks of the decoder.
    /// * `decoder_heads`: attention heads of the decoder.
    ///
    /// Examples:
    /// ```python
    /// model = u2ad(preset = "small")
    /// deep = u2ad(preset = "paper", depth = 24)
    /// ```
    fn u2ad(
        #[starlark(default = "small")] preset: &str,
        #[starlark(require = named, default = NoneOr::None)] image: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] fov_mm: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] patch: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] nearest_patches: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] embed_dim: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] depth: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] heads: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] decoder_embed_dim: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] decoder_depth: NoneOr<i64>,
        #[starlark(require = named, default = NoneOr::None)] decoder_heads: NoneOr<i64>,
        eval: &mut Evaluator,
    ) -> anyhow::Result<ModelValue> {
        let mut config = Config::preset(preset)?;
        for (name, given, size) in [
            ("image", image, &mut config.image),
            ("fov_mm", fov_mm, &mut config.fov_mm),
            ("patch", patch, &mut config.patch),
            ("nearest_patches", nearest_patches, &mut config.nearest_patches),
            ("embed_dim", embed_dim, &mut config.embed_dim),
            ("depth", depth, &mut config.depth),
            ("heads", heads, &mut config.heads),
            ("decoder_embed_dim", decoder_embed_dim, &mut config.decoder_embed_dim),
            ("decoder_depth", decoder_depth, &mut config.decoder_depth),
            ("decoder_heads", decoder_heads, &mut config.decoder_heads),
        ] {
            if let Some(given) = optional_unsigned("u2ad", name, given)? {
                *size = given;
            }
        }
        let state = State::of(eval);
        let (model, number) = state.adopt(Model::new(config, &state.context())?);
        Ok(ModelValue::new(model, number))
    }

    /// Loads a model from a file that `save_model` wrote, or published weights from a file of
    /// PyTorch (.pth).
    ///
    /// Nothing in a PyTorch file is executed: only tensors are taken from it, those of a state_dict or those
    /// saved under "model" or "state_dict". Each must be known and have the right shape; the sizes of
    /// the network are read off them.
    ///
    /// # Arguments
    /// * `path`: a .safetensors or .pth file.
    ///
    /// Examples:
    /// ```python
    /// model = load_model("runs/study/model.safetensors")
    /// ```
    fn load_model(path: &str, eval: &mut Evaluator) -> anyhow::Result<ModelValue> {
        let state = State::of(eval);
        state.check_at_once("load_model")?;
        let model = Model::load(&user_path(path)?, &state.context().device)?;
        let (model, number) = state.adopt(model);
        Ok(ModelValue::loaded(model, number))
    }

    /// Saves a model: weights, optimiser state, configuration and history. Training
    /// continues from the file with the same bits as without saving and loading.
    ///
    /// The file also names the subjects that the model learned from or was calibrated with, and holds hashes of their
    /// images.
    ///
    /// # Arguments
    /// * `model`: the model.
    /// * `path`: where to; a .safetensors file. An earlier one is replaced; if it was loaded from there, a warning says so.
    ///
    /// Examples:
    /// ```python
    /// save_model(u2ad(), "model.safetensors")
    /// ```
    fn save_model(
        model: &ModelValue,
        path: &str,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<NoneType>> {
        // Before the trainings of a job.
        let (file, warning) = ModelValue::check_path(path)?;
        let (value, path) = (model.clone(), path.to_owned());
        apply("save_model", model, eval, move |model, study| {
            warning.into_iter().for_each(|warning| study.context.warn(warning));
            value.save_as(model, &file)?;
            study.context.note(format!("model saved to {path}"));
            Ok(NoneType)
        })
    }

    /// Restores a model to its state after an epoch: weights, optimiser state and history.
    /// Training continues from there with the same bits as before.
    ///
    /// `model.snapshots` lists the epochs. Old snapshots are removed when a model's snapshots take more
    /// than 2 GiB; the first, the last ten and the last of each stage stay as long as
    /// they fit. In a notebook, the
    /// snapshots of all models together take 512 MB at most, or what `u2ad kernel start --snapshots MB`
    /// allows: the oldest are removed first, the latest of a model never. Snapshots of later epochs are kept until training continues from the restored one.
    ///
    /// # Arguments
    /// * `model`: the model; it changes in place.
    /// * `epoch`: number of the epoch, counted from 1; 0: before the model's training.
    ///
    /// Examples:
    /// ```python
    /// model = u2ad()
    /// people = phantom_cohort(subjects = 2)
    /// train_epoch(model, people)
    /// rewind(model, epoch = 0)
    /// ```
    fn rewind(
        model: &ModelValue,
        epoch: i64,
        eval: &mut Evaluator,
    ) -> anyhow::Result<Later<NoneType>> {
        let epoch = unsigned("rewind", "epoch", epoch)?;
        change("rewind", model, eval, move |model, study| {
            training::rewind(model, epoch, &study.context)?;
            study.context.note(format!("the model is as it was after epoch {epoch}"));
            Ok(NoneType)
        })
    }
}
