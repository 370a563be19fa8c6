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

    /// Whether pictures can be drawn over each other: the terminal knows escape sequences, and figures are
    /// drawn at all.
    pub fn can_replace(&mut self) -> bool {
        self.terminal.capable && self.protocol() != Protocol::None
    }

    /// Pixels, as wide as high, of a room of so many columns and rows.
    pub fn pixels(&mut self, room: (u32, u32)) -> (u32, u32) {
        let (width, height) = Window::current().cell;
        match self.protocol() {
            // One pixel is as wide as a column.
            Protocol::Blocks => (room.0, room.1 * height / width.max(1)),
            _ => (room.0 * width, room.1 * height),
        }
    }

    /// A PNG for a room of so many columns and rows, no larger than it is. One that `replaces` takes the place
    /// of the one before, where the terminal would otherwise keep both.
    ///
    /// # Errors
    /// If it cannot be read or encoded.
    pub fn placed(&mut self, png: &[u8], room: (u32, u32), replaces: bool) -> io::Result<Placed> {
        let picture =
            image::load_from_memory_with_format(png, ImageFormat::Png).map_err(io::Error::other)?;
        let id = replaces.then_some(REPLACED);
        place(&picture, self.protocol(), &Window::current(), room, &self.terminal, id)
    }

    /// The bytes that remove the replaceable picture.
    pub fn removal(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.protocol() == Protocol::Kitty {
            // Writing to memory cannot fail.
            kitty::remove(&mut bytes, REPLACED, self.terminal.multiplexed).ok();
        }
        bytes
    }

    /// The sequence that sets the colour of text; empty where no colours are wanted.
    pub fn text_colour(&self, colour: [u8; 3]) -> String {
        match (self.terminal.plain, self.terminal.true_colour) {
            (true, _) => String::new(),
            (false, true_colour) => {
                format!("\x1b[{}m", blocks::painted(image::Rgb(colour), 38, true_colour))
            }
        }
    }
}

/// The number of the picture that takes the place of others, for kitty: nobody else in this process numbers pictures.
const REPLACED: u32 = 7_193;

/// A picture for the screen.
pub(super) struct Placed {
    /// What draws it from the cursor on. Where the cursor is then differs between protocols.
    pub bytes: Vec<u8>,
    /// Cells that it covers.
    pub columns: u32,
    pub rows: u32,
}

/// Writes a picture, scaled to the window, and ends the line below it.
fn write(
    out: &mut impl Write,
    picture: &DynamicImage,
    protocol: Protocol,
    window: &Window,
    terminal: &Terminal,
) -> io::Result<()> {
    if protocol == Protocol::None {
        return Ok(());
    }
    let placed = place(picture, protocol, window, window.room(), terminal, None)?;
    out.write_all(&placed.bytes)?;
    out.write_all(b"\n")
}

/// A picture, scaled to so many columns and rows.
fn place(
    picture: &DynamicImage,
    protocol: Protocol,
    window: &Window,
    room: (u32, u32),
    terminal: &Terminal,
    id: Option<u32>,
) -> io::Result<Placed> {
    let mut bytes = Vec::new();
    let picture = match protocol {
        Protocol::Blocks => window.fit_blocks(picture, room),
        _ => window.fit_pixels(picture, room),
    };
    let mut cells = window.cells(&picture);
    match protocol {
        Protocol::None => cells = (0, 0),
        Protocol::Blocks => {
            cells = (picture.width(), picture.height().div_ceil(2));
            blocks::write(&mut bytes, &picture, terminal.true_colour)?;
        }
        Protocol::Sixel => sixel::write(&mut bytes, &picture)?,
        Protocol::Kitty => {
            kitty::write(&mut bytes, &png(&picture)?, cells, id, terminal.multiplexed)?;
        }
        Protocol::Iterm => iterm::write(&mut bytes, &png(&picture)?, cells, terminal.multiplexed)?,
    }
    Ok(Placed { bytes, columns: cells.0, rows: cells.1 })
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
