//! Figures in the terminal: by its own image protocol where it has one, in half-blocks elsewhere.

use crate::figures::Figure;

/// No wider than this even in a wide window, columns.
const WIDEST: u32 = 120;

/// Columns of the terminal.
pub(super) fn columns() -> usize {
    usize::from(viuer::terminal_size().0)
}

/// Draws a figure below the cursor. A terminal that cannot is no reason to fail: the figure is on
/// disk.
pub(super) fn draw(figure: &Figure) {
    let Ok(png) = figure.png() else { return };
    let Ok(image) = image::load_from_memory_with_format(&png, image::ImageFormat::Png) else {
        return;
    };
    let width = u32::from(viuer::terminal_size().0).saturating_sub(1).clamp(1, WIDEST);
    let config = viuer::Config {
        absolute_offset: false,
        width: Some(width),
        use_kitty: is_kitty(),
        ..viuer::Config::default()
    };
    viuer::print(&image, &config).ok();
}

/// Whether the terminal says that it speaks kitty's protocol. Asking it by an escape sequence, as
/// viuer would, leaves the answer on the screen of those that do not.
fn is_kitty() -> bool {
    let term = std::env::var("TERM").unwrap_or_default();
    std::env::var_os("KITTY_WINDOW_ID").is_some()
        || ["kitty", "ghostty"].iter().any(|name| term.contains(name))
}
