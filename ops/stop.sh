#!/usr/bin/env bash
# Stop the containers of an environment; data stays.
#
#   ./ops/stop.sh dev|prod
#
# Workers get WORKER_SHUTDOWN_GRACE to end what they run; the rest goes back to the queue at once. To remove data too:
# ./ops/start.sh dev|prod --clean. `start.sh local` stops with Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh

case ${1:-} in
    dev | prod) environment=$1 ;;
    -h | --help) usage; exit ;;
    -*) refuse_option "$1" ;;
    *) usage >&2; exit 2 ;;
esac
[ $# = 1 ] || refuse_option "$2"
. ops/compose.sh
observability=yes
# The processes first, then the servers that they use.
compose stop proxy api scheduler worker 2> /dev/null || compose stop api scheduler worker
compose down --remove-orphans
echo "stopped; the data is kept: $(docker volume ls -q --filter "label=com.docker.compose.project=$(compose config --format json | jq -r .name)" | tr '\n' ' ')"
