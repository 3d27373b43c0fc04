#!/usr/bin/env bash
# docker compose with the files of an environment, from anywhere.
#
#   ./ops/compose.sh dev|prod [--observability] COMMAND…     for example: prod up -d --no-recreate --scale worker=4
#
# Sourced, it gives the function `compose` to the other scripts, which set $environment and $observability.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The settings of an environment: prod's are in .env, and dev gets by without a file.
settings_file() {
    local file=$here/.env.dev
    if [ "$environment" = prod ]; then file=${ORDINAUT_ENV_FILE:-$here/.env}; fi
    if [ -f "$file" ]; then echo "$file"; else echo /dev/null; fi
}

compose() {
    local files=(-f "$here/docker-compose.yml" -f "$here/docker-compose.$environment.yml")
    if [ "${observability:-no}" = yes ]; then files+=(-f "$here/docker-compose.observability.yml"); fi
    # Dev's credentials are in the repository; what the reader's shell says wins.
    if [ "$environment" = dev ]; then export ORDINAUT_SECRETS=${ORDINAUT_SECRETS:-$here/secrets.dev}; fi
    docker compose --project-directory "$here" --env-file "$(settings_file)" "${files[@]}" "$@"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    usage_of_compose() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }
    case ${1:-} in
        dev | prod) environment=$1; shift ;;
        -h | --help) usage_of_compose; exit ;;
        -*) echo "error: there is no option $1; see $0 --help" >&2; exit 2 ;;
        *) usage_of_compose >&2; exit 2 ;;
    esac
    if [ "${1:-}" = --observability ]; then observability=yes; shift; fi
    compose "$@"
fi
