//! What `--images` and `:images` take.

use std::str::FromStr;

use crate::options;

/// The way in which pictures are drawn in a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// kitty's graphics protocol: kitty, Ghostty, Konsole.
    Kitty,
    /// iTerm2's inline images: iTerm2, WezTerm, mintty.
    Iterm,
    /// DEC's sixels: foot, xterm -ti vt340, Windows Terminal, tmux built with them.
    Sixel,
    /// Two coloured pixels per character: any terminal with colours.
    Blocks,
    /// Not at all; figures are still saved.
    None,
}

/// What the user chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best that the terminal can.
    #[default]
    Auto,
    Protocol(Protocol),
}

impl options::Choice for Choice {
    const WHAT: &'static str = "image protocol";
    const ALL: &'static [Self] = &[
        Self::Auto,
        Self::Protocol(Protocol::Kitty),
        Self::Protocol(Protocol::Iterm),
        Self::Protocol(Protocol::Sixel),
        Self::Protocol(Protocol::Blocks),
        Self::Protocol(Protocol::None),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Protocol(Protocol::Kitty) => "kitty",
            Self::Protocol(Protocol::Iterm) => "iterm",
            Self::Protocol(Protocol::Sixel) => "sixel",
            Self::Protocol(Protocol::Blocks) => "blocks",
            Self::Protocol(Protocol::None) => "none",
        }
    }
}

impl FromStr for Choice {
    type Err = crate::Error;

    fn from_str(name: &str) -> crate::Result<Self> {
        options::Choice::from_name(name)
    }
}
