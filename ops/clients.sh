# Sourced by the scripts that need the packages of clients/: the packages with what they stand on, in target/clients, so that
# nothing is written beside their sources. The versions are those that this was written with.
clients_home=${CARGO_TARGET_DIR:-$PWD/target}/clients

# Copies; Python's has the document of the API beside it, which its tests read.
copy_clients() {
    rm -rf "$clients_home/clients" "$clients_home/ordinaut-api"
    mkdir -p "$clients_home/clients" "$clients_home/ordinaut-api"
    cp ordinaut-api/openapi.json "$clients_home/ordinaut-api/"
    cp -r clients/python clients/typescript "$clients_home/clients/"
}

# What is named beside the package is installed with it. Then $clients_home/venv/bin/python has it.
install_python_client() {
    python3 -m venv "$clients_home/venv"
    "$clients_home/venv/bin/pip" install --quiet --disable-pip-version-check "$@" "$clients_home/clients/python"
}

# Then the package is $clients_home/clients/typescript/dist/src/index.js, and its tools are in node_modules.
build_typescript_client() {
    npm install --prefix "$clients_home/npm" --no-save --no-audit --no-fund --silent typescript@5.9.3 openapi-typescript@7.13.0 @types/node@20
    ln -sfn "$clients_home/npm/node_modules" "$clients_home/clients/typescript/node_modules"
    (cd "$clients_home/clients/typescript" && node_modules/.bin/tsc)
}
