//! The words that some parameters accept. They are defined once, in the enumeration with which the
//! verb itself reads them.

use crate::detection::Scoring;
use crate::masking::{MaskingStrategy, Normalisation};
use crate::model::Config;
use crate::options::Choice;
use crate::scoring::InitialWeights;
use crate::session::device::DEVICES;
use crate::session::values::figure_names;
use crate::uncertainty::Passes;

/// The words that `parameter` of a verb or method takes; empty if it takes anything.
pub(super) fn choices(function: &str, parameter: &str) -> Vec<&'static str> {
    match (function, parameter) {
        (
            "u2ad"
            | "denoising_autoencoder"
            | "diffusion_model"
            | "convolutional_autoencoder"
            | "autoencoder_with_uncertainty"
            | "variational_autoencoder",
            "preset",
        ) => Config::PRESETS.to_vec(),
        ("detect", "scoring") => Scoring::names(),
        ("device", "name") => DEVICES.to_vec(),
        ("estimate_uncertainty", "passes") => Passes::names(),
        ("train_scorer", "initial_weights") => InitialWeights::names(),
        ("regenerate_masks", "strategy") => MaskingStrategy::names(),
        ("regenerate_masks", "normalisation") => Normalisation::names(),
        ("plot", "kind") => figure_names(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::session::catalogue::manual;

    /// What a verb's documentation says in quotes is what it takes, and the other way round: the
    /// words stand in the enumeration alone.
    #[test]
    fn every_word_is_documented() {
        let mut seen = 0;
        for verb in manual().verbs() {
            for parameter in verb.parameters.iter().filter(|one| !one.choices.is_empty()) {
                let summary = parameter.summary.clone().unwrap_or_default();
                for choice in &parameter.choices {
                    let quoted = format!("\"{choice}\"");
                    assert!(summary.contains(&quoted), "{}: {quoted} in {summary}", verb.name);
                    seen += 1;
                }
            }
        }
        assert!(seen > 10);
    }
}
