#!/bin/sh
# Node.js 20 with npm: installed through apt where it is missing and we may; exits with 1 where it cannot be had.
set -eu

command -v npx >/dev/null 2>&1 && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Node.js 20 or newer, with npm, is not installed." >&2
    exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm
