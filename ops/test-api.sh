#!/usr/bin/env bash
# The API does what its OpenAPI document says: a client that is generated from it, and a fuzzer's requests.
#
#   ./ops/test.sh api [--cases NUMBER] [--seed NUMBER]
#
# Starts `ordinaut dev` in a temporary directory, with a private Postgres and Redis. Gets openapi-typescript with npm, and
# schemathesis with pip, into target/. Each of two callers, the admin and an agent that may read and write jobs of one queue,
# sends NUMBER requests or more (2000 if not given) with each of which the API has to do as the document says: no 5xx, and no
# status, content type, header or body that is not in it.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
. ops/packages.sh

cases=2000 seed=$RANDOM
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit ;;
        --cases) need_number "$@"; cases=$2; shift ;;
        --seed) need_number "$@"; seed=$2; shift ;;
        *) refuse_option "$1" ;;
    esac
    shift
done

need_rust
need_postgres
need_redis
need_node
target=${CARGO_TARGET_DIR:-$PWD/target}
# The versions that this was written with.
typescript=(typescript@5.9.3 openapi-typescript@7.13.0 openapi-fetch@0.17.0)
schemathesis=schemathesis==4.32.5

python3 -m venv "$target/schemathesis"
"$target/schemathesis/bin/pip" install --quiet --disable-pip-version-check "$schemathesis"
mkdir -p "$target/api-client"
cp ordinaut-api/tests/client/* "$target/api-client/"
npm install --prefix "$target/api-client" --no-save --no-audit --no-fund --silent "${typescript[@]}"
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
cp ordinaut-api/tests/fuzz/{hooks.py,schemathesis.toml} "$work"
cd "$work"
API_PORT=0 WORKER_QUEUES=default,fuzz "$target/debug/ordinaut" dev > dev.log 2>&1 &
dev=$!
until [ -s .ordinaut/running.json ]; do
    kill -0 "$dev" || { cat dev.log; exit 1; }
    sleep 0.2
done
url=$(jq -r '"http://\(.settings.API_HOST):\(.settings.API_PORT)"' .ordinaut/running.json)
token=$(cat .ordinaut/api_token)
until curl -fsS "$url/health/ready" > /dev/null 2>&1; do kill -0 "$dev" || { cat dev.log; exit 1; }; sleep 0.2; done

# The client and the fuzzer's hooks read these.
export ORDINAUT_URL=$url ORDINAUT_TOKEN=$token SCHEMATHESIS_HOOKS=$work/hooks.py
cd "$target/api-client"
npx openapi-typescript "$url/openapi.json" --output ordinaut.d.ts
npx tsc
node client.js
cd "$work"

limited=$(curl -fsS -H "Authorization: Bearer $token" "$url/agents" \
    -d '{"name": "fuzzer", "scopes": ["jobs:read", "jobs:write"], "queues": ["fuzz"]}' | jq -r .token)

# fuzz CALLER TOKEN
fuzz() {
    local report=$work/report.json
    echo "fuzzing as $1, with the seed $seed"
    # A stream of events does not end.
    "$target/schemathesis/bin/schemathesis" --config-file "$work/schemathesis.toml" run "$url/openapi.json" \
        --header "Authorization: Bearer $2" --seed "$seed" \
        --phases examples,coverage,fuzzing --max-examples $((cases / 100 + 1)) --exclude-path /events/stream \
        --checks "$checks" --continue-on-failure --generation-database none --request-timeout 70 --warnings off \
        --report json --report-json-path "$report" --no-color
    jq -r --arg caller "$1" '"\($caller): \(.test_cases.generated) requests to \(.operations.tested) operations, no failure"' "$report"
    [ "$(jq .test_cases.generated "$report")" -ge "$cases" ] || { echo "error: these are fewer than $cases" >&2; exit 1; }
}
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance
fuzz admin "$token"
fuzz "limited agent" "$limited"
if grep -q 'route panicked' dev.log; then grep 'route panicked' dev.log; exit 1; fi
echo "the API does what its document says"
