#!/usr/bin/env bash
# What test-hosts.sh and test-slurm.sh share: hosts made of network namespaces, counting, and
# leaving nothing behind. Sourced, never run. Needs root and `ip netns`.
#
# The hosts are namespaces of their own, h1, h2, ..., each with a loopback and an address, joined by
# a bridge. The bridge stands in a namespace, too, and the network of this machine is not touched.
# Processes are ended by the namespace they are in, never by a name.
#
# Variables of whoever sources this:
# shellcheck disable=SC2034,SC2317

PACKAGE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
NODE=$(command -v node)
COMMAND="$PACKAGE/dist/scripts/faultplane.js"
readonly PACKAGE NODE COMMAND
PATH="$PATH:/usr/sbin:/sbin"
# First part of every address; the bridge is .1, host i is .10+i.
readonly NETWORK=10.77.0
# Exit code of a test that was not run.
readonly NOT_RUN=77

scratch="" passed=0 failed=0 rows=() namespaces=() made_run_sshd=""

say() { printf '%s\n' "$*" >&2; }

# Ends the test before it has begun.
not_run() {
  printf 'not run: %s\n0 passed, 0 failed\n' "$*"
  exit "$NOT_RUN"
}

# check NAME DETAIL COMMAND...: counts a test, which passes when the command does.
check() {
  local name=$1 detail=$2 word=passed
  shift 2
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) word=FAILED; fi
  rows+=("$(printf '%-6s  %-46s  %s' "$word" "$name" "$detail")")
  say "${rows[-1]}"
}

# The table, and the last line; returns whether all passed.
summary() {
  printf '\n'
  printf '%s\n' "${rows[@]}"
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# need_commands COMMAND=PACKAGE...: installs what is missing, and keeps its services from starting.
need_commands() {
  local pair missing=() policy=/usr/sbin/policy-rc.d made=""
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || not_run "needs ${missing[*]}, and there is no apt-get"
  say "installing ${missing[*]}"
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=yes
  fi
  { DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
      --no-install-recommends "${missing[@]}"; }; } >"$scratch/apt.log" 2>&1
  [ -z "$made" ] || rm -f "$policy"
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || not_run "${pair#*=} cannot be installed"
  done
}

# Checks what every such test needs and makes the scratch folder. The trap ends everything.
begin() {
  local leftover
  [ "$(id -u)" = 0 ] || not_run "needs root, for network namespaces"
  command -v ip >/dev/null || not_run "needs ip (Debian: iproute2)"
  [ -n "$NODE" ] || not_run "needs node"
  [ -f "$COMMAND" ] || not_run "needs a build: npm run build"
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/faultplane-hosts.XXXXXXXX") || exit 73
  trap end_all EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  leftover="fp$$-probe"
  if ! { ip netns add "$leftover" && ip -n "$leftover" link add probe type bridge; } 2>/dev/null
  then
    ip netns delete "$leftover" 2>/dev/null
    not_run "ip netns or bridges are not possible here"
  fi
  ip netns delete "$leftover"
}

# Name of the namespace of a host, or of the bridge.
namespace() { printf 'fp%s-%s' "$$" "$1"; }

# inside HOST COMMAND...: runs a command in the namespace of a host.
inside() {
  local host=$1
  shift
  ip netns exec "$(namespace "$host")" "$@"
}

address() { printf '%s.%s' "$NETWORK" "$((10 + ${1#h}))"; }

# make_hosts COUNT: the namespaces, joined by a bridge in the namespace `bridge`.
make_hosts() {
  local count=$1 index space bridge
  bridge=$(namespace bridge)
  ip netns add "$bridge" && namespaces+=("$bridge")
  ip -n "$bridge" link set lo up
  ip -n "$bridge" link add br0 type bridge
  ip -n "$bridge" address add "$NETWORK.1/24" dev br0
  ip -n "$bridge" link set br0 up
  for ((index = 1; index <= count; index += 1)); do
    space=$(namespace "h$index")
    ip netns add "$space" && namespaces+=("$space")
    ip -n "$space" link set lo up
    ip -n "$bridge" link add "port$index" type veth peer name eth0 netns "$space"
    ip -n "$bridge" link set "port$index" master br0 up
    ip -n "$space" address add "$(address "h$index")/24" dev eth0
    ip -n "$space" link set eth0 up
  done
}

