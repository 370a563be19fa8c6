//! The kernel's logo: a cord in its dark canal, patches hidden from it, and the one place that
//! stands out. One list of shapes, as SVG and as pixels.

use std::fmt::Write as _;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::{Error, Result};

/// Side of the square that the shapes are drawn in.
const SIDE: f64 = 64.0;

/// A rectangle with rounded corners; a circle if the corners are half its side.
struct Shape {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    corner: f64,
    colour: [u8; 3],
}

const fn shape([x, y, width, height]: [f64; 4], corner: f64, colour: [u8; 3]) -> Shape {
    Shape { x, y, width, height, corner, colour }
}

const NIGHT: [u8; 3] = [22, 40, 62];
const CORD: [u8; 3] = [198, 208, 218];
const BONE: [u8; 3] = [74, 98, 124];
const HIDDEN: [u8; 3] = [22, 40, 62];
const FOUND: [u8; 3] = [230, 96, 20];

/// From back to front.
const SHAPES: [Shape; 10] = [
    shape([2.0, 2.0, 60.0, 60.0], 12.0, NIGHT),
    shape([6.0, 8.0, 14.0, 12.0], 3.0, BONE),
    shape([6.0, 26.0, 14.0, 12.0], 3.0, BONE),
    shape([6.0, 44.0, 14.0, 12.0], 3.0, BONE),
    shape([26.0, 2.0, 24.0, 60.0], 3.0, CORD),
    shape([28.0, 6.0, 9.0, 9.0], 1.0, HIDDEN),
    shape([39.0, 17.0, 9.0, 9.0], 1.0, HIDDEN),
    shape([28.0, 39.0, 9.0, 9.0], 1.0, HIDDEN),
    shape([39.0, 50.0, 9.0, 9.0], 1.0, HIDDEN),
    shape([31.0, 24.0, 14.0, 14.0], 7.0, FOUND),
];

/// The logo as an SVG document.
pub(super) fn svg() -> String {
    let mut document =
        format!("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIDE} {SIDE}\">\n");
    for Shape { x, y, width, height, corner, colour: [red, green, blue] } in &SHAPES {
        let _ = writeln!(
            document,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{corner}\" \
             fill=\"#{red:02x}{green:02x}{blue:02x}\"/>"
        );
    }
    document.push_str("</svg>\n");
    document
}

/// The logo as PNG of `side` × `side` pixels, transparent around it.
///
/// # Errors
/// [`Error::Figure`] if it cannot be encoded.
pub(super) fn png(side: u32) -> Result<Vec<u8>> {
    let pixels: Vec<u8> = (0..side)
        .flat_map(|y| (0..side).flat_map(move |x| pixel(x, y, SIDE / f64::from(side))))
        .collect();
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(&pixels, side, side, ExtendedColorType::Rgba8)
        .map_err(|error| Error::Figure(error.to_string()))?;
    Ok(bytes)
}

/// One pixel from 4 × 4 samples, so that edges are smooth.
fn pixel(x: u32, y: u32, scale: f64) -> [u8; 4] {
    const SAMPLES: u32 = 4;
    let at = |pixel: u32, sample: u32| {
        (f64::from(pixel) + (f64::from(sample) + 0.5) / f64::from(SAMPLES)) * scale
    };
    let colours: Vec<[u8; 3]> = (0..SAMPLES * SAMPLES)
        .filter_map(|n| {
            let (x, y) = (at(x, n % SAMPLES), at(y, n / SAMPLES));
            SHAPES.iter().rev().find(|shape| shape.covers(x, y)).map(|shape| shape.colour)
        })
        .collect();
    let mean = |channel: usize| {
        let sum: u32 = colours.iter().map(|colour| u32::from(colour[channel])).sum();
        (sum / colours.len().max(1) as u32) as u8
    };
    let opacity = colours.len() as u32 * 255 / (SAMPLES * SAMPLES);
    [mean(0), mean(1), mean(2), opacity as u8]
}

impl Shape {
    fn covers(&self, x: f64, y: f64) -> bool {
        // Distance from the rectangle that is smaller by its corners.
        let outside = |at: f64, from: f64, length: f64| {
            let (from, to) = (from + self.corner, from + length - self.corner);
            (from - at).max(at - to).max(0.0)
        };
        let (dx, dy) = (outside(x, self.x, self.width), outside(y, self.y, self.height));
        let within = (self.x..self.x + self.width).contains(&x)
            && (self.y..self.y + self.height).contains(&y);
        within && dx.hypot(dy) <= self.corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixels_show_what_the_drawing_says() {
        let image = image::load_from_memory(&png(64).unwrap()).unwrap().to_rgba8();
        assert_eq!(image.get_pixel(38, 31).0, [230, 96, 20, 255], "what was found");
        assert_eq!(image.get_pixel(0, 0).0[3], 0, "transparent around it");
        assert_eq!(svg().matches("<rect").count(), SHAPES.len());
    }
}
