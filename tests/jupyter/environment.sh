# To be sourced from the repository's root: the Python environment of the notebook tests in
# $environment, and $place, a temporary folder for kernels and state, apart from the user's.

command -v python3 >/dev/null || { echo "the notebook tests need python3, which is not on the path" >&2; exit 1; }

environment=target/jupyter-venv
wanted=tests/jupyter/requirements.txt
if ! cmp -s "$wanted" "$environment/installed.txt"; then
    rm -rf "$environment"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$environment/installed.txt"
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export JUPYTER_PATH="$place/share/jupyter" JUPYTER_RUNTIME_DIR="$place/runtime" XDG_STATE_HOME="$place/state"
