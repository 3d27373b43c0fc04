#!/usr/bin/env bash
# Does an installation work? Enqueues a job over HTTP, sees it run, its event told, and another cancelled.
#
#   ./ops/smoke.sh local|dev|prod|URL [--json] [--timeout SECONDS] [--api-url URL] [--queue NAME]
#
# local: the `ordinaut dev` of this directory. URL: the database of any other; then API_ADMIN_TOKEN, API_PORT and
# REDIS_URL say the rest. Leaves two jobs of kind echo, with the tag smoke.
# Code 0: all works. 2: something does not, and the line says what.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
. ops/database.sh
. ops/findings.sh

case ${1:-} in
    -h | --help) usage; exit ;;
    local | dev | prod | postgres://* | postgresql://*) installation=$1; shift ;;
    -*) refuse_option "$1" ;;
    *) usage >&2; exit 2 ;;
esac
json=no patience=15 api='' queue=default
while [ $# -gt 0 ]; do
    case $1 in
        --json) json=yes ;;
        --timeout) need_number "$@"; patience=$2; shift ;;
        --api-url) need_value "$@"; api=$2; shift ;;
        --queue) need_value "$@"; queue=$2; shift ;;
        *) refuse_option "$1" ;;
    esac
    shift
done
find_installation "$installation"

# until_it CONDITION…: false if it is not so within the time given.
until_it() {
    local deadline=$((SECONDS + patience))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.2
    done
}

# Each step needs the one before.
[ -n "$api" ] || { found bad api "is not running"; tell_findings; }
call -o /dev/null "$api/health/live" 2> /dev/null || { found bad api "$api does not answer"; tell_findings; }
found good api "$api answers"

if ! answer=$(call "$api/events?limit=1" 2>&1); then found bad postgres "the API does not answer in ${patience} s: $answer"; tell_findings; fi
case $answer in
    *'"status":401'*) found bad api "it does not take this token"; tell_findings ;;
    *'"events"'*) found good postgres "the API reads from it" ;;
    *) found bad postgres "the API says: $(jq -r '.detail // .' <<< "$answer" 2> /dev/null || echo "$answer")"; tell_findings ;;
esac
before=$(ask "select n from $schema.event_head" || echo 0)

job=$(call "$api/jobs" -d "{\"kind\": \"echo\", \"args\": {\"smoke\": true}, \"queue\": \"$queue\", \"tags\": [\"smoke\"]}" | jq -r '.id // empty')
[ -n "$job" ] || { found bad enqueue "the API takes no job"; tell_findings; }
found good enqueue "job $job"

is_state() { [ "$(call "$api/jobs/$job" 2> /dev/null | jq -r .state)" = "$1" ]; }
if until_it is_state succeeded; then found good worker "ran it"
else
    why=$(call "$api/jobs/$job" | jq -r '.note // .state') || why='no answer'
    alive=$(call "$api/workers?limit=500" | jq '[.workers[] | select(.alive)] | length') || alive=0
    if [ "$alive" = 0 ]; then why='no worker is alive'; fi
    found bad worker "it did not run within $patience s: $why"
fi

later=$(call "$api/jobs" -d "{\"kind\": \"echo\", \"queue\": \"$queue\", \"delay\": 3600, \"tags\": [\"smoke\"]}" | jq -r '.id // empty')
if [ "$(call -X POST "$api/jobs/$later/cancel" | jq -r .cancelled)" = now ]; then found good cancel "a job of the next hour is cancelled"
else found bad cancel "job $later was not cancelled"
fi

has_event() { call "$api/events?after=$before&limit=500" 2> /dev/null | jq -e --arg job "$job" 'any(.events[]; .type == "enqueued" and any(.jobs[]; .id == $job))' > /dev/null; }
if until_it has_event; then
    found good scheduler "relays events"
    n=$(call "$api/events?after=$before&limit=500" | jq --arg job "$job" '[.events[] | select(any(.jobs[]; .id == $job))][0].n')
    in_redis() { [ "$(last_event_in_redis | grep -x '[0-9]*' || echo 0)" -ge "$n" ]; }
    if [ -z "$redis_url" ]; then found good redis "REDIS_URL is not set"
    elif [ "$(redis ping)" != PONG ]; then found bad redis "does not answer: events wait in Postgres"
    elif until_it in_redis; then found good redis "the stream has the event"
    else found bad redis "answers, and event $n did not come within $patience s"
    fi
else
    found bad scheduler "no event of the job within $patience s: none runs, or it does not relay"
fi
tell_findings
