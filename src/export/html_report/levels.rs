//! How the values of a map become the grey levels of a picture, and how many digits these hold.

/// Equal steps from 0 on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    /// What one level adds to a value.
    pub step: f64,
    /// Bytes of a level in the picture: 1 or 2.
    pub bytes: u8,
    /// Decimals of a value that the levels hold.
    pub decimals: u32,
}

impl Levels {
    /// 255 steps up to `highest`, the highest value of the map.
    pub fn of_one_byte(highest: f64) -> Self {
        let highest = if highest.is_finite() && highest > 0.0 { highest } else { 1.0 };
        let step = highest / 255.0;
        Self { step, bytes: 1, decimals: decimals(step) }
    }

    /// Steps of the least power of ten with which 65535 of them reach `highest`. A level then is the value, rounded
    /// to that decimal, so that it reads as the same value does in a curve or a table.
    pub fn of_two_bytes(highest: f64) -> Self {
        let highest = if highest.is_finite() && highest > 0.0 { highest } else { 1.0 };
        let power = (f64::from(u16::MAX) / highest).log10().floor() as i32;
        let step = 10_f64.powi(-power);
        Self { step, bytes: 2, decimals: power.max(0).unsigned_abs() }
    }

    /// The level of a value: 0 of what is below 0 or no number, the last one of what is beyond it.
    pub fn level(&self, value: f32) -> u16 {
        let most = if self.bytes == 1 { f64::from(u8::MAX) } else { f64::from(u16::MAX) };
        (f64::from(value) / self.step).round().clamp(0.0, most) as u16
    }
}

/// Decimals of numbers that are `step` apart.
fn decimals(step: f64) -> u32 {
    (-step.log10()).floor().max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_spans_the_range() {
        let levels = Levels::of_one_byte(2.0);
        assert_eq!(
            [-1.0, 0.0, 1.0, 2.0, 3.0, f32::NAN].map(|value| levels.level(value)),
            [0, 0, 128, 255, 255, 0]
        );
        assert_eq!((levels.bytes, levels.decimals), (1, 2));
        assert_eq!(Levels::of_one_byte(6.65e-6).decimals, 7);
        assert_eq!(Levels::of_one_byte(0.0), Levels::of_one_byte(1.0));
    }

    #[test]
    fn two_bytes_hold_decimal_digits_and_reach_the_highest_value() {
        for (highest, decimals) in
            [(0.98, 4), (0.5, 5), (0.0051, 7), (6.6, 3), (70_000.0, 0), (7e9, 0), (f64::NAN, 4)]
        {
            let levels = Levels::of_two_bytes(highest);
            assert_eq!(levels.decimals, decimals, "{highest}");
            assert!(!highest.is_finite() || levels.step * 65535.0 >= highest, "{highest}");
        }
        let levels = Levels::of_two_bytes(0.98);
        assert_eq!([0.001_42, 0.9876, 0.0].map(|value| levels.level(value)), [14, 9876, 0]);
    }
}
