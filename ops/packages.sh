# What the scripts need of the system, installed with its own package manager. Sourced, not run.

# The rights to install: none needed as root, sudo where it is, else empty-handed.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo > /dev/null; then sudo "$@"
    else return 1
    fi
}

# install NAME-FOR-PEOPLE DEBIAN-PACKAGE FEDORA-PACKAGE BREW-PACKAGE
install_package() {
    local what=$1 apt=$2 dnf=$3 brew=$4 command
    if command -v apt-get > /dev/null; then command="apt-get install -y --no-install-recommends $apt"
    elif command -v dnf > /dev/null; then command="dnf install -y $dnf"
    elif command -v brew > /dev/null; then command="brew install $brew"
    else echo "error: $what is missing, and there is neither apt-get nor dnf nor brew to install it with" >&2; exit 1
    fi
    echo "installing $what: $command"
    case $command in
        brew*) $command ;;
        apt-get*)
            as_root apt-get update -qq || { echo "error: needs root; run: $command" >&2; exit 1; }
            as_root env DEBIAN_FRONTEND=noninteractive $command -qq > /dev/null ;;
        *) as_root $command || { echo "error: needs root; run: $command" >&2; exit 1; } ;;
    esac
}

# Places that Debian, PGDG and Homebrew use, beside PATH: ordinaut-embedded looks there too.
have_postgres() {
    local bin
    [ -n "${ORDINAUT_PG_BIN:-}" ] && return 0
    command -v initdb > /dev/null && return 0
    command -v pg_config > /dev/null && [ -x "$(pg_config --bindir)/initdb" ] && return 0
    for bin in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin; do
        [ -x "$bin/initdb" ] && return 0
    done
    return 1
}

need_postgres() {
    have_postgres || install_package "PostgreSQL's server" postgresql postgresql-server postgresql@17
}

need_redis() {
    command -v redis-server > /dev/null || install_package Redis redis-server redis redis
}

need_pgbouncer() {
    command -v pgbouncer > /dev/null || [ -x /usr/sbin/pgbouncer ] || install_package PgBouncer pgbouncer pgbouncer pgbouncer
}

# A library that shows a process another time, for the fault lab.
need_faketime() {
    local library
    for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1; do
        [ -e "$library" ] && return 0
    done
    install_package libfaketime faketime libfaketime libfaketime
}

need_node() {
    command -v npm > /dev/null || install_package "Node's npm" npm npm node
}

# A browser without a window, and what drives it.
need_chromium() {
    command -v chromedriver > /dev/null || install_package "Chromium with its driver" "chromium chromium-driver" "chromium chromedriver" "chromium chromedriver"
}

need_compiler() {
    command -v cc > /dev/null || install_package "a C compiler" gcc gcc gcc
}

need_rust() {
    if ! command -v cargo > /dev/null; then
        echo "error: Rust 1.94 or newer is missing: see https://rustup.rs" >&2
        exit 1
    fi
    need_compiler
}
