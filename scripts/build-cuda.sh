#!/usr/bin/env bash
# Builds `u2ad` for NVIDIA cards, on a machine with or without CUDA toolkit, driver and card.
#
#   scripts/build-cuda.sh [CARGO ARGUMENTS]
#
# With a toolkit (nvcc on the path, or CUDA_HOME set) this is `cargo build --release --features
# cuda`. Without one, NVIDIA's compiler and libraries come from PyPI into target/cuda-toolkit
# (2 GB). The program then asks for the driver (libcuda.so.1) and CUDA 13's libcudart, libcublas,
# libcublasLt, libcurand and libnvrtc when it starts; this script prints where they lie.
#
# Environment: CUDA_COMPUTE_CAP, the card's compute capability without its point (default: that of
# the card in this machine, else 80, which later cards run as well); PYTHON (python3).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

if [ -z "${CUDA_HOME:-}" ] && nvcc=$(command -v nvcc); then
    CUDA_HOME=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
fi
if [ -z "${CUDA_HOME:-}" ]; then
    toolkit=$PWD/target/cuda-toolkit
    if [ ! -x "$toolkit/ready" ]; then
        echo "no CUDA toolkit found: fetching NVIDIA's compiler from PyPI into $toolkit" >&2
        "$python" -m venv "$toolkit"
        # One series for all: a driver refuses code from a compiler that is newer than itself.
        "$toolkit/bin/pip" install --quiet 'nvidia-cuda-nvcc==13.0.*' 'nvidia-nvvm==13.0.*' \
            'nvidia-cuda-crt==13.0.*' 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cccl==13.0.*' \
            'nvidia-cuda-nvrtc==13.0.*' 'nvidia-cublas==13.0.*' 'nvidia-curand==10.4.0.*'
        printf '#!/bin/sh\n' >"$toolkit/ready"
        chmod +x "$toolkit/ready"
    fi
    CUDA_HOME=$(echo "$toolkit"/lib/python*/site-packages/nvidia/cu13)
    # The linker looks for names without a version.
    links=$toolkit/link
    mkdir -p "$links"
    for library in "$CUDA_HOME"/lib/*.so.*; do
        name=$(basename "$library")
        ln -sf "$library" "$links/${name%%.so.*}.so"
    done
    # The driver's library comes with the driver. Any function of its header may be asked for, so
    # the stand-in has them all; at run time the real one takes its place by its name.
    {
        grep -ohE '\bcu[A-Z][A-Za-z0-9_]*' "$CUDA_HOME/include/cuda.h" |
            sed -E 'p; s/$/_v2/; p; s/_v2$/_v3/' | sort -u | sed 's/.*/void &(void) {}/'
    } >"$links/driver.c"
    "${CC:-cc}" -w -shared -Wl,-soname,libcuda.so.1 -o "$links/libcuda.so" "$links/driver.c"
    # Paths instead of RUSTFLAGS, which would build every crate anew.
    export LIBRARY_PATH=$links${LIBRARY_PATH:+:$LIBRARY_PATH}
    export LD_LIBRARY_PATH=$CUDA_HOME/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
export CUDA_HOME CUDA_PATH=$CUDA_HOME CUDA_ROOT=$CUDA_HOME CUDA_TOOLKIT_ROOT_DIR=$CUDA_HOME
export PATH=$CUDA_HOME/bin:$PATH
if [ -z "${CUDA_COMPUTE_CAP:-}" ]; then
    CUDA_COMPUTE_CAP=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null |
        head -1 | tr -d .) || true
    CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80}
fi
export CUDA_COMPUTE_CAP

cargo build --release --locked --features cuda "$@"
echo "built for compute capability $CUDA_COMPUTE_CAP; the libraries of CUDA are in $CUDA_HOME/lib" >&2
