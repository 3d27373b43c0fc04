#!/usr/bin/env bash
# Restore an archive of ops/backup.sh: into a new database first, which is checked, and only then takes the old one's place.
#
#   ./ops/restore.sh dev|prod|URL ARCHIVE [--decrypt-with FILE] [--only-check] [--keep-new] [--yes]
#
# dev, prod: the containers of that environment; api, scheduler and workers are stopped for the switch and started again.
# URL: any Postgres, as a role that may create databases; stop your processes yourself, or they are disconnected.
# The old database stays, renamed: drop it when you are content.
#
#   --only-check          checksums alone; nothing is touched
#   --keep-new            restore and check, and leave the new database beside the old: a rehearsal
#   --decrypt-with FILE   the passphrase of --encrypt-with
#   --yes                 do not ask before the switch
#
# What was leased when the backup was made runs again; what had ended does not. Events get numbers above all that were
# given, so that readers and the Redis stream go on.
#
# The restored database is paused: no job is claimed and no task fires until `ordinaut queue resume '*'`, because a copy of
# production on another machine must not do production's work a second time.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
. ops/database.sh

fail() { echo "error: $*" >&2; exit 1; }

case ${1:-} in
    -h | --help) usage; exit ;;
    dev | prod | postgres://* | postgresql://*) target=$1 ;;
    -*) refuse_option "$1" ;;
    *) usage >&2; exit 2 ;;
esac
archive=${2:-}
case $archive in
    '') usage >&2; exit 2 ;;
    -*) refuse_option "$archive" ;;
esac
shift 2
passphrase='' only_check=no keep_new=no yes=no
while [ $# -gt 0 ]; do
    case $1 in
        --decrypt-with) need_value "$@"; passphrase=$2; shift ;;
        --only-check) only_check=yes ;;
        --keep-new) keep_new=yes ;;
        --yes) yes=yes ;;
        *) refuse_option "$1" ;;
    esac
    shift
done

# Everything that can be wrong with the archive is found before anything is touched.
[ -f "$archive" ] || fail "there is no $archive"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -f "$archive.sha256" ]; then
    (cd "$(dirname "$archive")" && sha256sum --check --quiet "$(basename "$archive").sha256" 2> /dev/null) ||
        fail "$archive is not what was written: its checksum differs; nothing was touched"
else
    echo "there is no $archive.sha256: going by the checksums inside"
fi
case $archive in
    *.gpg)
        [ -n "$passphrase" ] || fail "$archive is encrypted: give --decrypt-with FILE"
        gpg --batch --quiet --decrypt --pinentry-mode loopback --passphrase-file "$passphrase" "$archive" > "$work/archive" ||
            fail "could not decrypt $archive; nothing was touched"
        ;;
    *) cp "$archive" "$work/archive" ;;
esac
tar -C "$work" -xf "$work/archive" 2> /dev/null || fail "$archive is not a whole archive; nothing was touched"
content=$(find "$work" -mindepth 1 -maxdepth 1 -type d)
(cd "$content" && sha256sum --check --quiet checksums 2> /dev/null) ||
    fail "a file inside $archive is not what was written; nothing was touched"
say_of() { sed -n "s/^$1 //p" "$content/manifest"; }
schema=$(say_of schema)
echo "$archive is whole: made at $(say_of made_at), schema version $(say_of schema_version), $(wc -l < "$content/counts") tables"
[ "$only_check" = no ] || exit 0

use_database "$target"
new=${database}_restored_$(date -u +%Y%m%d%H%M%S)
old=${database}_before_$(date -u +%Y%m%d%H%M%S)

echo "restoring into $new"
sql_in postgres <<< "create database $new template template0"
# Roles first: the dump names them as owners. A role that may not make roles restores everything as its own.
superuser=$(sql_in postgres <<< 'select rolsuper from pg_roles where rolname = current_user')
options=(--no-owner --no-privileges)
if [ "$superuser" = t ]; then
    options=()
    # Only where they are not yet; with no password given, a role cannot log in until it gets one.
    if [ "$(sql_in postgres <<< "select count(*) from pg_roles where rolname in ('ordinaut_owner', 'ordinaut_service', 'ordinaut_read')")" != 3 ]; then
        make_roles "$new"
        # Made with them, and empty: the dump brings its own.
        sql_in "$new" <<< "drop schema $schema"
    fi
fi
run_tool pg_restore "$new" --exit-on-error "${options[@]}" < "$content/database.dump" ||
    fail "the dump could not be restored: $new is left to be looked at, $database is as it was"

sql_in "$new" < <(count_tables) > "$work/counts"
diff "$content/counts" "$work/counts" || fail "counts differ (above; < archive, > restored): $new is left to be looked at, $database is as it was"
version=$(sql_in "$new" <<< "select version from $schema.schema_version")
[ "$version" = "$(say_of schema_version)" ] || fail "the schema came out at version $version; $database is as it was"
echo "restored: counts and schema version agree"

if [ "$superuser" = t ]; then make_roles "$new"; fi
# A process that outlives the switch must not go on under a session of the backup: its leases are of another history.
# With their sessions ended, the leases are rescued and run again.
sql_in "$new" > /dev/null << SQL
update $schema.worker set ended_at = clock_timestamp() where ended_at is null;
insert into $schema.queue (name, paused_at, paused_by, paused_reason)
values ('*', clock_timestamp(), 'restore.sh', 'restored from an archive of $(say_of made_at)')
on conflict (name) do update
set paused_at = excluded.paused_at, paused_by = excluded.paused_by, paused_reason = excluded.paused_reason;
SQL
[ "$keep_new" = no ] || { echo "left beside $database: $new, which is paused"; exit 0; }

if [ "$yes" = no ]; then
    read -r -p "Put $new in the place of $database? The old one stays as $old. [y/N] " answer || answer=
    case $answer in y | Y | yes) ;; *) echo "nothing was switched; $new is there"; exit 0 ;; esac
fi

running=()
if [ -n "$environment" ]; then
    mapfile -t running < <(compose ps --services --status running | grep -x -E 'api|scheduler|worker' || true)
    if [ ${#running[@]} -gt 0 ]; then compose stop "${running[@]}" 2> /dev/null; fi
fi
# Numbers that were given are not given again: a reader, or the Redis stream, would take new events for old ones.
head=$(sql <<< "select coalesce(max(n), 0) from $schema.event_head" 2> /dev/null || echo 0)
stream=0
key=events
[ "$schema" = ordinaut ] || key=events:$schema
if [ -n "$environment" ]; then
    stream=$(compose exec -T redis sh -c 'REDISCLI_AUTH=$(cut -d" " -f2 /run/secrets/redis_auth) redis-cli --raw xrevrange '"$key"' + - count 1' 2> /dev/null |
        head -1 | cut -d- -f1 || true)
    [[ $stream =~ ^[0-9]+$ ]] || stream=0
fi
sql_in "$new" <<< "update $schema.event_head set n = greatest(n, $head, $stream)"
# In one transaction, so that there is always a $database; a database with somebody in it cannot be renamed.
sql_in postgres << SQL > /dev/null
alter database $database connection limit 0;
select pg_terminate_backend(pid) from pg_stat_activity where datname in ('$database', '$new') and pid <> pg_backend_pid();
begin;
alter database $database rename to $old;
alter database $new rename to $database;
commit;
alter database $old connection limit -1;
SQL
if [ ${#running[@]} -gt 0 ]; then compose start "${running[@]}" 2> /dev/null; fi
echo "$database is the restored one; the one before is $old: drop database $old when you are content"
echo "it is paused: look at it, then let its jobs run and its tasks fire with: ordinaut queue resume '*'"
