#!/usr/bin/env bash
# Checks and times `u2ad` on a graphics card: finds CUDA's libraries, compares what the card computes with what the
# CPU computes (gpu-check.star beside this file), and runs the benchmarks on both.
#
#   U2AD=PROGRAM scripts/gpu-check.sh OUT [-p full=1]
#
# OUT is a new folder: gpu-check.json holds all results, run/ the figures and tables, *.txt what was said. Further
# arguments go to `u2ad run`: gpu-check.star names its parameters. The machine needs NVIDIA's driver and the program
# of scripts/build-cuda.sh, but no compiler.
# Environment: U2AD (default: target/release/u2ad of this folder, else the one on the path); PYTHON (python3: only to
# look for NVIDIA's packages, and for PYTORCH); BENCH, further options of `u2ad bench`; PYTORCH, a PyTorch
# implementation as scripts/bench_vs_pytorch.sh takes it, timed on the same card; DEVICE (cuda; cpu tries this script).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?give the folder for the results: scripts/gpu-check.sh OUT}
shift
device=${DEVICE:-cuda}
python=${PYTHON:-python3}
u2ad=${U2AD:-$here/../target/release/u2ad}
if [ -z "${U2AD:-}" ] && [ ! -x "$u2ad" ]; then
    u2ad=u2ad
fi
if ! u2ad=$(command -v "$u2ad"); then
    echo "there is no u2ad: build it with scripts/build-cuda.sh, or say with U2AD where it is" >&2
    exit 2
fi
if [ -e "$out" ] && [ -n "$(ls -A "$out")" ]; then
    echo "$out is not empty: give a new folder" >&2
    exit 2
fi
mkdir -p "$out"
failed=()

# The libraries that the program was linked with, where they are not on the system's own path.
missing() { ldd "$u2ad" 2>/dev/null | awk '/not found/ { print $1 }' | sort -u; }
sites=$("$python" -c 'import site, sys; print(*{*sys.path, *site.getsitepackages()}, sep="\n")' 2>/dev/null) || sites=
while IFS= read -r site; do
    for folder in ${site:+"$site"/nvidia/*/lib} /usr/local/cuda*/lib64 /usr/local/nvidia/lib* /usr/lib/wsl/lib; do
        for library in $(missing); do
            if [ -e "$folder/$library" ]; then
                export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
            fi
        done
    done
done <<<"$sites"
if lacking=$(missing) && [ -n "$lacking" ]; then
    echo "libraries are missing: ${lacking//$'\n'/, }; libcuda.so.1 comes with NVIDIA's driver, the others with CUDA 13" \
        "or \`$python -m pip install 'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-nvrtc==13.0.*' 'nvidia-cublas==13.0.*'" \
        "'nvidia-curand==10.4.0.*'\`" >&2
    exit 2
fi
card=$(nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader 2>/dev/null | sed -n 1p) ||
    card=
echo "card: ${card:-nvidia-smi names none}"
"$u2ad" doctor | tee "$out/doctor.txt" || failed+=("u2ad doctor")

"$u2ad" run "$here/gpu-check.star" --device cpu --out "$out/run" -p device="$device" "$@" 2>"$out/run.txt" ||
    failed+=("gpu-check.star: $(sed -n 's/^error: //p' "$out/run.txt") (see run.txt)")
differences=$out/run/gpu-check/differences.tsv

timings=$out/timings.jsonl
: >"$timings"
timed() { # program, device, command
    local program=$1 on=$2 line
    shift 2
    if line=$("$@" 2>>"$out/bench.txt" | tail -1) && [[ $line == "{"* ]]; then
        [[ $line == *'"device":'* ]] || line="{\"device\":\"$on\",${line#\{}"
        printf '{"program":"%s",%s\n' "$program" "${line#\{}" | tee -a "$timings"
    else
        failed+=("a timing of $program on $on (see bench.txt)")
    fi
}
if "$u2ad" bench train --help | grep -q -- --device; then
    for what in train image "mc --batch-size 1"; do
        for on in $(printf '%s\n' cpu "$device" | sort -u); do
            # shellcheck disable=SC2086
            timed u2ad "$on" "$u2ad" bench $what --device "$on" --json ${BENCH:-}
        done
    done
else
    failed+=("timings: this u2ad is older than the option --device of \`u2ad bench\`")
fi
if [ -n "${PYTORCH:-}" ]; then
    theirs=("$python" "$here/pytorch-on-device.py" "$device" "$PYTORCH" bench --attention sdpa --runs 3)
    timed PyTorch "$device" "${theirs[@]}" --what train
    timed PyTorch "$device" "${theirs[@]}" --what mc --batch 1
fi

lines() { sed 's/\\/\\\\/g; s/"/\\"/g; s/\t/ /g; s/.*/"&"/' | paste -sd, -; } # lines as strings of JSON
field() { echo "$card" | cut -d, -f"$1" | sed 's/^ *//' | lines; }
{
    printf '{"u2ad":%s,"device":"%s","card":%s,' "$("$u2ad" --version | lines)" "$device" "$(field 1)"
    printf '"driver":%s,"memory":%s,"compute_capability":%s,\n' "$(field 2)" "$(field 3)" "$(field 4)"
    printf '"libraries":[%s],\n"differences":[\n' "$(ldd "$u2ad" 2>/dev/null | awk '/libcu|libnvrtc/ { print $1, $3 }' | lines)"
    if [ -s "$differences" ]; then
        awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next } {
            row = ""
            for (i = 1; i <= NF; i++) {
                value = ($i ~ /^[0-9.]+(e[-+]?[0-9]+)?$/) ? $i : "\"" $i "\""
                row = row ",\"" name[i] "\":" value
            }
            print (NR == 2 ? "{" : ",{") substr(row, 2) "}"
        }' "$differences"
    fi
    printf '],"timings":[\n%s\n],"failed":[%s]}\n' "$(paste -sd, "$timings")" \
        "$(if ((${#failed[@]})); then printf '%s\n' "${failed[@]}" | lines; fi)"
} >"$out/gpu-check.json"
if ((${#failed[@]})); then
    all=$(printf '; %s' "${failed[@]}")
    echo "failed: ${all#; }"
    exit 1
fi
echo "everything is within its tolerance; results in $out"
