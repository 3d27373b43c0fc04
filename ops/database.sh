# Which database a script means, and its tools: inside the container, or this machine's own. Sourced, not run.

# shellcheck disable=SC2034 # the script that sources this reads it
schema=${DATABASE_SCHEMA:-ordinaut}

# use_database dev|prod|URL: from then on run_tool, sql and dump work there.
use_database() {
    target=$1 database=ordinaut url='' environment=''
    case $target in
        dev | prod)
            environment=$target
            . ops/compose.sh
            ;;
        *)
            url=$target
            # Its path, without asking a server that may be down.
            database=${url#*://} database=${database%%\?*}
            case $database in */?*) database=${database#*/} ;; *) echo "error: the URL names no database" >&2; exit 2 ;; esac
            hide_password
            ;;
    esac
}

# What a URL means by %40 and its like.
decode() { local text=${1//\\/\\\\}; printf '%b' "${text//%/\\x}"; }

# The password goes from the URL into the environment: everybody on this machine sees the words of a command.
hide_password() {
    local rest=${url#*://} user
    case ${rest%%[/?]*} in
        *:*@*)
            user=${rest%%@*}
            PGPASSWORD=$(decode "${user#*:}")
            export PGPASSWORD
            url=${url%%://*}://${user%%:*}@${rest#*@}
            ;;
    esac
}

# The same server, another database in it.
url_of() {
    local rest=${url#*://} query=''
    case $rest in *\?*) query="?${rest#*\?}" rest=${rest%%\?*} ;; esac
    echo "${url%%://*}://${rest%%/*}/$1$query"
}

# These run as a superuser in a database where others may create functions: a name without its schema never means one of
# theirs.
pgoptions='-c search_path=pg_catalog,pg_temp'

# run_tool TOOL DATABASE OPTION…: as the superuser over the socket, where a container is meant.
run_tool() {
    local tool=$1 where=$2
    shift 2
    if [ -n "$environment" ]; then
        # No terminal: it would change the stream.
        compose exec -T -e PGOPTIONS="$pgoptions" postgres sh -c 'PGPASSWORD=$(cat /run/secrets/postgres_password) exec "$@"' - \
            "$tool" -U postgres -d "$where" "$@"
    else
        PGOPTIONS=$pgoptions "$tool" -d "$(url_of "$where")" "$@"
    fi
}

# Statements from standard input; values only.
sql_in() { run_tool psql "$1" --no-psqlrc -qAt -v ON_ERROR_STOP=1 "${@:2}"; }
sql() { sql_in "$database" "$@"; }
dump() { run_tool pg_dump "$database" --format=custom "$@"; }

# A statement that prints "schema.table rows" for every table of the database, partitions under their parents.
count_tables() {
    cat << 'SQL'
select format('select %L || count(*) from %I.%I', nspname || '.' || relname || ' ', nspname, relname)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relkind in ('r', 'p') and not relispartition and nspname !~ '^pg_' and nspname <> 'information_schema'
order by nspname, relname
\gexec
SQL
}

# make_roles DATABASE: ops/roles.sh there, with the passwords that the container has, or that the caller gave.
make_roles() {
    if [ -n "$environment" ]; then
        compose exec -T -e PGDATABASE="$1" postgres sh -c \
            'PGPASSWORD=$(cat /run/secrets/postgres_password) exec bash /docker-entrypoint-initdb.d/10-roles.sh' > /dev/null
    else
        ROLES_SQL='' ops/roles.sh "$(url_of "$1")" > /dev/null
    fi
}
