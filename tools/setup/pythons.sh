#!/bin/sh
# Tries every Python from 3.11 to 3.14 that is on this machine: pythons.sh FOLDER
# For each it keeps a virtual environment in FOLDER, installs what is pinned, and runs a part of the tests: the engine's
# scenarios, journal and sequencer, servers that trade, and the wheel installed into a clean environment. Takes two
# minutes a Python. Ends with status 1 when one fails or none is found; names those that are not here.
set -eu

folder=$1
tests="tests/scenarios tests/journal tests/sequencer tests/openbell tests/deploy tests/api/orders/test_orders.py"

found() { # found VERSION: where that Python is, on the path or kept by pyenv; nothing when it is not here
    for python in "$(command -v "python$1" || true)" "$HOME/.pyenv/versions/$1".*/bin/python; do
        if [ -x "$python" ] && "$python" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null
        then echo "$python"; return; fi
    done
}

tried="" failed="" absent=""
for version in 3.11 3.12 3.13 3.14; do
    python=$(found $version)
    if [ -z "$python" ]; then absent="$absent $version"; continue; fi
    tried="$tried $version"
    echo "== $("$python" --version), $python"
    own="$folder/$version"
    [ -x "$own/bin/python" ] || "$python" -m venv "$own"
    "$own/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
    # shellcheck disable=SC2086 # words meant to be split
    "$own/bin/python" -m pytest -q -p no:cacheprovider $tests || failed="$failed $version"
done

echo "Tried:${tried:- none}. Failed:${failed:- none}. Not on this machine:${absent:- none}."
[ -n "$tried" ] && [ -z "$failed" ]
