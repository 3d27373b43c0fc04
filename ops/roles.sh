#!/usr/bin/env bash
# Make the database roles, or give them what a new version needs: ordinaut_owner, ordinaut_service, ordinaut_read.
#
#   ./ops/roles.sh                 on the database that psql's own variables name (PGHOST, PGUSER, PGDATABASE …)
#   ./ops/roles.sh URL             on this database, as a superuser
#
# Passwords: OWNER_PASSWORD, SERVICE_PASSWORD and READ_PASSWORD, or files named by the same with _FILE. One that is not
# given is left as it is. The schema: DATABASE_SCHEMA (ordinaut). Run again after a restore; it changes nothing twice.
# The container of Postgres runs this when its volume is empty.
set -euo pipefail

case ${1:-} in
    -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit ;;
    -*) echo "error: there is no option $1; see $0 --help" >&2; exit 2 ;;
esac

# A file with what is missing of the environment.
from_file() {
    local file="$1_FILE"
    if [ -z "${!1:-}" ] && [ -n "${!file:-}" ]; then export "$1=$(cat "${!file}")"; fi
    export "$1=${!1:-}"
}
from_file OWNER_PASSWORD
from_file SERVICE_PASSWORD
from_file READ_PASSWORD
export DATABASE_SCHEMA=${DATABASE_SCHEMA:-ordinaut}

sql=${ROLES_SQL:-$(dirname "$0")/postgres/roles.sql}
if [ $# -gt 0 ]; then
    . "$(dirname "$0")/database.sh"
    use_database "$1"
    # shellcheck disable=SC2154 # use_database sets it
    psql --no-psqlrc --quiet --output=/dev/null -d "$url" -f "$sql"
else
    # In the container's first start, POSTGRES_* say who and where.
    psql --no-psqlrc --quiet --output=/dev/null -U "${PGUSER:-${POSTGRES_USER:-postgres}}" \
        -d "${PGDATABASE:-${POSTGRES_DB:-postgres}}" -f "$sql"
fi
echo "roles ordinaut_owner, ordinaut_service and ordinaut_read are as they should be"
