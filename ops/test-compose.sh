#!/usr/bin/env bash
# What deployment promises, shown on a real engine.
#
#   ./ops/test.sh compose [STEP…]
#
# Works in a fresh clone, in a Compose project of its own, on loopback ports of its own (TEST_HTTP_PORT, 18088), and
# removes all of it. Steps: scale, proxy, kill, redis, backup, corrupt, observe, rolling, rollback, smoke; all of them, in
# this order, if none is given. TEST_BUILD=no takes the image ordinaut:0.1.0 that is there. A fresh start comes first,
# unless KEEP=yes finds one; KEEP=yes keeps it.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
source=$PWD

case ${1:-} in
    -h | --help) usage; exit ;;
    -*) refuse_option "$1" ;;
esac
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(scale proxy kill redis backup corrupt observe rolling rollback smoke)
place=${TEST_PLACE:-/tmp/ordinaut-compose-test}
export COMPOSE_PROJECT_NAME=ordinaut-test HTTP_PORT=${TEST_HTTP_PORT:-18088}
environment=prod
url=http://127.0.0.1:$HTTP_PORT
passed=0 failed=0

say() { printf '\n== %s\n' "$*"; }
good() { passed=$((passed + 1)); echo "ok: $*"; }
bad() { failed=$((failed + 1)); echo "FAILED: $*"; }
# is WHAT GOT WANTED
is() { if [ "$2" = "$3" ]; then good "$1: $2"; else bad "$1: $2, and should be $3"; fi; }
# Its standard input is nobody's: exec would read what is meant for the next command.
query() { compose exec -T postgres sh -c 'PGPASSWORD=$(cat /run/secrets/postgres_password) psql -qAtX -U postgres -d ordinaut -v ON_ERROR_STOP=1 -c "$1"' - "$1" < /dev/null; }
ordinaut() { compose exec -T api ordinaut "$@" < /dev/null; }
token() { cat "$place/ops/secrets/api_admin_token"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
until_zero() {
    local deadline=$((SECONDS + ${2:-120}))
    until [ "$(query "$1")" = 0 ]; do
        [ $SECONDS -lt $deadline ] || { echo "still $(query "$1"): $1"; return 1; }
        sleep 0.2
    done
}
scale() { compose up --detach --no-recreate --wait --scale "$1" "${1%%=*}" > /dev/null 2>&1; }
settled() { compose up --detach --no-recreate --wait > /dev/null 2>&1; }

# post COUNT RATE TAG FILE: COUNT jobs over HTTP, RATE a second on one connection; an answer a line: code, seconds, body.
post() {
    curl -sS --rate "$2/s" -m 35 -H "Authorization: Bearer $(token)" -w ' %{http_code} %{time_total}\n' \
        -d "{\"kind\": \"echo\", \"tags\": [\"$3\"], \"args\": {\"n\": 1}}" "$url/jobs?n=[1-$1]" > "$4" 2> "$4.errors" || true
}
# load COUNT RATE TAG: four connections share it; waits for none.
load() {
    local n
    loads=()
    for n in 1 2 3 4; do
        post $(($1 / 4)) $(($2 / 4)) "$3" "$place/answers.$n" &
        loads+=($!)
    done
}
answers() { cat "$place"/answers.[1-4]; }
# Each job that was answered exists, succeeded, and ran exactly once (or $1: what else may be).
check_load() {
    local tag=$1 runs=${2:-once} answered
    answered=$(answers | grep -c ' 201 ' || true)
    until_zero "select count(*) from due_work join job on job.id = job_id where tags @> '{$tag}'" 150 || bad "not all ended"
    is "jobs that were answered and have succeeded" "$(answers | sed -n 's/^{"id":"\([^"]*\)"} 201 .*/\1/p' | sort | comm -12 - <(query "select job_id from run join job on job.id = job_id where tags @> '{$tag}' and outcome = 'succeeded'" | sort -u) | wc -l)" "$answered"
    is "jobs that succeeded twice" "$(query "select count(*) from (select job_id from run join job on job.id = job_id where tags @> '{$tag}' and outcome = 'succeeded' group by job_id having count(*) > 1) twice")" 0
    if [ "$runs" = once ]; then
        is "attempts beyond the first" "$(query "select count(*) from run join job on job.id = job_id where tags @> '{$tag}' and attempt > 1")" 0
    else
        echo "attempts that were lost or given back, and made again: $(query "select count(*) from run join job on job.id = job_id where tags @> '{$tag}' and attempt > 1")"
    fi
}
# Jobs of half a second each: how many a second?
sleepers() {
    local begun
    query "select count(enqueue('sleep', '{\"seconds\": 0.5}', tags => '{sleepers}')) from generate_series(1, $1)" > /dev/null
    begun=$(now_ms)
    until_zero "select count(*) from due_work where kind = 'sleep'"
    echo $(($1 * 1000 / ($(now_ms) - begun)))
}

clean() {
    observability=yes compose down --volumes --remove-orphans > /dev/null 2>&1 || true
    docker image rm ordinaut:0.1.1 ordinaut:0.1.2 > /dev/null 2>&1 || true
    rm -rf "$place"
}

fresh() {
    say "prod from a fresh clone"
    git clone -q --no-hardlinks "$source" "$place"
    (cd "$place" && ./ops/start.sh prod --build) && bad "the first start did not stop" || is "code of the first start" $? 3
    . "$place/ops/compose.sh"
    local build=(--build)
    [ "${TEST_BUILD:-yes}" = yes ] || build=()
    (cd "$place" && ./ops/start.sh prod ${build[@]+"${build[@]}"}) || { bad "prod did not start"; exit 1; }
    good "prod is up"
    local begun
    begun=$(now_ms)
    (cd "$place" && ./ops/start.sh prod > /dev/null 2>&1) || bad "the second start failed"
    echo "the second start took $(($(now_ms) - begun)) ms"
    compose down > /dev/null 2>&1
    begun=$(now_ms)
    (cd "$place" && ./ops/start.sh prod > /dev/null 2>&1) || bad "the start after a stop failed"
    begun=$(($(now_ms) - begun))
    if [ $begun -lt 20000 ]; then good "the start after a stop took $begun ms"; else bad "the start after a stop took $begun ms"; fi
    if docker ps --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Ports}}' | grep -v -E '^$|^[0-9/a-z, ]*$|127.0.0.1:'"$HTTP_PORT" ; then bad "other ports are published"; else good "one port is published, on loopback"; fi
    is "root of a worker can be written" "$(compose exec -T worker sh -c 'touch /x 2> /dev/null && echo yes || echo no')" no
    is "capabilities of a worker" "$(compose exec -T worker sed -n 's/^CapEff:\t//p' /proc/self/status)" 0000000000000000
    is "account of a worker" "$(compose exec -T worker id -un)" appuser
    is "psql as typed" "$(compose exec -T postgres psql -qAtX -U ordinaut_read -d ordinaut -c 'select count(*) from due_work')" 0
    is "the reader can delete" "$(compose exec -T postgres sh -c 'PGPASSWORD=$(cat /run/secrets/read_password) psql -qAtX -h 127.0.0.1 -U ordinaut_read -d ordinaut -c "set default_transaction_read_only = off" -c "delete from due_work" 2>&1' | grep -o 'permission denied' || true)" "permission denied"
    is "the service can drop" "$(compose exec -T postgres sh -c 'PGPASSWORD=$(cat /run/secrets/service_password) psql -qAtX -h 127.0.0.1 -U ordinaut_service -d ordinaut -c "drop table due_work" 2>&1' | grep -o 'must be owner' || true)" "must be owner"
}

