#!/usr/bin/env bash
# The Rust notebooks of tutorials/ and the cells of this folder, run by evcxr's kernel for Jupyter.
# Builds that kernel once (about five minutes on two cores) and keeps what cells depend on in
# target/evcxr. Needs what tests/jupyter needs.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=0.22.0
kernel=target/evcxr-kernel/bin/evcxr_jupyter
if ! grep -qs "evcxr_jupyter $version" target/evcxr-kernel/.crates.toml; then
    # In our own target folder: some of its dependencies are ours as well.
    cargo install evcxr_jupyter --version "$version" --locked --quiet \
        --root target/evcxr-kernel --target-dir target
fi
cargo build --release --locked --quiet --example three_cells --features "${FEATURES:-}"
. tests/jupyter/environment.sh
JUPYTER_PATH="$JUPYTER_PATH" "$kernel" --install >/dev/null
mkdir -p target/evcxr
# The versions that the program was built with.
[ -f target/evcxr/Cargo.lock ] || cp Cargo.lock target/evcxr/
export EVCXR_TMPDIR="$PWD/target/evcxr" EVCXR_CONFIG_DIR="$place/evcxr"

# Stores what the notebooks show now, instead of testing.
if [ "${1:-}" = --store ]; then
    shift
    "$environment/bin/python" tests/jupyter/notebooks.py --store-rust "$@"
    exit
fi
PYTHONPATH=tests/jupyter "$environment/bin/python" -m unittest discover --start-directory tests/evcxr "$@"
