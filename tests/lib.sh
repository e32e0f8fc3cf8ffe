#!/bin/sh
# The library as a stranger uses it: installed, found by pkg-config, the
# example compiled and run, and no symbol beside its own.
#
#   tests/lib.sh BUILD_FOLDER
set -eu
build=$(cd "$1" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

DESTDIR="$work" cmake --install "$build" >/dev/null
pc=$(find "$work" -name otklik.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
libdir=$(sed -n 's/^libdir=//p' "$pc")
export PKG_CONFIG_PATH="${pc%/*}" PKG_CONFIG_SYSROOT_DIR="$work"
export LD_LIBRARY_PATH="$work$libdir"

# shellcheck disable=SC2046
cc -Wall -Werror "$root/examples/triage.c" \
    $(pkg-config --cflags --libs otklik) -o "$work/triage"
"$work$prefix/bin/otklik" init "$work/desk" >/dev/null
"$work/triage" "$work/desk/models/triage" "$root/starter/knowledge.csv" \
    "Принтер зажевал бумагу" >"$work/out"
grep -q '^topic: printing' "$work/out" || {
    cat "$work/out"
    exit 1
}
grep -q 'Замятие бумаги' "$work/out"
if "$work/triage" "$work" "$root/starter/knowledge.csv" x 2>"$work/err"; then
    echo "a folder that is no model was taken"
    exit 1
fi
grep -q 'model.json' "$work/err"

strange=$(nm -D --defined-only "$work$libdir/libotklik.so" |
    awk '{print $3}' | awk "!/^(otk_|OTKLIK_0)/")
[ -z "$strange" ] || {
    echo "exported beside the API: $strange"
    exit 1
}
for page in otklik.1 otklik-kb-import.1; do
    [ -s "$work$prefix/share/man/man1/$page" ]
done
bash -n "$work$prefix/share/bash-completion/completions/otklik"
echo "the library works as installed"
