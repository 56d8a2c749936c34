# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The test targets; see docs/development.md.

.PHONY: deps-demo deps-test deps-integration deps-lint test-programs \
	script-programs integration-programs

# What the examples run on: on a Mac it is there.
ifneq ($(UNAME),Darwin)
PLATFORM := standin
VM_TOOLS := $(B)/tools/replug
endif

# "asan/tests/NAME tsan/tests/NAME …", from the first lines of each test.
UNIT_TESTS := $(addprefix build/linux/,$(shell tests/unit/build --list))
UNIT_SCRIPTS := $(wildcard tests/unit/*-test.sh tests/linux/test/*-test.sh)
BATS := $(wildcard tests/integration/*.bats)

TEST_DEP := $(wildcard tests/unit/*.[ch] tests/linux/test/*.[ch]) $(BROKER_DEP) $(CTL_DEP) \
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

# Those that run on a Mac, with the sanitizers of both variants.
ifeq ($(UNAME),Darwin)
MACOS_TESTS := $(foreach variant,asan tsan,$(addprefix \
	build/macos/$(variant)/tests/,$(shell tests/unit/build --list-macos)))
MACOS_TEST = CC='$(CC)' JANSSON='$(JANSSON)' \
	JANSSON_CFLAGS='$(JANSSON_CFLAGS)' tests/unit/build macos
build/macos/asan/tests/%: $(TEST_DEP) $(JANSSON_DEP)
	$(MACOS_TEST) asan $*
build/macos/tsan/tests/%: $(TEST_DEP) $(JANSSON_DEP)
	$(MACOS_TEST) tsan $*

.PHONY: unit-tests-macos
## make unit-tests-macos   the unit tests that need no stand-in (a minute; a Mac)
unit-tests-macos:
	@tests/run-tests $(MACOS_TESTS)
endif

# The programs that the sandbox tests start.
TOOLS := $(patsubst tests/integration/tools/%.c,%,\
	$(wildcard tests/integration/tools/*.c))
# What else a tool is made of.
TOOL_ask := tests/integration/tools/ask/value.c
TOOL_guest := -Itests/linux/test tests/integration/tools/guest/options.c \
	tests/linux/test/vmnet-guest*.c $(SDK_SRC) \
	-framework vmnet -framework CoreFoundation
TOOL_manager := $(SDK_SRC)
TOOL_vmm := tests/integration/tools/vmm/echo.c
TOOL_early-run := -Wl,--wrap=vmnet_broker_hold_create \
	examples/programs/vmnet-run.c $(wildcard examples/programs/vmnet-run/*.c) \
	$(SDK_SRC) -framework vmnet -framework CoreFoundation
$(B)/tools/manager: $(SDK_DEP)
$(B)/tools/vmm: $(wildcard tests/integration/tools/vmm/*)
$(B)/tools/early-run: examples/programs/vmnet-run.c examples/programs/macos.h \
	$(wildcard examples/programs/vmnet-run/*) $(SDK_DEP)
$(B)/tools/ask: $(wildcard tests/integration/tools/ask/*)
$(B)/tools/guest: $(wildcard tests/integration/tools/guest/*) \
	$(wildcard tests/linux/test/vmnet-*.[ch]) $(SDK_DEP)
$(B)/tools/%: tests/integration/tools/%.c client/protocol.h $(STANDIN_plain)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(WARNINGS) -Iclient -o $@ $< $(TOOL_$*)

$(B)/tools/replug: tests/integration/tools/replug.m $(B)/lib/libvmnet-broker.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wall -Wextra -Werror -Iclient -o $@ $< \
		$(B)/lib/libvmnet-broker.a -framework Foundation \
		-framework Virtualization -framework vmnet \
		-framework CoreFoundation

# The fuzzers; those of the stand-in have its sources in them.
FUZZERS := $(patsubst tests/fuzz/%.c,build/linux/fuzz/%,\
	$(wildcard tests/fuzz/*-fuzz.c))
build/linux/fuzz/%: $(wildcard tests/fuzz/*.[ch]) $(TEST_DEP) $(STANDIN_asan)
	tests/unit/build fuzz $*

# What scripts and sandbox tests start.
script-programs: all release examples bench-programs probe-programs standin standin-asan $(FUZZERS) \
	build/linux/asan/bin/vmnet-broker \
	build/linux/asan/bin/vmnet-brokerctl $(addprefix $(B)/tools/,$(TOOLS))
test-programs: script-programs $(UNIT_TESTS)

# Packages first, then everything is built, then everything runs: a compiler
# that is still busy would only make the tests slow. Each step is a make of
# its own because what one installs decides what the next can build.
## make test        all tests that need no Mac (20 minutes; Debian 12)
test: deps-test
	@$(MAKE) --no-print-directory -s -j2 test-programs
	@$(MAKE) --no-print-directory -s $(GUEST) || \
		echo 'no guest: what boots one is skipped'
	@STANDIN_NO_BUILD=1 SOAK_CYCLES=1000 SOAK_ROUNDS=1000 tests/run-tests \
		$(UNIT_SCRIPTS) $(UNIT_TESTS) $(BATS) tests/soak/soak.bats \
		tests/lint tests/macos/check

# Hours, by hand: see docs/development.md.
FUZZ_SECONDS := 3600

.PHONY: fuzz soak
## make fuzz        the fuzzers, FUZZ_SECONDS each (an hour each)
fuzz: deps-test
	@$(MAKE) --no-print-directory -s -j2 $(FUZZERS)
	@tests/fuzz/run $(FUZZ_SECONDS)

## make soak        many clients and processes, SOAK_CYCLES (minutes to an hour)
soak: deps-test
	@$(MAKE) --no-print-directory -s -j2 all examples standin \
		build/linux/asan/bin/vmnet-broker \
		$(addprefix $(B)/tools/,$(TOOLS))
	@STANDIN_NO_BUILD=1 bats --tap tests/soak

include tests/macos/macos.mk
include tests/bench/bench.mk
include tests/integration/probes/probes.mk

# The guests of the VM tests, rebuilt when their sources change. That of Macs is
# tested everywhere.
GUEST := build/test-vm/$(if \
	$(filter x86_64,$(shell uname -m)),amd64,arm64)/initrd
build/test-vm/%/initrd: $(addprefix examples/test-vm/, \
		build common.sh init udhcpc vm-exec packages.txt)
	@examples/test-vm/build $*

integration-programs: all examples $(PLATFORM) $(VM_TOOLS) $(BENCH_VMS) \
	build/test-vm/amd64/initrd build/test-vm/arm64/initrd

.PHONY: integration-test
## make integration-test   real VMs, both launchers (20 minutes; Debian or a Mac)
integration-test: deps-integration
	@tests/run-tests -v tests/integration/vm/run

## make lint        format, static analysis, scripts, manual pages (a minute)
lint: deps-lint
	@tests/run-tests tests/lint

## make demo        programs and VMs of two users on one network (a minute)
demo: deps-demo
	@$(MAKE) --no-print-directory -s -j2 all examples $(PLATFORM) $(GUEST)
	@examples/demo.sh
