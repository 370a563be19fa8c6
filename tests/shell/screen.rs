//! The real shell on a terminal of its own: keys go in, the screen is what a parser of terminal
//! sequences makes of the bytes that come out.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use tempfile::TempDir;
use vt100::Parser;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// Rows that have scrolled off the top and can still be read.
const SCROLLBACK: usize = 500;

pub const ENTER: &str = "\r";
pub const TAB: &str = "\t";
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_O: &str = "\x0f";
pub const CTRL_R: &str = "\x12";

/// A home folder that several shells share, one after the other.
#[derive(Clone)]
pub struct Home(Arc<TempDir>);

impl Home {
    pub fn new() -> Self {
        Self(Arc::new(TempDir::new().unwrap()))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Opens a shell on the classic screen.
    pub fn open(&self, arguments: &[&str]) -> Shell {
        self.open_with(arguments, &[])
    }

    /// The same with further environment variables.
    pub fn open_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Shell {
        let mut shell = Shell::start(self.clone(), arguments, variables);
        shell.prompt();
        shell
    }

    /// Starts the program without waiting for a prompt.
    pub fn launch(&self, arguments: &[&str]) -> Shell {
        Shell::start(self.clone(), arguments, &[])
    }
}

/// A running shell and its screen.
pub struct Shell {
    terminal: Arc<Pty>,
    child: Child,
    output: Arc<Mutex<Output>>,
    /// Stays as long as somebody is at home.
    _home: Home,
}

struct Output {
    parser: Parser,
    bytes: Vec<u8>,
}

fn nonzero(value: u16) -> NonZeroU16 {
    NonZeroU16::new(value).unwrap()
}

impl Shell {
    fn start(home: Home, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let (terminal, inside) = pty_process::blocking::open().unwrap();
        terminal.resize(Size::new(24, 80)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_u2ad")).args(arguments);
        command = command.current_dir(home.path("")).env_clear();
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command = command.env(name, value);
            }
        }
        command = command.env("HOME", home.path("")).env("TERM", "xterm-256color");
        command = command.env("COLORTERM", "truecolor").envs(variables.iter().copied());
        let child = command.spawn(inside).unwrap();
        let terminal = Arc::new(terminal);
        let parser = Parser::new(nonzero(24), nonzero(80), SCROLLBACK);
        let output = Arc::new(Mutex::new(Output { parser, bytes: Vec::new() }));
        let (reader, seen) = (terminal.clone(), output.clone());
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = (&*reader).read(&mut chunk) {
                let mut output = seen.lock().unwrap();
                output.parser.process(&chunk[..length]);
                output.bytes.extend_from_slice(&chunk[..length]);
            }
        });
        Self { terminal, child, output, _home: home }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.send(keys.as_bytes());
    }

    /// Sends bytes, which may be no characters.
    pub fn send(&mut self, bytes: &[u8]) {
        (&*self.terminal).write_all(bytes).unwrap();
    }

    /// Types a line, runs it and waits for the next prompt.
    pub fn run(&mut self, line: &str) {
        self.press(line);
        self.press(ENTER);
        self.settle(line);
    }

    /// Waits until the last line is an empty prompt and `line` is no longer being typed.
    fn settle(&mut self, line: &str) {
        let typed = format!("u2ad> {line}");
        self.until("the next prompt", |screen| {
            screen.trim_end().ends_with("u2ad>") && (line.is_empty() || screen.contains(&typed))
        });
    }

    /// Clears what is typed, or stops what runs.
    pub fn clear(&mut self) {
        let prompts =
            |screen: &str| screen.lines().filter(|line| line.starts_with("u2ad>")).count();
        let before = prompts(&self.screen());
        self.press(CTRL_C);
        self.until("another prompt", |screen| {
            prompts(screen) > before && screen.trim_end().ends_with("u2ad>")
        });
    }

    /// Waits for an empty prompt.
    pub fn prompt(&mut self) {
        self.settle("");
    }

    /// Waits until the screen shows this text.
    pub fn see(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Waits until the screen is as it should be; shows it if it never is.
    pub fn until(&mut self, what: &str, mut is_so: impl FnMut(&str) -> bool) {
        let start = Instant::now();
        while !is_so(&self.screen()) {
            assert!(
                start.elapsed() < PATIENCE,
                "never came: {what}; on screen:\n{}",
                self.screen()
            );
            sleep(Duration::from_millis(15));
        }
    }

    /// What the screen shows, row by row, without spaces at the ends.
    pub fn screen(&self) -> String {
        self.output.lock().unwrap().parser.screen().contents()
    }

    /// The screen with its colours.
    pub fn coloured(&self) -> String {
        self.output.lock().unwrap().parser.screen().contents_formatted()
    }

    /// Everything that came out so far.
    pub fn bytes(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap().bytes).into_owned()
    }

    /// Changes the size of the window.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let mut output = self.output.lock().unwrap();
        output.parser.screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.terminal.resize(Size::new(rows, columns)).unwrap();
    }

    /// Kills the process as a crash would: it cannot clean up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends the process a signal such as "TERM".
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Whether the terminal hands on whole lines and shows what is typed, as it did at the start.
    pub fn is_cooked(&self) -> bool {
        use rustix::termios::{LocalModes, tcgetattr};
        let cooked = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        tcgetattr(&*self.terminal).unwrap().local_modes.contains(cooked)
    }

    /// Waits for the end of the process; gives its exit code.
    pub fn ended(mut self) -> Option<i32> {
        self.wait()
    }

    /// The same for whoever still looks at the screen.
    pub fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < PATIENCE, "it never ended; on screen:\n{}", self.screen());
            sleep(Duration::from_millis(15));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
