#!/usr/bin/env bash
# The Jupyter project's own test suite, and the notebooks of tutorials/, against the kernel that
# was built. Makes its own Python environment; needs python3 with venv, and the network once.
set -euo pipefail
cd "$(dirname "$0")/../.."

program="$PWD/target/release/u2ad"
[ -x "$program" ] || { echo "build first: cargo build --release" >&2; exit 1; }
. tests/jupyter/environment.sh
"$program" kernel install --prefix "$place" >/dev/null

# Stores what the notebooks show now, instead of testing.
if [ "${1:-}" = --store ]; then
    "$environment/bin/python" tests/jupyter/notebooks.py "$@"
    exit
fi
"$environment/bin/python" -m unittest discover --start-directory tests/jupyter "$@"
