#!/usr/bin/env bash
# Tries the wheel as a user would: install into a fresh environment, see the kernel, run a notebook,
# uninstall.
#
#   scripts/test-wheel.sh [WHEEL]          (default: the newest in target/wheels)
#
# Needs python3 and PyPI. Nothing outside a temporary folder is touched.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=${1:-$(ls -t "${CARGO_TARGET_DIR:-target}"/wheels/u2ad-*.whl | head -1)}
wheel=$(realpath "$wheel")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
# No settings, kernels or environment of this user.
unset VIRTUAL_ENV CONDA_PREFIX PYTHONPATH JUPYTER_PATH JUPYTER_DATA_DIR U2AD_INSTRUCTION_SET
export HOME=$place/home XDG_STATE_HOME=$place/state JUPYTER_RUNTIME_DIR=$place/runtime PYTHONDONTWRITEBYTECODE=1
mkdir "$HOME"

environment=$place/environment
"${PYTHON:-python3}" -m venv "$environment"
# The versions of the notebook tests.
requirements=$PWD/tests/jupyter/requirements.txt
grep -vE '^(#|jupyter_kernel_test|nibabel|numpy|pandas|typos)' "$requirements" >"$place/requirements.txt"
"$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$place/requirements.txt"
find "$environment" -type f -o -type l | sort >"$place/before.txt"
"$environment/bin/pip" install --quiet --disable-pip-version-check "$wheel"
cd "$place"
# A machine with Python only.
export PATH=/usr/bin:/bin

echo "# u2ad --version"
"$environment/bin/u2ad" --version
echo "# jupyter kernelspec list"
# Called by its path: the environment is not active, and u2ad is not on the search path.
"$environment/bin/jupyter-kernelspec" list | tee kernels.txt
grep -q "u2ad  *$environment/share/jupyter/kernels/u2ad" kernels.txt
echo "# u2ad doctor"
"$environment/bin/u2ad" doctor | tee doctor.txt
grep -q "starts $(realpath "$environment")/bin/u2ad" doctor.txt
grep -q "Jupyter: .*/environment/bin/jupyter" doctor.txt
echo "# a script"
printf 'print(1 + 1)\n' >study.star
[ "$("$environment/bin/u2ad" run study.star)" = 2 ]

echo "# a notebook"
"$environment/bin/python" - <<'PYTHON'
import nbclient
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

cells = ["people = phantom_cohort(subjects = 1)", "print(6 * 7)", "people", "plot(people[0])"]
kernel = {"name": "u2ad", "display_name": "u2ad", "language": "starlark"}
notebook = new_notebook(cells=[new_code_cell(text) for text in cells], metadata={"kernelspec": kernel})
nbclient.NotebookClient(notebook, timeout=120).execute()
outputs = [cell.outputs for cell in notebook.cells]
assert outputs[1][0].text.strip() == "42", outputs[1]
assert "text/plain" in outputs[2][0].data, outputs[2]
assert any("image/png" in output.get("data", {}) for output in outputs[3]), outputs[3]
print(f"{len(cells)} cells ran on {notebook.metadata.language_info.name}")
PYTHON

echo "# the module"
# Without pandas: the sentence says what to do.
"$environment/bin/python" - <<'PYTHON'
import pathlib

import u2ad

assert u2ad.__all__ == ["read_findings", "run"], u2ad.__all__
pathlib.Path("findings.star").write_text(
    "people = phantom_cohort(subjects = parameter('subjects', 1), pixel_spacing_mm = 2.0)\n"
    "found = detect(intensity_threshold(), people)\n"
    "if parameter('whether', False):\n"
    "    export(found, output_dir() + '/' + parameter('name', 'u2ad'))\n"
)
folder = u2ad.run("findings.star", subjects=2, whether=True, name=pathlib.Path("maps"))
assert folder == pathlib.Path("runs/findings"), folder
assert u2ad.run("findings.star").name == "findings-2"
try:
    u2ad.read_findings(folder / "maps")
except ImportError as error:
    assert str(error) == "u2ad.read_findings needs pandas: pip install pandas", error
else:
    raise AssertionError("pandas was not to be installed yet")
pathlib.Path("broken.star").write_text("print('before')\nfail('no luck')\n")
try:
    u2ad.run("broken.star")
except RuntimeError as error:
    assert "exit code 1" in str(error) and "no luck" in str(error), error
else:
    raise AssertionError("the script fails")
try:
    u2ad.run("findings.star", subjects=[1])
except TypeError as error:
    assert str(error) == "the parameter subjects must be a number, text, boolean or path, not list", error
else:
    raise AssertionError("a list is no parameter")
PYTHON
python3 -m venv "$place/pandas"
"$place/pandas/bin/pip" install --quiet --disable-pip-version-check "$wheel" "$(grep '^pandas==' "$requirements")"
"$place/pandas/bin/python" - <<'PYTHON'
import pathlib

import u2ad

findings = u2ad.read_findings("runs/findings/maps")
patients = findings[findings.level == "patient"]
assert len(patients) == 2 and len(findings) > 4 and patients.segment.isna().all(), findings
assert patients.participant_id.tolist() == ["sub-healthy01", "sub-clinic01"], patients
assert findings.score.dtype == float and (patients.score > 0).all(), findings
try:
    u2ad.read_findings(pathlib.Path("runs"))
except FileNotFoundError as error:
    assert "give the folder that export(found, folder) wrote" in str(error), error
else:
    raise AssertionError("there is no table")
print(f"read {len(findings)} rows of {len(patients)} patients")
PYTHON

echo "# pip uninstall"
"$environment/bin/pip" uninstall --quiet --yes --disable-pip-version-check u2ad
find "$environment" -type f -o -type l | sort >"$place/after.txt"
diff "$place/before.txt" "$place/after.txt"
[ ! -e "$environment/bin/u2ad" ] && [ ! -e "$environment/share/jupyter/kernels/u2ad" ]
echo "the wheel works, and nothing is left of it"
