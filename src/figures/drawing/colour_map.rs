//! From numbers to colours: grey for anatomy, perceptually uniform maps for data.

use plotters::style::RGBColor;

/// A colour map over [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourMap {
    /// Black to white: image intensities.
    Grey,
    /// Dark blue to yellow: variance, probability.
    Viridis,
    /// Black over red to pale yellow: errors.
    Inferno,
}

/// 33 equidistant anchors of matplotlib's `viridis` (S. van der Walt and N. Smith, CC0);
/// linear interpolation stays within 2/255 of the full table.
const VIRIDIS: [u32; 33] = [
    0x440154, 0x470D60, 0x48186A, 0x482374, 0x472D7B, 0x453681, 0x424086, 0x3F4989, 0x3B528B,
    0x375A8D, 0x33638D, 0x2F6A8E, 0x2C728E, 0x297A8E, 0x26818E, 0x23898E, 0x21908C, 0x1F988B,
    0x1F9F88, 0x21A685, 0x28AE80, 0x31B57B, 0x3EBC74, 0x4CC26C, 0x5DC963, 0x6ECE58, 0x82D34C,
    0x96D83F, 0xABDC32, 0xC0DF24, 0xD5E21A, 0xEAE51A, 0xFDE725,
];

/// The same of matplotlib's `inferno`.
const INFERNO: [u32; 33] = [
    0x000004, 0x040312, 0x0B0724, 0x150B37, 0x210C4A, 0x2E0A5A, 0x3C0965, 0x4A0C6B, 0x57106D,
    0x63146E, 0x70196E, 0x7D1E6D, 0x89226A, 0x962766, 0xA32B61, 0xAF315C, 0xBB3755, 0xC63E4D,
    0xD14644, 0xDB4F3B, 0xE35932, 0xEB6528, 0xF1711E, 0xF67F14, 0xF98D0A, 0xFB9C06, 0xFCAB0F,
    0xFBBA1F, 0xF9CA32, 0xF5D949, 0xF2E865, 0xF3F586, 0xFCFFA4,
];

/// Where there is no number: a blue that no map contains.
pub(in crate::figures) const MISSING: RGBColor = RGBColor(70, 130, 250);

impl ColourMap {
    /// The colour of `value`; outside [0, 1] that of the nearer end. NaN gets a colour of its own
    /// that no map contains.
    pub fn colour(self, value: f64) -> RGBColor {
        if value.is_nan() {
            return MISSING;
        }
        let value = value.clamp(0.0, 1.0);
        let anchors = match self {
            Self::Grey => {
                let level = (value * 255.0).round() as u8;
                return RGBColor(level, level, level);
            }
            Self::Viridis => &VIRIDIS,
            Self::Inferno => &INFERNO,
        };
        let place = value * (anchors.len() - 1) as f64;
        let lower = (place as usize).min(anchors.len() - 2);
        let share = place - lower as f64;
        let channel = |shift: u32| {
            let level = |anchor: u32| f64::from((anchor >> shift) & 0xFF);
            let (from, to) = (level(anchors[lower]), level(anchors[lower + 1]));
            (from + share * (to - from)).round() as u8
        };
        RGBColor(channel(16), channel(8), channel(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CIE lightness L* of an sRGB colour.
    fn lightness(RGBColor(r, g, b): RGBColor) -> f64 {
        let linear = |level: u8| {
            let level = f64::from(level) / 255.0;
            if level <= 0.04045 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
        };
        let y = 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        if y > 0.008856 { 116.0 * y.cbrt() - 16.0 } else { 903.3 * y }
    }

    #[test]
    fn every_map_gets_evenly_lighter() {
        for map in [ColourMap::Grey, ColourMap::Viridis, ColourMap::Inferno] {
            let at = |step: i32| lightness(map.colour(f64::from(step) / 32.0));
            let steps: Vec<f64> = (0..32).map(|step| at(step + 1) - at(step)).collect();
            let mean = (at(32) - at(0)) / 32.0;
            for step in &steps {
                assert!(*step > 0.0 && (step - mean).abs() < mean, "{map:?}: {step} of {mean}");
            }
        }
    }

    #[test]
    fn the_ends_are_the_published_ones_and_hold_beyond() {
        assert_eq!(ColourMap::Viridis.colour(-3.0), RGBColor(0x44, 0x01, 0x54));
        assert_eq!(ColourMap::Inferno.colour(f64::INFINITY), RGBColor(0xFC, 0xFF, 0xA4));
        assert_eq!(ColourMap::Grey.colour(0.5), RGBColor(128, 128, 128));
    }

    #[test]
    fn a_missing_number_does_not_look_like_a_number() {
        for map in [ColourMap::Grey, ColourMap::Viridis, ColourMap::Inferno] {
            let missing = map.colour(f64::NAN);
            assert!((0..=255).all(|level| map.colour(f64::from(level) / 255.0) != missing));
        }
    }
}
