#!/usr/bin/env bash
# Trains the network of `segment` from nothing and puts its weights where the next build takes them from.
#
# All images are synthetic and drawn from the seeds: the same seeds give the same weights. Two rounds, in each of
# which the learning rate rises and falls. Takes about an hour on two cores.
#
#   scripts/train-segmentation.sh
set -euo pipefail
cd "$(dirname "$0")/.."

weights=src/segmentation/weights.safetensors
first=$(mktemp)
trap 'rm -f "$first"' EXIT
cargo build --release
target/release/u2ad train-segmentation "$first" --steps 3200 --seed 2026
target/release/u2ad train-segmentation "$weights" --from "$first" --steps 2600 --seed 2027
