#!/bin/sh
# make check-isa: the tensor layer on processors that this machine is not, as
# qemu plays them. Each has to find its own table, and every table it lists has
# to give what plain loops give.
set -eu
cd "$(dirname "$0")/.."
. tools/packages.sh

if [ "$(uname -m)" != x86_64 ]; then
    say "isa: left out, it is written for x86-64 machines"
    exit 0
fi
need gcc libc6-dev qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross

# build NAME COMPILER - the test program, alone with what it needs of base
build() {
    mkdir -p build/isa
    "$2" -std=gnu11 -O2 -Wall -Wextra -Wconversion -Werror \
        -fno-strict-aliasing -D_GNU_SOURCE -Isrc -Itests -static \
        -o "build/isa/$1" tests/isa/check.c src/tensor/*.c src/base/err.c \
        src/base/mem.c src/base/rand.c src/base/str.c -pthread -lm
}

# on QEMU CPU BUILD TABLE... - the first is what that processor should choose
# by itself, the others are asked for
on() {
    qemu=$1 cpu=$2 program=build/isa/$3 best=$4
    shift 4
    echo "$cpu"
    "$qemu" -cpu "$cpu" "$program" "$best"
    for table in "$@"; do
        echo "$cpu, OTKLIK_ISA=$table"
        OTKLIK_ISA=$table "$qemu" -cpu "$cpu" "$program" "$table"
    done
}

build x86_64 gcc &
build aarch64 aarch64-linux-gnu-gcc
wait $!

# without what qemu does not play, of which it would tell for each thread
haswell=Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid
version=$(qemu-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')
if [ "$(printf '7.2\n%s\n' "$version" | sort -V | head -n 1)" = 7.2 ]; then
    on qemu-x86_64 "$haswell" x86_64 avx2 plain
else
    say "isa: left out Haswell, since qemu $version has no AVX2"
fi
on qemu-x86_64 Nehalem x86_64 plain
on qemu-aarch64 max aarch64 neon-dot neon plain
on qemu-aarch64 cortex-a53 aarch64 neon
