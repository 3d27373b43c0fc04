#!/usr/bin/env bash
# Replace a running prod by another version, one container at a time, without a failed request or a lost job.
#
#   ./ops/rolling-update.sh VERSION [--timeout SECONDS]    the image ordinaut:VERSION has to be on this machine
#   ./ops/rolling-update.sh --rollback [--timeout SECONDS] back to the version before the last update
#
# First the schema goes forward (the running version works on it: migrations/README.md). Then, for the scheduler, the
# workers and the API in turn: start a new container, wait until it is healthy, let an old one end what it does, remove it.
# A new container that is not healthy in time, or more than 5 % of requests failing, and everything goes back by itself
# (code 1). Schemas never go back.
set -euo pipefail
# Settings may hold secrets, and are written beside themselves for a moment.
umask 077
cd "$(dirname "$0")/.."
. ops/options.sh
environment=prod
. ops/compose.sh

fail() { echo "error: $*" >&2; exit 1; }
say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

version='' patience=60 rollback=no
while [ $# -gt 0 ]; do
    case $1 in
        --rollback) rollback=yes ;;
        --timeout) need_number "$@"; patience=$2; shift ;;
        -h | --help) usage; exit ;;
        -*) refuse_option "$1" ;;
        *) version=$1 ;;
    esac
    shift
done
[ -n "$version" ] || [ "$rollback" = yes ] || { usage >&2; exit 2; }

