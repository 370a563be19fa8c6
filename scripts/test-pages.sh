#!/usr/bin/env bash
# Opens the pages of `report` and `qc` in Chromium, uses them as a reader would, and checks that they are
# accessible and load nothing. Needs a release build, python3 with venv, the network once, and Chromium
# (Debian: `apt-get install chromium`); without Chromium it skips. SCREENSHOTS=FOLDER keeps pictures.
set -euo pipefail
cd "$(dirname "$0")/.."

browser=${CHROMIUM:-}
for name in chromium chromium-browser google-chrome; do
    [ -n "$browser" ] || browser=$(command -v "$name" || true)
done
[ -n "$browser" ] || { echo "skipped: the pages are tested in Chromium, which is not installed"; exit 0; }
program="$PWD/target/release/u2ad"
[ -x "$program" ] || { echo "build first: cargo build --release" >&2; exit 1; }

. scripts/python-environment.sh
python_environment pages-venv tests/pages/requirements.txt

pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
cp tests/pages/pages.star "$pages"
(cd "$pages" && "$program" run pages.star >/dev/null 2>log.txt) || { cat "$pages/log.txt" >&2; exit 1; }
CHROMIUM="$browser" PAGES="$pages" "$environment/bin/python" -m unittest discover --start-directory tests/pages "$@"
