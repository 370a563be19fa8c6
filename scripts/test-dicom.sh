#!/usr/bin/env bash
# `u2ad import` against dcm2niix: phantoms that pydicom and GDCM write as DICOM must give the same voxels at the
# same place. Needs a release build, python3 with venv, and PyPI once.
#
#   cargo build --release && scripts/test-dicom.sh
set -euo pipefail
cd "$(dirname "$0")/.."

program="$PWD/target/release/u2ad"
[ -x "$program" ] || { echo "build first: cargo build --release" >&2; exit 1; }

. scripts/python-environment.sh
python_environment dicom-venv tests/dicom/requirements.txt
PATH="$PWD/$environment/bin:$PATH" U2AD="$program" "$environment/bin/python" tests/dicom/compare.py "$@"
