#!/usr/bin/env bash
# Every check and every test, as continuous integration runs them. Needs a Rust toolchain with
# rustfmt and clippy, and python3 for the Jupyter suite; everything else comes through cargo and
# pip. One profile for all, so that the dependencies are built once.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all -- --check
cargo clippy --release --locked --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --quiet
cargo test --release --locked
# The Jupyter project's own suite and the notebooks, on the program that the tests have built.
tests/jupyter/run.sh
# The Rust notebooks, on evcxr's kernel, which is built first where it is not there.
tests/evcxr/run.sh
