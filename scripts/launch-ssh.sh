#!/usr/bin/env bash
# What traps call is called from nowhere, and variables are sent to hosts by their names:
# shellcheck disable=SC2317,SC2034
#
# Starts one run on several hosts by ssh: `faultplane up` on the first host of a hostfile,
# `faultplane join` on the others. For hosts without a scheduler; with Slurm take slurm.sbatch. See
# docs/hosts.md.
#
# The coordinator is on the first host, so that data never goes by way of this machine. The run
# folder is written there and fetched when the run is over.
#
# Nothing secret is in an argument or on a disk: a host is told everything, the token included,
# through the standard input of its ssh. That input is a lease as well. This process writes a line
# to it every few seconds; a host ends its part when the input ends or falls silent. It does so when
# this process, its ssh or the connection is gone, however they went.
#
# What is done on a host is in launch-ssh-host.sh, which is sent there.
set -uo pipefail

readonly PROGRAM=launch-ssh
readonly USAGE="usage: launch-ssh.sh [options] HOSTFILE FILE [options of faultplane up]

  HOSTFILE  one host a line: [user@]host[:port] [slots=N], # for comments; a list of Slurm
            (gpu[01-03]) where scontrol is. The first host coordinates. Slots are not used.
  FILE      scenario or drill, as the first host sees it. A file of the package is found there
            wherever the package is.

  --home FOLDER     where faultplane is on the hosts (FAULTPLANE_HOME; default: where it is here)
  --node PATH       node on the hosts (FAULTPLANE_NODE; default: node, from the PATH ssh gives)
  --logs FOLDER     where the output of every host goes (default: below the folder of runs)
  --dry-run         say what would be started where, and start nothing

Of the options of up, these are taken by this script:
  --tls FOLDER      certificates, in the same folder on every host; or --insecure
  --token-file F    a file here (FAULTPLANE_TOKEN_FILE, or the token in FAULTPLANE_TOKEN);
                    default: a new token for each launch
  --rdzv-endpoint HOST:PORT  how other hosts reach the first one (default: its name for ssh, and
                    the port of MASTER_PORT, or 29717)
  --out FOLDER      where the run folder goes here
All others are passed on. FAULTPLANE_SSH_CONFIG names a configuration of ssh, FAULTPLANE_SSH_OPTIONS
has more words for ssh.

Exit code: that of faultplane up; 2 wrong usage, 66 and 77 files here, 69 a host is not ready or was
lost, 130 and 143 signals."

# Seconds: between two lines of a lease, a host's patience without one, what others are given to end
# after the coordinator, and what everybody is given after a signal.
readonly BEAT=5 LEASE=30 GRACE=10 STOP_GRACE=25

say() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }
fail() {
  local code=$1
  shift
  say "$@"
  exit "$code"
}

# Prints a script for `bash -s`: variables (names as arguments), what is done on hosts, then a call.
script_for() {
  local call=$1 name
  shift
  for name in "$@"; do
    declare -p "$name" | sed '1s/^declare -[-arx]* //'
  done
  cat "$package/scripts/launch-ssh-host.sh"
  # In braces: bash has read all of it before the call, and what follows is for the call to read.
  printf '{ %s; exit; }\n' "$call"
}

# Runs ssh to the host of a rank, with the words that everything here wants.
ssh_to() {
  local rank=$1 more=()
  [ -z "${users[rank]}" ] || more+=(-l "${users[rank]}")
  [ -z "${ports[rank]}" ] || more+=(-p "${ports[rank]}")
  exec ssh "${ssh_words[@]}" "${more[@]}" -- "${hosts[rank]}" exec bash -s
}

# Adds a host as a hostfile writes it.
add_host() {
  local text=$1 line=$2 user="" port="" host other
  case "$text" in *@*) user=${text%%@*} text=${text#*@} ;; esac
  if [[ $text =~ ^\[([0-9a-fA-F:.%a-z]+)\](:([0-9]+))?$ ]]; then
    host=${BASH_REMATCH[1]} port=${BASH_REMATCH[3]:-}
  elif [[ $text =~ ^([^:]+)(:([0-9]+))?$ ]]; then
    host=${BASH_REMATCH[1]} port=${BASH_REMATCH[3]:-}
  else
    host=""
  fi
  if [[ ! $host =~ ^[A-Za-z0-9_:][A-Za-z0-9._:%-]*$ ]] ||
    [[ ! $user =~ ^([A-Za-z0-9_][A-Za-z0-9._-]*)?$ ]]; then
    fail 2 "$hostfile:$line: '$1' is no host; write [user@]host[:port] [slots=N]"
  fi
  # As for MPI, a host that is named twice is one host.
  for other in "${!hosts[@]}"; do
    [ "${hosts[other]}:${ports[other]}" != "$host:$port" ] || return 0
  done
  hosts+=("$host") users+=("$user") ports+=("$port")
}

read_hostfile() {
  local line="" number=0 word expanded
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    line=${line%%#*}
    read -r word _ <<<"$line"
    [ -n "$word" ] || continue
    if [[ $word =~ ^[A-Za-z0-9_.-]+\[[0-9,-]+\] ]]; then
      command -v scontrol >/dev/null ||
        fail 2 "$hostfile:$number: '$word' is a list of Slurm; without scontrol, list the hosts"
      expanded=$(scontrol show hostnames "$word") ||
        fail 2 "$hostfile:$number: scontrol refused '$word'"
      while IFS= read -r word; do add_host "$word" "$number"; done <<<"$expanded"
    else
      add_host "$word" "$number"
    fi
  done <"$hostfile"
  [ ${#hosts[@]} -gt 0 ] || fail 2 "$hostfile: names no host"
}

# Sets `token`.
read_token() {
  local mode
  token=${FAULTPLANE_TOKEN:-}
  unset FAULTPLANE_TOKEN
  if [ -n "$token_file" ]; then
    [ -r "$token_file" ] || fail 66 "cannot read token file '$token_file'"
    mode=$(stat -c %a -- "$token_file" 2>/dev/null || stat -f %Lp -- "$token_file")
    [ "$mode" = 600 ] ||
      fail 77 "token file '$token_file' is mode $mode, need 600: chmod 600 '$token_file'"
    IFS= read -r token <"$token_file"
  fi
  [ -n "$token" ] || token=$(od -An -v -tx1 -N32 /dev/urandom | tr -d ' \n')
  [[ $token =~ ^[0-9a-fA-F]{64}$ ]] || fail 77 "the token is no 64 hexadecimal digits"
}

absolute() { case "$1" in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }

# Whether every host has what it needs, the same everywhere. Sets nothing, says what is wrong.
check_hosts() {
  local host line first="" bad=0
  for rank in "${!hosts[@]}"; do
    (ssh_to "$rank" < <(script_for host_check rank home node file checksum tls 2>/dev/null)) \
      >"$scratch/check.$rank" 2>"$scratch/check.$rank.err" &
    checks[rank]=$!
  done
  for rank in "${!hosts[@]}"; do
    wait "${checks[rank]}"
    unset "checks[rank]"
    host=${hosts[rank]}
    line=$(sed -n 's/^faultplane-check version //p' "$scratch/check.$rank")
    if grep -q '^faultplane-check problem ' "$scratch/check.$rank"; then
      sed -n "s|^faultplane-check problem |$PROGRAM: $host: |p" "$scratch/check.$rank" >&2
      bad=1
    elif [ -z "$line" ]; then
      say "$host: ssh failed: $(tail -n 1 "$scratch/check.$rank.err")"
      bad=1
    elif [ -z "$first" ]; then
      first=$line
    elif [ "$line" != "$first" ]; then
      say "$host: has faultplane $line; ${hosts[0]} has $first; install the same on every host"
      bad=1
    fi
  done
  [ "$bad" = 0 ]
}

# Starts the part of a rank. Its lease is the file descriptor leases[rank], held by this process
# only.
start_rank() {
  local rank=$1 lease=$LEASE words pipe="$scratch/lease.$1" name fd
  name="$logs/$rank-${hosts[rank]//[^A-Za-z0-9._-]/_}"
  if [ "$rank" = 0 ]; then
    words=(up "$file" --nnodes "${#hosts[@]}" --node-rank 0 --rdzv-endpoint "$endpoint")
    words+=("${secure[@]}" "${both[@]}" "${passed[@]}")
  else
    words=(join "$endpoint" --node-rank "$rank" "${secure[@]}" "${both[@]}")
  fi
  mkfifo -m 600 "$pipe"
  exec {fd}<>"$pipe"
  leases[rank]=$fd
  if [ "$rank" = 0 ]; then
    mkfifo "$scratch/out" "$scratch/err"
    (close_leases && exec tee "$name.out" <"$scratch/out") &
    tees+=($!)
    (close_leases && exec tee "$name.err" <"$scratch/err" >&2) &
    tees+=($!)
    (close_leases && trap - PIPE && ssh_to 0) <"$pipe" >"$scratch/out" 2>"$scratch/err" &
  else
    (close_leases && trap - PIPE && ssh_to "$rank") <"$pipe" >"$name.out" 2>"$name.err" &
  fi
  pids[rank]=$!
  { script_for host_rank rank home node lease launch words && printf '%s\n' "$token"; } >&"$fd"
}

close_leases() {
  local fd
  for fd in "${leases[@]}"; do exec {fd}>&-; done
}

# Whether the part of a rank is up. Once it is not, codes[rank] is its exit code.
is_up() {
  local rank=$1
  [ -z "${codes[rank]:-}" ] || return 1
  ! kill -0 "${pids[rank]}" 2>/dev/null || return 0
  wait "${pids[rank]}"
  codes[rank]=$?
  return 1
}

# Waits a second, or less when a signal comes.
pause() { IFS= read -r -t 1 -u "$tick" || :; }

on_signal() {
  signals=$((signals + 1))
  [ "$signals" = 1 ] || exit "$2"
  signal_code=$2 stop_by=$((SECONDS + STOP_GRACE))
  if [ -n "${leases[0]:-}" ]; then
    say "asking ${hosts[0]} to stop (once more to quit now)"
    printf '%s\n' "$1" >&"${leases[0]}"
  else
    exit "$2"
  fi
}

# Ends what is left on the hosts and here, whatever has happened.
clean_up() {
  local code=$? rank deadline
  trap '' INT TERM HUP
  [ ${#checks[@]} = 0 ] || kill "${checks[@]}" 2>/dev/null
  close_leases
  leases=()
  deadline=$((SECONDS + GRACE + 5))
  for rank in "${!pids[@]}"; do
    while is_up "$rank" && [ "$SECONDS" -lt "$deadline" ]; do pause; done
    ! is_up "$rank" || kill -KILL "${pids[rank]}" 2>/dev/null
    wait "${pids[rank]}" 2>/dev/null
  done
  [ ${#tees[@]} = 0 ] || wait "${tees[@]}" 2>/dev/null
  [ -z "$scratch" ] || rm -rf -- "$scratch"
  exit "$code"
}

# Fetches the run folder of the first host, and says where it is.
fetch_run() {
  local part="$scratch/run"
  mkdir -p "$part" "$(dirname "$target")"
  (ssh_to 0 < <(script_for host_fetch launch)) 2>/dev/null | tar -C "$part" -xf - 2>/dev/null
  if [ ! -f "$part/$launch/journal.ndjson" ]; then
    say "${hosts[0]} has kept no run folder, or cannot be reached"
  elif [ -e "$target" ]; then
    # The first host is this one.
    say "run folder: $target"
  elif mv -- "$part/$launch" "$target"; then
    (ssh_to 0 < <(script_for host_forget launch)) >/dev/null 2>&1
    say "run folder: $target (fetched from ${hosts[0]})"
  fi
}

# ---- the launch ----

hosts=() users=() ports=() leases=() pids=() codes=() tees=() checks=() passed=() both=() secure=()
scratch="" token="" tls="" out="" checksum="" signals=0 signal_code="" stop_by="" dry=""
token_file=${FAULTPLANE_TOKEN_FILE:-}
package=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${FAULTPLANE_HOME:-$package} node=${FAULTPLANE_NODE:-node}
endpoint="" logs=""

((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || fail 2 "needs bash 4.4 or newer"
while [ $# -gt 0 ]; do
  case "$1" in
    --home | --node | --logs)
      [ $# -gt 1 ] || fail 2 "$1 needs a value"
      case "$1" in --home) home=$2 ;; --node) node=$2 ;; --logs) logs=$2 ;; esac
      shift 2
      ;;
    --dry-run) dry=yes && shift ;;
    -h | --help) printf '%s\n' "$USAGE" && exit 0 ;;
    -*) fail 2 "no option '$1' before HOSTFILE; --help lists them" ;;
    *) break ;;
  esac
done
[ $# -ge 2 ] || { printf '%s\n' "$USAGE" >&2 && exit 2; }
hostfile=$1 file=$2
shift 2
while [ $# -gt 0 ]; do
  # Both ways of writing a value: --out FOLDER and --out=FOLDER.
  case "$1" in --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;; esac
  case "$1" in
    --out | --token-file | --rdzv-endpoint | --tls | --join-timeout)
      [ $# -gt 1 ] || fail 2 "$1 needs a value"
      case "$1" in
        --out) out=$2 ;;
        --token-file) token_file=$2 ;;
        --rdzv-endpoint) endpoint=$2 ;;
        --tls) tls=$(absolute "$2") ;;
        --join-timeout) both+=("$1" "$2") ;;
      esac
      shift 2
      ;;
    --insecure) secure=(--insecure) && shift ;;
    --nnodes | --node-rank | --standalone | --force)
      fail 2 "$1 is not for this script: HOSTFILE says which hosts take part" ;;
    *) passed+=("$1") && shift ;;
  esac
