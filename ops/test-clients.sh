#!/usr/bin/env bash
# The clients in Python and TypeScript: their types, their own tests, and their workers against the real API. The tools of /mcp, by
# the protocol's own client in Python.
#
#   ./ops/test.sh clients [--only python|typescript]
#
# Starts `ordinaut dev` in a temporary directory, with a private Postgres and Redis. Gets what the clients and their checkers need
# with pip and npm, into target/; nothing is written into the packages. Workers are killed with kill -9, frozen, told to stop, and
# lose answers, in both languages.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
. ops/packages.sh
. ops/clients.sh

only=''
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit ;;
        --only)
            need_value "$@"
            case $2 in
                python | typescript) only=$2; shift ;;
                *) echo "error: --only takes python or typescript, and was given $2; see $0 --help" >&2; exit 2 ;;
            esac
            ;;
        *) refuse_option "$1" ;;
    esac
    shift
done

need_rust
need_postgres
need_redis
need_node
root=$PWD
target=${CARGO_TARGET_DIR:-$PWD/target}
home=$clients_home
python_tools=(mypy==2.4.1 ruff==0.17.6 pytest==9.2.0 pytest-timeout==2.4.0 'psycopg[binary]==3.3.9' 'SQLAlchemy[asyncio]==2.1.9' pydantic==2.14.4 mcp==2.3.0)

copy_clients

[ "$only" = typescript ] || {
    install_python_client "${python_tools[@]}"
    cd "$home/clients/python"
    echo "python: ruff and mypy"
    "$home/venv/bin/ruff" format --check --quiet .
    "$home/venv/bin/ruff" check --quiet .
    "$home/venv/bin/mypy"
    cd - > /dev/null
}
[ "$only" = python ] || {
    echo "typescript: tsc, and types as the document of the API has them"
    build_typescript_client
    cd "$home/clients/typescript"
    node_modules/.bin/openapi-typescript "$home/ordinaut-api/openapi.json" --output "$home/openapi.ts" > /dev/null
    if ! cmp --silent "$home/openapi.ts" src/openapi.ts; then
        echo "error: clients/typescript/src/openapi.ts is older than ordinaut-api/openapi.json: cp $home/openapi.ts clients/typescript/src/" >&2
        exit 1
    fi
    export JOBS_NODE_WORKER=$PWD/dist/test/worker_program.js
    cd - > /dev/null
}
cargo build --locked -p ordinaut-cli -j2

work=$(mktemp -d)
# As root, the private servers run as somebody else, who has to get there.
chmod 755 "$work"
dev=''
end() {
    if [ -n "$dev" ]; then kill "$dev" 2> /dev/null || true; wait "$dev" 2> /dev/null || true; fi
    rm -rf "$work"
}
trap end EXIT
cd "$work"
API_PORT=0 "$target/debug/ordinaut" dev > dev.log 2>&1 &
dev=$!
until [ -s .ordinaut/running.json ]; do
    kill -0 "$dev" || { cat dev.log; exit 1; }
    sleep 0.2
done
url=$(jq -r '"http://\(.settings.API_HOST):\(.settings.API_PORT)"' .ordinaut/running.json)
token=$(cat .ordinaut/api_token)
DATABASE_URL=$(jq -r .settings.DATABASE_URL .ordinaut/running.json)
until curl -fsS "$url/health/ready" > /dev/null 2>&1; do kill -0 "$dev" || { cat dev.log; exit 1; }; sleep 0.2; done
export JOBS_URL=$url JOBS_TOKEN=$token DATABASE_URL

[ "$only" = python ] || {
    echo "typescript: node --test"
    cd "$home/clients/typescript"
    node --test --test-reporter dot dist/test/*.test.js
}
# The tests of processes are Python's, for the workers of both languages.
if [ "$only" != typescript ]; then
    echo "python: pytest, and workers of both languages against the API"
    cd "$home/clients/python"
    "$home/venv/bin/python" -m pytest --quiet --timeout 180 -p no:cacheprovider -rs
    "$home/venv/bin/python" "$root/ordinaut-api/tests/mcp/client.py"
fi
cd "$work"
if grep -q 'route panicked' dev.log; then grep 'route panicked' dev.log; exit 1; fi
echo "the clients do what they say"
