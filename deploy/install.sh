#!/bin/sh
# Makes the virtual environment named by the first argument, once; `make install` calls it.
# The stamp holds the place and the checksum of what was installed, so a moved or changed tree is installed anew.
set -eu

venv=${1:-.venv}
stamp="$venv/.installed"
wanted="$(pwd) $(cat requirements.lock pyproject.toml | cksum)"

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python=
for candidate in ${PYTHON:-} ${PYTHONS:-python3}; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "Python 3.11 or newer is needed and was not found. Install it, or say where it is:" >&2
    echo "  make install PYTHON=/path/to/python3" >&2
    exit 1
fi

echo "Installing into $venv with $("$python" --version), once."
if ! new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    rm -rf "$venv"
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "$python cannot make a virtual environment: its modules venv and ensurepip are missing." >&2
        echo "On Debian and Ubuntu: apt install python3-venv. Or: make install PYTHON=/path/to/python3" >&2
        exit 1
    fi
fi

rm -f "$stamp"
pip="$venv/bin/python -m pip --disable-pip-version-check --no-input"
# The lock names everything, so nothing is resolved anew: pip would otherwise prefer a newer release of what only an extra
# of a package asks for, and then refuse it for want of a hash.
$pip install --quiet --no-deps --require-hashes --requirement requirements.lock
$pip check --quiet
$pip install --quiet --no-deps --no-build-isolation --editable .
# Imports are several times slower where Python may not write its caches later.
"$venv/bin/python" -m compileall -q "$venv/lib" services contracts >/dev/null || true
printf '%s' "$wanted" > "$stamp"
