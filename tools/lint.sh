#!/bin/sh
# make lint: the checks that read the source instead of running it.
set -eu
cd "$(dirname "$0")/.."

echo "layers";       python3 tools/check_layers.py
echo "sizes";        python3 tools/check_size.py
echo "starter data"; python3 tools/check_starter.py

echo "format"
find src include tests fuzz bench examples -name '*.[ch]' -print0 |
    xargs -0 clang-format --dry-run -Werror

echo "headers alone, in C and in C++"
for h in src/*/*.h include/*.h; do
    printf '#include "%s"\n' "${h#*/}" |
        gcc -fsyntax-only -xc -std=gnu11 -D_GNU_SOURCE -Wall -Werror \
            -Isrc -Iinclude -
done
for h in include/*.h; do
    printf '#include "%s"\n' "${h#*/}" |
        g++ -fsyntax-only -xc++ -std=c++17 -Wall -Werror -Iinclude -
done

echo "shell"
shellcheck run check .ci/run tools/*.sh bench/*.sh tests/interop/*.sh

[ -f build/clang/build.ninja ] || cmake --preset clang >/dev/null

# on stderr it only counts what it suppressed
echo "clang-tidy"
find src -name '*.c' -print0 |
    xargs -0 -P "$(nproc)" -n 8 clang-tidy --quiet -p build/clang 2>/dev/null

echo "cppcheck"
cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -j "$(nproc)" \
    --enable=warning,performance,portability --suppress=missingIncludeSystem \
    -DOTK_VERSION='""' -D_GNU_SOURCE -Isrc -Iinclude src
