//! Default numbers of verbs. The language documents the defaults that are whole numbers, words or
//! truth values by itself; of a fraction it only knows that there is one.

pub(super) const LEARNING_RATE: f64 = 0.003;
pub(super) const MASK_RATIO: f64 = 0.75;
pub(super) const TEMPERATURE: f64 = 1.0;
pub(super) const PIXEL_SPACING_MM: f64 = 0.8;

/// The default of a verb's parameter, where that is a fraction.
pub(in crate::session) fn fraction(parameter: &str) -> Option<f64> {
    match parameter {
        "learning_rate" => Some(LEARNING_RATE),
        "mask_ratio" => Some(MASK_RATIO),
        "temperature" => Some(TEMPERATURE),
        "pixel_spacing_mm" => Some(PIXEL_SPACING_MM),
        _ => None,
    }
}
