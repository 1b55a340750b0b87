#!/bin/sh
# Lints the OpenAPI and AsyncAPI documents. Needs npx; where node is missing it is installed through apt, if we may.
set -eu
cd "$(dirname "$0")"

sh ../deploy/node.sh
exec npx --yes @stoplight/spectral-cli@6.16.3 lint --ruleset .spectral.yaml --fail-severity warn \
    --format text openapi/*.json asyncapi.yaml
