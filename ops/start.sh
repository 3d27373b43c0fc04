#!/usr/bin/env bash
# Start Ordinaut.
#
#   ./ops/start.sh local [--demo] [--exit] [--workers N] [--clean] [--yes]
#
# local: everything in one process on a private Postgres and Redis, in .ordinaut/. Installs what is missing, builds the
# release binaries, and runs `ordinaut dev` with the options given.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/packages.sh

usage() { sed -n '2,8s/^# \{0,1\}//p' "$0"; }

case ${1:-} in
    local)
        shift
        need_rust
        need_postgres
        # Events are kept without it too; nobody is stopped because it cannot be had.
        (need_redis) || echo "going on without Redis: events stay in Postgres"
        cargo build --release --locked -p ordinaut-cli
        exec "${CARGO_TARGET_DIR:-target}/release/ordinaut" dev "$@"
        ;;
    -h | --help | help) usage ;;
    *) usage >&2; exit 2 ;;
esac
