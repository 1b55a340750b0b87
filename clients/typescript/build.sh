#!/bin/sh
# Writes the models from the ledger's OpenAPI document and compiles the client; does nothing where npm cannot be had.
# The argument is a Python with what the project installs.
set -eu
cd "$(dirname "$0")"

if ! sh ../../deploy/node.sh; then
    echo "The TypeScript client is left as it is." >&2
    exit 0
fi
[ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --silent --no-progress
document=$(mktemp)
trap 'rm -f "$document"' EXIT
"$1" ../generate.py "$document"
npx --no-install openapi-typescript "$document" --output src/models.ts --alphabetize --empty-objects-unknown >/dev/null
npx --no-install tsc
