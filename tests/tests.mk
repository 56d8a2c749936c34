# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The test targets; see docs/development.md.

.PHONY: deps-demo deps-test deps-integration deps-lint test-programs

# What the examples run on: on a Mac it is there.
ifneq ($(UNAME),Darwin)
PLATFORM := standin
endif

# "asan/tests/NAME tsan/tests/NAME …", from the first lines of each test.
UNIT_TESTS := $(addprefix build/linux/,$(shell tests/unit/build --list))
UNIT_SCRIPTS := $(wildcard tests/unit/*-test.sh)
BATS := $(wildcard tests/integration/*.bats)

TEST_DEP := $(wildcard tests/unit/*.[ch]) $(BROKER_DEP) $(SDK_DEP) \
	tests/unit/build

deps-demo:
	@tests/linux/deps demo
deps-test:
	@tests/linux/deps test
deps-integration:
	@tests/linux/deps integration
deps-lint:
	@tests/linux/deps lint

build/linux/asan/tests/%: $(TEST_DEP) $(STANDIN_asan)
	tests/unit/build asan $*
build/linux/tsan/tests/%: $(TEST_DEP) $(STANDIN_tsan)
	tests/unit/build tsan $*
build/linux/plain/tests/%: $(TEST_DEP) $(STANDIN_plain)
	tests/unit/build plain $*

# The programs that the sandbox tests start.
TOOLS := $(patsubst tests/integration/tools/%.c,%,\
	$(wildcard tests/integration/tools/*.c))
# What else a tool is made of.
TOOL_guest := -Itests/unit tests/unit/vmnet-guest.c -framework vmnet \
	-framework CoreFoundation
$(B)/tools/guest: $(wildcard tests/unit/vmnet-*.[ch])
$(B)/tools/%: tests/integration/tools/%.c client/protocol.h $(STANDIN_plain)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(WARNINGS) -Iclient -o $@ $< $(TOOL_$*)

test-programs: all examples bench-programs standin $(UNIT_TESTS) \
	build/linux/asan/bin/vmnet-broker $(addprefix $(B)/tools/,$(TOOLS))

# Packages first, then everything is built, then everything runs: a compiler
# that is still busy would only make the tests slow. Each step is a make of
# its own because what one installs decides what the next can build.
test: deps-test
	@$(MAKE) --no-print-directory -s -j2 test-programs
	@STANDIN_NO_BUILD=1 tests/run-tests $(UNIT_SCRIPTS) $(UNIT_TESTS) $(BATS) \
		tests/lint tests/macos/check

include tests/macos/macos.mk
include tests/bench/bench.mk

# The guests of the VM tests, made anew when what they are made of changes. That
# of Macs is tested everywhere.
GUEST := build/test-vm/$(if \
	$(filter x86_64,$(shell uname -m)),amd64,arm64)/initrd
build/test-vm/%/initrd: $(addprefix examples/test-vm/, \
		build common.sh init udhcpc vm-exec packages.txt)
	@examples/test-vm/build $*

.PHONY: integration-test
integration-test: deps-integration
	@$(MAKE) --no-print-directory -s -j2 all examples $(PLATFORM) \
		build/test-vm/amd64/initrd build/test-vm/arm64/initrd
	@tests/run-tests -v tests/integration/vm/run

lint: deps-lint
	@tests/run-tests tests/lint

demo: deps-demo
	@$(MAKE) --no-print-directory -s -j2 all examples $(PLATFORM) $(GUEST)
	@examples/demo.sh
