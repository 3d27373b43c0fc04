#!/usr/bin/env bash
# The tests.
#
#   ./ops/test.sh                 install what is missing, then run every test
#   ./ops/test.sh install         only install what is missing
#   ./ops/test.sh fault [case]    real processes and real kills; takes minutes, and is not part of CI. The cases:
#                                 kill_storm, pause_storm, postgres_storm, lost_commit, black_hole, cancels, sigterms,
#                                 clock, poison, redis_away, closed_log, worker_killed, contention, late_commit,
#                                 late_bulk, postgres_killed, failover, frozen_claim, limits, service, one_kill,
#                                 deploy_listening, backend_crash, slow_disk, fan_out, schedulers_killed,
#                                 schedulers_away, redis_lost_memory, full_disk, api_killed, streams_resume,
#                                 streams_crowd, steps_killed, http_workers. FAULT_SEED repeats a run
#   ./ops/test.sh pooler          the library's integration tests behind a PgBouncer in transaction mode
#   ./ops/test.sh compose         what deployment promises, on a Docker engine; a quarter of an hour, not part of CI
#   ./ops/test.sh compat          the binary of before the newest migration works on the schema of now
#   ./ops/test.sh versions [MAJOR …]   the library's integration tests on Postgres 14, 16, 17 and 18
#   ./ops/test.sh api             a fuzzer and a generated client go by the OpenAPI document of the API
#   ./ops/test.sh browser         the page in Chromium: what people do there, how it looks, what axe-core finds
#   ./ops/test.sh clients         the packages of clients/, checked, and their workers against the real API; the tools of /mcp
#   ./ops/test.sh package         the library with each of its features alone, and built from its package
#   ./ops/test.sh ops             scripts, rules and units by their own checkers, as far as those are here
#
# The tests start their own Postgres and Redis on sockets in temporary directories, and leave nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh
. ops/memory.sh
. ops/packages.sh
. ops/clients.sh

install() {
    need_rust
    need_postgres
    need_redis
    rustup component add clippy rustfmt 2> /dev/null || true
    if ! cargo deny --version > /dev/null 2>&1; then
        echo "installing cargo-deny"
        cargo install cargo-deny --locked --version 0.20.2 -j2
    fi
    # A lint that cannot be had holds nothing up: .ci/run names it and leaves it out.
    if ! cargo machete --version > /dev/null 2>&1; then
        echo "installing cargo-machete"
        cargo install cargo-machete --locked --version 0.9.2 -j2 || echo "going on without cargo-machete"
    fi
}

case ${1:-all} in
    install) install ;;
    all)
        install
        # A test waits most of its time.
        export RUST_TEST_THREADS=${RUST_TEST_THREADS:-4}
        servers_in_memory
        cargo test --workspace --all-features --locked -j2
        ;;
    fault)
        install
        need_faketime
        need_node
        copy_clients
        install_python_client
        build_typescript_client
        export ORDINAUT_CLIENTS=$clients_home
        # The doors that the cases start beside the one whose test they are.
        doors=(-p ordinaut-worker -p ordinaut-scheduler -p ordinaut-api)
        cargo build "${doors[@]}" --locked --bins --test fault -j2
        # One after another: each wants the machine for itself.
        cargo test "${doors[@]}" --locked --test fault -j2 -- --ignored --nocapture --test-threads 1 "${2:-}"
        ;;
    pooler)
        install
        need_pgbouncer
        servers_in_memory
        ORDINAUT_TEST_POOLER=yes cargo test -p ordinaut-core --all-features --locked -j2 --test it
        ;;
    compose) shift; exec ops/test-compose.sh "$@" ;;
    compat) shift; exec ops/test-compat.sh "$@" ;;
    versions) shift; exec ops/test-versions.sh "$@" ;;
    api) shift; exec ops/test-api.sh "$@" ;;
    browser) shift; exec ops/test-browser.sh "$@" ;;
    clients) shift; exec ops/test-clients.sh "$@" ;;
    package)
        install
        for feature in redis encryption openapi testing log-capture; do
            cargo clippy -p ordinaut-core --lib --no-default-features --features "$feature" --locked -j2 -- -D warnings
        done
        cargo package -p ordinaut-core --locked --allow-dirty --quiet -j2
        ;;
    ops) shift; exec ops/test-ops.sh "$@" ;;
    help | --help | -h) usage ;;
    -*) refuse_option "$1" ;;
    *) usage >&2; exit 2 ;;
esac
