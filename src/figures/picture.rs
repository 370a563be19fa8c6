//! A finished picture as a figure.

use plotters::prelude::RGBColor;

use super::Figure;
use super::drawing::canvas::Picture;
use crate::{Error, Result};

/// Largest picture, in pixels.
const MOST_PIXELS: u64 = 40_000_000;

/// A PNG from elsewhere, shown pixel by pixel on white.
///
/// # Errors
/// If the bytes are no PNG, or one that is too large to show.
pub fn picture(title: impl Into<String>, png: &[u8]) -> Result<Figure> {
    let refused = |reason: &dyn std::fmt::Display| {
        Error::Figure(format!("a picture cannot be shown: {reason}"))
    };
    let reader =
        image::ImageReader::with_format(std::io::Cursor::new(png), image::ImageFormat::Png);
    let (width, height) = reader.into_dimensions().map_err(|error| refused(&error))?;
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(refused(&format!("{width} × {height} pixels are too many or none")));
    }
    let decoded = image::load_from_memory_with_format(png, image::ImageFormat::Png);
    let rgba = decoded.map_err(|error| refused(&error))?.to_rgba8();
    let rgb: Vec<u8> = rgba
        .pixels()
        .flat_map(|image::Rgba([r, g, b, alpha])| {
            let RGBColor(white, ..) = super::drawing::style::WHITE;
            let share = u32::from(*alpha);
            [r, g, b].map(|ink| {
                ((u32::from(*ink) * share + u32::from(white) * (255 - share) + 127) / 255) as u8
            })
        })
        .collect();
    let units = super::drawing::style::UNITS_PER_PIXEL;
    let extent = (width * units, height * units);
    Ok(Figure::bare(title, (extent.0 as i32, extent.1 as i32), move |area| {
        let rgb = rgb.clone();
        area.draw(&Picture { corner: (0, 0), extent, size: (width, height), rgb })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::drawing::png;

    #[test]
    fn a_picture_keeps_its_pixels() {
        let rgb: Vec<u8> = (0..5 * 3 * 3).map(|value| value as u8 * 5).collect();
        let bytes = png::encode((5, 3), &rgb).unwrap();
        let figure = picture("mine", &bytes).unwrap();
        assert_eq!((figure.width, figure.height), (5, 3));
        assert_eq!(figure.png().unwrap(), bytes);
        let error = picture("mine", b"no picture").unwrap_err().to_string();
        assert!(error.contains("a picture cannot be shown: "), "{error}");
    }
}
