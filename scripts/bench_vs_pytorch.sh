#!/usr/bin/env bash
# This program beside the same network in PyTorch, in turn and in several rounds: prints a table of
# the ratios with their spread, and of peak memory.
#
#   scripts/bench_vs_pytorch.sh [YARDSTICK]
#
# YARDSTICK is the PyTorch implementation, a script that knows `bench --what train|mc --attention
# eager|sdpa` and prints one line of JSON; default: $YARDSTICK or ../shared/reference/u2ad_torch.py.
# Environment: PYTHON (an interpreter with torch and numpy; default python3), ROUNDS (3), EAGER (1:
# one round of the eager form as well; 0: none, it takes minutes), THREADS (all cores).
# Close other programs first: only an idle machine gives numbers worth keeping.
set -euo pipefail
cd "$(dirname "$0")/.."

yardstick=${1:-${YARDSTICK:-../shared/reference/u2ad_torch.py}}
python=${PYTHON:-python3}
rounds=${ROUNDS:-3}
eager=${EAGER:-1}
threads=${THREADS:-$(getconf _NPROCESSORS_ONLN)}

if [ ! -f "$yardstick" ]; then
    echo "there is no yardstick at $yardstick: give the path of the PyTorch implementation" >&2
    exit 2
fi
if ! CUDA_VISIBLE_DEVICES= "$python" -c 'import torch, numpy' 2>/dev/null; then
    echo "$python has no torch and numpy: set PYTHON to an interpreter that has them" >&2
    exit 2
fi
if [ -n "${U2AD:-}" ]; then
    u2ad=$U2AD
else
    cargo build --release --locked --quiet
    u2ad=${CARGO_TARGET_DIR:-target}/release/u2ad
fi
export CUDA_VISIBLE_DEVICES= # the comparison is about CPUs
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

note() { # label, threads, side, JSON line
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" >>"$lines"
    echo "  $1, $2 threads, $3" >&2
}
ours() { # label, threads, arguments
    local label=$1 threads=$2
    shift 2
    note "$label" "$threads" ours "$("$u2ad" bench "$@" --threads "$threads" --json)"
}
theirs() { # label, threads, attention, arguments
    local label=$1 threads=$2 attention=$3
    shift 3
    note "$label" "$threads" "$attention" \
        "$("$python" "$yardstick" bench "$@" --attention "$attention" --threads "$threads")"
}
their_image() { # threads
    note image "$1" sdpa "$("$python" - "$yardstick" "$1" <<'PYTHON'
import importlib.util, json, resource, sys, time
import torch

spec = importlib.util.spec_from_file_location("yardstick", sys.argv[1])
y = importlib.util.module_from_spec(spec)
sys.modules["yardstick"] = y
spec.loader.exec_module(y)
torch.set_num_threads(int(sys.argv[2]))
torch.manual_seed(0)
cfg = y.Config()
model = y.U2ad(cfg, fused=True).eval()
images, roi = y.toy_batch(cfg, 1)
roi_p = y.patchify(roi, cfg.patch).sum(2)
order = y.order_from_scores(torch.rand(roi_p.shape), roi_p)
keep = y.keep_count(roi_p, 0.75)
times = []
with torch.no_grad():
    for _ in range(8):
        start = time.perf_counter()
        model.decode(model.encode(images, order, keep), order)
        times.append(time.perf_counter() - start)
times = sorted(times[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"what": "image", "median_s": times[len(times) // 2], "peak_rss_mb": peak}))
PYTHON
)"
}

for round in $(seq "$rounds"); do
    echo "round $round of $rounds" >&2
    ours train "$threads" train --runs 2
    theirs train "$threads" sdpa --what train --runs 1
    ours image "$threads" image --runs 7
    their_image "$threads"
    ours mc "$threads" mc --batch-size 1 --runs 2
    theirs mc "$threads" sdpa --what mc --batch 1 --runs 1
    if [ "$threads" -gt 1 ]; then
        ours train 1 train --runs 1
        if [ "$round" -eq 1 ]; then
            theirs train 1 sdpa --what train --runs 1
        fi
    fi
done
if [ "$eager" -ne 0 ]; then
    echo "eager form" >&2
    ours train "$threads" train --runs 2
    theirs train "$threads" eager --what train --runs 1
    ours mc "$threads" mc --batch-size 1 --runs 2
    theirs mc "$threads" eager --what mc --batch 1 --runs 1
fi

"$python" - "$lines" "$threads" <<'PYTHON'
import json, sys
from statistics import median

runs = []
for line in open(sys.argv[1]):
    what, threads, side, values = line.rstrip("\n").split("\t")
    runs.append((what, int(threads), side, json.loads(values)))
most = int(sys.argv[2])


def spread(values, form):
    low, middle, high = (form % x for x in (min(values), median(values), max(values)))
    return f"{low} / {middle} / {high}"


def seconds(pairs, side):
    return spread([pair[side]["median_s"] for pair in pairs], "%.3f")


print("min / median / max over the rounds; a ratio is of the two runs beside each other\n")
print("| | threads | ours, s | PyTorch, s | ratio | peak memory, MB: ours, PyTorch |")
print("|---|---|---|---|---|---|")
names = {"train": "train step, batch 10", "image": "one image, one pass", "mc": "map of a slice, K = 10"}
for what in names:
    for side in ("sdpa", "eager"):
        for threads in sorted({most, 1}, reverse=True):
            pairs, last = [], None
            for w, t, s, values in runs:
                if (w, t) != (what, threads):
                    continue
                if s == "ours":
                    last = values
                elif s == side and last:
                    pairs.append((last, values))
            if not pairs:
                continue
            ratios = [b["median_s"] / a["median_s"] for a, b in pairs]
            memory = [max(pair[i]["peak_rss_mb"] or 0 for pair in pairs) for i in (0, 1)]
            print(
                f"| {names[what]}, {side} | {threads} | {seconds(pairs, 0)} | {seconds(pairs, 1)} "
                f"| {spread(ratios, '%.2f')} | {memory[0]:.0f}, {memory[1]:.0f} |"
            )
ours = {
    n: [v["median_s"] for w, t, s, v in runs if (w, t, s) == ("train", n, "ours")]
    for n in (1, most)
}
if most > 1 and ours[1]:
    pairs = zip(ours[1], ours[most])
    print(f"\n1 → {most} threads, train step: {spread([a / b for a, b in pairs], '%.2f')} ×")
PYTHON
