#!/bin/sh
# Makes the virtual environment: virtualenv.sh PYTHON FOLDER
# Says in a sentence what is missing, when something is.
set -eu

python=$1
folder=$2

if ! command -v "$python" >/dev/null 2>&1; then
    echo "Openbell needs Python 3.11 or newer, and there is no '$python' here." >&2
    echo "Install one, or name yours: make PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Openbell needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1)." >&2
    echo "Name a newer one: make PYTHON=/path/to/python3.12" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then # Debian and Ubuntu keep it in a package of its own
    sh "$(dirname "$0")/system-packages.sh" venv
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "'$python' comes without its venv module; install that, or name another: make PYTHON=..." >&2
        exit 1
    fi
fi

echo "Making a virtual environment in $folder with $("$python" --version 2>&1) ..."
"$python" -m venv --clear "$folder"
