#!/bin/sh
# Writes the models from the ledger's OpenAPI document and compiles the client. Needs npm; where it is missing it is
# installed through apt, if we may, else nothing is done. The argument is a Python with what the project installs.
set -eu
cd "$(dirname "$0")"

if ! command -v npm >/dev/null 2>&1; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        echo "The TypeScript client is left as it is: Node.js 20 or newer is not installed." >&2
        exit 0
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm
fi

[ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --silent --no-progress
document=$(mktemp)
trap 'rm -f "$document"' EXIT
"$1" ../generate.py "$document"
npx --no-install openapi-typescript "$document" --output src/models.ts --alphabetize --empty-objects-unknown >/dev/null
npx --no-install tsc
