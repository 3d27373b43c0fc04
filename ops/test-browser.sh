#!/usr/bin/env bash
# The page in a real browser: what people do there, how every page looks, and what axe-core finds.
#
#   ./ops/test.sh browser [--screenshots DIRECTORY]
#
# Installs Chromium with its driver, and gets axe-core with npm, into target/. With --screenshots, a picture of each page
# at two widths and in both themes is left in DIRECTORY.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
. ops/packages.sh

while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit ;;
        --screenshots) need_value "$@"; export ORDINAUT_SCREENSHOTS=$2; shift ;;
        *) refuse_option "$1" ;;
    esac
    shift
done

need_rust
need_postgres
need_redis
need_node
need_chromium
target=${CARGO_TARGET_DIR:-$PWD/target}
# The version that this was written with.
npm install --prefix "$target/axe" --no-save --no-audit --no-fund --silent axe-core@4.14.1
export ORDINAUT_AXE=$target/axe/node_modules/axe-core/axe.min.js
case ${ORDINAUT_SCREENSHOTS:-/} in /*) ;; *) ORDINAUT_SCREENSHOTS=$PWD/$ORDINAUT_SCREENSHOTS ;; esac

# Each test has a dev and a browser of its own.
cargo test -p ordinaut-cli --all-features --locked -j2 --test browser -- --ignored --test-threads 1
