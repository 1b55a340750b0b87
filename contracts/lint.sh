#!/bin/sh
# Lints the OpenAPI and AsyncAPI documents. Needs npx; where node is missing it is installed through apt, if we may.
set -eu
cd "$(dirname "$0")"

if ! command -v npx >/dev/null 2>&1; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "npx is needed to lint the contracts: install Node.js 20 or newer" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm
fi

exec npx --yes @stoplight/spectral-cli@6.16.3 lint --ruleset .spectral.yaml --fail-severity warn \
    --format text openapi/*.json asyncapi.yaml
