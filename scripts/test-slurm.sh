#!/usr/bin/env bash
# Tests slurm.sbatch with a real Slurm: one controller and two nodes, each node in a network
# namespace of its own, submitted, waited for and compared. Needs root; takes about two minutes.
# Everything that Slurm keeps is in a folder in TMPDIR; nothing is left behind.
#
# The last line is `N passed, N failed`; exit code 1 when one failed, 77 when it cannot run here.
# KEEP=1 keeps the folder with all output.
set -uo pipefail
# shellcheck source=scripts/test-support.sh
. "$(dirname "${BASH_SOURCE[0]}")/test-support.sh"

readonly SCENARIO="$PACKAGE/drills/default.yaml"
readonly HOME_THERE=${FAULTPLANE_HOME:-$PACKAGE}
# Seconds a job may take, and that Slurm may take to be up.
readonly JOB_MAX=180 UP_MAX=60

# Starts munge and Slurm with everything they keep in the scratch folder.
start_slurm() {
  local name
  mkdir -p "$scratch"/{munge,spool,n1,n2,jobs}
  # munged refuses folders that others may change, and all above them but /tmp.
  chmod 711 "$scratch" "$scratch/munge"
  dd if=/dev/urandom of="$scratch/munge/key" bs=1024 count=1 2>/dev/null
  chmod 600 "$scratch/munge/key"
  inside bridge munged --key-file="$scratch/munge/key" --socket="$scratch/munge/socket" \
    --pid-file="$scratch/munge/pid" --seed-file="$scratch/munge/seed" \
    --log-file="$scratch/munge/log" || return 1
  cat >"$scratch/slurm.conf" <<CONFIG
ClusterName=faultplane-test
SlurmctldHost=localhost($NETWORK.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$scratch/munge/socket
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
KillWait=30
MailProg=/bin/true
StateSaveLocation=$scratch/spool
SlurmdSpoolDir=$scratch/%n
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/%n.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/%n.log
NodeName=n1 NodeAddr=$(address h1) NodeHostname=localhost CPUs=2
NodeName=n2 NodeAddr=$(address h2) NodeHostname=localhost CPUs=2
PartitionName=all Nodes=ALL Default=YES MaxTime=60 State=UP
CONFIG
  printf 'CgroupPlugin=cgroup/v1\n' >"$scratch/cgroup.conf"
  export SLURM_CONF="$scratch/slurm.conf"
  inside bridge slurmctld -c -i || return 1
  for name in n1 n2; do inside "h${name#n}" slurmd -N "$name" || return 1; done
  wait_for "$UP_MAX" nodes_are_idle
}

nodes_are_idle() { [ "$(slurm sinfo -h -o %D -t idle)" = 2 ]; }

# A client of Slurm, where the controller is.
slurm() { inside bridge "$@"; }

# submit NAME [options of up]: submits the job; `job` is its number.
submit() {
  local name=$1
  shift
  mkdir -p "$scratch/jobs/$name"
  job=$(FAULTPLANE_HOME="$HOME_THERE" FAULTPLANE_NODE="$NODE" slurm sbatch --parsable \
    --chdir "$scratch/jobs/$name" "$PACKAGE/scripts/slurm.sbatch" "$SCENARIO" \
    --join-timeout 60 "$@" 2>"$scratch/jobs/$name/sbatch")
  [ -n "$job" ]
}

# A word of what the controller knows of the job.
of_job() { slurm scontrol show job "$job" -o | grep -o "\b$1=[^ ]*" | cut -d= -f2; }

has_ended() {
  case "$(of_job JobState)" in PENDING | RUNNING | COMPLETING | CONFIGURING) return 1 ;; esac
}

run_folder() { printf '%s' "$folder/faultplane-$job"; }

# A state and an exit code of the job: is_job COMPLETED 0
is_job() { [ "$(of_job JobState)" = "$1" ] && [ "$(of_job ExitCode)" = "$2:0" ]; }

# The digest in one process, and a replay that is equal.
has_single_digest() { [ "$(field "$(run_folder)/report.json" digest)" = "$single" ]; }
replays() {
  "$NODE" "$COMMAND" replay --json --quiet "$(run_folder)" 2>&1 | grep -q '"equal":true'
}

