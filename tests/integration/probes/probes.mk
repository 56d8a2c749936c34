# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Checks what the product assumes about macOS; see docs/development.md.
# PROBES_ALL=1 in the environment also runs probes that may leave a subnet in
# use until the next restart.

PROBES := $(addprefix $(B)/probes/,$(filter-out probe port,\
	$(basename $(notdir $(wildcard tests/integration/probes/*.c)))))
PROBE_DEP := $(wildcard tests/integration/probes/p[ro]*.[ch]) \
	$(addprefix examples/programs/ping/,guest.h bytes.c dhcp.c ethernet.c \
		ip.c timer.c)
PROBES_RUN := tests/integration/probes/run $(B)/probes $(VERSION)

.PHONY: probes probe-programs
## make probes      checks assumptions about macOS, for an issue (2 minutes)
probes: deps-demo
	@$(MAKE) --no-print-directory -s -j2 all probe-programs $(PLATFORM)
ifeq ($(UNAME),Darwin)
	@$(PROBES_RUN)
else
	@tests/linux/run -q --user alice -- $(PROBES_RUN)
endif

probe-programs: $(PROBES)

$(B)/probes/%: tests/integration/probes/%.c \
		tests/integration/probes/probe.c \
		tests/integration/probes/port.c \
		$(PROBE_DEP) $(B)/lib/libvmnet-broker.a
	$(call EXAMPLE,$(WARNINGS) -Itests/integration/probes -Iexamples/programs)