step_scale() {
    say "four workers do four times what one does"
    scale worker=1
    local one four
    one=$(sleepers 100)
    scale worker=4
    is "living sessions" "$(ordinaut worker list --json | jq '[.[] | select(.alive)] | length')" 4
    four=$(sleepers 400)
    echo "one: $one jobs/s, four: $four jobs/s"
    if [ $((four * 10)) -ge $((one * 33)) ]; then good "four do $((four * 100 / one)) % of one"; else bad "four do $((four * 100 / one)) % of one"; fi
}

step_proxy() {
    say "1,000 requests while one of two APIs is killed"
    scale api=2
    local victim before
    victim=$(compose ps -q api | head -1)
    before=$(($(stat_of 16) + $(stat_of 17)))
    (
        for _ in $(seq 1000); do curl -s -o /dev/null -m 35 -w '%{http_code} %{time_total}\n' "$url/health/ready"; done > "$place/requests" || true
    ) &
    local client=$!
    sleep 1
    # The process and not the container, so that Docker starts it again.
    docker kill --signal KILL "$victim" > /dev/null
    wait "$client"
    is "requests" "$(wc -l < "$place/requests")" 1000
    is "requests that did not get a 200" "$(grep -c -v '^200 ' "$place/requests" || true)" 0
    echo "sent again by the proxy: $(($(stat_of 16) + $(stat_of 17) - before)); the longest took $(sort -k2 -n "$place/requests" | tail -1 | cut -d' ' -f2) s"
    docker start "$victim" > /dev/null
    settled
}
# A number of the proxy's backend: 16 is sent again to the same server, 17 to another.
stat_of() { docker exec "$(compose ps -q proxy)" bash -c 'exec 3<> /dev/tcp/127.0.0.1/9999 && echo "show stat api 2 -1" >&3 && cat <&3' | awk -F , -v field="$1" '$2 == "BACKEND" { print $field + 0 }'; }

