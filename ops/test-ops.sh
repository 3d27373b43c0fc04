#!/usr/bin/env bash
# Scripts, compose files, rules and units, each by its own checker.
#
#   ./ops/test.sh ops
#
# A checker that is not on this machine is named and left out.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
case ${1:-} in
    -h | --help) usage; exit ;;
    ?*) refuse_option "$1" ;;
esac
failed=0

check() { if "${@:2}"; then echo "ok: $1"; else echo "FAILED: $1"; failed=1; fi; }
without() { echo "left out: $1"; }

for script in ops/*.sh; do check "$script parses" bash -n "$script"; done
if command -v shellcheck > /dev/null; then check "shellcheck" shellcheck -S warning ops/*.sh; else without shellcheck; fi

if docker compose version > /dev/null 2>&1; then
    for environment in dev prod; do
        check "compose files of $environment" env ORDINAUT_ENV_FILE=/dev/null ops/compose.sh "$environment" --observability config --quiet
    done
else without "docker compose"; fi

# promtool of this machine, or of Prometheus' image if that is here.
rules=(check rules ops/prometheus/rules.yml) tests=(test rules ops/prometheus/rules_test.yml)
image=$(docker image ls -q prom/prometheus 2> /dev/null | head -1 || true)
if command -v promtool > /dev/null; then promtool=(promtool)
elif [ -n "$image" ]; then promtool=(docker run --rm --network none -v "$PWD:/w:ro" -w /w --entrypoint promtool "$image")
else promtool=(); without promtool; fi
if [ ${#promtool[@]} -gt 0 ]; then
    check "alerts" "${promtool[@]}" "${rules[@]}"
    check "tests of the alerts" "${promtool[@]}" "${tests[@]}"
fi
if command -v jq > /dev/null; then check "dashboard" jq -e '.panels | length > 5' ops/grafana/dashboards/overview.json; else without jq; fi

if command -v systemd-analyze > /dev/null; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/bin" "$work/root/usr/lib/systemd"
    for binary in ordinaut ordinaut-api ordinaut-scheduler ordinaut-worker; do
        printf '#!/bin/sh\n' > "$work/bin/$binary"
        chmod 755 "$work/bin/$binary"
    done
    check "install.sh" ops/install.sh --root "$work/root" --from "$work/bin" --database-url postgres://host/database --redis-url redis://host
    # What the units name of the system's own.
    cp -R /usr/lib/systemd/system "$work/root/usr/lib/systemd/"
    check "units" systemd-analyze verify --root="$work/root" ordinaut.target ordinaut-api.service ordinaut-scheduler.service ordinaut-worker@1.service
else without systemd-analyze; fi
exit $failed
