//! Figures in the terminal: as pixels where it speaks an image protocol, as half-blocks elsewhere.
//!
//! | file | what it holds |
//! |---|---|
//! | `choice` | what the user may ask for: `auto`, a protocol, `none` |
//! | `detect` | which protocol this terminal speaks |
//! | `window` | its size in cells and pixels, and how a picture fits |
//! | `kitty`, `iterm`, `sixel`, `blocks` | one protocol each: a picture in, bytes out |

mod blocks;
mod choice;
mod detect;
mod iterm;
mod kitty;
mod sixel;
#[cfg(test)]
mod tests;
mod window;

use std::io::{self, Write, stdout};

use image::{DynamicImage, ImageFormat};

pub use self::choice::Choice;
pub(super) use self::choice::Protocol;
use self::detect::Terminal;
pub(super) use self::window::Window;
use crate::figures::Figure;

/// Draws figures the way that the user chose or, failing that, the terminal can.
pub(super) struct Images {
    choice: Choice,
    /// What `auto` found; the terminal is asked when the first figure is drawn, not at the start.
    detected: Option<Protocol>,
    terminal: Terminal,
}

impl Images {
    pub fn new(choice: Choice) -> Self {
        Self { choice, detected: None, terminal: Terminal::from_environment() }
    }

    pub fn choose(&mut self, choice: Choice) {
        self.choice = choice;
    }

    pub fn choice(&self) -> Choice {
        self.choice
    }

    /// The protocol in use; asks the terminal if that has to be found out.
    pub fn protocol(&mut self) -> Protocol {
        match self.choice {
            Choice::Protocol(protocol) => protocol,
            Choice::Auto => *self.detected.get_or_insert_with(|| self.terminal.detect()),
        }
    }

    /// Draws a figure below the cursor. A terminal that cannot show it is ignored: the figure
    /// is on disk.
    pub fn draw(&mut self, figure: &Figure) {
        if self.protocol() != Protocol::None
            && let Ok(png) = figure.png()
        {
            self.draw_png(&png);
        }
    }

    /// The same for a picture that is already a PNG.
    pub fn draw_png(&mut self, png: &[u8]) {
        let protocol = self.protocol();
        if protocol == Protocol::None {
            return;
        }
        let Ok(picture) = image::load_from_memory_with_format(png, ImageFormat::Png) else {
            return;
        };
        let mut bytes = Vec::new();
        if write(&mut bytes, &picture, protocol, &Window::current(), &self.terminal).is_ok() {
            let mut out = stdout().lock();
            out.write_all(&bytes).and_then(|()| out.flush()).ok();
        }
    }
}

/// Writes a picture, scaled to the window, and ends the line below it.
fn write(
    out: &mut impl Write,
    picture: &DynamicImage,
    protocol: Protocol,
    window: &Window,
    terminal: &Terminal,
) -> io::Result<()> {
    match protocol {
        Protocol::None => return Ok(()),
        Protocol::Blocks => {
            blocks::write(out, &window.fit_blocks(picture), terminal.true_colour)?;
        }
        Protocol::Sixel => sixel::write(out, &window.fit_pixels(picture))?,
        Protocol::Kitty => {
            let picture = window.fit_pixels(picture);
            let cells = window.cells(&picture);
            kitty::write(out, &png(&picture)?, cells, terminal.multiplexed)?;
        }
        Protocol::Iterm => {
            let picture = window.fit_pixels(picture);
            let cells = window.cells(&picture);
            iterm::write(out, &png(&picture)?, cells, terminal.multiplexed)?;
        }
    }
    out.write_all(b"\n")
}

fn png(picture: &DynamicImage) -> io::Result<Vec<u8>> {
    let mut bytes = io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(io::Error::other)?;
    Ok(bytes.into_inner())
}

/// Writes an escape sequence; inside tmux, in an envelope that hands it on to the terminal
/// outside.
fn escape(out: &mut impl Write, sequence: &str, multiplexed: bool) -> io::Result<()> {
    if multiplexed {
        write!(out, "\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b"))
    } else {
        out.write_all(sequence.as_bytes())
    }
}
