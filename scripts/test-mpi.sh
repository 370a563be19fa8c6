#!/usr/bin/env bash
# Builds u2ad with MPI and runs a study on 1, 2, 3 and 4 ranks: the results must be the same bits. Then a rank is
# killed, the job is interrupted and goes on alone, and a build without MPI refuses a job of several processes.
#
# Needs an MPI with its compiler wrapper, and libclang (Debian: apt-get install libopenmpi-dev openmpi-bin
# libclang-dev). Takes some minutes and is not part of the test command.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v mpirun mpicc >/dev/null || { echo "skipped: there is no MPI (mpirun, mpicc)"; exit 0; }

cargo build --release
without_mpi=$PWD/target/u2ad-without-mpi
cp target/release/u2ad "$without_mpi"
cargo build --release --features mpi
cp target/release/u2ad target/u2ad-mpi
program=$PWD/target/u2ad-mpi
study=$PWD/tests/mpi/study.star
work=$(mktemp -d)
mpi=
# What a failure left running ends, too.
finish() {
    if [ -n "$mpi" ]; then kill "$mpi" 2>/dev/null || true; wait "$mpi" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
job() { local ranks=$1; shift; mpirun --oversubscribe -n "$ranks" "$@"; }
# Waits until the adaptation of a run has left a checkpoint.
checkpointed() {
    for _ in $(seq 1200); do
        compgen -G "$1/study/.checkpoints/training-0002-*.checkpoint" >/dev/null && return
        sleep 0.5
    done
    fail "$1 left no checkpoint"
}
fail() { echo "failed: $*" >&2; exit 1; }

for ranks in 1 2 3 4; do
    job "$ranks" "$program" run "$study" --out "on-$ranks" >"on-$ranks.log" 2>&1 || fail "$(cat "on-$ranks.log")"
    (cd "on-$ranks/study" && sha256sum model.safetensors ./*.tsv) >"on-$ranks.sums"
    cmp on-1.sums "on-$ranks.sums" || fail "$ranks ranks give other results than one"
done
echo "ok: 1, 2, 3 and 4 ranks give the same model and tables"

"$program" verify on-3/study >verify.log 2>&1 || fail "$(cat verify.log)"
echo "ok: one process verifies the run of three ranks"

# A rank that is killed ends the job.
mpirun --oversubscribe -n 2 "$program" run "$study" -p epochs=2000 --out killed --checkpoint-every 1 >killed.log 2>&1 &
mpi=$!
checkpointed killed
pkill -KILL --newest --full "$program run .*--out killed" || fail "there is no rank to kill"
if wait "$mpi"; then fail "the job survived the loss of a rank"; fi
if pgrep --full "$program run .*--out killed" >/dev/null; then fail "a rank is left"; fi
echo "ok: the loss of a rank ends the job"

# A job that is asked to end leaves its checkpoints, and one process goes on.
mpirun --oversubscribe -n 2 "$program" run "$study" -p epochs=40 --out stopped --checkpoint-every 1 >stopped.log 2>&1 &
mpi=$!
checkpointed stopped
kill -TERM "$mpi"
if wait "$mpi"; then fail "a job that was asked to end ended well"; fi
"$program" run --resume stopped/study >resumed.log 2>&1 || fail "$(cat resumed.log)"
job 3 "$program" run "$study" -p epochs=40 --out whole >whole.log 2>&1 || fail "$(cat whole.log)"
cmp stopped/study/model.safetensors whole/study/model.safetensors || fail "the resumed run has other weights"
echo "ok: a job that was asked to end goes on in one process with the same bits"

if job 2 "$without_mpi" run "$study" --out refused >refused.log 2>&1; then
    fail "a build without MPI ran two processes"
fi
grep -q "has no MPI" refused.log || fail "$(cat refused.log)"
echo "ok: a build without MPI refuses"
