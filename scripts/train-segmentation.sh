#!/usr/bin/env bash
# Trains the network of `segment` for cord and fluid and puts its weights where the next build takes them from.
#
# All images are synthetic and drawn from the seeds. Three rounds, in each of which the learning rate rises and falls;
# docs/segmentation.md says how the shipped weights came to be. The network for discs (discs.safetensors) looks at
# single slices and was trained by this script as it is in commit 255fd57.
#
#   scripts/train-segmentation.sh ANATOMIES
#
# ANATOMIES: a folder with masks of real cords (NAME_seg-manual.nii.gz) and the fluid around them
# (NAME_csfseg-manual.nii.gz). They are not part of the repository.
set -euo pipefail
anatomies=$(realpath "${1:?a folder with masks of real cords and fluid}")
cd "$(dirname "$0")/.."

weights=src/segmentation/weights.safetensors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release
u2ad=target/release/u2ad
$u2ad train-segmentation "$work/1" --anatomies "$anatomies" --steps 3200 --seed 2026
$u2ad train-segmentation "$work/2" --anatomies "$anatomies" --steps 2600 --seed 2027 --from "$work/1"
$u2ad train-segmentation "$weights" --anatomies "$anatomies" --steps 1500 --seed 2031 --from "$work/2"
