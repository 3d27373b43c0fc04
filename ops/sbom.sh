#!/usr/bin/env bash
# What is inside: a CycloneDX list of the crates in the binaries, and of the Debian packages in the image.
#
#   ./ops/sbom.sh [IMAGE] > sbom.json        IMAGE: ordinaut:0.1.0; "none" leaves the packages out
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/options.sh

image=${1:-ordinaut:0.1.0}
case $image in
    -h | --help) usage; exit ;;
    -*) refuse_option "$image" ;;
esac
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)

# What is linked, and not what tests or builds with it.
crates() {
    cargo tree --locked --edges normal --prefix none --format '{p}|{l}' --target "$(rustc -vV | sed -n 's/^host: //p')" \
        -p ordinaut-api -p ordinaut-scheduler -p ordinaut-worker -p ordinaut-cli |
        sed 's/ (\*)//; s/ ([^)]*)//g' | sort -u |
        jq -R 'capture("^(?<name>[^ ]+) v(?<version>[^ |]+)\\|(?<license>.*)$")
            | {type: "library", name, version, purl: "pkg:cargo/\(.name)@\(.version)",
               licenses: (if .license == "" then [] else [{expression: (.license | gsub("/"; " OR "))}] end)}'
}

packages() {
    [ "$image" != none ] || return 0
    docker run --rm --network none --entrypoint dpkg-query "$image" -W -f '${Package} ${Version} ${Architecture}\n' |
        jq -R 'split(" ") | {type: "library", name: .[0], version: .[1], purl: "pkg:deb/debian/\(.[0])@\(.[1])?arch=\(.[2])"}'
}

{ crates; packages; } | jq -s --arg version "$version" '{
    bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
    metadata: {component: {type: "application", name: "ordinaut", version: $version}},
    components: .
}'
