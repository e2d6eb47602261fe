#!/usr/bin/env bash
# Tests launch-ssh.sh and runs on several hosts with real parts: three network namespaces, a real
# sshd in each, real processes, and real trouble in the middle of a run. Needs root; takes some
# minutes. Changes nothing outside of its namespaces and a folder in TMPDIR, and leaves neither
# behind.
#
# The last line is `N passed, N failed`; exit code 1 when one failed, 77 when it cannot run here.
# KEEP=1 keeps the folder with all output.
set -uo pipefail
# shellcheck source=scripts/test-support.sh
. "$(dirname "${BASH_SOURCE[0]}")/test-support.sh"

readonly SCENARIO="$PACKAGE/drills/default.yaml"
# Virtual seconds a wall second: the 550 ms of the scenario take half a minute, so that there is a
# middle to be hit.
readonly SPEED=0.02
# Seconds a launch may take, and that all of it may take to be gone.
readonly LAUNCH_MAX=150 GONE_MAX=60

# Which package the hosts run; for trying these tests with another one.
readonly HOME_THERE=${FAULTPLANE_HOME:-$PACKAGE}

# launch NAME [options of up]: starts launch-ssh.sh in the namespace of the bridge; its process is
# `launcher`.
launch() { launch_with "$1" "$scratch/hostfile" "$HOME_THERE" "${@:2}"; }

# launch_with NAME HOSTFILE HOME [options of up]
launch_with() {
  local name=$1 hostfile=$2 there=$3
  shift 3
  rm -rf "$scratch"/h1/state/faultplane
  export FAULTPLANE_SSH_CONFIG="$scratch/ssh_config" FAULTPLANE_TOKEN="$token"
  # Without job control it could not be interrupted: bash has such children ignore SIGINT.
  set -m
  XDG_STATE_HOME="$scratch/here" TMPDIR="$scratch" ip netns exec "$(namespace bridge)" \
    bash "$PACKAGE/scripts/launch-ssh.sh" --home "$there" --node "$NODE" \
    --logs "$scratch/logs/$name" "$hostfile" "$SCENARIO" --out "$scratch/runs/$name" \
    --join-timeout 60 "$@" >"$scratch/$name.out" 2>"$scratch/$name.err" </dev/null &
  launcher=$!
  set +m
  unset FAULTPLANE_TOKEN
}

# The journal of the run that is up, as the first host writes it.
journal() { cat "$scratch"/h1/state/faultplane/runs/launch-*/journal.ndjson 2>/dev/null; }

# Whether at least a number of epochs are closed.
has_closed() { [ "$(journal | grep -c '"record":"epoch"')" -ge "$1" ]; }

# Waits for the middle of the run: all ranks exchange tokens, and the NIC is about to die.
middle() { wait_for 90 has_closed 5; }

has_ended() { ! kill -0 "$launcher" 2>/dev/null; }

# Waits until the launcher has ended; `code` is its exit code.
finish() {
  if ! wait_for "$LAUNCH_MAX" has_ended; then
    say "the launcher has not ended in $LAUNCH_MAX s"
    kill -KILL "$launcher"
  fi
  wait "$launcher" 2>/dev/null
  code=$?
}

# Whether the run of a name ended with a verdict, and the launcher with its exit code.
has_verdict() {
  case "$(field "$scratch/runs/$1/report.json" verdict) $code" in
    "PASS 0" | "FAIL 1" | "INVALID 3") return 0 ;;
  esac
  tail -n 5 "$scratch/$1.err" >&2
  return 1
}

# Whether a replay of the run folder says that all is equal, and the digest of its report.
replays() {
  local digest said
  digest=$(field "$scratch/runs/$1/report.json" digest)
  said=$("$NODE" "$COMMAND" replay --json --quiet "$scratch/runs/$1" 2>&1)
  case "$said" in
    # Of a run that was cut short the replay has the digest of the last epoch only.
    *'"equal":true,"whole":false'*) return 0 ;;
    *'"equal":true'*"\"digest\":\"$digest\""*) return 0 ;;
  esac
  say "replay of $1: $said; report: $digest"
  return 1
}

