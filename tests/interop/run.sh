#!/bin/sh
# make interop: beside peers from PyPI, in a virtual environment of its own.
set -eu
cd "$(dirname "$0")/../.."
. tools/packages.sh

need python3-venv
venv=build/interop
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -c 'import sklearn' 2>/dev/null || {
    say "Installing scikit-learn into $venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check scikit-learn || {
        say "PyPI cannot be reached; the peers are needed for this step."
        exit 1
    }
}

all=$(mktemp)
trap 'rm -f "$all"' EXIT
head -n 1 starter/tickets.ru.csv >"$all"
tail -n +2 starter/tickets.ru.csv >>"$all"
tail -n +2 starter/tickets.en.csv >>"$all"
"$venv/bin/python" bench/triage_peer.py build/release/otklik "$all" text topic 1 --strict
"$venv/bin/python" bench/triage_peer.py build/release/otklik "$all" text priority 1 --strict
say "interop: green"
