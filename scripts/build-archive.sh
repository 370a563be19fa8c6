#!/usr/bin/env bash
# Makes an archive for people without Python: the program of a wheel, its manual pages and its
# completions for shells.
#
#   scripts/build-archive.sh WHEEL FOLDER
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$1
folder=$2
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -1)
case $(uname -s) in
    Linux) system=unknown-linux-gnu ;;
    Darwin) system=apple-darwin ;;
    *) echo "archives are made for Linux and macOS" >&2; exit 1 ;;
esac
machine=$(uname -m)
name=u2ad-$version-${machine/arm64/aarch64}-$system
inside=$place/$name
mkdir -p "$inside/completions"
unzip -p "$wheel" "u2ad-$version.data/scripts/u2ad" >"$inside/u2ad"
chmod +x "$inside/u2ad"
"$inside/u2ad" man --out "$inside/man/man1"
"$inside/u2ad" completions bash >"$inside/completions/u2ad.bash"
"$inside/u2ad" completions zsh >"$inside/completions/_u2ad"
"$inside/u2ad" completions fish >"$inside/completions/u2ad.fish"
cp README.md LICENSE CITATION.cff CHANGELOG.md "$inside"
mkdir -p "$folder"
tar -czf "$folder/$name.tar.gz" -C "$place" "$name"
echo "$folder/$name.tar.gz"