step_kill() {
    local part
    scale worker=2
    scale api=2
    for part in worker scheduler redis api proxy postgres; do kill_one "$part"; done
}
# One container of a part, killed with -9 while jobs run and more come.
kill_one() {
    local part=$1 container began failed
    say "$part killed with -9 under load"
    query "select count(enqueue('sleep', '{\"seconds\": 3}', tags => '{in_flight_$part}')) from generate_series(1, 30)" > /dev/null
    load 800 80 "killed_$part"
    until_zero "select (count(*) = 0)::int from due_work where session is not null" 30
    container=$(compose ps -q "$part" | head -1)
    began=$(docker inspect --format '{{.State.StartedAt}}' "$container")
    # From outside, as the kernel's memory killer would: then the restart policy applies.
    kill -9 "$(docker inspect --format '{{.State.Pid}}' "$container")"
    wait "${loads[@]}"
    # The proxy's own pages have several lines: only the last has the code.
    failed=$(answers | grep -E ' [0-9]{3} [0-9.]+$' | grep -c -v ' 201 ' || true)
    case $part in
        # What is on its way to them, or waits for them, has nobody to answer it: those who ask see that, and ask again.
        api | proxy | postgres) echo "requests that failed and were seen to fail: $failed of $(answers | grep -c -E ' [0-9]{3} [0-9.]+$')" ;;
        *) is "requests that failed" "$failed" 0 ;;
    esac
    settled
    if [ "$(docker inspect --format '{{.State.StartedAt}}' "$container")" != "$began" ]; then good "$part was started again"; else bad "$part was not started again"; fi
    check_load "killed_$part" again
    until_zero "select count(*) from due_work join job on job.id = job_id where tags @> '{in_flight_$part}'" 150 || bad "not all that was under way ended"
    is "jobs under way that succeeded" "$(query "select count(distinct job_id) from run join job on job.id = job_id where tags @> '{in_flight_$part}' and outcome = 'succeeded'")" 30
    is "of those, twice" "$(query "select count(*) from (select job_id from run join job on job.id = job_id where tags @> '{in_flight_$part}' and outcome = 'succeeded' group by 1 having count(*) > 1) twice")" 0
}

step_redis() {
    say "Redis away for ${REDIS_AWAY:-60} s"
    compose stop redis > /dev/null 2>&1
    load 1000 50 noredis
    sleep "${REDIS_AWAY:-60}"
    wait "${loads[@]}"
    check_load noredis
    compose start redis > /dev/null 2>&1
    local begun=$SECONDS last
    while true; do
        last=$(compose exec -T redis sh -c 'REDISCLI_AUTH=$(cut -d" " -f2 /run/secrets/redis_auth) redis-cli --raw xrevrange events + - count 1' 2> /dev/null | head -1 | cut -d- -f1 || true)
        [ "$last" != "$(query 'select n from event_head')" ] || break
        [ $((SECONDS - begun)) -lt 90 ] || { bad "the stream stayed at $last"; return; }
        sleep 0.5
    done
    good "the stream is complete $((SECONDS - begun)) s after Redis came back, at event $last"
}