done
[ -z "$tls" ] || [ ${#secure[@]} = 0 ] || fail 2 "--tls and --insecure exclude each other"
[ -z "$tls" ] || secure=(--tls "$tls")
[ ${#secure[@]} -gt 0 ] ||
  fail 2 "links between hosts need certificates: --tls FOLDER, made by" \
    "'faultplane certificates FOLDER'; or --insecure on a network that you trust"
if [ ! -r "$hostfile" ] || [ -d "$hostfile" ]; then fail 66 "cannot read hostfile '$hostfile'"; fi
[ -z "$out" ] || [ ! -e "$out" ] || fail 73 "'$out' exists; choose another name"
read_hostfile

file=$(absolute "$file")
[ ! -r "$file" ] || checksum=$(cksum <"$file")
case "$file" in "$package"/*) file=$home/${file#"$package"/} ;; esac
launch="launch-$(date -u +%Y%m%dt%H%M%Sz)-$(od -An -v -tx1 -N4 /dev/urandom | tr -d ' \n')"
state=${XDG_STATE_HOME:-$HOME/.local/state}/faultplane
target=${out:-$state/runs/$launch}
target=$(absolute "$target")
logs=$(absolute "${logs:-$state/launches/$launch}")

ssh_words=(-T -a -x -o BatchMode=yes -o ConnectTimeout=10 -o ClearAllForwardings=yes)
ssh_words+=(-o ServerAliveInterval=5 -o ServerAliveCountMax=6 -o LogLevel=ERROR)
[ -z "${FAULTPLANE_SSH_CONFIG:-}" ] || ssh_words+=(-F "$FAULTPLANE_SSH_CONFIG")
read -r -a more_words <<<"${FAULTPLANE_SSH_OPTIONS:-}"
ssh_words+=("${more_words[@]}")
if [ -z "$endpoint" ]; then
  endpoint=$(ssh "${ssh_words[@]}" -G -- "${hosts[0]}" | sed -n 's/^hostname //p')
  case "$endpoint" in *:*) endpoint="[$endpoint]" ;; esac
  endpoint=${endpoint:-${hosts[0]}}:${MASTER_PORT:-29717}
fi
if [ -n "$dry" ]; then
  for rank in "${!hosts[@]}"; do
    printf 'rank %s: %s%s%s\n' "$rank" "${users[rank]:+${users[rank]}@}" "${hosts[rank]}" \
      "${ports[rank]:+ port ${ports[rank]}}"
  done
  printf 'meeting at %s; %s in %s; run folder %s; logs %s\n' "$endpoint" "$node" "$home" \
    "$target" "$logs"
  exit 0
fi

umask 077
read_token
scratch=$(mktemp -d "${TMPDIR:-/tmp}/faultplane-launch.XXXXXXXX") || exit 73
trap clean_up EXIT
trap 'on_signal INT 130' INT
trap 'on_signal TERM 143' TERM
trap 'on_signal TERM 129' HUP
trap '' PIPE
mkfifo "$scratch/tick"
exec {tick}<>"$scratch/tick"
mkdir -p -- "$logs" || exit 73

check_hosts || exit 69
say "${#hosts[@]} hosts, meeting at $endpoint; logs in $logs"
for rank in "${!hosts[@]}"; do start_rank "$rank"; done
token=""

next_beat=0 told=()
while is_up 0; do
  if [ "$SECONDS" -ge "$next_beat" ]; then
    for fd in "${leases[@]}"; do printf '\n' >&"$fd"; done
    next_beat=$((SECONDS + BEAT))
  fi
  for rank in "${!hosts[@]}"; do
    if [ "$rank" = 0 ] || [ -n "${told[rank]:-}" ] || is_up "$rank"; then continue; fi
    told[rank]=yes
    [ "${codes[rank]}" = 0 ] || say "rank $rank (${hosts[rank]}) ended with ${codes[rank]}:" \
      "$(cat "$logs/$rank-"*.err | tail -n 1)"
  done
  if [ -n "$stop_by" ] && [ "$SECONDS" -ge "$stop_by" ]; then
    say "${hosts[0]} has not stopped; ending everything"
    exit "$signal_code"
  fi
  pause
done
deadline=$((SECONDS + GRACE))
for rank in "${!hosts[@]}"; do
  while is_up "$rank" && [ "$SECONDS" -lt "$deadline" ]; do pause; done
done
wait "${tees[@]}" 2>/dev/null
fetch_run
case "${codes[0]}" in
  255) fail 69 "the connection to ${hosts[0]} was lost" ;;
  *) exit "${codes[0]}" ;;
esac
