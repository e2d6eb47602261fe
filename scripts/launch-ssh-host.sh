#!/usr/bin/env bash
# What launch-ssh.sh does on a host. It is sent there, after a few variables and before a call of one
# of these functions, into the standard input of `bash -s`; it is never started. What follows the call
# in that input is for the function to read.
#
# The variables: rank, home, node, file, checksum, tls, lease, launch, words; see launch-ssh.sh.
# shellcheck disable=SC2154

# Says in lines that begin with "faultplane-check" what a host has, or what it lacks.
host_check() {
  local main="$home/dist/scripts/faultplane.js" path
  problem() { printf 'faultplane-check problem %s\n' "$*"; }
  if ! command -v "$node" >/dev/null; then
    problem "there is no '$node' in the PATH that ssh gives; name it with --node"
    return
  fi
  if [ ! -f "$main" ]; then
    problem "'$home' has no built faultplane; install it there, or name its folder with --home"
    return
  fi
  printf 'faultplane-check version %s, %s, build %s\n' "$("$node" "$main" --version)" \
    "$("$node" --version)" \
    "$(cd "$home/dist" && find src actors cluster -name '*.js' -type f | LC_ALL=C sort |
      xargs cat | cksum | tr ' ' -)"
  if [ "$rank" = 0 ] && [ ! -r "$file" ]; then
    problem "cannot read '$file', which the first host needs; copy it there, and what it names"
  elif [ "$rank" = 0 ] && [ -n "$checksum" ] && [ "$(cksum <"$file")" != "$checksum" ]; then
    problem "'$file' is another file there than here; copy it"
  fi
  [ -n "$tls" ] || return
  for path in ca.pem member.pem member-key.pem; do
    [ -r "$tls/$path" ] || problem "cannot read '$tls/$path'; copy the certificates there"
  done
}

# Runs `faultplane words...` until it ends or the lease does. The first line of the input is the
# token.
host_rank() {
  local runs="${XDG_STATE_HOME:-$HOME/.local/state}/faultplane/runs" child watch code
  export FAULTPLANE_TOKEN
  IFS= read -r FAULTPLANE_TOKEN || exit 69
  if [ "$rank" = 0 ]; then
    mkdir -p -- "$runs" || exit 73
    words+=(--out "$runs/$launch")
  fi
  exec 3<&0
  # With job control the child leads a group of its own, which can be ended as a whole.
  set -m
  "$node" "$home/dist/scripts/faultplane.js" "${words[@]}" </dev/null 3<&- &
  child=$!
  set +m
  unset FAULTPLANE_TOKEN
  host_lease "$child" >/dev/null 2>&1 &
  watch=$!
  wait "$child" 2>/dev/null
  code=$?
  kill -KILL "$watch" 2>/dev/null
  kill -KILL -- "-$child" 2>/dev/null
  exit "$code"
}

# Reads the lease: signals to pass on, and lines that only say that somebody is there.
host_lease() {
  local child=$1 word
  while IFS= read -r -t "$lease" -u 3 word; do
    case "$word" in INT | TERM) kill -s "$word" "$child" ;; esac
  done
  kill -TERM "$child"
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 1
    kill -0 "$child" || return
  done
  kill -KILL -- "-$child"
}

# The run folder as an archive.
host_fetch() {
  tar -C "${XDG_STATE_HOME:-$HOME/.local/state}/faultplane/runs" -cf - "$launch"
}

host_forget() {
  rm -rf -- "${XDG_STATE_HOME:-$HOME/.local/state}/faultplane/runs/$launch"
}