step_backup() {
    say "backup under load, wipe, restore"
    scale worker=2
    # Half-done: long jobs that are leased at the time, jobs of tomorrow, retries that wait, dead ones.
    query "select count(enqueue('sleep', '{\"seconds\": 20}', tags => '{half}')) from generate_series(1, 10)" > /dev/null
    query "select count(enqueue('echo', delay => '1 day', tags => '{tomorrow}')) from generate_series(1, 50)" > /dev/null
    query "select count(enqueue('http', '{\"url\": \"http://127.0.0.1:9/\"}', max_attempts => 1, tags => '{doomed}')) from generate_series(1, 5)" > /dev/null
    query "select count(enqueue('nobody', tags => '{nobody}')) from generate_series(1, 7)" > /dev/null
    ordinaut task create --title nightly --kind echo --cron '0 3 * * *' > /dev/null
    ordinaut task create --title yearly --kind echo --cron '0 12 24 12 *' > /dev/null
    ordinaut task pause "$(query "select id from task where title = 'yearly'")" > /dev/null
    until_zero "select 10 - count(*) from due_work join job on job.id = job_id where tags @> '{half}' and session is not null" 30
    local tasks lost
    tasks=$(query "select string_agg(title || ' ' || status || ' ' || coalesce(next_run_at::text, '-'), ', ' order by title) from task")
    # Of workers that were killed before.
    lost=$(query "select count(*) from run where outcome = 'lost'")
    load 1500 100 during
    sleep 3
    (cd "$place" && ./ops/backup.sh prod --to "$place/backups")
    wait "${loads[@]}"
    archive=$(find "$place/backups" -name '*.tar' | sort | tail -1)
    mkdir -p "$place/look" && tar -C "$place/look" -xf "$archive"
    cat "$place"/look/*/counts
    local ended
    ended=$(sed -n 's/^ordinaut.run //p' "$place"/look/*/counts)
    compose down --volumes > /dev/null 2>&1
    (cd "$place" && ./ops/start.sh prod > /dev/null 2>&1)
    is "jobs after the wipe" "$(query 'select count(*) from job')" 0
    compose stop worker > /dev/null 2>&1
    (cd "$place" && ./ops/restore.sh prod "$archive" --yes)
    compose stop worker > /dev/null 2>&1
    is "runs after the restore, before anybody worked" "$(($(query "select count(*) from run where outcome <> 'lost'") + lost))" "$ended"
    is "tasks and their next instants" "$(query "select string_agg(title || ' ' || status || ' ' || coalesce(next_run_at::text, '-'), ', ' order by title) from task")" "$tasks"
    is "jobs of tomorrow" "$(query "select count(*) from due_work join job on job.id = job_id where tags @> '{tomorrow}' and run_at = scheduled_for")" 50
    is "jobs nobody can run" "$(query "select count(*) from due_work join job on job.id = job_id where tags @> '{nobody}'")" 7
    is "all queues are paused" "$(query "select count(*) from queue where name = '*' and paused_at is not null")" 1
    ordinaut queue resume '*' > /dev/null
    settled
    # They would wait for ever, and health checks would say so.
    query "select job_id from due_work join job on job.id = job_id where tags @> '{nobody}'" > "$place/nobody"
    while read -r id; do ordinaut job cancel "$id" > /dev/null; done < "$place/nobody"
    until_zero "select count(*) from due_work join job on job.id = job_id where tags @> '{half}' or tags @> '{during}'" 120 || bad "half-done jobs did not end"
    is "half-done jobs that succeeded" "$(query "select count(distinct job_id) from run join job on job.id = job_id where tags @> '{half}' and outcome = 'succeeded'")" 10
    is "of those, run again" "$(query "select count(*) from run join job on job.id = job_id where tags @> '{half}' and outcome = 'lost'")" 10
    is "jobs that ended twice" "$(query "select count(*) from (select job_id from run where outcome in ('succeeded', 'dead', 'cancelled') group by job_id having count(*) > 1) twice")" 0
    (cd "$place" && ./ops/smoke.sh prod) || bad "the restored one does not pass the smoke test"
    query "select 1" > /dev/null
    compose exec -T postgres sh -c 'PGPASSWORD=$(cat /run/secrets/postgres_password) psql -qAtX -U postgres -c "select datname from pg_database where datname like '"'ordinaut_before%'"'" | while read -r name; do PGPASSWORD=$(cat /run/secrets/postgres_password) dropdb -U postgres "$name"; done'
}

