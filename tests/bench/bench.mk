# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What an acquire costs; see docs/performance.md.

BENCH_SRC := $(wildcard tests/bench/*.c)

.PHONY: bench bench-programs
bench: deps-demo
	@$(MAKE) --no-print-directory -s -j2 bench-programs
	@tests/bench/run

bench-programs: all examples standin build/linux/plain/bench/bench

build/linux/plain/bench/bench: $(BENCH_SRC) tests/bench/bench.h \
		client/protocol.h $(STANDIN_plain)
	@mkdir -p $(@D)
	tests/linux/cc $(CFLAGS) $(WARNINGS) -Iclient -o $@ $(BENCH_SRC) \
		-framework vmnet -framework CoreFoundation