# Processes in the namespace of a host, one a line.
pids_of() { ip netns pids "$(namespace "$1")" 2>/dev/null; }

# Those of them whose arguments contain a word.
pids_with() {
  local pid
  for pid in $(pids_of "$1"); do
    tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$2" && printf '%s\n' "$pid"
  done
}

# wait_for SECONDS COMMAND...: until the command passes; fails when it does not in time.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

# start_sshd HOST PACKAGE: an sshd in the namespace of a host, with keys, a configuration and a
# folder for the state of faultplane of its own. `ssh_config` reaches all of them by their names. On
# that host $scratch/package is PACKAGE.
start_sshd() {
  local host=$1 package=$2 folder="$scratch/$1" at
  at=$(address "$host")
  mkdir -p "$folder/state" "$scratch/package"
  [ -d /run/sshd ] || { mkdir -m 755 /run/sshd && made_run_sshd=yes; }
  ssh-keygen -q -t ed25519 -N "" -C "$host" -f "$folder/host-key"
  [ -f "$scratch/key" ] || ssh-keygen -q -t ed25519 -N "" -C test -f "$scratch/key"
  cat >"$folder/sshd_config" <<CONFIG
ListenAddress $at:2222
HostKey $folder/host-key
PidFile none
AuthorizedKeysFile $scratch/key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
SetEnv XDG_STATE_HOME=$folder/state
CONFIG
  printf '[%s]:2222 %s\n' "$at" "$(cat "$folder/host-key.pub")" >>"$scratch/known_hosts"
  cat >>"$scratch/ssh_config" <<CONFIG
Host $host
  HostName $at
  Port 2222
  User root
  IdentityFile $scratch/key
  IdentitiesOnly yes
  UserKnownHostsFile $scratch/known_hosts
  StrictHostKeyChecking yes
CONFIG
  # What ip starts in a namespace has mounts of its own, which go when it has ended.
  # shellcheck disable=SC2016  # the inner bash expands them
  inside "$host" bash -c 'mount --bind "$1" "$2" && exec "${@:3}"' - "$package" "$scratch/package" \
    "$(command -v sshd)" -f "$folder/sshd_config" -E "$folder/sshd.log" || return 1
  pids_of "$host" >"$folder/daemons"
}

# Whether only the daemons are left in the namespaces of the given hosts.
is_quiet() {
  local host
  for host in "$@"; do
    [ "$(pids_of "$host" | sort)" = "$(sort "$scratch/$host/daemons")" ] || return 1
  done
}

# Ends everything in the namespaces, removes them and the scratch folder. Says what it could not.
end_all() {
  local code=$? space pids pid
  trap '' INT TERM HUP
  for space in "${namespaces[@]}"; do
    for _ in 1 2 3 4 5; do
      pids=$(ip netns pids "$space" 2>/dev/null)
      [ -n "$pids" ] || break
      for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
      sleep 0.2
    done
    [ -z "$pids" ] || say "still there in $space: $pids"
    ip netns delete "$space" || say "cannot remove the namespace $space"
  done
  [ -z "$made_run_sshd" ] || rmdir /run/sshd 2>/dev/null
  if [ -n "$scratch" ] && [ -n "${KEEP:-}" ]; then
    say "kept: $scratch"
  elif [ -n "$scratch" ]; then
    rm -rf -- "$scratch"
  fi
  exit "$code"
}

# Fields of JSON files, by a path with dots: field FILE verdict
field() {
  "$NODE" -e '
    const value = process.argv[2].split(".").reduce((at, name) => at?.[name],
      JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8")));
    console.log(value ?? "");
  ' "$1" "$2" 2>/dev/null
}
