# shellcheck disable=SC2154 # json, patience and api are options of the script that sources this
# What healthcheck.sh and smoke.sh share: which installation is meant, and findings with a code at the end. Sourced.

# Parts, verdicts and texts, a line each.
findings=''
export PGCONNECT_TIMEOUT=5
worst=0

# found good|degraded|bad PART TEXT…
found() {
    local verdict=$1 part=$2
    shift 2
    findings+="$part"$'\t'"$verdict"$'\t'"$*"$'\n'
    case $verdict in degraded) [ "$worst" -ge 1 ] || worst=1 ;; bad) worst=2 ;; esac
}

# For people or programs; the script ends with 0 for good, 1 for degraded, 2 for bad.
tell_findings() {
    local word=(healthy degraded unhealthy)
    if [ "$json" = yes ]; then
        printf '%s' "$findings" | jq -R 'split("\t") | {part: .[0], verdict: .[1], text: .[2]}' |
            jq -s --arg status "${word[$worst]}" '{status: $status, findings: .}'
    else
        printf '%s' "$findings" | awk -F '\t' '{ printf "%-11s %-9s %s\n", $1, ($2 == "bad") ? "BAD" : $2, $3 }'
        echo "${word[$worst]}"
    fi
    exit "$worst"
}

# find_installation local|dev|prod|URL: database, API and token of it.
find_installation() {
    case $1 in
        local)
            local running=.ordinaut/running.json
            [ -s "$running" ] || { found bad dev "no ordinaut dev runs in $PWD"; tell_findings; }
            use_database "$(jq -r .settings.DATABASE_URL "$running")"
            redis_url=$(jq -r '.settings.REDIS_URL // empty' "$running")
            token=$(cat .ordinaut/api_token)
            api=${api:-$(jq -r '"http://" + .settings.API_HOST + ":" + .settings.API_PORT' "$running")}
            ;;
        dev | prod)
            use_database "$1"
            local service=(api 8080) secrets=${ORDINAUT_SECRETS:-ops/secrets}
            if [ "$1" = prod ]; then service=(proxy 8080); elif [ -z "${ORDINAUT_SECRETS:-}" ]; then secrets=ops/secrets.dev; fi
            token=$(cat "$secrets/api_admin_token")
            if [ -z "$api" ]; then api=$(compose port "${service[@]}" 2> /dev/null | sed 's/^0.0.0.0/127.0.0.1/;s|^|http://|') || true; fi
            redis_url=compose
            ;;
        *)
            use_database "$1"
            redis_url=${REDIS_URL:-}
            token=${API_ADMIN_TOKEN:-}
            if [ -z "$token" ] && [ -n "${API_ADMIN_TOKEN_FILE:-}" ]; then token=$(cat "$API_ADMIN_TOKEN_FILE"); fi
            api=${api:-http://127.0.0.1:${API_PORT:-8080}}
            ;;
    esac
}

# A value from the database, or nothing if it does not answer in time. Without compose's own complaints.
ask() { sql <<< "set statement_timeout = '${patience}s'; $1" 2> /dev/null; }

# The jobs that wait: how late those are that a living worker could take, by the bounds of GET /health; and those that none can.
look_at_work() {
    local work oldest stranded queues
    if ! work=$(ask "
        with waiting as (
            select queue, kind, count(*) as jobs, min(run_at) as oldest
            from $schema.due_work
            where session is null and run_at <= clock_timestamp()
            group by queue, kind
        ), judged as (
            select *, $schema.stopped(queue, kind) as stopped from waiting
        ), stranded as (
            select queue, sum(jobs) as jobs, row_number() over (order by queue) as place
            from judged where stopped in ('queue_unserved', 'kind_unknown') group by queue
        )
        select (select coalesce(extract(epoch from clock_timestamp() - min(oldest)), 0)::bigint from judged where stopped is null),
               (select coalesce(sum(jobs), 0) from stranded),
               (select string_agg(jobs || ' in ' || queue, ', ' order by queue) from stranded where place <= 5)"); then
        found degraded lag "not counted within $patience s, or the schema is older than this script"
        return
    fi
    IFS='|' read -r oldest stranded queues <<< "$work"
    if [ "$oldest" -gt 300 ]; then found bad lag "the oldest waiting job has been due for $oldest s"
    elif [ "$oldest" -gt 60 ]; then found degraded lag "the oldest waiting job has been due for $oldest s"
    else found good lag "the oldest waiting job has been due for $oldest s"
    fi
    if [ "$stranded" -gt 0 ]; then found degraded stranded "$stranded waiting jobs that no living worker can take: $queues"
    else found good stranded "living workers can take all jobs that wait"
    fi
}

# The token in a file, because everybody on this machine sees the words of a command.
call() { curl -sS -m "$patience" -H @<(printf 'Authorization: Bearer %s\n' "$token") "$@"; }

redis() {
    case $redis_url in
        compose) compose exec -T redis sh -c 'REDISCLI_AUTH=$(cut -d" " -f2 /run/secrets/redis_auth) exec redis-cli --raw "$@"' - "$@" 2> /dev/null < /dev/null ;;
        redis+unix://*) redis-cli --raw -s "${redis_url#redis+unix://}" "$@" 2> /dev/null ;;
        *)
            # The same for the password of the URL.
            local rest=${redis_url#*://} user='' password=''
            case ${rest%%/*} in
                *@*)
                    user=${rest%%@*} rest=${rest#*@}
                    case $user in *:*) password=$(decode "${user#*:}") user=$(decode "${user%%:*}") ;; *) user=$(decode "$user") ;; esac
                    ;;
            esac
            REDISCLI_AUTH=$password redis-cli --raw ${user:+--user "$user"} -u "${redis_url%%://*}://$rest" "$@" 2> /dev/null
            ;;
    esac
}

last_event_in_redis() { redis xrevrange "$([ "$schema" = ordinaut ] && echo events || echo "events:$schema")" + - count 1 | head -1 | cut -d- -f1; }
