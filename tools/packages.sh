# shellcheck shell=sh
# What ./run and ./check need from the distribution, and how it gets there.
# Sourced by both. The names are the same on Debian 12 and 13 and on Ubuntu
# 22.04 and 24.04, except where something is said.

build_packages="gcc libc6-dev cmake ninja-build pkg-config python3 \
libmicrohttpd-dev libjansson-dev libsqlite3-dev libstemmer-dev libzip-dev \
libexpat1-dev liblinear-dev libyaml-dev libutf8proc-dev libsodium-dev \
libcairo2-dev libcurl4-openssl-dev libonnx-dev libprotobuf-c-dev \
protobuf-c-compiler ca-certificates libcmocka-dev tzdata fonts-dejavu-core \
zlib1g-dev"

# Without these the program is built, and says what it then cannot do: libre and
# libssl are the telephone, libopus and spandsp codecs of it, espeak-ng its
# voice, the others decode what people upload.
# shellcheck disable=SC2034 # ./run and ./check use it
optional_packages="libre-dev libssl-dev libopus-dev libspandsp-dev espeak-ng \
libavformat-dev libavcodec-dev libswresample-dev libavutil-dev"

say() {
    printf '%s\n' "$*" >&2
}

# missing PACKAGE... - print those that are not installed
missing() {
    for p in "$@"; do
        case $(dpkg-query -W -f '${Status}' "$p" 2>&1) in
        *"ok installed"*) ;;
        *) printf '%s ' "$p" ;;
        esac
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# need PACKAGE... - install what is missing, or say what to install and stop
need() {
    absent=$(missing "$@")
    [ -z "$absent" ] && return 0
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        say "These packages are missing: $absent"
        say "Install them, then run this again:"
        say "    sudo apt-get install --no-install-recommends $absent"
        exit 1
    fi
    say "Installing: $absent"
    # The list is words without spaces in them.
    # shellcheck disable=SC2086
    if ! { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install \
            --no-install-recommends $absent >/dev/null; }; then
        say "apt could not install: $absent"
        exit 1
    fi
    # cmake remembers what was not there
    rm -f build/*/CMakeCache.txt build/*/build.ninja
}

# offered PACKAGE - does this distribution have it?
offered() {
    apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [0-9]'
}

# want PACKAGE... - as need, but what cannot be had is left out and said
want() {
    absent=$(missing "$@")
    [ -z "$absent" ] && return 0
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        say "Left out: $absent"
        return 0
    fi
    # shellcheck disable=SC2086
    for p in $absent; do
        if offered "$p"; then
            need "$p"
        else
            say "Left out: $p, which this distribution does not have"
        fi
    done
}

if ! command -v dpkg-query >/dev/null 2>&1; then
    say "Otklik builds on Debian 12 or 13 and Ubuntu 22.04 or 24.04;"
    say "on other systems install the counterparts of:"
    say "    $build_packages"
    exit 1
fi

# need_build - what is needed to compile. Ubuntu 22.04 has the description of
# ONNX files not beside its headers, but in the package for Python.
need_build() {
    # shellcheck disable=SC2086
    need $build_packages
    [ -n "$(find /usr/include/onnx -name 'onnx*.proto')" ] || need python3-onnx
}

# configure PRESET - cmake once; a second call only looks for new files
configure() {
    [ -f "build/$1/build.ninja" ] || cmake --preset "$1" >/dev/null
}

# The web pages are TypeScript: node and tsc, from wherever they came.
need_node() {
    command -v node >/dev/null 2>&1 || need nodejs
    command -v tsc >/dev/null 2>&1 || need node-typescript
}

# npm_packages - the viewer of the API description and the driver of Chromium;
# fails where there is no npm or no way to its registry
npm_packages() {
    [ -d web/node_modules/swagger-ui-dist ] && return 0
    (cd web && npm ci --no-audit --no-fund --loglevel=error \
        --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 \
        >/dev/null 2>&1) || return 1
    rm -f web/dist/.made # pages of before have no viewer
}

# web - compile the pages into web/dist when their sources are newer. A desk
# works without the viewer.
web() {
    if [ -f web/dist/.made ] &&
        [ -z "$(find web -path web/node_modules -prune -o -path web/dist \
            -prune -o -type f -newer web/dist/.made -print)" ]; then
        return 0
    fi
    say "Building the web pages"
    npm_packages ||
        say "Left out: the API viewer at /docs (npm is not there, or cannot" \
            "reach its registry). Everything else works."
    (cd web && node build.js) || {
        say "The web pages were not built; see the messages above."
        exit 1
    }
    : >web/dist/.made
}