step_corrupt() {
    say "a corrupted archive, and an encrypted one"
    (cd "$place" && ./ops/backup.sh prod --to "$place/corrupt")
    archive=$(find "$place/corrupt" -name '*.tar' | sort | tail -1)
    local before size
    before=$(query "select count(*) from pg_database")
    size=$(stat -c %s "$archive")
    printf 'x' | dd of="$archive" bs=1 seek=$((size / 2)) conv=notrunc 2> /dev/null
    if (cd "$place" && ./ops/restore.sh prod "$archive" --yes); then bad "it was restored"; else good "refused"; fi
    rm "$archive.sha256"
    if (cd "$place" && ./ops/restore.sh prod "$archive" --yes); then bad "it was restored"; else good "refused by the checksums inside too"; fi
    is "databases" "$(query "select count(*) from pg_database")" "$before"
    # The same tools by URL, on a server that has never seen Ordinaut: no roles, no schema.
    (cd "$place" && ./ops/backup.sh prod --to "$place/bare" > /dev/null)
    docker run --detach --rm --name "$COMPOSE_PROJECT_NAME-bare" --network none -e POSTGRES_PASSWORD=bare -e POSTGRES_DB=ordinaut postgres:16 > /dev/null
    local deadline=$((SECONDS + 60))
    until docker exec "$COMPOSE_PROJECT_NAME-bare" pg_isready -q -h 127.0.0.1 -d ordinaut || [ $SECONDS -ge $deadline ]; do sleep 0.5; done
    if docker run --rm --network "container:$COMPOSE_PROJECT_NAME-bare" -v "$place:/w:ro" -w /w --entrypoint bash postgres:16 \
        ops/restore.sh postgres://postgres:bare@127.0.0.1/ordinaut "bare/$(basename "$place"/bare/*.tar)" --yes; then
        good "restored on a bare server"
    else bad "not restored on a bare server"; fi
    docker rm --force --volumes "$COMPOSE_PROJECT_NAME-bare" > /dev/null
    if command -v gpg > /dev/null; then
        echo "a passphrase" > "$place/passphrase"
        (cd "$place" && ./ops/backup.sh prod --to "$place/encrypted" --encrypt-with "$place/passphrase" && ./ops/restore.sh prod "$place"/encrypted/*.gpg --decrypt-with "$place/passphrase" --keep-new) || bad "the encrypted one"
        query "select 'drop database ' || datname || ';' from pg_database where datname like 'ordinaut_restored%'" | while read -r line; do query "$line"; done
    fi
    for _ in 1 2 3; do (cd "$place" && ./ops/backup.sh prod --to "$place/rotated" --keep-count 2 > /dev/null); sleep 1.1; done
    is "archives after three with --keep-count 2" "$(find "$place/rotated" -name '*.tar' | wc -l)" 2
}

step_rolling() {
    say "rolling update under 100 jobs/s"
    # The same binaries: what is tried is how they are replaced.
    printf 'FROM ordinaut:0.1.0\nLABEL org.opencontainers.image.version=0.1.1\n' | docker build -q -t ordinaut:0.1.1 - > /dev/null
    scale api=2
    load "${ROLLING_JOBS:-8000}" 100 rolling
    (cd "$place" && ./ops/rolling-update.sh 0.1.1) || bad "the update failed"
    local under=yes
    kill -0 "${loads[0]}" 2> /dev/null || under=no
    is "the load lasted longer than the update" $under yes
    wait "${loads[@]}"
    is "requests" "$(answers | wc -l)" "${ROLLING_JOBS:-8000}"
    is "requests that failed" "$(answers | grep -c -v ' 201 ' || true)" 0
    check_load rolling
    is "images that run" "$(docker ps --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Image}}' | grep '^ordinaut' | sort -u)" ordinaut:0.1.1
}

step_rollback() {
    say "an update that is not healthy goes back by itself, and a good one by hand"
    # The same, with an API that never answers.
    printf 'FROM ordinaut:0.1.0\nUSER 0\nRUN printf "#!/bin/sh\\nexec sleep 3600\\n" > /usr/local/bin/ordinaut-api\nUSER 10001\n' |
        docker build -q -t ordinaut:0.1.2 - > /dev/null
    load 4000 50 back
    (cd "$place" && ./ops/rolling-update.sh 0.1.2 --timeout 20) && bad "the broken one was taken" || good "the broken one was refused"
    wait "${loads[@]}"
    is "requests that failed" "$(answers | grep -c -v ' 201 ' || true)" 0
    check_load back
    (cd "$place" && ./ops/rolling-update.sh --rollback) || bad "the way back"
    is "images that run" "$(docker ps --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.Image}}' | grep '^ordinaut' | sort -u)" ordinaut:0.1.0
}

step_observe() {
    say "Prometheus sees every API, and answers every panel and alert"
    export PROMETHEUS_PORT=$((HTTP_PORT + 1)) ALERTMANAGER_PORT=$((HTTP_PORT + 2))
    scale api=2
    load 200 20 observed
    # Grafana's image cannot be had everywhere; what its panels ask is asked here.
    observability=yes compose up --detach --no-recreate --wait prometheus alertmanager > /dev/null 2>&1 || bad "Prometheus or Alertmanager is not healthy"
    wait "${loads[@]}"
    prom() { curl -sS -m 10 -G "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/$1" "${@:2}"; }
    ups() { prom query --data-urlencode 'query=sum by (job) (up)' | jq -r '[.data.result[] | "\(.metric.job)=\(.value[1])"] | sort | join(" ")'; }
    local deadline=$((SECONDS + 90)) panel answer bad_panels='' named=0
    until [ "$(ups)" = "ordinaut=2 prometheus=1 proxy=1" ] || [ $SECONDS -ge $deadline ]; do sleep 1; done
    is "targets that are up" "$(ups)" "ordinaut=2 prometheus=1 proxy=1"
    is "Alertmanagers that Prometheus tells" "$(prom alertmanagers | jq '.data.activeAlertmanagers | length')" 1
    is "alerts that it has loaded" "$(prom rules | jq '[.data.groups[].rules[]] | length')" "$(grep -c -- '- alert:' "$place/ops/prometheus/rules.yml")"
    is "alerts that it cannot tell" "$(prom rules | jq -r '[.data.groups[].rules[] | select(.health == "err") | .name] | join(" ")')" ""
    # Rates need two scrapes.
    sleep 35
    while read -r panel; do
        named=$((named + 1))
        answer=$(prom query --data-urlencode "query=$panel" | jq -r 'if .status == "success" then (.data.result | length) else .error end')
        case $answer in 0 | *[!0-9]*) bad_panels+="$panel: $answer; " ;; esac
    done < <(jq -r '.panels[].targets[]?.expr' "$place/ops/grafana/dashboards/overview.json")
    is "of $named queries of panels, without an answer" "$bad_panels" ""
    # An alert from end to end: without a scheduler for a minute and a half.
    compose stop scheduler > /dev/null 2>&1
    deadline=$((SECONDS + 180))
    fires() { curl -sS -m 10 "http://127.0.0.1:$ALERTMANAGER_PORT/api/v2/alerts" | jq -r '.[].labels.alertname' | grep -x OrdinautNoScheduler || true; }
    until [ -n "$(fires)" ] || [ $SECONDS -ge $deadline ]; do sleep 2; done
    is "what Alertmanager has been told" "$(fires)" OrdinautNoScheduler
    compose start scheduler > /dev/null 2>&1
    observability=yes compose rm --stop --force prometheus alertmanager > /dev/null 2>&1
}

step_smoke() {
    say "the smoke test, and what it says of each part that is away"
    (cd "$place" && ./ops/smoke.sh prod) || bad "not green"
    # The disk is this machine's, and others fill it too.
    (cd "$place" && ./ops/healthcheck.sh prod > "$place/health") || true
    is "what else than the disk is not well" "$(grep -E 'BAD|degraded ' "$place/health" | grep -v '^disk ' || true)" ""
    local part code
    for part in postgres redis scheduler worker; do
        compose stop "$part" > /dev/null 2>&1
        code=0
        (cd "$place" && ./ops/smoke.sh prod --timeout 8 > "$place/smoke") || code=$?
        if [ $code = 2 ]; then good "without $part: $(grep BAD "$place/smoke" | head -1)"; else bad "without $part it says $code: $(cat "$place/smoke")"; fi
        code=0
        (cd "$place" && ./ops/healthcheck.sh prod --timeout 5 > "$place/smoke") || code=$?
        if [ $code != 0 ]; then good "healthcheck says $code: $(grep -E 'BAD|degraded' "$place/smoke" | head -1)"; else bad "healthcheck is content without $part"; fi
        compose start "$part" > /dev/null 2>&1
        settled
    done
    (cd "$place" && ./ops/smoke.sh prod > /dev/null) && good "green again" || bad "not green again"
}

if [ -d "$place" ]; then
    . "$place/ops/compose.sh"
    [ "${KEEP:-no}" = yes ] || { clean; fresh; }
else
    fresh
fi
[ "${KEEP:-no}" = yes ] || trap clean EXIT
for step in "${steps[@]}"; do [ "$step" = fresh ] || "step_$step"; done
printf '\n%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
