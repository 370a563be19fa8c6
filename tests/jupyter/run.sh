#!/usr/bin/env bash
# The Jupyter project's own test suite, and the notebooks of tutorials/, against the kernel that
# was built. Makes its own Python environment; needs python3 with venv, and the network once.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v python3 >/dev/null || { echo "tests/jupyter needs python3, which is not on the path" >&2; exit 1; }
program="$PWD/target/release/u2ad"
[ -x "$program" ] || { echo "build first: cargo build --release" >&2; exit 1; }

environment=target/jupyter-venv
wanted=tests/jupyter/requirements.txt
if ! cmp -s "$wanted" "$environment/installed.txt"; then
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$environment/installed.txt"
fi

# Kernel and history of the tests, apart from the user's.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
"$program" kernel install --prefix "$place" >/dev/null
export JUPYTER_PATH="$place/share/jupyter" JUPYTER_RUNTIME_DIR="$place/runtime" XDG_STATE_HOME="$place/state"

# Stores what the notebooks show now, instead of testing.
if [ "${1:-}" = --store ]; then
    "$environment/bin/python" tests/jupyter/notebooks.py "$@"
    exit
fi
"$environment/bin/python" -m unittest discover --start-directory tests/jupyter "$@"
