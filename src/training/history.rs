//! The training history of a model, epoch by epoch.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::context::{Context, counted};
use crate::masking::MaskingStrategy;
use crate::options::Choice;

/// One epoch of training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Number of the epoch, counted from 1.
    pub epoch: usize,
    pub stage: Stage,
    pub masking: MaskingStrategy,
    /// Mean over batches: total = 10 × reconstruction + edge.
    pub loss: f64,
    pub reconstruction: f64,
    pub edge: f64,
    pub learning_rate: f64,
    /// Mean Monte-Carlo variance inside the regions, of the latest estimation before this epoch, if there was one.
    pub variance: Option<f64>,
    /// Mean Monte-Carlo |error| inside the regions, of the latest estimation before this epoch, if there was one.
    pub error: Option<f64>,
}

impl fmt::Display for EpochRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { epoch, stage, masking, loss, .. } = self;
        let (stage, masking) = (stage.name(), masking.name());
        write!(f, "epoch {epoch} ({stage}, {masking} masks): loss {loss:.4}")
    }
}

/// The two stages of training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// On healthy volumes, with random masks.
    #[default]
    Pretrain,
    /// On the clinic's own volumes.
    Adapt,
}

impl Stage {
    /// "pretrain" or "adapt".
    pub fn name(self) -> &'static str {
        match self {
            Self::Pretrain => "pretrain",
            Self::Adapt => "adapt",
        }
    }
}

/// Epochs of one stage that were trained in a row with the same settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// Number of its first epoch, counted from 1.
    pub first_epoch: usize,
    pub stage: Stage,
    pub seed: u64,
    pub batch_size: usize,
    pub mask_ratio: f64,
    /// At the start of the stage.
    pub learning_rate: f64,
    /// Epochs of the stage after which the learning rate falls to a tenth; 0: never.
    pub decay_every: usize,
    pub augment: bool,
    /// Of an adaptation whose masks follow the uncertainty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guidance: Option<Guidance>,
}

/// How uncertainty guides the masks of an adaptation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guidance {
    /// Epochs guided by epistemic uncertainty alone, epochs between two estimations, and reconstructions of every patch;
    /// `None` where the masks were made by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    /// Of the softmax over patch variances.
    pub temperature: f64,
}

/// The schedule of an adaptation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Epochs guided by epistemic uncertainty alone.
    pub epistemic_epochs: usize,
    /// Epochs between two estimations of uncertainty.
    pub refresh: usize,
    /// Reconstructions of every patch per estimation.
    pub samples: usize,
}

impl fmt::Display for TrainingRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, batch_size, mask_ratio, learning_rate, .. } = self;
        write!(f, "{} from epoch {} on: seed {seed}, ", self.stage.name(), self.first_epoch)?;
        write!(f, "batches of {batch_size}, mask ratio {mask_ratio}, ")?;
        write!(f, "learning rate {learning_rate}")?;
        if self.decay_every > 0 {
            write!(f, " (a tenth every {})", counted(self.decay_every, "epoch"))?;
        }
        f.write_str(if self.augment { ", augmented" } else { ", not augmented" })?;
        let Some(Guidance { schedule, temperature }) = &self.guidance else { return Ok(()) };
        write!(f, ", temperature {temperature}")?;
        if let Some(Schedule { epistemic_epochs, refresh, samples }) = schedule {
            write!(f, ", {} by \"eu\", then by \"au\"", counted(*epistemic_epochs, "epoch"))?;
            let refresh = counted(*refresh, "epoch");
            write!(f, ", uncertainty of {samples} samples every {refresh}")?;
        }
        Ok(())
    }
}

/// The training history of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub epochs: Vec<EpochRecord>,
    /// With which settings they were trained; empty in files of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trainings: Vec<TrainingRecord>,
    /// The seed of the initial weights; `None` in files of earlier versions and of published weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_seed: Option<u64>,
}

