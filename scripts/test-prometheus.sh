#!/usr/bin/env bash
# Tests the metrics and the alert rules of drills/monitoring with a real Prometheus: a paced run is
# scraped once a second, broken three times, and mended. The alerts have to fire and to resolve. Takes
# three minutes; installs Debian's prometheus where it is missing (as root), and leaves nothing running.
#
# The last line is `N passed, N failed`; exit code 1 when one failed, 77 when it cannot run here.
# KEEP=1 keeps the folder with all output.
#
# What node runs has dollar signs of its own:
# shellcheck disable=SC2016
set -uo pipefail
# shellcheck source=scripts/test-support.sh
. "$(dirname "${BASH_SOURCE[0]}")/test-support.sh"

readonly MONITORING="$PACKAGE/drills/monitoring"
readonly SCENARIO="$PACKAGE/drills/watched.yaml"
# Seconds: until the rules have seen a healthy fleet; that an alert has to fire, and to resolve.
readonly HEALTHY=45 FIRE_MAX=60 RESOLVE_MAX=120

run_pid="" prometheus_pid="" api=""

# Ends what was started here, by its process id, and removes the folder.
end_here() {
  local code=$? pid
  trap '' INT TERM HUP
  for pid in $prometheus_pid $run_pid; do kill -TERM "$pid" 2>/dev/null; done
  for pid in $prometheus_pid $run_pid; do
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.2
    done
    kill -KILL "$pid" 2>/dev/null
  done
  if [ -n "${KEEP:-}" ]; then say "kept: $scratch"; else rm -rf -- "$scratch"; fi
  exit "$code"
}

begin_here() {
  [ -n "$NODE" ] || not_run "needs node"
  [ -f "$COMMAND" ] || not_run "needs a build: npm run build"
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/faultplane-prometheus.XXXXXXXX") || exit 73
  trap end_here EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if ! { command -v prometheus && command -v promtool; } >/dev/null; then
    [ "$(id -u)" = 0 ] || not_run "needs prometheus and promtool (Debian: prometheus)"
    need_commands prometheus=prometheus promtool=prometheus
    # The package would have it started with the machine.
    command -v systemctl >/dev/null && systemctl disable --now prometheus >"$scratch/disable.log" 2>&1
  fi
}

# A port on loopback that nobody has.
free_port() {
  "$NODE" -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1",
    () => { console.log(s.address().port); s.close(); });'
}

# Starts the run; `port` serves its metrics.
start_run() {
  port=$(free_port)
  "$NODE" "$COMMAND" run "$SCENARIO" --ui "$port" --quiet --out "$scratch/run" \
    >"$scratch/run.out" 2>"$scratch/run.err" &
  run_pid=$!
  wait_for 20 test -f "$scratch/run/control.json"
}

start_prometheus() {
  local listen
  listen="127.0.0.1:$(free_port)"
  api="http://$listen"
  cp "$MONITORING/faultplane.rules.yml" "$scratch/"
  sed "s/127\\.0\\.0\\.1:9464/127.0.0.1:$port/" "$MONITORING/prometheus.yml" \
    >"$scratch/prometheus.yml"
  prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/tsdb" \
    --web.listen-address="$listen" >"$scratch/prometheus.log" 2>&1 &
  prometheus_pid=$!
  wait_for 30 is_scraped
}

# Whether a query has a result now.
has() { [ -n "$(promtool query instant "$api" "$1" 2>/dev/null)" ]; }

fires() { has "ALERTS{alertname=\"$1\",alertstate=\"firing\"}"; }
# Nobody who does not answer is quiet.
is_scraped() { has 'up{job="faultplane"} == 1'; }
is_quiet_about() { is_scraped && ! fires "$1"; }

# Something an operator does to the run.
operator() { "$NODE" "$COMMAND" "$@" >>"$scratch/operator.log" 2>&1; }
inject() { operator inject "$scratch/run" "$@"; }

slow_a_link() {
  inject slow-link node1.nic1--plane1.leaf0 --name slow-link --set slowdown=10
}
flap_a_nic() {
  inject nic-down node0.nic2 --name flap-1 --lease "1 ms" && sleep 3 &&
    inject nic-down node0.nic2 --name flap-2 --lease "1 ms"
}
kill_a_gpu() { inject gpu-dead node1.gpu3 --name dead-gpu; }

