#!/usr/bin/env bash
# Every check and every test but the Rust notebooks, which take as long as all others together
# (tests/evcxr/run.sh), as continuous integration runs them. Needs a Rust toolchain with
# rustfmt and clippy, and python3 for the notebooks; everything else comes through cargo and pip.
# One profile and one set of features for all, so that everything is built once.
set -euo pipefail
cd "$(dirname "$0")/.."
export FEATURES=rust-cells
# Property tests draw the same cases every time; `just proptest-long` draws others.
export PROPTEST_RNG_SEED=2026
# A changed snapshot fails and is not written.
export INSTA_UPDATE=no
# A test that hangs ends the run. macOS has no `timeout`.
limited() {
    if command -v timeout >/dev/null; then timeout --verbose "$@"; else shift; "$@"; fi
}

cargo fmt --all -- --check
cargo clippy --release --locked --all-targets --features "$FEATURES" -- -D warnings
# Without the feature, and as Rust notebooks build it.
cargo clippy --release --locked --all-targets -- -D warnings
cargo clippy --release --locked --no-default-features --lib -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --quiet --features "$FEATURES"
cargo test --release --locked --features "$FEATURES" --no-run
limited 40m cargo test --release --locked --features "$FEATURES"
(
    . tests/jupyter/environment.sh
    "$environment/bin/typos"
)
# The Jupyter project's own suite and the notebooks, on the program that the tests have built.
limited 15m tests/jupyter/run.sh
# The HTML pages in Chromium, where it is installed.
limited 10m scripts/test-pages.sh
