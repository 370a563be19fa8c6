//! Which image protocol the terminal speaks: by its environment, else by asking it.

use std::env;
use std::io::{IsTerminal, stdout};

use super::Protocol;

/// What the environment says about the terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Terminal {
    /// Whether standard output is one that takes escape sequences.
    pub capable: bool,
    /// Whether `NO_COLOR` asks for none.
    pub plain: bool,
    /// Whether tmux stands between, which knows no protocol but, in some builds, sixels.
    pub multiplexed: bool,
    pub true_colour: bool,
    /// A protocol that a variable vouches for.
    pub vouched: Option<Protocol>,
}

impl Terminal {
    pub fn from_environment() -> Self {
        let get = |name: &str| env::var(name).unwrap_or_default();
        Self { capable: stdout().is_terminal(), ..Self::from_variables(get) }
            .without_dumb(&get("TERM"))
    }

    fn without_dumb(mut self, term: &str) -> Self {
        self.capable &= !matches!(term, "" | "dumb");
        self
    }

    fn from_variables(get: impl Fn(&str) -> String) -> Self {
        let (term, program) = (get("TERM"), get("TERM_PROGRAM"));
        let is_set = |name: &str| !get(name).is_empty();
        let multiplexed = is_set("TMUX") || program == "tmux";
        let in_term = |names: &[&str]| names.iter().any(|name| term.contains(name));
        let vouched = if multiplexed || in_term(&["screen"]) {
            // The variables may be those of the terminal that tmux was started in.
            None
        } else if is_set("KITTY_WINDOW_ID")
            || in_term(&["kitty", "ghostty"])
            || program == "ghostty"
        {
            Some(Protocol::Kitty)
        } else if ["iTerm.app", "WezTerm", "mintty"].contains(&&*program)
            || get("LC_TERMINAL") == "iTerm2"
        {
            Some(Protocol::Iterm)
        } else {
            None
        };
        Self {
            capable: true,
            plain: is_set("NO_COLOR"),
            multiplexed,
            true_colour: ["truecolor", "24bit"].contains(&&*get("COLORTERM"))
                || in_term(&["direct", "kitty", "ghostty", "alacritty", "foot"]),
            vouched,
        }
    }

    /// The best protocol. Asks the terminal if no variable vouches for one.
    pub fn detect(&self) -> Protocol {
        if !self.capable {
            return Protocol::None;
        }
        self.vouched.or_else(|| Self::read(&ask()?)).unwrap_or(match self.plain {
            // Half-blocks need colours.
            true => Protocol::None,
            false => Protocol::Blocks,
        })
    }

    /// What the terminal's answer means: kitty's own, or attribute 4 (sixels) among its device
    /// attributes.
    fn read(answer: &str) -> Option<Protocol> {
        if answer.contains("\x1b_G") && answer.contains(";OK") {
            return Some(Protocol::Kitty);
        }
        let attributes = answer.rsplit_once("\x1b[?")?.1.strip_suffix('c')?;
        attributes.split(';').any(|attribute| attribute == "4").then_some(Protocol::Sixel)
    }
}

/// Asks whether it knows kitty's protocol, then for its device attributes, which every terminal
/// answers, so that a missing answer to the first question is noticed at once. What was typed
/// ahead in these milliseconds is lost.
#[cfg(unix)]
fn ask() -> Option<String> {
    use std::io::{Write, stdin};
    use std::time::{Duration, Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

    /// Longer than a slow connection takes.
    const REPLY_TIMEOUT: Duration = Duration::from_millis(600);
    const QUESTIONS: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c";

    let terminal = stdin();
    let before = tcgetattr(&terminal).ok()?;
    let mut raw = before.clone();
    raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Now, &raw).ok()?;
    stdout().write_all(QUESTIONS).and_then(|()| stdout().flush()).ok();
    let deadline = Instant::now() + REPLY_TIMEOUT;
    let mut answer = Vec::new();
    while !answer.ends_with(b"c") || !answer.windows(3).any(|three| three == b"\x1b[?") {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        let mut ready = [PollFd::new(&terminal, PollFlags::IN)];
        if !matches!(poll(&mut ready, Some(&left)), Ok(1..)) {
            break;
        }
        // Unbuffered, so that nothing behind the answer is swallowed.
        let mut byte = [0];
        if !matches!(rustix::io::read(&terminal, &mut byte), Ok(1)) {
            break;
        }
        answer.push(byte[0]);
    }
    tcsetattr(&terminal, OptionalActions::Now, &before).ok();
    Some(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(not(unix))]
fn ask() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(variables: &[(&str, &str)]) -> Terminal {
        Terminal::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.to_string()).unwrap_or_default()
        })
    }

    #[test]
    fn variables_vouch_for_a_protocol() {
        let of = |variables: &[(&str, &str)]| terminal(variables).vouched;
        assert_eq!(of(&[("TERM", "xterm-kitty")]), Some(Protocol::Kitty));
        assert_eq!(of(&[("TERM_PROGRAM", "ghostty")]), Some(Protocol::Kitty));
        assert_eq!(of(&[("TERM_PROGRAM", "iTerm.app")]), Some(Protocol::Iterm));
        assert_eq!(of(&[("LC_TERMINAL", "iTerm2"), ("TERM", "xterm")]), Some(Protocol::Iterm));
        assert_eq!(of(&[("TERM", "xterm-256color")]), None);
    }

    #[test]
    fn inside_tmux_the_outer_terminals_variables_do_not_count() {
        let inside = terminal(&[("TMUX", "/tmp/tmux"), ("KITTY_WINDOW_ID", "1")]);
        assert!(inside.multiplexed);
        assert_eq!(inside.vouched, None);
    }

    #[test]
    fn answers_are_read() {
        let kitty = "\x1b_Gi=31;OK\x1b\\\x1b[?62;c";
        assert_eq!(Terminal::read(kitty), Some(Protocol::Kitty));
        assert_eq!(Terminal::read("\x1b[?62;4;22c"), Some(Protocol::Sixel));
        assert_eq!(Terminal::read("\x1b[?1;2c"), None);
        assert_eq!(Terminal::read("\x1b[?64;14c"), None, "14 is not 4");
        assert_eq!(Terminal::read(""), None);
    }

    #[test]
    fn without_colours_there_are_no_half_blocks() {
        let plain = Terminal { capable: false, ..terminal(&[("NO_COLOR", "1")]) };
        assert!(plain.plain);
        assert_eq!(plain.detect(), Protocol::None);
    }
}
