#!/bin/sh
# make lint: the checks that read the source instead of running it.
set -eu
cd "$(dirname "$0")/.."

echo "layers";       python3 tools/check_layers.py
echo "sizes";        python3 tools/check_size.py
echo "starter data"; python3 tools/check_starter.py

# Other versions of clang lay out and complain differently; the house goes by
# the one of Debian 12.
clang_is_ours=false
case $(clang-format --version) in
*"version 14."*) clang_is_ours=true ;;
*) echo "left out: format and clang-tidy, which go by clang 14" ;;
esac

if $clang_is_ours; then
    echo "format"
    find src include tests fuzz bench examples -name '*.[ch]' -print0 |
        xargs -0 clang-format --dry-run -Werror
fi

echo "headers alone, in C and in C++"
find src include -name '*.h' -print0 |
    xargs -0 -P "$(nproc)" -n 1 gcc -fsyntax-only -xc -std=gnu11 \
        -D_GNU_SOURCE -Wall -Werror -Isrc -Iinclude
for h in include/*.h; do
    printf '#include "%s"\n' "${h#*/}" |
        g++ -fsyntax-only -xc++ -std=c++17 -Wall -Werror -Iinclude -
done

echo "shell"
shellcheck run check .ci/run tools/*.sh bench/*.sh tests/interop/*.sh

if $clang_is_ours; then
    # On stderr it only counts what it suppressed. The analyzer looks at 25,000
    # states of a function, a ninth of what it does by itself, in a third of
    # the time; LINT_STATES=225000 is as deep as usual. A file a process: in one
    # process clang 14 sees lists of arguments of one file in the next.
    echo "clang-tidy"
    [ -f build/asan/build.ninja ] || cmake --preset asan >/dev/null
    find src -name '*.c' -print0 |
        xargs -0 -P "$(nproc)" -n 1 clang-tidy --quiet -p build/asan \
            --extra-arg=-Xclang --extra-arg=-analyzer-config \
            --extra-arg=-Xclang \
            --extra-arg="max-nodes=${LINT_STATES:-25000}" 2>/dev/null
fi

case $(cppcheck --version) in
"Cppcheck 2.10"*) ;;
*) # others suspect other lines
    echo "left out: cppcheck, which goes by 2.10"
    exit 0
    ;;
esac
echo "cppcheck"
cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -j "$(nproc)" \
    --enable=warning,performance,portability --suppress=missingIncludeSystem \
    --suppress=normalCheckLevelMaxBranches \
    -DOTK_VERSION='""' -D_GNU_SOURCE -Isrc -Iinclude src
