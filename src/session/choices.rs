//! Parameters that take one of a few words: where the words come from. They are written once, in
//! the enumeration that the verb itself reads them with.

use super::device::DEVICES;
use super::values::FINDING_FIGURES;
use crate::choice::Choice;
use crate::masking::{Normalisation, Strategy};
use crate::model::Config;
use crate::uncertainty::Passes;

/// The words that `parameter` of a verb or method takes; empty if it takes anything.
pub(super) fn choices(function: &str, parameter: &str) -> Vec<&'static str> {
    match (function, parameter) {
        ("u2ad", "preset") => Config::PRESETS.to_vec(),
        ("device", "name") => DEVICES.to_vec(),
        ("estimate_uncertainty", "passes") => Passes::names(),
        ("regenerate_masks", "guide") => Strategy::names(),
        ("regenerate_masks", "normalisation") => Normalisation::names(),
        ("plot", "kind") => FINDING_FIGURES.map(|(name, _)| name).to_vec(),
        _ => Vec::new(),
    }
}
