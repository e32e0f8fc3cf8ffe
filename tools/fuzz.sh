#!/bin/sh
# make fuzz: every target under libFuzzer, from its corpus.
set -eu
cd "$(dirname "$0")/.."
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
cmake --build build/fuzz
for source in fuzz/*/fuzz_*.c; do
    name=$(basename "$source" .c)
    corpus=$(dirname "$source")/${name#fuzz_}
    found=build/fuzz/found/$name
    mkdir -p "$found"
    echo "$name"
    "build/fuzz/fuzz/$name" -max_total_time="$1" -verbosity=0 \
        -artifact_prefix="$found/" "$found" "$corpus"
done
