# Where servers of tests live. Sourced, not run.

# Postgres copies some 600 files for each test's database: on a disk that takes a third of the time of all tests. Servers that
# are thrown away live in memory instead, where there is enough of it.
servers_in_memory() {
    local memory=/dev/shm room free
    [ -z "${ORDINAUT_SCRATCH:-}" ] || return 0
    [ "$(stat -f -c %T "$memory" 2> /dev/null)" = tmpfs ] || return 0
    room=$(df --output=avail -k "$memory" | tail -n 1)
    free=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
    if [ "$room" -gt $((4 << 20)) ] && [ "$free" -gt $((8 << 20)) ]; then
        ORDINAUT_SCRATCH=$(mktemp -d "$memory/ordinaut-tests.XXXXXX")
        export ORDINAUT_SCRATCH
        # Postgres may run under another account.
        chmod 1777 "$ORDINAUT_SCRATCH"
        trap 'rm -rf "$ORDINAUT_SCRATCH"' EXIT
    fi
}
