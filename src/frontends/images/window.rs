//! The size of the terminal, and how a picture fits into it.

use image::DynamicImage;
use image::imageops::FilterType;

/// No wider than this even in a wide window, columns.
const WIDEST: u32 = 120;

/// Rows left for the prompt and the line that says where the figure was saved.
const ROWS_LEFT: u32 = 3;

/// A terminal's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::frontends) struct Window {
    pub columns: u32,
    pub rows: u32,
    /// Width and height of a character cell, pixels.
    pub cell: (u32, u32),
}

impl Default for Window {
    /// Where the size is unknown: the classic screen with the usual proportions.
    fn default() -> Self {
        Self { columns: 80, rows: 24, cell: (8, 16) }
    }
}

impl Window {
    /// The window as it is now.
    #[cfg(unix)]
    pub fn current() -> Self {
        use rustix::termios::tcgetwinsize;

        let standard = Self::default();
        let asked = tcgetwinsize(std::io::stdout()).or_else(|_| tcgetwinsize(std::io::stderr()));
        let Ok(size) = asked else { return standard };
        let given = |value: u16, otherwise: u32| if value == 0 { otherwise } else { value.into() };
        let columns = given(size.ws_col, standard.columns);
        let rows = given(size.ws_row, standard.rows);
        let cell = match (u32::from(size.ws_xpixel) / columns, u32::from(size.ws_ypixel) / rows) {
            (0, _) | (_, 0) => standard.cell,
            cell => cell,
        };
        Self { columns, rows, cell }
    }

    #[cfg(not(unix))]
    pub fn current() -> Self {
        Self::default()
    }

    /// The picture for a protocol of pixels: its own size, or smaller to fit a room of columns and rows.
    pub fn fit_pixels(&self, picture: &DynamicImage, (columns, rows): (u32, u32)) -> DynamicImage {
        shrunk(picture, columns * self.cell.0, rows * self.cell.1, 1.0)
    }

    /// The picture for half-blocks: one pixel per column, two per row.
    pub fn fit_blocks(&self, picture: &DynamicImage, (columns, rows): (u32, u32)) -> DynamicImage {
        // How much taller than wide half a cell is.
        let tallness = f64::from(self.cell.1) / 2.0 / f64::from(self.cell.0);
        shrunk(picture, columns, rows * 2, tallness)
    }

    /// Columns and rows that a picture of pixels covers.
    pub fn cells(&self, picture: &DynamicImage) -> (u32, u32) {
        (picture.width().div_ceil(self.cell.0), picture.height().div_ceil(self.cell.1))
    }

    /// Columns and rows of a figure above the prompt.
    pub fn room(&self) -> (u32, u32) {
        let columns = self.columns.saturating_sub(1).clamp(1, WIDEST);
        (columns, self.rows.saturating_sub(ROWS_LEFT).max(4))
    }
}

/// A picture no larger than this, whose pixels will be `tallness` times as tall as wide.
fn shrunk(picture: &DynamicImage, width: u32, height: u32, tallness: f64) -> DynamicImage {
    let (own_width, own_height) =
        (f64::from(picture.width()), f64::from(picture.height()) / tallness);
    let scale = (f64::from(width) / own_width).min(f64::from(height) / own_height).min(1.0);
    let length = |own: f64| (own * scale).round().max(1.0) as u32;
    let (width, height) = (length(own_width), length(own_height));
    if (width, height) == (picture.width(), picture.height()) {
        return picture.clone();
    }
    picture.resize_exact(width, height, FilterType::CatmullRom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> DynamicImage {
        DynamicImage::new_rgb8(width, height)
    }

    fn size(picture: &DynamicImage) -> (u32, u32) {
        (picture.width(), picture.height())
    }

    #[test]
    fn a_picture_fits_the_window_and_keeps_its_proportions() {
        let window = Window::default();
        assert_eq!(size(&window.fit_pixels(&picture(1264, 200), window.room())), (632, 100));
        assert_eq!(size(&window.fit_pixels(&picture(100, 672), window.room())), (50, 336));
        assert_eq!(window.cells(&picture(632, 100)), (79, 7));
        assert_eq!(size(&window.fit_blocks(&picture(400, 400), window.room())), (42, 42));
    }

    #[test]
    fn a_small_picture_keeps_its_size_and_a_tiny_window_is_survived() {
        let window = Window::default();
        assert_eq!(size(&window.fit_pixels(&picture(64, 32), window.room())), (64, 32));
        let tiny = Window { columns: 1, rows: 1, ..window };
        let fitted = tiny.fit_blocks(&picture(4000, 10), tiny.room());
        assert_eq!(size(&fitted), (1, 1));
    }

    #[test]
    fn square_pixels_stay_square_whatever_the_cell() {
        let window = Window { cell: (10, 30), ..Window::default() };
        let fitted = window.fit_blocks(&picture(600, 600), window.room());
        // 42 half rows of 15 pixels are as high as 63 columns of 10.
        assert_eq!(size(&fitted), (63, 42));
    }
}
