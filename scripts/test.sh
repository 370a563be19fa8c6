#!/usr/bin/env bash
# Every check and every test, as continuous integration runs them. Needs a Rust toolchain with
# rustfmt and clippy; everything else comes through cargo. One profile for all, so that the
# dependencies are built once.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all -- --check
cargo clippy --release --locked --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --quiet
cargo test --release --locked
