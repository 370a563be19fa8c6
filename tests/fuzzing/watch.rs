//! Watches over one input after the other: panics, also caught ones, time and memory.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// Longest time for one input. Other tests and a slow machine leave some of it.
const PATIENCE: Duration = Duration::from_secs(20);

/// What panicked since the last input. Panics come from any thread.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// One target at a time: panics and memory belong to the process.
static TURN: Mutex<()> = Mutex::new(());

/// Where other crates panic in ways that their callers here know and catch: the language, asked for a name that a
/// failed cell left; candle's reader of pickles, at damaged ones.
const CAUGHT_ON_PURPOSE: [&str; 2] = ["environment/slots.rs", "src/pickle.rs"];

/// An input, and since when it is read.
type Reading = (Instant, Vec<u8>);

/// Watches while a target runs.
pub struct Watch {
    name: &'static str,
    since: Arc<Mutex<Option<Reading>>>,
    _turn: MutexGuard<'static, ()>,
}

impl Watch {
    pub fn begin(name: &'static str) -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            // Sessions catch panics with a hook of their own, which would hide them from a later one.
            crate::targets::starlark(b"print");
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                let said = panic.to_string().replace('\n', " ");
                if !CAUGHT_ON_PURPOSE.iter().any(|place| said.contains(place)) {
                    lock(&PANICS).push(said);
                }
                // The tests' own failures are shown, too.
                usual(panic);
            }));
        });
        let turn = lock(&TURN);
        lock(&PANICS).clear();
        let since = Arc::<Mutex<Option<(Instant, Vec<u8>)>>>::default();
        let watched = Arc::downgrade(&since);
        std::thread::spawn(move || {
            while let Some(since) = watched.upgrade() {
                if let Some((since, bytes)) = &*lock(&since)
                    && since.elapsed() > PATIENCE
                {
                    let path = keep(name, bytes);
                    eprintln!("an input of {name} takes too long: {}", path.display());
                    std::process::exit(101);
                }
                drop(since);
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        Self { name, since, _turn: turn }
    }

    /// Before an input is read. With `U2AD_FUZZ_CURRENT` set it lies in a file meanwhile, which tells the one
    /// that ends the whole process.
    pub fn enter(&self, bytes: &[u8]) {
        if std::env::var_os("U2AD_FUZZ_CURRENT").is_some() {
            fs::write(folder().join(format!("current-{}", self.name)), bytes).unwrap();
        }
        *lock(&self.since) = Some((Instant::now(), bytes.to_vec()));
    }

    /// Afterwards: what panicked.
    pub fn leave(&self) -> Vec<String> {
        *lock(&self.since) = None;
        std::mem::take(&mut *lock(&PANICS))
    }

    /// Keeps an input that failed.
    pub fn keep(&self, bytes: &[u8]) -> PathBuf {
        keep(self.name, bytes)
    }
}

fn keep(name: &str, bytes: &[u8]) -> PathBuf {
    let grow = |hash: u64, byte: &u8| hash.wrapping_mul(31).wrapping_add(u64::from(*byte));
    let path = folder().join(format!("{name}-{:016x}", bytes.iter().fold(0, grow)));
    fs::write(&path, bytes).unwrap();
    path
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzzing");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Memory of this process at its highest since the last call, bytes; `None` where the system does not say.
pub fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kilobytes * 1024)
}
