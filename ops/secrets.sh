# Secrets as files: made once, never overwritten. Sourced, not run.

# What a URL and a shell take as it is; 32 characters of 62 are 190 bits.
random_word() { LC_ALL=C tr -dc 'A-Za-z0-9' < /dev/urandom 2> /dev/null | head -c "${1:-32}" || true; }

# make_secrets DIRECTORY WORD-MAKER: every file that is missing.
# Keys for encrypted arguments that earlier versions kept among the settings ($keys) become a file too.
make_secrets() {
    local directory=$1 word=$2 keys=${3:-} name
    mkdir -p "$directory"
    # The directory keeps others out; the files are readable, because the containers' accounts are none of this machine.
    chmod 700 "$directory"
    put() { [ -e "$directory/$1" ] || { printf '%s\n' "$2" > "$directory/$1"; chmod 444 "$directory/$1"; }; }
    for name in postgres_password owner_password service_password read_password api_admin_token grafana_password; do
        put "$name" "$($word)"
    done
    put redis_auth "requirepass $($word)"
    put owner_url "postgres://ordinaut_owner:$(cat "$directory/owner_password")@postgres:5432/ordinaut"
    put service_url "postgres://ordinaut_service:$(cat "$directory/service_password")@postgres:5432/ordinaut"
    put args_keys "$keys"
    put redis_url "redis://:$(cut -d' ' -f2 "$directory/redis_auth")@redis:6379"
}
