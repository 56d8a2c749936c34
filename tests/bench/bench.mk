# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# What an acquire costs; see docs/performance.md. OLD names another broker that
# is measured in the same run.

BENCH := $(addprefix build/linux/plain/bench/,reference client relay)

.PHONY: bench bench-programs
## make bench       acquire latency and memory, vmnet-run's throughput (5 minutes)
ifeq ($(UNAME),Darwin)
bench:
	@echo 'make bench measures the broker on the stand-in, on Linux' >&2
	@exit 1
else
bench: deps-demo
	@$(MAKE) --no-print-directory -s -j2 bench-programs
	@tests/bench/run $(if $(OLD),--old '$(OLD)')
endif

bench-programs: all examples $(PLATFORM) $(BENCH)

build/linux/plain/bench/%: tests/bench/%.c client/protocol.h \
		$(B)/lib/libvmnet-broker.a $(STANDIN_plain)
	@mkdir -p $(@D)
	tests/linux/cc $(CFLAGS) $(WARNINGS) -Iclient -o $@ $< \
		$(B)/lib/libvmnet-broker.a -framework vmnet \
		-framework CoreFoundation

# Of Linux, like the taps.
build/linux/plain/bench/relay: tests/bench/relay.c
	@mkdir -p $(@D)
	$(LINUX_CC) -O2 -g -std=gnu11 -D_GNU_SOURCE $(WARNINGS) -pthread -o $@ $<