settings=$(settings_file)
[ "$settings" != /dev/null ] || fail "there is no ops/.env: this updates what ./ops/start.sh prod started"
# setting NAME [VALUE]: reads or writes a line of the settings.
setting() {
    if [ $# = 1 ]; then sed -n "s/^$1=//p" "$settings" | tail -1; return; fi
    local text
    text=$(grep -v "^$1=" "$settings" || true)
    # In place and in one write: a reader sees the old text or the new one.
    printf '%s\n%s=%s\n' "$text" "$1" "$2" > "$settings.new" && cat "$settings.new" > "$settings" && rm "$settings.new"
}

if [ "$rollback" = yes ]; then
    version=$(setting ORDINAUT_PREVIOUS_VERSION)
    [ -n "$version" ] || fail "no version before this one is known"
fi
# What the shell says would win over the file, also when it goes back.
unset ORDINAUT_VERSION
old_version=$(setting ORDINAUT_VERSION)
old_version=${old_version:-0.1.0}
image=$(ORDINAUT_VERSION=$version compose config --format json | jq -r .services.migrate.image)
docker image inspect "$image" > /dev/null 2>&1 || fail "there is no image $image here: pull it, or build it with ORDINAUT_VERSION=$version ./ops/compose.sh prod build migrate"
[ -n "$(compose ps -q --status running api)" ] || fail "prod does not run: ./ops/start.sh prod"

health_of() { docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$1" 2> /dev/null || echo gone; }

# proxy COMMAND: the runtime API of HAProxy. bash is in the image, socat is not.
proxy() {
    docker exec "$proxy_container" bash -c 'exec 3<> /dev/tcp/127.0.0.1/9999 && printf "%s\n" "$1" >&3 && cat <&3' - "$1"
}
proxy_container=$(compose ps -q proxy)

# The server of the proxy that stands for a container, the one with its address; with "up", only if its checks succeed.
server_of() {
    local addresses
    addresses=$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' "$1")
    proxy "show servers state api" | awk -v addresses=" $addresses" -v only="${2:-}" \
        '$4 != "" && index(addresses, " " $5 " ") && (only == "" || $6 == 2) { print $4 }' | head -1
}

# Requests that the proxy answered, and of them those with a 5xx.
requests() { proxy "show stat api 2 -1" | awk -F , '$2 == "BACKEND" { print $49 + 0, $44 + 0 }'; }

too_many_fail() {
    local total bad
    read -r total bad < <(requests)
    total=$((total - requests_before)) bad=$((bad - bad_before))
    [ "$total" -ge 20 ] && [ $((bad * 100)) -gt $((total * 5)) ]
}

# Lets a container end what it does, and removes it.
retire() {
    local service=$1 container=$2 server=''
    if [ "$service" = api ]; then
        server=$(server_of "$container")
        if [ -n "$server" ]; then
            proxy "set server api/$server state drain" > /dev/null
            local deadline=$((SECONDS + 35))
            # Field 5 is the number of its requests; the API itself gives none longer than 30 s.
            until [ "$(proxy "show stat api 4 -1" | awk -F , -v server="$server" '$2 == server { print $5 }')" = 0 ] || [ $SECONDS -ge $deadline ]; do sleep 0.2; done
        fi
    fi
    # SIGTERM, and the service's stop_grace_period until SIGKILL.
    docker stop "$container" > /dev/null
    docker rm "$container" > /dev/null
    # The next container may get this address, and with it this server.
    if [ -n "$server" ]; then proxy "set server api/$server state ready" > /dev/null; fi
}

# replace SERVICE VERSION: every container of it that is of another image, one at a time. False: a new one is not healthy.
replace() {
    local service=$1 wanted image_id container new number before deadline since
    wanted=$(ORDINAUT_VERSION=$2 compose config --format json | jq -r ".services.$service.image")
    image_id=$(docker image inspect --format '{{.Id}}' "$wanted")
    for container in $(compose ps -q "$service"); do
        [ "$(docker inspect --format '{{.Image}}' "$container")" != "$image_id" ] || continue
        before=$(compose ps -q "$service")
        number=$(wc -l <<< "$before")
        ORDINAUT_VERSION=$2 compose up --detach --no-deps --no-recreate --scale "$service=$((number + 1))" "$service" > /dev/null 2>&1 || return 1
        new=$(compose ps -q -a "$service" | grep -v -x -F "$before" || true)
        [ -n "$new" ] || return 1
        deadline=$((SECONDS + patience))
        until [ "$(health_of "$new")" = healthy ]; do
            if [ $SECONDS -ge $deadline ] || [ "$(health_of "$new")" = unhealthy ]; then
                say "$service: the new container is $(health_of "$new") after $patience s at most; its last lines:"
                docker logs --tail 5 "$new" 2>&1 | sed 's/^/    /'
                docker rm -f "$new" > /dev/null
                return 1
            fi
            sleep 0.5
        done
        if [ "$service" = api ]; then
            # Healthy by its own account is not enough: the proxy has to reach it before the old one goes. A server that gets
            # a new address is taken for up until its checks fail, so it has to be up for longer than they take to.
            deadline=$((SECONDS + patience)) since=$SECONDS
            until [ $((SECONDS - since)) -ge 5 ]; do
                [ -n "$(server_of "$new" up)" ] || since=$SECONDS
                if [ $SECONDS -ge $deadline ]; then
                    say "api: the proxy does not reach the new container"
                    docker rm -f "$new" > /dev/null
                    return 1
                fi
                sleep 0.5
            done
        fi
        retire "$service" "$container"
        say "$service: ${container:0:12} is replaced by ${new:0:12} ($2)"
        if too_many_fail; then say "more than 5 % of requests failed since the update began"; return 1; fi
    done
}

go_back() {
    say "going back to $old_version"
    for service in api worker scheduler; do
        replace "$service" "$old_version" || say "$service did not go back in full: look at ./ops/compose.sh prod ps"
    done
    fail "the update to $version was rolled back; the schema stays where it is"
}

read -r requests_before bad_before < <(requests)
say "from $old_version to $version"
ORDINAUT_VERSION=$version compose run --rm --no-deps -T migrate 2> /dev/null || fail "the schema could not be brought forward; nothing was replaced"
for service in scheduler worker api; do
    replace "$service" "$version" || go_back
done
setting ORDINAUT_VERSION "$version"
setting ORDINAUT_PREVIOUS_VERSION "$old_version"
read -r total bad < <(requests)
say "done: $version runs; of $((total - requests_before)) requests during the update $((bad - bad_before)) failed. Back: $0 --rollback"
