#!/usr/bin/env bash
# A Slurm cluster of one node, started and stopped by this script, and what scripts/slurm does on it:
#
# - an array screens a small BIDS tree, and the group is gathered after it;
# - the same array again leaves everything as it is;
# - a job whose time limit is shorter than its training is signalled, leaves a checkpoint, is requeued, goes on,
#   and ends with the same model, bit for bit, as a run that was never stopped.
#
#   apt-get install slurm-wlm munge
#   cargo build --release && scripts/test-cluster.sh        about ten minutes, as root
#
# It listens on ports of its own and keeps everything in a temporary folder; an installed cluster is not touched.
set -euo pipefail
cd "$(dirname "$0")/.."
export U2AD=${U2AD-$PWD/target/release/u2ad}
scripts=$PWD/scripts/slurm
[ -x "$U2AD" ] || { echo "build first: cargo build --release" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || { echo "run it as root: the daemons start jobs" >&2; exit 1; }
for program in munged slurmctld slurmd sbatch; do
    command -v "$program" >/dev/null || { echo "$program is missing: apt-get install slurm-wlm munge" >&2; exit 1; }
done

place=$(mktemp -d)
daemons=()
finish() {
    code=$?
    if [ "$code" -ne 0 ]; then
        tail -n 20 "$place"/log/* "$place"/out/.u2ad/slurm/*.log "$place"/runs-*.log 2>/dev/null || true
    fi
    scancel --user=root 2>/dev/null || true
    for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do kill "${daemons[i]}" 2>/dev/null || true; done
    sleep 1
    rm -rf "$place"
    exit "$code"
}
trap finish EXIT
mkdir -p "$place"/{log,state,spool,munge}
chmod 711 "$place/munge"
chmod 755 "$place"

# The node says that it has two processors, so that jobs of this test run side by side.
dd if=/dev/urandom of="$place/munge/key" bs=1 count=1024 2>/dev/null
chmod 400 "$place/munge/key"
munged --foreground --force --key-file "$place/munge/key" --socket "$place/munge/socket" \
    --pid-file "$place/munge/pid" --log-file "$place/log/munged" --seed-file "$place/munge/seed" \
    >"$place/log/munged.out" 2>&1 &
daemons+=($!)
node=$(hostname -s)
cat >"$place/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket=$place/munge/socket
SlurmUser=root
SlurmdUser=root
SlurmctldPort=26817
SlurmdPort=26818
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool
SlurmctldPidFile=$place/slurmctld.pid
SlurmdPidFile=$place/slurmd.pid
SlurmctldLogFile=$place/log/slurmctld
SlurmdLogFile=$place/log/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=5
KillWait=30
JobRequeue=1
NodeName=$node NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=test Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$place/slurm.conf
for _ in $(seq 50); do [ -S "$place/munge/socket" ] && break; sleep 0.1; done
slurmctld -D -f "$SLURM_CONF" >"$place/log/slurmctld.out" 2>&1 &
daemons+=($!)
slurmd -D -f "$SLURM_CONF" >"$place/log/slurmd.out" 2>&1 &
daemons+=($!)
for _ in $(seq 100); do
    [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ] && break
    sleep 0.2
done
sinfo

# Waits until a job has left the queue, at most so many seconds.
ended() {
    for _ in $(seq "$2"); do
        [ -n "$(squeue --noheader --jobs "$1" 2>/dev/null)" ] || return 0
        # Slurm lets a requeued job wait for two minutes. The node must have forgotten its first start: a job that
        # begins before that is not launched.
        if squeue --noheader --jobs "$1" --format=%r 2>/dev/null | grep -q BeginTime; then
            sleep 10
            scontrol update "JobId=$1" StartTime=now
        fi
        sleep 1
    done
    echo "job $1 did not end within $2 seconds" >&2
    squeue >&2
    return 1
}

echo "# an array of participants, then the group"
cat >"$place/tree.star" <<'STAR'
people = phantom_cohort(subjects = 3, pixel_spacing_mm = 1.4, size = 64, fov_mm = 128)
for person in people:
    folder = "bids/" + person.name + "/anat/" + person.name
    save(person.middle.image, folder + "_T2w.nii.gz")
    save(person.middle.cord, folder + "_label-SC_seg.nii.gz")
STAR
(
    cd "$place"
    for name in $("$U2AD" run --out made <(echo 'print(" ".join(phantom_cohort(subjects = 3).names))') 2>/dev/null); do
        mkdir -p "bids/$name/anat"
    done
    "$U2AD" run --out made tree.star >/dev/null 2>&1
)
screened() {
    "$scripts/screen-array.sh" "$place/bids" "$place/out" | tee "$place/jobs"
    ended "$(sed 's/.* and \([0-9]*\) (group).*/\1/' "$place/jobs")" 120
}
screened
[ "$(find "$place/out" -maxdepth 1 -name "sub-*.html" | wc -l)" -eq 3 ]
[ "$(wc -l <"$place/out/group_findings.tsv")" -eq 4 ]
cat "$place/out/group_findings.tsv"
before=$(cd "$place/out" && find . -name '*.nii.gz' -printf '%p %T@\n' | sort)
screened
[ "$before" = "$(cd "$place/out" && find . -name '*.nii.gz' -printf '%p %T@\n' | sort)" ]
grep -h 'finished before' "$place"/out/.u2ad/slurm/*.log

echo "# a training that is longer than its time limit"
cat >"$place/study.star" <<'STAR'
people = phantom_cohort(subjects = 2, pixel_spacing_mm = 2, size = 64, fov_mm = 128)
model = u2ad(image = 64, depth = 2, decoder_depth = 2)
pretrain(model, people, epochs = parameter("epochs", 10))
save_model(model, output_dir() + "/model.safetensors")
STAR
cd "$place"
# Slurm sends the signal 30 to 90 seconds before the limit of 120. The training takes about 300 by itself.
start=$(date +%s%N)
"$U2AD" run study.star --out timed -p epochs=100 >/dev/null 2>&1
epochs=$((100 * 300000000000 / ($(date +%s%N) - start)))
echo "$epochs epochs"
job=$(sbatch --parsable --time=2 --signal=B:USR1@30 --chdir="$place" --output="$place/runs-study.log" \
    "$scripts/run-requeue.sh" study.star runs -p "epochs=$epochs")
ended "$job" 1200
cat "$place/runs-study.log"
grep -q '"status": "completed"' runs/study/run.json
grep -q '"resumptions"' runs/study/run.json
"$U2AD" run study.star --out whole -p "epochs=$epochs" >/dev/null 2>&1
cmp runs/study/model.safetensors whole/study/model.safetensors
echo "all passed"