# Every alert that fired, with the wall and virtual time of its beginning and end.
alert_times() {
  "$NODE" -e '
    const [api, sinceText] = process.argv.slice(1);
    const since = Number(sinceText);
    const now = Date.now() / 1e3;
    const ask = async (query) => {
      const url = new URL("/api/v1/query_range", api);
      url.search = new URLSearchParams({ query, start: since, end: now, step: 1 });
      return (await (await fetch(url)).json()).data.result;
    };
    (async () => {
      const [virtual] = await ask("faultplane_virtual_time_seconds_total");
      const at = (seconds) => {
        const point = virtual.values.findLast(([time]) => time <= seconds);
        const ms = (1e3 * Number(point?.[1] ?? 0)).toFixed(1);
        return `${new Date(seconds * 1e3).toISOString().slice(11, 19)} (${ms} ms virtual)`;
      };
      for (const { metric, values } of await ask("ALERTS{alertstate=\"firing\"}")) {
        const { alertname, nic, gpu, plane } = metric;
        const who = [nic, gpu, plane === undefined ? undefined : `plane ${plane}`];
        let first;
        values.forEach(([time], place) => {
          first ??= time;
          const next = values[place + 1]?.[0];
          if (next !== undefined && next - time < 3) return;
          const end = time > now - 3 ? "still firing" : `resolved ${at(time)}`;
          const name = `${alertname} ${who.filter((one) => one).join(" ")}`.trimEnd();
          console.log(`${name.padEnd(46)} fired ${at(first)}, ${end}`);
          first = undefined;
        });
      }
    })();
  ' "$api" "$1"
}

# Every query of the dashboard, as rules that promtool can check.
dashboard_rules() {
  "$NODE" -e '
    const { readFileSync, writeFileSync } = require("node:fs");
    const { panels } = JSON.parse(readFileSync(process.argv[1], "utf8"));
    const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const rules = queries.map((expr, place) => ({ record: `dashboard:query:${place}`,
      expr: expr.replaceAll("$__rate_interval", "1m").replaceAll("$instance", ".*") }));
    writeFileSync(process.argv[2], JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  ' "$MONITORING/grafana-dashboard.json" "$scratch/dashboard.json" &&
    promtool check rules "$scratch/dashboard.json" >"$scratch/dashboard.log" 2>&1
}

rules_pass() { promtool test rules "$MONITORING/faultplane.rules.test.yml" >"$scratch/rules.log" 2>&1; }
config_passes() { promtool check config "$MONITORING/prometheus.yml" >"$scratch/config.log" 2>&1; }
metrics_pass() {
  "$NODE" -e 'fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t));' \
    "http://127.0.0.1:$port/metrics" | promtool check metrics >"$scratch/metrics.log" 2>&1 &&
    [ ! -s "$scratch/metrics.log" ]
}

nothing_fires() { is_scraped && ! has 'ALERTS{alertstate="firing"}'; }

main() {
  local since port=""
  begin_here
  say "$(prometheus --version 2>&1 | head -n 1)"
  check "unit tests of the rules" "promtool test rules" rules_pass
  check "rules and scrape configuration" "promtool check config" config_passes
  check "queries of the dashboard" "promtool check rules" dashboard_rules
  since=$(date +%s)
  check "a run is up, with metrics" "$SCENARIO" start_run || true
  [ -n "$port" ] || { cat "$scratch/run.err" >&2; summary; exit 1; }
  check "the text of the metrics" "promtool check metrics: nothing to say" metrics_pass
  check "Prometheus scrapes it" "once a second" start_prometheus
  say "$HEALTHY s of a healthy fleet"
  sleep "$HEALTHY"
  check "nothing fires when nothing is broken" "after $HEALTHY s" nothing_fires

  slow_a_link
  check "a slow link: FaultplaneAllToAllSlow fires" "in $FIRE_MAX s" \
    wait_for "$FIRE_MAX" fires FaultplaneAllToAllSlow
  operator heal "$scratch/run" slow-link
  check "healed: it resolves" "in $RESOLVE_MAX s" \
    wait_for "$RESOLVE_MAX" is_quiet_about FaultplaneAllToAllSlow

  flap_a_nic
  check "a port that flaps: FaultplaneNicFlapping fires" "in $FIRE_MAX s" \
    wait_for "$FIRE_MAX" fires FaultplaneNicFlapping
  kill_a_gpu
  check "a dead GPU: FaultplaneGpuDead fires" "in $FIRE_MAX s" \
    wait_for "$FIRE_MAX" fires FaultplaneGpuDead
  check "its rank is masked: FaultplaneRanksMasked fires" "in $FIRE_MAX s" \
    wait_for "$FIRE_MAX" fires FaultplaneRanksMasked
  operator heal "$scratch/run" dead-gpu
  check "healed: FaultplaneGpuDead resolves" "in $RESOLVE_MAX s" \
    wait_for "$RESOLVE_MAX" is_quiet_about FaultplaneGpuDead
  check "the port is quiet: FaultplaneNicFlapping resolves" "in $RESOLVE_MAX s" \
    wait_for "$RESOLVE_MAX" is_quiet_about FaultplaneNicFlapping
  # So long an alert is missing before it counts as resolved in the table.
  sleep 4
  printf '\n'
  alert_times "$since"
  summary
}

main "$@"
