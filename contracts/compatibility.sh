#!/bin/sh
# Compares the OpenAPI documents with those of the last release, a tag v*, or of the revision named; needs git and its history.
set -eu
cd "$(dirname "$0")/.."
revision=${1:-$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null || true)}
if [ -z "$revision" ]; then
    echo "Nothing has been released: there is no tag v*."
    exit 0
fi
released=$(mktemp -d)
trap 'rm -rf "$released"' EXIT
git archive "$revision" contracts/openapi | tar -x -C "$released"
"${PYTHON:-.venv/bin/python}" -m contracts.compatibility "$released/contracts/openapi"
