# Short names for what is done every day; CMake does the work.
.DEFAULT_GOAL := help
.PHONY: help build web test lint check-isa format browser interop bench fuzz install clean

PRESET ?= release
FUZZ_SECONDS ?= 30

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: web ## compile everything (PRESET=release debug asan tsan fuzz)
	@test -f build/$(PRESET)/build.ninja || cmake --preset $(PRESET) >/dev/null
	@cmake --build build/$(PRESET)

web: ## compile the pages into web/dist
	@sh -c '. tools/packages.sh && web'

test: build ## all C tests of one preset
	@ctest --test-dir build/$(PRESET) --output-on-failure -j $$(nproc)

lint: ## layers, headers alone, format, clang-tidy, cppcheck, sizes
	@tools/lint.sh

check-isa: ## the tensor layer on Haswell, NEON and others, by qemu
	@tools/check_isa.sh

format: ## clang-format over all C files
	@find src include tests fuzz bench examples -name '*.[ch]' | xargs clang-format -i

browser: build ## the pages in Chromium, screenshots in build/screenshots
	@cd web && npm run --silent test

interop: build ## beside peers from PyPI, in a virtual environment of its own
	@tests/interop/run.sh

bench: build ## the tables of docs/performance.md
	@bench/run.sh

fuzz: ## each target for FUZZ_SECONDS under libFuzzer (clang)
	@tools/fuzz.sh $(FUZZ_SECONDS)

install: build ## into CMAKE_INSTALL_PREFIX (DESTDIR is respected)
	@cmake --install build/$(PRESET)

clean: ## remove what was built
	@rm -rf build web/dist