# Whether the run has a verdict, and the job its exit code.
has_verdict() {
  case "$(field "$(run_folder)/report.json" verdict) $(of_job ExitCode)" in
    "PASS 0:0" | "FAIL 1:0" | "INVALID 3:0") return 0 ;;
  esac
  return 1
}

has_workers_on_both() {
  [ -n "$(pids_with h1 worker-main.js)" ] && [ -n "$(pids_with h2 worker-main.js)" ]
}

# Whether a secret is in none of the files that Slurm and the job keep, where tokens would be found:
# every 64 hexadecimal digits in the environment of a task.
token_is_hidden() {
  local pid token=""
  for pid in $(pids_with h1 faultplane.js); do
    token=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^FAULTPLANE_TOKEN=//p')
    [ -z "$token" ] || break
  done
  [ -n "$token" ] && ! grep -rqs "$token" "$scratch" &&
    ! grep -qsz "$token" /proc/[0-9]*/cmdline
}

is_settled() {
  [ -z "$(pids_with h1 "$HOME_THERE/dist")$(pids_with h2 "$HOME_THERE/dist")" ]
}

# Whether the run has closed some epochs.
has_begun() {
  local count
  count=$(grep -sc '"record":"epoch"' "$(run_folder)/journal.ndjson")
  [ "${count:-0}" -ge 5 ]
}

# Submits, looks in the middle, and compares.
test_digest() {
  local name=$1
  shift
  folder="$scratch/jobs/$name"
  check "$name: submitted" "$*" submit "$name" "$@"
  check "$name: workers on both nodes" "" wait_for 60 has_workers_on_both
  check "$name: token in no argument and no file" "" token_is_hidden
  check "$name: ends" "" wait_for "$JOB_MAX" has_ended
  check "$name: exit code of rank 0" "$(of_job JobState) $(of_job ExitCode)" is_job COMPLETED 0
  check "$name: digest as in one process" "$single" has_single_digest
  check "$name: replay equal" "$(field "$(run_folder)/report.json" verdict)" replays
  check "$name: nothing is left on the nodes" "" wait_for 30 is_settled
}

test_cancelled() {
  folder="$scratch/jobs/cancelled"
  submit cancelled --speed 0.02 --insecure
  wait_for 60 has_begun
  slurm scancel "$job"
  check "cancelled: ends" "" wait_for 60 has_ended
  check "cancelled: the report was written" "$(field "$(run_folder)/report.json" end)" \
    [ "$(field "$(run_folder)/report.json" end)" = interrupted ]
  check "cancelled: replay equal" "" replays
  check "cancelled: nothing is left on the nodes" "" wait_for 30 is_settled
}

test_lost_node() {
  local pid
  folder="$scratch/jobs/lost"
  submit lost --speed 0.02 --insecure
  wait_for 60 has_begun
  for pid in $(pids_with h2 "$HOME_THERE/dist"); do kill -KILL "$pid" 2>/dev/null; done
  check "lost: ends" "" wait_for "$JOB_MAX" has_ended
  check "lost: ends with a verdict, and its exit code" \
    "$(field "$(run_folder)/report.json" verdict) $(of_job ExitCode)" has_verdict
  check "lost: replay equal" "" replays
  check "lost: nothing is left on the nodes" "" wait_for 30 is_settled
}

main() {
  begin
  need_commands munged=munge slurmctld=slurm-wlm slurmd=slurm-wlm sbatch=slurm-wlm
  make_hosts 2
  start_slurm ||
    not_run "Slurm does not come up: $(tail -q -n 3 "$scratch"/*.log "$scratch/munge/log")"
  "$NODE" "$COMMAND" run "$SCENARIO" --placement single --quiet --json --out "$scratch/single" \
    >"$scratch/single.out" 2>"$scratch/single.err"
  single=$(field "$scratch/single/report.json" digest)
  say "digest in one process: $single"
  FAULTPLANE_TOKEN=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n') "$NODE" "$COMMAND" \
    certificates "$scratch/tls" >"$scratch/tls.out" 2>&1
  test_digest tls --tls "$scratch/tls"
  test_digest plain --insecure
  test_cancelled
  test_lost_node
  summary
}

main "$@"