has_single_digest() { [ "$(field "$scratch/runs/$1/report.json" digest)" = "$single" ]; }

all_gone() { wait_for "$GONE_MAX" is_quiet h1 h2 h3; }

# Whether no process of the command is left on a host.
has_no_part() { [ -z "$(pids_with "$1" "$HOME_THERE/dist")" ]; }

# What every launch has to end with, however it went.
check_end() {
  local name=$1 report="$scratch/runs/$1/report.json"
  check "$name: ends with a verdict" \
    "$(field "$report" verdict), exit code $code, $(field "$report" end)" has_verdict "$name"
  check "$name: replay equal" "digest $(field "$report" digest)" replays "$name"
  check "$name: nothing is left on the hosts" "$(pids_of h1 | wc -l) processes on h1" all_gone
}

# names_lost_actors NAME: whether the journal says which actors were lost.
names_lost_actors() { grep -q '"actors-lost"' "$scratch/runs/$1/journal.ndjson"; }

# check_policy POLICY NAME: a loss that is made good leaves no trace, one that is a fault does.
check_policy() {
  if [ "$1" = recover ]; then
    check "$2: digest as in one process" "$single" has_single_digest "$2"
  else
    check "$2: the journal names the lost actors" "" names_lost_actors "$2"
  fi
}

# A worker process in the namespace of a host, the first of them.
worker_of() { pids_with "$1" worker-main.js | head -n 1; }

# Whether each host has workers.
every_host_works() {
  local host
  for host in h1 h2 h3; do [ -n "$(worker_of "$host")" ] || return 1; done
}

# Whether the token stands in no argument of a process here or there, and in no file.
token_is_hidden() {
  local host pid
  for host in h1 h2 h3 bridge; do
    for pid in $(pids_of "$host"); do
      ! tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "$token" || return 1
    done
  done
  ! grep -rqs "$token" "$scratch"
}

test_plain() {
  local secure=$1 name=$2
  shift 2
  launch "$name" "$@"
  check "$name: workers on every host" "" wait_for 60 every_host_works
  check "$name: token in no argument and no file" "" token_is_hidden
  finish
  check_end "$name"
  check "$name: digest as in one process ($secure)" "$single" has_single_digest "$name"
}

# test_cut POLICY
test_cut() {
  local name=cut-$1
  launch "$name" --speed "$SPEED" --insecure --on-worker-loss "$1"
  middle
  ip -n "$(namespace h3)" link set eth0 down
  finish
  check "$name: the host ends its part by itself" "" wait_for "$GONE_MAX" has_no_part h3
  # Its sshd hears of the end of the connection only now.
  ip -n "$(namespace h3)" link set eth0 up
  check_end "$name"
  check_policy "$1" "$name"
}

# test_killed_worker POLICY: what a lost process means to the run.
test_killed_worker() {
  local name=killed-$1 victim
  launch "$name" --speed "$SPEED" --insecure --on-worker-loss "$1"
  middle
  victim=$(worker_of h2)
  check "$name: there is a worker to kill" "process $victim" kill -KILL "$victim"
  finish
  check_end "$name"
  check_policy "$1" "$name"
}

test_stopped_worker() {
  local victim
  launch stopped --speed "$SPEED" --insecure
  middle
  victim=$(worker_of h2)
  check "stopped: there is a worker to stop" "process $victim" kill -STOP "$victim"
  sleep 1
  kill -CONT "$victim"
  finish
  check_end stopped
  check "stopped: digest as in one process" "$single" has_single_digest stopped
}

# The ssh to a host, in the namespace of the launcher: a process with the host as an argument.
ssh_to() {
  local pid
  for pid in $(pids_of bridge); do
    [ "$(cat "/proc/$pid/comm")" != ssh ] ||
      ! tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qx "$1" || printf '%s\n' "$pid"
  done
}

