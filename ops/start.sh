#!/usr/bin/env bash
# Start Ordinaut.
#
#   ./ops/start.sh local [--demo] [--exit] [--workers N] [--clean] [--yes]
#   ./ops/start.sh dev|prod [--build] [--logs] [--clean] [--yes] [--demo] [--workers N] [--observability] [--check]
#
# local: everything in one process on a private Postgres and Redis, in .ordinaut/. Installs what is missing, builds the
# release binaries, and runs `ordinaut dev` with the options given.
#
# dev, prod: containers. Waits until everything is healthy. The first `prod` writes ops/.env and ops/secrets/, and stops
# for you to read them (code 3).
#
#   --build           build the image first; without it, only if there is none
#   --logs            follow the logs afterwards
#   --clean           remove this environment's containers AND DATA first; prod asks
#   --yes             do not ask
#   --demo            (dev) run 1,000 jobs, and tell how fast they went
#   --workers N       how many workers; stays until the next start
#   --observability   Prometheus, Alertmanager and Grafana too
#   --check           only look whether it could start
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh

fail() { echo "error: $*" >&2; exit 1; }

case ${1:-} in
    local)
        shift
        . ops/packages.sh
        need_rust
        need_postgres
        # Events are kept without it too; nobody is stopped because it cannot be had.
        (need_redis) || echo "going on without Redis: events stay in Postgres"
        cargo build --release --locked -p ordinaut-cli
        exec "${CARGO_TARGET_DIR:-target}/release/ordinaut" dev "$@"
        ;;
    dev | prod) environment=$1; shift ;;
    -h | --help | help) usage; exit ;;
    -*) refuse_option "$1" ;;
    *) usage >&2; exit 2 ;;
esac

build=no logs=no clean=no yes=no demo=no check=no observability=no workers=
while [ $# -gt 0 ]; do
    case $1 in
        --build) build=yes ;;
        --logs) logs=yes ;;
        --clean) clean=yes ;;
        --yes) yes=yes ;;
        --demo) demo=yes ;;
        --check) check=yes ;;
        --observability) observability=yes ;;
        --workers) need_number "$@"; workers=$2; shift ;;
        -h | --help) usage; exit ;;
        *) refuse_option "$1" ;;
    esac
    shift
done
[ "$demo" = no ] || [ "$environment" = dev ] || fail "--demo is for dev: it puts a thousand jobs into the queue"

. ops/compose.sh
. ops/secrets.sh

# What is needed, each with one line about what to do.
check_engine() {
    command -v docker > /dev/null || fail "docker is missing: install Docker Engine and the Compose plugin"
    docker info > /dev/null 2>&1 || fail "the Docker engine does not answer: start it, or see whether you may use it (docker info)"
    local version
    version=$(docker compose version --short 2> /dev/null) || fail "docker compose is missing: install the Compose plugin, 2.20 or newer"
    [ "$(printf '%s\n' 2.20.0 "${version#v}" | sort -V | head -1)" = 2.20.0 ] || fail "docker compose is $version: 2.20 or newer is needed"
}

check_disk() {
    local place free
    place=$(docker info --format '{{.DockerRootDir}}')
    [ -d "$place" ] || return 0 # an engine elsewhere
    free=$(df -Pk "$place" | awk 'NR == 2 { print int($4 / 1024) }')
    [ "$free" -ge 2048 ] || fail "only $free MB are free in $place: 2048 are needed for images and data"
}

# Ports that the files publish and that are not ours already.
check_ports() {
    local port
    for port in $(compose config --format json | jq -r '.services[].ports[]?.published'); do
        [ -z "$(docker ps -q --filter "label=com.docker.compose.project=$project" --filter "publish=$port")" ] || continue
        if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
            fail "port $port of this machine is taken: free it, or set $(name_of_port "$port") in $(settings_file)"
        fi
    done
}

name_of_port() {
    case $1 in
        "${POSTGRES_PORT:-5432}") echo POSTGRES_PORT ;;
        "${REDIS_PORT:-6379}") echo REDIS_PORT ;;
        "${PROMETHEUS_PORT:-9090}") echo PROMETHEUS_PORT ;;
        "${ALERTMANAGER_PORT:-9093}") echo ALERTMANAGER_PORT ;;
        "${GRAFANA_PORT:-3000}") echo GRAFANA_PORT ;;
        *) echo HTTP_PORT ;;
    esac
}

# The first start of prod: settings and secrets, for a person to read before anything runs with them.
write_settings() {
    {
        echo "# Written by ops/start.sh prod. What is commented out has the default that it shows."
        echo
        cat ops/.env.example
        echo
        sed 's/^\([A-Z]\)/# \1/' .env.example | grep -v -E '^# (DATABASE_URL|REDIS_URL|API_ADMIN_TOKEN|API_PORT|ARGS_KEYS)='
    } > "$1"
    chmod 600 "$1"
}

