# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Measures what an acquire costs, and compares ways to attach VMs; see
# docs/performance.md. OLD names another broker that is measured in the same run;
# BENCH_OPTIONS are options of tests/bench/vms.

BENCH := $(addprefix build/linux/plain/bench/,reference client)
# The programs that bench-vms runs; relay exists only on Linux, like the taps.
BENCH_VMS := $(addprefix $(B)/bench/,machine plug serve frames \
	$(if $(filter Darwin,$(UNAME)),,relay))

.PHONY: bench bench-programs bench-vms bench-size
## make bench       time and memory of an acquire (3 minutes)
ifeq ($(UNAME),Darwin)
bench:
	@echo 'make bench measures the broker on the stand-in, on Linux' >&2
	@exit 1
else
bench: deps-demo
	@$(MAKE) --no-print-directory -s -j2 bench-programs
	@tests/bench/run $(if $(OLD),--old '$(OLD)')
endif

bench-programs: all examples $(PLATFORM) $(BENCH) $(BENCH_VMS)

## make bench-vms   vmnet-run and others between two VMs (5 minutes; Linux or a Mac)
bench-vms: deps-demo
	@$(MAKE) --no-print-directory -s -j2 all examples $(PLATFORM) \
		$(BENCH_VMS) $(GUEST)
	@tests/bench/vms $(BENCH_OPTIONS)

## make bench-size  lines, bytes and memory of the programs (a minute)
bench-size: all examples $(PLATFORM)
	@tests/bench/size

build/linux/plain/bench/%: tests/bench/%.c client/protocol.h \
		$(B)/lib/libvmnet-broker.a $(STANDIN_plain)
	@mkdir -p $(@D)
	tests/linux/cc $(CFLAGS) $(WARNINGS) -Iclient -o $@ $< \
		$(B)/lib/libvmnet-broker.a -framework vmnet \
		-framework CoreFoundation

$(B)/bench/machine: tests/bench/machine.m $(B)/lib/libvmnet-broker.a
	@$(call EXAMPLE,$(OBJC))

# These do not use vmnet.
BENCH_CC = $(if $(filter Darwin,$(UNAME)),$(CC),$(LINUX_CC) -D_GNU_SOURCE)
BENCH_PLAIN = mkdir -p $(@D); $(BENCH_CC) -O2 -g $(WARNINGS) -pthread -o $@ $<
$(B)/bench/plug: tests/bench/plug.c
	$(BENCH_PLAIN)
$(B)/bench/serve: tests/bench/serve.c
	$(BENCH_PLAIN)
$(B)/bench/frames: tests/bench/frames.c
	$(BENCH_PLAIN)
$(B)/bench/relay: tests/bench/relay.c
	$(BENCH_PLAIN)
