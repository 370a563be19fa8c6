//! Slices in the terminal, one at a time, by the keys.
//!
//! | file | what it holds |
//! |---|---|
//! | `keys` | keys, from the bytes that a terminal sends for them |
//! | `state` | what is shown, and how keys change it |
//! | `frame` | a slice on the screen with what is known about it |
//! | `whole_screen` | the terminal's other screen |

mod frame;
mod keys;
mod state;
mod whole_screen;

use std::io::{self, IsTerminal, Write, stdout};
use std::time::Duration;

use self::frame::{Frame, Layout, Line, flowed};
use self::keys::{Typed, first_key};
use self::state::PagerState;
use self::whole_screen::WholeScreen;
pub(super) use self::whole_screen::leave;
use super::raw_mode::{Input, RawMode};
use crate::context::CancelToken;
use crate::figures::SliceStack;
use crate::frontends::console::Console;
use crate::frontends::images::Window;
use crate::{Error, Result};

/// How soon an interrupt or another size of the window is noticed, and how long the rest of a key's bytes may take.
const WAIT: Duration = Duration::from_millis(50);

/// Rows of the lines below a picture.
const STATUS_ROWS: usize = 2;
/// Rows that stay free below the last slice: for the place of its file, and for the prompt.
const ROWS_LEFT: u32 = 3;

/// Terminals that know it show what stands between these at once; the others ignore both.
const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";

/// Shows slices on a screen of their own until the user goes back, and then the last one among the lines of the
/// session. `false`: this terminal cannot, and nothing was shown.
///
/// # Errors
/// [`Error::Cancelled`] if `cancel` is set meanwhile, after the last slice was shown all the same; [`Error::Figure`]
/// if a slice cannot be drawn.
pub(super) fn leaf_through(
    stack: &dyn SliceStack,
    console: &Console,
    cancel: &CancelToken,
) -> Result<bool> {
    let can_replace = console.with_images(|images| images.can_replace()).unwrap_or(false);
    if !can_replace || !stdout().is_terminal() {
        return Ok(false);
    }
    let Some(keyboard) = RawMode::new() else { return Ok(false) };
    let bars = HiddenBars::new(console);
    let mut pager = Pager { stack, console, state: PagerState::new(stack) };
    let screen = WholeScreen::enter();
    let outcome = pager.leaf(&keyboard, cancel);
    if let Some(removal) = console.with_images(|images| images.removal()) {
        write(&removal).ok();
    }
    drop(screen);
    if matches!(outcome, Ok(()) | Err(Error::Cancelled)) {
        pager.leave_last()?;
    }
    drop((bars, keyboard));
    outcome.map(|()| true)
}

/// Slices and which of them is shown, how.
struct Pager<'a> {
    stack: &'a dyn SliceStack,
    console: &'a Console,
    state: PagerState,
}