if [ "$environment" = prod ]; then
    settings=${ORDINAUT_ENV_FILE:-$PWD/ops/.env}
    if [ ! -f "$settings" ] && [ "$check" = no ]; then
        write_settings "$settings"
        make_secrets "${ORDINAUT_SECRETS:-ops/secrets}" random_word ""
        echo "wrote $settings: settings, each with its default"
        echo "wrote ${ORDINAUT_SECRETS:-ops/secrets}/: generated passwords, and the API's token in api_admin_token"
        echo "nothing is started yet. Read both, keep a copy of the secrets elsewhere, and run the same again."
        exit 3
    fi
    [ "$check" = yes ] || make_secrets "${ORDINAUT_SECRETS:-ops/secrets}" random_word "$(sed -n 's/^ARGS_KEYS=//p' "$settings" | tail -1)"
fi

check_engine
command -v jq > /dev/null || fail "jq is missing: install it"
project=$(compose config --format json | jq -r .name) || fail "the compose files and $(settings_file) do not agree: see above"
check_disk

if [ "$clean" = yes ] && [ "$check" = no ]; then
    mapfile -t volumes < <(docker volume ls -q --filter "label=com.docker.compose.project=$project")
    echo "removing the containers of $project and its volumes: ${volumes[*]:-none}"
    if [ "$environment" = prod ] && [ "$yes" = no ]; then
        read -r -p "All jobs and events in them are lost. Type $project to go on: " answer || answer=
        [ "$answer" = "$project" ] || fail "nothing was removed"
    fi
    observability=yes compose down --volumes --remove-orphans
fi
check_ports
if [ "$check" = yes ]; then
    echo "$environment could start"
    exit
fi

image=$(compose config --format json | jq -r .services.migrate.image)
if [ "$build" = yes ] || ! docker image inspect "$image" > /dev/null 2>&1; then
    echo "building $image (some minutes the first time)"
    compose build migrate
fi

begun=$SECONDS
scale=()
[ -z "$workers" ] || scale=(--scale "worker=$workers")
if ! compose up --detach --remove-orphans ${scale[@]+"${scale[@]}"}; then
    compose ps -a
    compose logs --tail 5 migrate
    fail "it did not start: see above, and $0 $environment --check"
fi

# A word for each service until all are well: what runs of it, and what does not yet.
deadline=$((SECONDS + 300)) shown=
while true; do
    containers=$(compose ps -a --format json | jq -rs 'flatten[] | [.Service, .State, .Health, .ExitCode] | @tsv')
    waiting=$(awk '!($1 == "migrate" && $2 == "exited") && !($2 == "running" && ($3 == "healthy" || $3 == "")) {
        printf "%s (%s) ", $1, ($2 == "running") ? $3 : $2 }' <<< "$containers")
    if [ "$waiting" != "$shown" ] && [ -n "$waiting" ]; then echo "waiting for $waiting"; fi
    shown=$waiting
    [ -n "$waiting" ] || break
    if [ $SECONDS -ge $deadline ]; then
        bad=${waiting%% *}
        compose logs --tail 10 "$bad"
        fail "$bad is not healthy after 300 s: see its last lines above"
    fi
    sleep 1
done
echo "all healthy after $((SECONDS - begun)) s:$(awk '$2 == "running" { n[$1]++ } END { for (s in n) printf " %s %d,", s, n[s] }' <<< "$containers" | sed 's/,$//')"

address() { compose port "$@" 2> /dev/null | head -1; }

if [ "$demo" = yes ]; then
    echo "enqueuing 1,000 jobs"
    started=$(date +%s%N)
    compose exec -T postgres sh -c 'PGPASSWORD=$(cat /run/secrets/service_password) psql -qAt -h 127.0.0.1 -U ordinaut_service -d ordinaut' \
        <<< "select count(enqueue(case n % 10 when 0 then 'sleep' else 'echo' end, '{\"seconds\": 0.05}')) from generate_series(1, 1000) as n" > /dev/null
    until [ "$(compose exec -T api ordinaut queue list --json | jq 'map(.waiting + .running) | add')" = 0 ]; do sleep 0.2; done
    echo "1,000 jobs ran in $((($(date +%s%N) - started) / 1000000)) ms; look: select state, count(*) from job_state group by 1"
fi

if [ "$environment" = prod ]; then api=$(address proxy 8080); else api=$(address api 8080); fi
token=${ORDINAUT_SECRETS:-ops/secrets}/api_admin_token
cat << NEXT

  API          http://$api        token: $token
  psql         ./ops/compose.sh $environment exec postgres psql -U ordinaut_read -d ordinaut -c 'select count(*) from due_work'
  workers      ./ops/compose.sh $environment exec api ordinaut worker list
  scale        ./ops/compose.sh $environment up -d --no-recreate --scale worker=4
  check        ./ops/smoke.sh $environment
  logs         ./ops/compose.sh $environment logs -f --tail 100 worker
  stop         ./ops/stop.sh $environment
NEXT
if [ "$observability" = yes ]; then
    echo "  Prometheus   http://$(address prometheus 9090)        Grafana   http://$(address grafana 3000) (admin, grafana_password)"
fi
if [ "$logs" = yes ]; then compose logs --follow --tail 50; fi
