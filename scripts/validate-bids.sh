#!/usr/bin/env bash
# The official BIDS validator on what `export` writes: findings of images in several orientations, findings
# and uncertainty of the shortened quickstart. Fails if the validator finds an error.
#
#   cargo build --release && scripts/validate-bids.sh            the exports of the tests
#   scripts/validate-bids.sh FOLDER ...                          your own
#
# Needs python3 and PyPI. The validator's version is fixed here.
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.0.2

validator=target/bids-validator-$version
if [ ! -x "$validator/bin/bids-validator-deno" ]; then
    python3 -m venv "$validator"
    "$validator/bin/pip" install --quiet --disable-pip-version-check "bids-validator-deno==$version"
fi

if [ $# -eq 0 ]; then
    [ -x target/release/u2ad ] || { echo "build first: cargo build --release" >&2; exit 1; }
    . tests/jupyter/environment.sh
    export U2AD_TEST_EXPORTS=$place/exports
    mkdir "$U2AD_TEST_EXPORTS"
    "$environment/bin/python" -m unittest discover --start-directory tests/jupyter --pattern 'test_export*.py'
    exports=$U2AD_TEST_EXPORTS
    set -- "$exports/orientations/derivatives" "$exports/quickstart/derivatives" "$exports/quickstart/uncertainty"
fi
for dataset; do
    echo "# $dataset"
    "$validator/bin/bids-validator-deno" "$dataset"
done