impl Pager<'_> {
    /// Draws and waits for keys until the user goes back.
    fn leaf(&mut self, keyboard: &RawMode, cancel: &CancelToken) -> Result<()> {
        let mut drawn = None;
        let mut typed = Vec::new();
        loop {
            cancel.check()?;
            let now = (Window::current(), self.state.view);
            if drawn != Some(now) {
                let is_resized = drawn.is_none_or(|(window, _)| window != now.0);
                if self.draw(&now.0, is_resized)?.is_err() {
                    // The terminal is gone.
                    return Ok(());
                }
                drawn = Some(now);
            }
            match keyboard.read(WAIT) {
                Input::Bytes(bytes) => typed.extend(bytes),
                // What is unfinished for so long was Escape alone.
                Input::Nothing if typed == [0x1b] => return Ok(()),
                Input::Nothing => typed.clear(),
                Input::Ended => return Ok(()),
            }
            // All keys that have come before the next picture, which takes longer than a key that is held down.
            if !self.press(&mut typed) {
                return Ok(());
            }
        }
    }

    /// Takes the keys off the bytes. Whether the user wants to go on.
    fn press(&mut self, typed: &mut Vec<u8>) -> bool {
        loop {
            match first_key(typed) {
                Typed::Key(key, length) => {
                    typed.drain(..length);
                    if !self.state.press(key) {
                        return false;
                    }
                }
                Typed::Other(length) => drop(typed.drain(..length.min(typed.len()))),
                Typed::Unfinished => return true,
            }
        }
    }

    /// Draws the slice in place of the one before; on an empty screen if the window has changed.
    fn draw(&self, window: &Window, is_resized: bool) -> Result<io::Result<()>> {
        let parts = [self.place(), self.keys(window)].concat();
        let status = flowed(&parts, window.columns, STATUS_ROWS);
        let layout = Layout::new(window, STATUS_ROWS as u32);
        let frame = self.frame(window, layout, status, true)?;
        let mut bytes = BEGIN_UPDATE.to_vec();
        bytes.extend_from_slice(if is_resized { b"\x1b[2J\x1b[H" } else { b"\x1b[H" });
        frame.write(&mut bytes);
        bytes.extend_from_slice(b"\x1b[J");
        bytes.extend_from_slice(END_UPDATE);
        Ok(write(&bytes))
    }

    /// Draws the slice below the lines of the session, and keeps its figure.
    fn leave_last(&self) -> Result<()> {
        let window = Window::current();
        let status = flowed(&self.place(), window.columns, 1);
        let layout = Layout::new(&window, 1 + ROWS_LEFT);
        let frame = self.frame(&window, layout, status, false)?;
        self.console.log(&frame.text());
        let mut bytes = vec![b'\n'; frame.rows() as usize];
        bytes.extend_from_slice(format!("\x1b[{}A\r", frame.rows()).as_bytes());
        frame.write(&mut bytes);
        bytes.extend_from_slice(b"\r\n");
        // A terminal that is gone is no reason to lose the figure.
        write(&bytes).ok();
        self.console.keep(&self.stack.figure(self.state.view.slice));
        Ok(())
    }

    fn frame(
        &self,
        window: &Window,
        layout: Layout,
        status: Vec<String>,
        replaces: bool,
    ) -> Result<Frame> {
        let view = &self.state.view;
        let room = layout.picture;
        let pixels = self.console.with_images(|images| images.pixels(room)).unwrap_or(room);
        let png = self.stack.picture(view, pixels)?.png()?;
        let notes = self.stack.notes(view);
        let drawn = self.console.with_images(|images| {
            let mark = |colour: [u8; 3]| images.text_colour(colour);
            let line = |note: &crate::figures::SliceNote| Line {
                text: note.text.clone(),
                mark: note.colour.map(|colour| mark([colour.0, colour.1, colour.2])),
            };
            let lines: Vec<Line> = notes.iter().map(line).collect();
            images.placed(&png, room, replaces).map(|picture| (picture, lines))
        });
        let (picture, notes) = drawn
            .unwrap_or_else(|| Err(io::Error::other("figures are not drawn")))
            .map_err(|error| Error::Figure(format!("a slice cannot be drawn: {error}")))?;
        let title = self.stack.title().to_owned();
        Ok(Frame { picture, layout, title, notes, status, columns: window.columns })
    }

    /// Where one is and how it is shown.
    fn place(&self) -> Vec<String> {
        let view = &self.state.view;
        let mut parts = vec![self.stack.place(view.slice)];
        parts.extend(self.stack.layers().get(view.layer).map(|layer| (*layer).to_owned()));
        if view.contrast > 0 {
            let (from, to) = self.stack.window(view.contrast);
            parts.push(format!("window {from:.2} to {to:.2}"));
        }
        parts
    }

    /// What the keys do: in full or, where that takes more room than there is, in short and the way back first.
    fn keys(&self, window: &Window) -> Vec<String> {
        let numbers = format!("1–{} number", self.stack.count());
        let full = ["← → slice", "Home End", &numbers, "o overlay", "+ − window", "q back"];
        let short = ["q back", "← →", "o", "+ −"];
        let full = full.map(str::to_owned).to_vec();
        let parts = [self.place(), full.clone()].concat();
        let fits = |parts: &[String]| {
            flowed(parts, window.columns, STATUS_ROWS).join("").contains("q back")
        };
        if fits(&parts) { full } else { short.map(str::to_owned).to_vec() }
    }
}

/// Keeps progress bars off the screen until it is dropped.
struct HiddenBars<'a>(&'a Console);

impl<'a> HiddenBars<'a> {
    fn new(console: &'a Console) -> Self {
        console.hide_bars(true);
        Self(console)
    }
}

impl Drop for HiddenBars<'_> {
    fn drop(&mut self) {
        self.0.hide_bars(false);
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
