#!/usr/bin/env bash
# The previous schema's binary works on the schema of now.
#
#   ./ops/test.sh compat [COMMIT]
#
# Builds the binary of COMMIT, by default the last one before the newest migration came, lets the binary of now make the
# schema in a private Postgres, and runs the old one's demo on it: 1,000 jobs, each of which has to end as it should.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh

case ${1:-} in
    -h | --help) usage; exit ;;
    -*) refuse_option "$1" ;;
esac
repository=$PWD
newest=$(find migrations -name '*.sql' | sort | tail -1)
commit=${1:-$(git log --diff-filter=A --format=%H -1 -- "$newest")~1}
commit=$(git rev-parse --verify --quiet "$commit^{commit}") || { echo "error: there is no commit before $newest in this clone" >&2; exit 1; }
if ! git cat-file -e "$commit:migrations/functions.lock" 2> /dev/null; then
    echo "nothing to compare: in $commit, before the first release, migrations had another history"
    exit 0
fi

work=$(mktemp -d)
# As root, the private servers run as somebody else, who has to get there.
chmod 755 "$work"
dev=''
end() {
    if [ -n "$dev" ]; then kill "$dev" 2> /dev/null || true; wait "$dev" 2> /dev/null || true; fi
    git -C "$repository" worktree remove --force "$work/old" 2> /dev/null || true
    rm -rf "$work"
}
trap end EXIT

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
git worktree add --quiet --detach "$work/old" "$commit"
# In a directory of its own: cargo tells two checkouts of one workspace apart by dates alone, and would take the old
# one's artefacts for those of now.
(cd "$work/old" && CARGO_TARGET_DIR=$CARGO_TARGET_DIR/compat cargo build --locked -p ordinaut-cli)
cp "$CARGO_TARGET_DIR/compat/debug/ordinaut" "$work/ordinaut-old"
cargo build --locked -p ordinaut-cli
cp "$CARGO_TARGET_DIR/debug/ordinaut" "$work/ordinaut-new"

cd "$work"
# A worker of now would run the old one's jobs too: it is only needed for its Postgres and the schema, so its queue is another.
API_PORT=0 WORKER_QUEUES=nothing ./ordinaut-new dev > new.log 2>&1 &
dev=$!
until [ -s .ordinaut/running.json ] && ./ordinaut-new migrate status > /dev/null 2>&1; do
    kill -0 "$dev" || { cat new.log; exit 1; }
    sleep 0.2
done
url=$(jq -r .settings.DATABASE_URL .ordinaut/running.json)
at=$(./ordinaut-new migrate status --json | jq 'map(select(.applied).version) | max')
newest=$(basename "$newest" | sed 's/^0*\([0-9]*\)_.*/\1/')
[ "$at" = "$newest" ] || { echo "error: the schema is at $at, and the newest migration is $newest: is the binary that of this checkout?"; exit 1; }
echo "the schema is at $at; the binary is of $(git -C old log -1 --format='%h, %s')"
mkdir demo && cd demo
DATABASE_URL=$url API_PORT=0 ../ordinaut-old dev --demo --exit
echo "every job of the old binary ended as it should"
