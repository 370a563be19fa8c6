//! Half-blocks: `▀` in the colour of the upper pixel on a ground of the lower one's.

use std::io::{self, Write};

use image::{DynamicImage, Rgb};

/// Writes two rows of pixels per line; without true colour, in the nearest of 256.
pub(super) fn write(
    out: &mut impl Write,
    picture: &DynamicImage,
    true_colour: bool,
) -> io::Result<()> {
    let pixels = picture.to_rgb8();
    let paint = |pixel: Option<&Rgb<u8>>, ground: u8| match pixel {
        // 38 sets the colour of the character, 48 that of its ground; 39 and 49 the terminal's own.
        None => format!("{}", ground + 1),
        Some(pixel) => painted(*pixel, ground, true_colour),
    };
    for row in (0..pixels.height()).step_by(2) {
        if row > 0 {
            out.write_all(b"\n")?;
        }
        let mut before = String::new();
        for column in 0..pixels.width() {
            let upper = pixels.get_pixel_checked(column, row);
            let lower = pixels.get_pixel_checked(column, row + 1);
            let colours = format!("{};{}", paint(upper, 38), paint(lower, 48));
            if colours != before {
                write!(out, "\x1b[{colours}m")?;
                before = colours;
            }
            out.write_all("▀".as_bytes())?;
        }
        out.write_all(b"\x1b[0m")?;
    }
    Ok(())
}

/// The parameters that set a colour of what `ground` says; without true colour, the nearest of 256.
pub(super) fn painted(colour: Rgb<u8>, ground: u8, true_colour: bool) -> String {
    match (colour, true_colour) {
        (Rgb([r, g, b]), true) => format!("{ground};2;{r};{g};{b}"),
        (colour, false) => format!("{ground};5;{}", nearest_of_256(colour)),
    }
}

/// The nearest entry of xterm's palette: its 6 × 6 × 6 cube or its 24 greys.
fn nearest_of_256(Rgb(colour): Rgb<u8>) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let distance = |other: [u8; 3]| -> u32 {
        colour.iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    let step = colour.map(|value| {
        (0..6u8).min_by_key(|step| value.abs_diff(STEPS[usize::from(*step)])).unwrap_or(0)
    });
    let cube = step.map(|step| STEPS[usize::from(step)]);
    let mean = colour.iter().map(|value| u32::from(*value)).sum::<u32>() / 3;
    let shade = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = [8 + 10 * shade; 3];
    match distance(grey) < distance(cube) {
        true => 232 + shade,
        false => 16 + 36 * step[0] + 6 * step[1] + step[2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_find_their_nearest_among_256() {
        let nearest = |r, g, b| nearest_of_256(Rgb([r, g, b]));
        assert_eq!([nearest(0, 0, 0), nearest(255, 255, 255)], [16, 231]);
        assert_eq!(nearest(255, 0, 0), 196);
        assert_eq!(nearest(128, 128, 128), 244);
    }
}
