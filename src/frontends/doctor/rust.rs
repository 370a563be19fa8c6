//! Rust cells, and the toolchain that they need.

use std::env;
use std::path::{Path, PathBuf};

use super::Fact;
use super::programs::{answer, in_folders, on_path};

/// The source that this program was built from. Rust cells are compiled against it.
const SOURCE: &str = env!("CARGO_MANIFEST_DIR");
/// The oldest Rust that compiles it.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

pub(super) fn facts() -> Vec<Fact> {
    vec![cells(cfg!(feature = "rust-cells"), Path::new(SOURCE)), toolchain()]
}

fn cells(compiled_in: bool, source: &Path) -> Fact {
    let about = "Rust cells";
    if !compiled_in {
        return Fact::new(
            about,
            "not compiled in; `cargo install --path . --locked --features rust-cells` in the \
             source of u2ad gives a program that has them",
        );
    }
    let place = source.display();
    match source.join("Cargo.toml").is_file() {
        true => Fact::new(about, format!("compiled in; they use the source of u2ad in {place}")),
        false => Fact::broken(
            about,
            format!(
                "they need the source of u2ad, and it is no longer in {place}; install u2ad again \
                 from a folder that stays"
            ),
        ),
    }
}

fn toolchain() -> Fact {
    let about = "Rust toolchain";
    let (Some(cargo), Some(compiler)) = (found("cargo"), found("rustc")) else {
        return Fact::new(
            about,
            "not found; only Rust cells and building u2ad need it, and https://rustup.rs \
             installs it",
        );
    };
    match answer(&compiler, &["--version"]) {
        Ok(version) if is_old(&version) => Fact::new(
            about,
            format!("{version}, which is too old; `rustup update` brings {OLDEST} or newer"),
        ),
        Ok(version) => Fact::new(about, format!("{version}, {}", cargo.display())),
        Err(reason) => Fact::broken(about, format!("{reason}; `rustup default stable` mends it")),
    }
}

/// On the search path, or in rustup's folder: programs that were started from a menu often lack it.
fn found(name: &str) -> Option<PathBuf> {
    on_path(name).or_else(|| {
        let own = env::var_os("CARGO_HOME").map(PathBuf::from);
        let own = own.or_else(|| Some(env::home_dir()?.join(".cargo")));
        in_folders(own?.join("bin").as_os_str(), name)
    })
}

/// Whether `rustc 1.90.0 (…)` is older than the oldest that will do; false if that is not known.
fn is_old(version: &str) -> bool {
    let numbers = |text: &str| -> Option<(u32, u32)> {
        let mut parts = text.split(['.', '-']);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    };
    let has = version.split_whitespace().nth(1).and_then(numbers);
    matches!((has, numbers(OLDEST)), (Some(has), Some(oldest)) if has < oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_compiler_is_recognised() {
        assert!(is_old("rustc 1.70.0 (90c541806 2023-05-31)") && is_old("rustc 0.9.1"));
        assert!(!is_old(&format!("rustc {OLDEST}.0")) && !is_old("rustc 2.0.0-nightly"));
        assert!(!is_old("something else"));
    }

    #[test]
    fn rust_cells_without_their_source_are_broken() {
        let place = tempfile::tempdir().unwrap();
        assert!(cells(true, place.path()).broken);
        assert!(!cells(false, place.path()).broken);
        std::fs::write(place.path().join("Cargo.toml"), "").unwrap();
        assert!(!cells(true, place.path()).broken);
    }
}