test_killed_ssh() {
  launch ssh-killed --speed "$SPEED" --insecure
  middle
  kill -KILL "$(ssh_to h3)"
  check "ssh-killed: its host ends its part" "" wait_for 20 is_quiet h3
  finish
  check_end ssh-killed
  check_policy recover ssh-killed
}

test_killed_launcher() {
  launch launcher-killed --speed "$SPEED" --insecure
  middle
  kill -KILL "$launcher"
  check "launcher-killed: every host ends its part" "" wait_for 30 is_quiet h1 h2 h3
  wait "$launcher" 2>/dev/null
}

test_signal() {
  local signal=$1 expected=$2
  launch "sig-$signal" --speed "$SPEED" --insecure
  middle
  kill -s "$signal" "$launcher"
  finish
  check "sig-$signal: exit code" "$code" [ "$code" = "$expected" ]
  check "sig-$signal: the run folder is here, and replays" "" replays "sig-$signal"
  check "sig-$signal: nothing is left on the hosts" "" all_gone
}

# is_refused NAME CODE WORDS: whether a launch ended with a code and a message, and started nothing.
is_refused() {
  [ "$code" = "$2" ] && grep -q -- "$3" "$scratch/$1.err" && is_quiet h1 h2 h3 &&
    [ ! -e "$scratch/runs/$1" ]
}

# refused NAME CODE WORDS: waits for the launch and checks it.
refused() {
  finish
  check "$1" "$(tail -n 1 "$scratch/$1.err" | cut -c1-80)" is_refused "$@"
}

test_refusals() {
  launch no-security
  refused no-security 2 "links between hosts need certificates"
  launch_with not-installed "$scratch/hostfile" "$scratch/nothing" --insecure
  refused not-installed 69 "h3: '.*' has no built faultplane"
  launch_with other-build "$scratch/hostfile" "$scratch/package" --insecure
  refused other-build 69 "h2: has faultplane .*; h1 has"
  printf 'h1\nh4\n' >"$scratch/hosts-unknown"
  launch_with no-host "$scratch/hosts-unknown" "$HOME_THERE" --insecure
  refused no-host 69 "h4: ssh failed: .*resolve"
}

main() {
  begin
  need_commands sshd=openssh-server ssh=openssh-client ssh-keygen=openssh-client
  make_hosts 3
  # The same version, and one file of it is another: what a build that was forgotten looks like.
  mkdir "$scratch/stale"
  cp -rL "$HOME_THERE/dist" "$HOME_THERE/package.json" "$scratch/stale/"
  ln -s "$PACKAGE/node_modules" "$scratch/stale/node_modules"
  printf '// changed\n' >>"$scratch/stale/dist/src/engine/kernel.js"
  local host package
  for host in h1 h2 h3; do
    package=$HOME_THERE
    [ "$host" != h2 ] || package=$scratch/stale
    start_sshd "$host" "$package" || not_run "sshd does not start: $(cat "$scratch/$host/sshd.log")"
  done
  printf '%s\n' "# three hosts" "h1 slots=8" "root@h2 slots=8" "h3 # the last" >"$scratch/hostfile"
  mkdir -p "$scratch/runs" "$scratch/logs"
  token=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
  "$NODE" "$COMMAND" run "$SCENARIO" --placement single --quiet --json \
    --out "$scratch/runs/single" >"$scratch/single.out" 2>"$scratch/single.err"
  single=$(field "$scratch/runs/single/report.json" digest)
  say "digest in one process: $single"

  test_refusals
  FAULTPLANE_TOKEN=$token "$NODE" "$COMMAND" certificates "$scratch/tls" >"$scratch/tls.out" 2>&1 ||
    not_run "certificates cannot be made: $(tail -n 1 "$scratch/tls.out")"
  test_plain "under TLS" tls --tls "$scratch/tls"
  test_plain "without TLS" plain --insecure
  test_stopped_worker
  test_killed_worker recover
  test_killed_worker fault
  test_cut recover
  test_cut fault
  test_killed_ssh
  test_signal TERM 143
  test_signal INT 130
  test_killed_launcher
  summary
}

main "$@"
