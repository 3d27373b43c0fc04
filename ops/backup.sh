#!/usr/bin/env bash
# Back up the database, the settings and a manifest into one archive.
#
#   ./ops/backup.sh dev|prod|URL [--to DIRECTORY] [--encrypt-with FILE] [--keep-days N] [--keep-count N]
#
# dev, prod: the containers of that environment. URL: any Postgres that psql and pg_dump of this machine reach.
# The whole database is dumped from one snapshot, and the manifest's counts are of the same one. Redis needs no backup:
# what it holds is in Postgres.
#
#   --to DIRECTORY        where archives are (backups)
#   --encrypt-with FILE   with gpg and the passphrase in FILE; only then are the secrets inside
#   --keep-days N         remove archives older than this (30) …
#   --keep-count N        … and those beyond the newest N (60); the newest always stays
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
. ops/database.sh

fail() { echo "error: $*" >&2; exit 1; }

to=backups passphrase='' keep_days=30 keep_count=60
case ${1:-} in
    -h | --help) usage; exit ;;
    dev | prod | postgres://* | postgresql://*) use_database "$1"; shift ;;
    -*) refuse_option "$1" ;;
    *) usage >&2; exit 2 ;;
esac
while [ $# -gt 0 ]; do
    case $1 in
        --to) need_value "$@"; to=$2; shift ;;
        --encrypt-with) need_value "$@"; passphrase=$2; shift ;;
        --keep-days) need_number "$@"; keep_days=$2; shift ;;
        --keep-count) need_number "$@"; keep_count=$2; shift ;;
        *) refuse_option "$1" ;;
    esac
    shift
done
if [ -n "$passphrase" ]; then
    [ -s "$passphrase" ] || fail "$passphrase is not a file with a passphrase"
    command -v gpg > /dev/null || fail "gpg is missing: install it, or leave --encrypt-with out"
fi

umask 077
mkdir -p "$to"
name=ordinaut-$(date -u +%Y%m%dT%H%M%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/$name"

# One session holds a snapshot; pg_dump and the counts use it. Its first lines say which it is.
coproc SNAPSHOT { sql; }
# bash forgets the descriptors when the process ends.
exec 3>&"${SNAPSHOT[1]}" 4<&"${SNAPSHOT[0]}"
echo "begin isolation level repeatable read read only; select 'snapshot ' || pg_export_snapshot();" >&3
while read -r word snapshot <&4; do [ "$word" != snapshot ] || break; done
[ -n "${snapshot:-}" ] || fail "could not read from the database: see above"

dump --snapshot="$snapshot" > "$work/$name/database.dump"
{
    count_tables
    echo "select 'done';"
} >&3
# Tables, and how many rows each has.
while read -r line <&4 && [ "$line" != "done" ]; do echo "$line"; done > "$work/$name/counts"
echo "commit;" >&3
exec 3>&-

# The settings; secrets only where nobody else can read them.
mkdir "$work/$name/settings"
if [ -n "$passphrase" ]; then
    for file in ops/.env ops/config; do
        if [ -e "$file" ]; then cp -R "$file" "$work/$name/settings/"; fi
    done
    if [ -d "${ORDINAUT_SECRETS:-ops/secrets}" ]; then cp -R "${ORDINAUT_SECRETS:-ops/secrets}" "$work/$name/settings/secrets"; fi
else
    # A key beside what it encrypts is no key. By name, in the settings (NAME=value) and in TOML files (name = "value").
    secret='^([[:space:]]*[A-Za-z_]*(key|token|password|secret|auth|url)[A-Za-z_]*[[:space:]]*=).*$'
    while read -r -d '' file; do
        mkdir -p "$work/$name/settings/$(dirname "${file#ops/}")"
        sed -E "s/$secret/# left out of an archive that is not encrypted: \\1/I" "$file" > "$work/$name/settings/${file#ops/}"
    done < <(find ops/.env ops/config -type f -print0 2> /dev/null)
fi

{
    echo "made_at $(date -u +%Y-%m-%dT%H:%M:%SZ)"
    echo "server $(sql <<< 'show server_version')"
    echo "database $(sql <<< 'select current_database()')"
    echo "schema $schema"
    echo "schema_version $(sql <<< "select version from $schema.schema_version")"
} > "$work/$name/manifest"
(cd "$work/$name" && find . -type f ! -name checksums -print0 | sort -z | xargs -0 sha256sum > checksums)

archive=$to/$name.tar
tar -C "$work" -cf "$work/archive" "$name"
if [ -n "$passphrase" ]; then
    archive=$archive.gpg
    gpg --batch --quiet --symmetric --cipher-algo AES256 --pinentry-mode loopback --passphrase-file "$passphrase" \
        --output "$work/encrypted" "$work/archive"
    mv "$work/encrypted" "$work/archive"
fi
# Under its name only when it is whole.
mv "$work/archive" "$archive.part"
mv "$archive.part" "$archive"
(cd "$to" && sha256sum "${archive##*/}" > "${archive##*/}.sha256")

# Newest first by name, which is the date.
kept=0
while read -r old; do
    kept=$((kept + 1))
    [ "$kept" -gt 1 ] || continue
    if [ "$kept" -gt "$keep_count" ] || [ -n "$(find "$old" -mtime "+$keep_days")" ]; then
        rm -f "$old" "$old.sha256"
        echo "removed $old"
    fi
done < <(find "$to" -maxdepth 1 -name 'ordinaut-*.tar*' ! -name '*.sha256' ! -name '*.part' | sort -r)
echo "$archive: $(wc -l < "$work/$name/counts") tables, $(du -h "$archive" | cut -f1)"
