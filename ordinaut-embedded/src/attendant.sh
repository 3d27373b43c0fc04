# Runs steps one after another, the last of which is a server, until our starter closes our standard input or dies.
# What comes before this text sets $signal, which ends a step, and $scrap, a directory to remove at the end, or nothing.
exec 3<&0 </dev/null
asked= child= attendant=$$
trap 'asked=yes; [ -z "$child" ] || kill -s "$signal" "$child"' HUP INT TERM

# Without the log as its output, because whoever has it holds the log's lock. It repeats itself because a signal that
# meets a step before its handlers are set is lost: a shell's background processes begin by ignoring SIGINT.
( read -r _; while kill -s TERM "$attendant"; do sleep 1; done ) <&3 >/dev/null 2>&1 &
reader=$!
exec 3<&-

attend() {
    [ -z "$asked" ] || return 1
    "$@" &
    child=$!
    # The order may have come before there was a child to pass it on to.
    [ -z "$asked" ] || kill -s "$signal" "$child"
    wait "$child"
    status=$?
    # The order interrupts a wait.
    while [ "$status" -gt 128 ] && kill -s 0 "$child" 2>/dev/null; do
        wait "$child"
        status=$?
    done
    child=
    return "$status"
}

leave() {
    kill "$reader" 2>/dev/null
    [ -z "$scrap" ] || rm -rf "$scrap"
    [ -z "$asked" ] || exit 0
    exit "$1"
}

