//! Default numbers of verbs. The language documents the defaults that are whole numbers, words or
//! booleans by itself; of a fraction it only knows that there is one. Their values belong to the
//! option types.

pub(super) use crate::baselines::MEMORY_SHARE;
pub(super) use crate::masking::TEMPERATURE;
pub(super) use crate::model::MASK_RATIO;
pub(super) use crate::phantom::PIXEL_SPACING_MM;
pub(super) use crate::training::LEARNING_RATE;

/// The default of a verb's parameter, where that is a fraction.
pub(in crate::session) fn fraction(parameter: &str) -> Option<f64> {
    match parameter {
        "learning_rate" => Some(LEARNING_RATE),
        "mask_ratio" => Some(MASK_RATIO),
        "share" => Some(MEMORY_SHARE),
        "temperature" => Some(TEMPERATURE),
        "pixel_spacing_mm" => Some(PIXEL_SPACING_MM),
        _ => None,
    }
}
