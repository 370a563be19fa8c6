#!/usr/bin/env bash
# Trains the network of `segment` from nothing and puts its weights where the next build takes them from.
#
# All images are synthetic and drawn from the seed: the same seed gives the same weights. Takes about half an
# hour on two cores.
#
#   scripts/train-segmentation.sh [STEPS] [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."

steps=${1:-4000}
seed=${2:-2026}
cargo build --release
target/release/u2ad train-segmentation src/segmentation/weights.safetensors --steps "$steps" --seed "$seed"
