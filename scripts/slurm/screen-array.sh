#!/usr/bin/env bash
# Screens a BIDS tree on a Slurm cluster: an array with one job per participant, then one job for the group.
#
#   scripts/slurm/screen-array.sh BIDS_DIR OUTPUT_DIR [options of u2ad bids, such as --model FILE]
#
#   SBATCH_OPTIONS   further options for sbatch, such as "--partition=cpu --account=lab"
#   U2AD             the program, if it is not on the path
#   AT_ONCE          jobs of the array that may run at once (50)
#
# Both folders must be reachable under the same path on all nodes. Participants that are finished are left out by
# the program itself, so the same command goes on after a failure. A job that is stopped by its time limit ends
# with exit code 143 and is requeued; what it had not finished begins anew.
set -euo pipefail

if [ -z "${SLURM_ARRAY_TASK_ID-}" ]; then
    # On the login node.
    if [ $# -lt 2 ]; then
        sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
        exit 2
    fi
    bids=$(cd "$1" && pwd)
    mkdir -p "$2"
    output=$(cd "$2" && pwd)
    shift 2
    mapfile -t participants < <(cd "$bids" && find . -maxdepth 1 -type d -name 'sub-*' -printf '%P\n' | sort)
    [ ${#participants[@]} -gt 0 ] || { echo "$bids has no folders sub-…" >&2; exit 1; }
    mkdir -p "$output/.u2ad/slurm"
    printf '%s\n' "${participants[@]}" >"$output/.u2ad/slurm/participants"
    export U2AD=${U2AD-u2ad}
    read -ra options <<<"${SBATCH_OPTIONS-}"
    array=$(sbatch --parsable "${options[@]}" \
        --array="1-${#participants[@]}%${AT_ONCE-50}" --job-name=u2ad --requeue --open-mode=append \
        --output="$output/.u2ad/slurm/%A_%a.log" --signal=B:USR1@60 \
        "$0" "$bids" "$output" "$@")
    group=$(sbatch --parsable "${options[@]}" --job-name=u2ad-group --dependency="afterany:${array%%;*}" \
        --output="$output/.u2ad/slurm/group.log" \
        --wrap="$(printf '%q ' "$U2AD" bids "$bids" "$output" group)")
    echo "jobs $array (${#participants[@]} participants) and $group (group); their logs are in $output/.u2ad/slurm"
    exit
fi

# On a node: one participant.
bids=$1 output=$2
shift 2
participant=$(sed -n "${SLURM_ARRAY_TASK_ID}p" "$output/.u2ad/slurm/participants")
work=${TMPDIR-/tmp}
"$U2AD" bids "$bids" "$output" participant --participant-label "$participant" \
    --n-cpus "${SLURM_CPUS_PER_TASK-1}" --work-dir "$work" "$@" &
child=$!
# Bash hands no signal on by itself. `wait` ends when one comes, and then waits again for the program's own end.
trap 'caught=1; kill -USR1 "$child" 2>/dev/null || true' USR1 TERM
while :; do
    caught='' code=0
    wait "$child" || code=$?
    [ -n "$caught" ] || break
done
if [ "$code" -eq 143 ]; then
    echo "stopped by a signal; requeued"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
