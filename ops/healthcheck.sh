#!/usr/bin/env bash
# Is an installation healthy? Looks only.
#
#   ./ops/healthcheck.sh local|dev|prod|URL [--json] [--timeout SECONDS] [--api-url URL]
#
# local: the `ordinaut dev` of this directory. URL: the database of any other; then REDIS_URL and API_PORT say the rest.
# Code 0: healthy. 1: degraded, work gets done. 2: unhealthy.
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
json=no patience=10 api=''
while [ $# -gt 0 ]; do
    case $1 in
        --json) json=yes ;;
        --timeout) need_number "$@"; patience=$2; shift ;;
        --api-url) need_value "$@"; api=$2; shift ;;
        *) refuse_option "$1" ;;
    esac
    shift
done
find_installation "$installation"

# Postgres, and what only it knows.
if version=$(ask "select 'schema version ' || version from $schema.schema_version"); then
    found good postgres "answers, $version"
    read -r workers schedulers outbox < <(ask "
        select (select count(*) from $schema.worker where ended_at is null and expires_at > clock_timestamp()),
               (select count(*) from $schema.scheduler where seen_at > clock_timestamp() - interval '30 s'),
               (select coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::bigint from $schema.outbox)" | tr '|' ' ')
    if [ "$workers" -gt 0 ]; then found good workers "$workers alive"; else found bad workers "none is alive: no job runs"; fi
    if [ "$outbox" -gt 15 ]; then found bad scheduler "an event has waited for $outbox s: no scheduler relays"
    elif [ "$schedulers" = 0 ]; then found bad scheduler "none was seen for 30 s: no task fires, nothing is rescued"
    else found good scheduler "$schedulers alive, events are relayed"
    fi
    look_at_work
else
    found bad postgres "does not answer, or has no schema $schema"
fi

# Standbys and slots: who lags makes Postgres keep WAL, and a standby with feedback also what vacuum would remove.
if replication=$(ask "
    select count(*), coalesce(extract(epoch from max(replay_lag)), 0)::bigint,
           (select count(*) from pg_replication_slots where not active),
           (select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::bigint / 1048576 from pg_replication_slots)
    from pg_stat_replication"); then
    IFS='|' read -r standbys behind_for idle kept <<< "$replication"
    if [ "$kept" -gt 1024 ]; then found degraded replication "a slot keeps $kept MB of WAL; $idle slots have no reader"
    elif [ "$behind_for" -gt 60 ]; then found degraded replication "a standby is $behind_for s behind"
    elif [ "$standbys" = 0 ] && [ "$idle" = 0 ]; then found good replication "there is no standby"
    else found good replication "$standbys standbys, $behind_for s behind at most; slots keep $kept MB of WAL"
    fi
fi

if [ -z "$api" ]; then found bad api "is not running"
elif ! call -o /dev/null "$api/health/live" 2> /dev/null; then found bad api "$api does not answer"
elif ! call -f -o /dev/null "$api/health/ready" 2> /dev/null; then found bad api "$api is not ready: Postgres or its schema"
else found good api "$api is ready"
fi

# Redis tells, and decides nothing.
if [ -z "$redis_url" ]; then found good redis "REDIS_URL is not set: events stay in Postgres"
elif [ "$(redis ping)" != PONG ]; then found degraded redis "does not answer: events wait in Postgres"
else
    behind=$(($(ask "select n from $schema.event_head" || echo 0) - $(last_event_in_redis | grep -x '[0-9]*' || echo 0)))
    # More than a busy second's worth.
    if [ "$behind" -gt 5000 ]; then found degraded redis "the stream is $behind events behind"; else found good redis "answers"; fi
fi

# The disk that Postgres writes to, where it is this machine's.
place=''
if [ "$installation" = local ]; then place=.ordinaut; elif [ -n "$environment" ]; then place=$(docker info --format '{{.DockerRootDir}}'); fi
if [ -d "$place" ]; then
    used=$(df -Pk "$place" | awk 'NR == 2 { sub("%", "", $5); print $5 }')
    if [ "$used" -gt 95 ]; then found bad disk "$used % of $place is used"
    elif [ "$used" -gt 85 ]; then found degraded disk "$used % of $place is used"
    else found good disk "$used % of $place is used"
    fi
fi
tell_findings
