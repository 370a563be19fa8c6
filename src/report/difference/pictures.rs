//! The first pixel in which two pictures differ.

use image::RgbaImage;

use super::first::FirstDifference;

/// `None` if a picture cannot be read or all pixels are the same.
pub(super) fn first_pixel(first: &[u8], second: &[u8]) -> Option<FirstDifference> {
    let decode = |bytes: &[u8]| -> Option<RgbaImage> {
        let decoded = image::load_from_memory_with_format(bytes, image::ImageFormat::Png).ok()?;
        Some(decoded.to_rgba8())
    };
    let (a, b) = (decode(first)?, decode(second)?);
    if a.dimensions() != b.dimensions() {
        let size = |image: &RgbaImage| format!("{} × {}", image.width(), image.height());
        return Some(FirstDifference::new("size in pixels", size(&a), size(&b)));
    }
    let pixels = a.enumerate_pixels().zip(b.pixels());
    let ((column, row, ours), theirs) = pixels.into_iter().find(|((_, _, a), b)| a != b)?;
    let colour = |pixel: &image::Rgba<u8>| {
        let [red, green, blue, alpha] = pixel.0;
        match alpha {
            255 => format!("#{red:02x}{green:02x}{blue:02x}"),
            _ => format!("#{red:02x}{green:02x}{blue:02x}{alpha:02x}"),
        }
    };
    let place = format!("pixel at column {column}, row {row}");
    Some(FirstDifference::new(place, colour(ours), colour(theirs)))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn png(image: &RgbaImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_pixel_and_a_size_are_named() {
        let white = RgbaImage::from_pixel(4, 3, image::Rgba([255; 4]));
        let mut other = white.clone();
        other.put_pixel(2, 1, image::Rgba([0, 16, 255, 255]));
        let found = first_pixel(&png(&white), &png(&other)).unwrap();
        let expected = FirstDifference::new("pixel at column 2, row 1", "#ffffff", "#0010ff");
        assert_eq!(found, expected);
        let small = RgbaImage::new(2, 3);
        let found = first_pixel(&png(&white), &png(&small)).unwrap();
        assert_eq!(found, FirstDifference::new("size in pixels", "4 × 3", "2 × 3"));
        assert_eq!(first_pixel(b"no", b"picture"), None);
    }
}
