#!/usr/bin/env bash
# Install Ordinaut without containers: binaries into /usr/local/bin, units for systemd, settings into /etc/ordinaut.
#
#   ./ops/install.sh --database-url URL --owner-url URL [--redis-url URL] [--workers N] [--from DIRECTORY]
#                    [--root DIRECTORY] [--no-start]
#   ./ops/install.sh --uninstall        units and binaries; /etc/ordinaut stays
#
# --database-url is the role for rows, --owner-url the one that owns the schema (./ops/roles.sh makes both; one URL for
# both works too). Run again to update: binaries are replaced, settings and secrets that are there are kept.
# --from: where the binaries are (target/release, built if they are missing). --root: install below another directory,
# for packages and tests; nothing is started then.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh

fail() { echo "error: $*" >&2; exit 1; }

database_url='' owner_url='' redis_url='' workers=2 from=${CARGO_TARGET_DIR:-target}/release root='' start=yes uninstall=no
while [ $# -gt 0 ]; do
    case $1 in
        --database-url) need_value "$@"; database_url=$2; shift ;;
        --owner-url) need_value "$@"; owner_url=$2; shift ;;
        --redis-url) need_value "$@"; redis_url=$2; shift ;;
        --workers) need_number "$@"; workers=$2; shift ;;
        --from) need_value "$@"; from=$2; shift ;;
        --root) need_value "$@"; root=$2 start=no; shift ;;
        --no-start) start=no ;;
        --uninstall) uninstall=yes ;;
        -h | --help) usage; exit ;;
        *) refuse_option "$1" ;;
    esac
    shift
done
[ -n "$root" ] || [ "$(id -u)" = 0 ] || fail "could not write to /usr/local/bin and /etc: run it as root"
[ -n "$root" ] || command -v systemctl > /dev/null || fail "systemctl is missing: this machine has no systemd"
units=$root/etc/systemd/system etc=$root/etc/ordinaut bin=$root/usr/local/bin
binaries=(ordinaut ordinaut-api ordinaut-scheduler ordinaut-worker)

if [ "$uninstall" = yes ]; then
    if [ -z "$root" ]; then
        systemctl disable --now ordinaut.target ordinaut-api ordinaut-scheduler 'ordinaut-worker@*' 2> /dev/null || true
    fi
    rm -rf "$units"/ordinaut.target "$units"/ordinaut-*.service "$units"/ordinaut-*.service.d
    rm -f "${binaries[@]/#/$bin/}"
    [ -n "$root" ] || systemctl daemon-reload
    echo "removed; $etc is kept"
    exit
fi

if [ ! -x "$from/ordinaut-worker" ]; then
    . ops/packages.sh
    need_rust
    cargo build --release --locked -p ordinaut-cli -p ordinaut-api -p ordinaut-scheduler -p ordinaut-worker
fi

install -d "$bin" "$units"
install -d -m 700 "$etc" "$etc/secrets"
# Not over a binary that runs: it is replaced by name.
for binary in "${binaries[@]}"; do
    install -m 755 "$from/$binary" "$bin/.$binary.new"
    mv "$bin/.$binary.new" "$bin/$binary"
done
install -m 644 ops/systemd/ordinaut.target ops/systemd/ordinaut-*.service "$units"

# keep_secret NAME VALUE WHAT: what is there stays.
keep_secret() {
    [ ! -s "$etc/secrets/$1" ] || return 0
    [ -n "$2" ] || fail "$3"
    (umask 077 && printf '%s\n' "$2" > "$etc/secrets/$1")
}
keep_secret service_url "$database_url" "--database-url is missing: postgres://ordinaut_service:…@host/database"
keep_secret owner_url "${owner_url:-$database_url}" "--owner-url is missing"
. ops/secrets.sh
keep_secret api_admin_token "$(random_word)" "no token could be made"
if [ -n "$redis_url" ]; then
    keep_secret redis_url "$redis_url" ''
    for unit in ordinaut-api ordinaut-scheduler ordinaut-worker@; do
        install -D -m 644 ops/systemd/redis.conf "$units/$unit.service.d/redis.conf"
    done
fi
if [ ! -f "$etc/ordinaut.env" ]; then
    sed 's/^\([A-Z]\)/# \1/' .env.example > "$etc/ordinaut.env"
    chmod 600 "$etc/ordinaut.env"
fi
echo "installed; settings are in $etc/ordinaut.env, the API's token in $etc/secrets/api_admin_token"
[ "$start" = yes ] || exit 0

systemctl daemon-reload
DATABASE_URL_FILE=$etc/secrets/owner_url "$bin/ordinaut" migrate
systemctl enable --now --quiet ordinaut.target ordinaut-api ordinaut-scheduler
for ((n = 1; n <= workers; n++)); do systemctl enable --now --quiet "ordinaut-worker@$n"; done
# One at a time, so that somebody always works.
systemctl restart ordinaut-scheduler
for ((n = 1; n <= workers; n++)); do systemctl restart "ordinaut-worker@$n"; done
systemctl restart ordinaut-api
systemctl --no-pager --lines 0 status 'ordinaut*' | grep -E '●|Active'
