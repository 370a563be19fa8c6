# To be sourced from the repository's root: the Python environment of the notebook tests in
# $environment, and $place, a temporary folder for kernels and state, apart from the user's.

. scripts/python-environment.sh
python_environment jupyter-venv tests/jupyter/requirements.txt

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export JUPYTER_PATH="$place/share/jupyter" JUPYTER_RUNTIME_DIR="$place/runtime" XDG_STATE_HOME="$place/state"