impl History {
    /// Adds an epoch and the settings that it was trained with. Epochs that follow each other with the same settings
    /// are one training.
    pub(super) fn push(&mut self, epoch: EpochRecord, settings: TrainingRecord) {
        let is_same = |last: &TrainingRecord| {
            let first_epoch = last.first_epoch;
            *last == TrainingRecord { first_epoch, ..settings.clone() }
        };
        if !self.trainings.last().is_some_and(is_same) {
            self.trainings.push(settings);
        }
        self.epochs.push(epoch);
    }

    /// The seeds of the initial weights and of all trainings, each once, in the order in which they were used.
    pub fn seeds(&self) -> Vec<u64> {
        let mut seeds = Vec::new();
        for seed in self.initial_seed.into_iter().chain(self.trainings.iter().map(|one| one.seed)) {
            if !seeds.contains(&seed) {
                seeds.push(seed);
            }
        }
        seeds
    }

    /// The seed that the model was last trained with; `None` if it was not trained, or that is not known.
    pub fn last_seed(&self) -> Option<u64> {
        self.trainings.last().map(|last| last.seed)
    }

    /// Warns, once for two seeds, if the model is about to be trained on under another seed than before.
    pub(super) fn warn_of_other_seed(&self, context: &Context) {
        let now = context.streams.seed();
        if let Some(before) = self.last_seed().filter(|before| *before != now) {
            context.warn_once(format!(
                "the model was trained with seed {before}; this session has seed {now}, so this training will not repeat \
                 one that never stopped; use seed({before})"
            ));
        }
    }

    /// Epochs at the end of the history that belong to `stage`.
    pub fn epochs_in_stage(&self, stage: Stage) -> usize {
        self.epochs.iter().rev().take_while(|record| record.stage == stage).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            stage: Stage::Adapt,
            masking: MaskingStrategy::Eu,
            loss: 0.5,
            reconstruction: 0.04,
            edge: 0.1,
            learning_rate: 0.003,
            variance: None,
            error: None,
        }
    }

    fn settings(first_epoch: usize, seed: u64) -> TrainingRecord {
        let schedule = Schedule { epistemic_epochs: 3, refresh: 10, samples: 5 };
        TrainingRecord {
            first_epoch,
            stage: Stage::Adapt,
            seed,
            batch_size: 10,
            mask_ratio: 0.75,
            learning_rate: 0.003,
            decay_every: 50,
            augment: true,
            guidance: Some(Guidance { schedule: Some(schedule), temperature: 1.0 }),
        }
    }

    #[test]
    fn epochs_with_the_same_settings_are_one_training() {
        let mut history = History { initial_seed: Some(3), ..History::default() };
        assert_eq!(history.last_seed(), None);
        for (number, seed) in [(1, 3), (2, 3), (3, 7), (4, 7), (5, 3)] {
            history.push(epoch(number), settings(number, seed));
        }
        let firsts: Vec<usize> = history.trainings.iter().map(|one| one.first_epoch).collect();
        assert_eq!(firsts, [1, 3, 5]);
        assert_eq!((history.seeds(), history.last_seed()), (vec![3, 7], Some(3)));
        assert_eq!(
            history.trainings[1].to_string(),
            "adapt from epoch 3 on: seed 7, batches of 10, mask ratio 0.75, learning rate 0.003 (a tenth every 50 epochs), \
             augmented, temperature 1, 3 epochs by \"eu\", then by \"au\", uncertainty of 5 samples every 10 epochs"
        );
    }

    #[test]
    fn a_history_of_an_earlier_version_is_read_and_tells_no_seed() {
        let mut json = serde_json::json!({ "epochs": [epoch(1)] });
        let earlier: History = serde_json::from_value(json.clone()).unwrap();
        assert_eq!((earlier.last_seed(), earlier.seeds().len()), (None, 0));
        assert_eq!(serde_json::to_value(&earlier).unwrap(), json);
        json["trainings"] = serde_json::json!([settings(1, 9)]);
        let now: History = serde_json::from_value(json).unwrap();
        assert_eq!(now.last_seed(), Some(9));
    }
}
