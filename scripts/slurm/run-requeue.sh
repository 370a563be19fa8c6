#!/usr/bin/env bash
# Runs a script of u2ad on a Slurm cluster, as often as its time limit makes necessary.
#
#   sbatch --time=4:00:00 --cpus-per-task=16 scripts/slurm/run-requeue.sh study.star RUNS [options of u2ad run]
#
# The run folder is RUNS/NAME, after the script. Two minutes before the time limit Slurm sends SIGUSR1: the
# training stops at its next batch, leaves a checkpoint, and u2ad ends with exit code 143. The job then requeues
# itself and goes on with `u2ad run --resume`; it ends with the same bits as a run that was never stopped. After a
# node failure or a preemption Slurm requeues it by itself.
#SBATCH --job-name=u2ad-run
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
set -euo pipefail

script=$1 runs=$2
shift 2
name=$(basename "$script" .star)
folder=$runs/$name
export RAYON_NUM_THREADS=${RAYON_NUM_THREADS-${SLURM_CPUS_PER_TASK-1}}
if grep -q '"status": "completed"' "$folder/run.json" 2>/dev/null; then
    echo "$folder ended well before"
    exit 0
elif [ -e "$folder/run.json" ]; then
    "${U2AD-u2ad}" run --resume "$folder" &
else
    "${U2AD-u2ad}" run "$script" --out "$runs" --name "$name" "$@" &
fi
child=$!
# Bash hands no signal on by itself. `wait` ends when one comes, and then waits again for the program's own end.
trap 'caught=1; kill -USR1 "$child" 2>/dev/null || true' USR1 TERM
while :; do
    caught='' code=0
    wait "$child" || code=$?
    [ -n "$caught" ] || break
done
if [ "$code" -eq 143 ]; then
    echo "stopped by a signal; requeued to go on with $folder"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
