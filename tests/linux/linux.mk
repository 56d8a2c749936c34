# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Builds the stand-in: the libraries in three variants, the servers in one.
# Sources are found by wildcard. Included by the Makefile, and works alone:
# make -f tests/linux/linux.mk standin

LINUX_BUILD := build/linux
LINUX_CC := clang
LINUX_CXX := clang++
LINUX_CFLAGS := -std=gnu11 -fblocks -O1 -g -fno-omit-frame-pointer \
	-Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE= \
	-isystem /usr/include/bsd -DLIBBSD_OVERLAY -Itests/linux/include

SANITIZE_plain :=
SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_tsan := -fsanitize=thread

# In compat/ the name of a file determines its library.
linux_vmnet_src := $(wildcard tests/linux/vmnet/lib*.c \
	tests/linux/compat/libvmnet-*.c)
linux_cf_src := $(wildcard tests/linux/corefoundation/*.c \
	tests/linux/compat/cf-*.c)
linux_system_src := $(filter-out $(linux_vmnet_src) $(linux_cf_src),\
	$(wildcard $(patsubst %,tests/linux/%/*.c,dispatch os fault xpc compat)))
linux_wrap_src := $(wildcard tests/linux/fault/wrap/*.c)
linux_common_src := $(wildcard tests/linux/common/*.c)

linux_vmnetd_src := $(wildcard tests/linux/vmnetd/vmnetd*.c)
linux_vmnetctl_src := $(wildcard tests/linux/vmnetd/vmnetctl.c)
linux_launchd_src := $(wildcard tests/linux/launchd/launchd*.c)
linux_launchctl_src := $(wildcard tests/linux/launchd/launchctl*.c)
linux_sandbox_src := $(wildcard tests/linux/sandbox/*.c)
linux_clock_src := tests/linux/fault/tools/standin-clock.c \
	tests/linux/fault/standin-page.c

.PHONY: standin standin-asan standin-tsan standin-headers
standin: $(LINUX_BUILD)/plain/.stamp
standin-asan: $(LINUX_BUILD)/asan/.stamp
standin-tsan: $(LINUX_BUILD)/tsan/.stamp

# Two makes may run at the same time, so temporary names contain process IDs.

# The headers of the stand-in compile alone, as C and as C++.
standin-headers:
	tests/linux/test/cc-test.sh

# "plain", "asan" or "tsan": the third folder of what is being made.
VARIANT = $(word 3,$(subst /, ,$@))
VARIANTS := plain asan tsan

define LINUX_COMPILE
@mkdir -p $(@D)
@echo '$(LINUX_CC) ($(VARIANT)) $<'
@$(LINUX_CC) $(LINUX_CFLAGS) $(SANITIZE_$(VARIANT)) -fPIC -MMD -MP -c -o $@ $<
endef
$(LINUX_BUILD)/plain/obj/%.o: %.c tests/linux/linux.mk
	$(LINUX_COMPILE)
$(LINUX_BUILD)/asan/obj/%.o: %.c tests/linux/linux.mk
	$(LINUX_COMPILE)
$(LINUX_BUILD)/tsan/obj/%.o: %.c tests/linux/linux.mk
	$(LINUX_COMPILE)

# $(1): patterns of the names that a library exports, $(2): what it links. All
# other names are local, so that they do not conflict with a program's.
define LINUX_LINK
@mkdir -p $(@D)
@echo '{ global: $(1) local: *; };' >$(@:.so=.map)
@echo '$(LINUX_CC) -o $@'
@$(LINUX_CC) $(SANITIZE_$(VARIANT)) -shared -o $@.$$$$ \
	-Wl,-soname,$(@F) -Wl,--version-script,$(@:.so=.map) \
	-Wl,-Bsymbolic-functions -Wl,-rpath,'$$ORIGIN' \
	$(filter %.o,$^) -L$(@D) $(2) && mv $@.$$$$ $@
endef

# The objects of sources, for each variant: % is its name.
linux_objects = $(addprefix $(LINUX_BUILD)/%/obj/,$(1:.c=.o))

system_exports := dispatch_*; _dispatch_*; xpc_*; _xpc_*; XPC_*; os_*; _os_*; \
	system_*; standin_*; mach_*; bootstrap_*; proc_*; sandbox_*; kqueue*; \
	kevent*; launch_*; clock_gettime_nsec_np; pthread_*; audit_token_*; \
	uuid_*; sysctl; sysctlbyname; _NS*;
$(VARIANTS:%=$(LINUX_BUILD)/%/lib/libSystem.so): \
		$(LINUX_BUILD)/%/lib/libSystem.so: \
		$(call linux_objects,$(linux_system_src)) tests/linux/linux.mk
	$(call LINUX_LINK,$(system_exports),\
		-lBlocksRuntime -lbsd -luuid -lpthread)

$(VARIANTS:%=$(LINUX_BUILD)/%/lib/libCoreFoundation.so): \
		$(LINUX_BUILD)/%/lib/libCoreFoundation.so: \
		$(call linux_objects,$(linux_cf_src)) \
		$(LINUX_BUILD)/%/lib/libSystem.so tests/linux/linux.mk
	$(call LINUX_LINK,CF*; _CF*; kCF*; __CF*; cf_object_*;,\
		-lSystem -lBlocksRuntime)

# Its objects are CoreFoundation's.
$(VARIANTS:%=$(LINUX_BUILD)/%/lib/libvmnet.so): \
		$(LINUX_BUILD)/%/lib/libvmnet.so: \
		$(call linux_objects,$(linux_vmnet_src)) \
		$(LINUX_BUILD)/%/lib/libCoreFoundation.so tests/linux/linux.mk
	$(call LINUX_LINK,vmnet_*; kvmnet_*; _vmnet_*; standin_vmnet_*;,\
		-lCoreFoundation -lSystem -lBlocksRuntime)

# Linked into the program: the other end of ld's --wrap.
$(VARIANTS:%=$(LINUX_BUILD)/%/lib/libstandinwrap.a): \
		$(LINUX_BUILD)/%/lib/libstandinwrap.a: \
		$(call linux_objects,$(linux_wrap_src))
	@mkdir -p $(@D)
	@rm -f $@
	@$(AR) cr $@ $^

$(VARIANTS:%=$(LINUX_BUILD)/%/.stamp): $(LINUX_BUILD)/%/.stamp: \
		$(addprefix $(LINUX_BUILD)/%/lib/,libSystem.so \
			libCoreFoundation.so libvmnet.so libstandinwrap.a)
	@touch $@

# Virtualization.framework, plain only: GNUstep's objects would be leaks.
linux_vz_src := $(wildcard tests/linux/virtualization/*.m)
linux_vz_obj := $(linux_vz_src:%.m=$(LINUX_BUILD)/plain/obj/%.o)
linux_vz := $(LINUX_BUILD)/plain/lib/libVirtualization.so
linux_vz_headers := $(wildcard tests/linux/virtualization/*.h \
	tests/linux/include/Virtualization/*.h \
	tests/linux/include/Foundation/*.h) tests/linux/vmnet/vmnet-standin.h

$(LINUX_BUILD)/plain/obj/%.o: %.m $(linux_vz_headers) tests/linux/cc
	@mkdir -p $(@D)
	@echo 'tests/linux/cc (plain) $<'
	@tests/linux/cc -O1 -g -Wall -Wextra -Wno-unused-parameter -Werror \
		-Wno-incomplete-implementation \
		-DSTANDIN_VIRTUALIZATION -fPIC -c -o $@ $<
$(linux_vz): $(linux_vz_obj) $(LINUX_BUILD)/plain/lib/libvmnet.so
	@echo '$(LINUX_CC) -o $@'
	@$(LINUX_CC) -shared -o $@.$$$$ -Wl,-soname,libVirtualization.so \
		-Wl,-rpath,'$$ORIGIN' $(linux_vz_obj) -L$(@D) -lvmnet \
		-lCoreFoundation -lSystem -lBlocksRuntime -lgnustep-base -lobjc && \
		mv $@.$$$$ $@

# A server or a tool, plain only. Each has what is in common/. $(1): libraries.
linux_plain_objects = $(addprefix $(LINUX_BUILD)/plain/obj/,\
	$(patsubst %.c,%.o,$(1) $(linux_common_src))) \
	$(LINUX_BUILD)/plain/lib/libSystem.so
define LINUX_BIN
@mkdir -p $(@D)
@echo '$(LINUX_CC) -o $@'
@$(LINUX_CC) -o $@.$$$$ $(filter %.o,$^) -L$(LINUX_BUILD)/plain/lib \
	-Wl,-rpath,'$$ORIGIN/../lib' -Wl,--as-needed $(1) -lSystem \
	-lBlocksRuntime -lbsd -lpthread && mv $@.$$$$ $@
endef

linux_bins := $(addprefix $(LINUX_BUILD)/plain/bin/,vmnetd vmnetctl launchd \
	launchctl sandbox standin-clock)
$(LINUX_BUILD)/plain/bin/vmnetd: $(call linux_plain_objects,$(linux_vmnetd_src))
	$(call LINUX_BIN)
$(LINUX_BUILD)/plain/bin/vmnetctl: \
		$(call linux_plain_objects,$(linux_vmnetctl_src))
	$(call LINUX_BIN)
$(LINUX_BUILD)/plain/bin/launchd: \
		$(call linux_plain_objects,$(linux_launchd_src))
	$(call LINUX_BIN,-lplist-2.0)
$(LINUX_BUILD)/plain/bin/launchctl: \
		$(call linux_plain_objects,$(linux_launchctl_src))
	$(call LINUX_BIN,-lplist-2.0)
$(LINUX_BUILD)/plain/bin/sandbox: \
		$(call linux_plain_objects,$(linux_sandbox_src))
	$(call LINUX_BIN)
$(LINUX_BUILD)/plain/bin/standin-clock: \
		$(call linux_plain_objects,$(linux_clock_src))
	$(call LINUX_BIN)

# dnsmasq calls it.
linux_lease := $(LINUX_BUILD)/plain/bin/bootpd-lease
$(linux_lease): tests/linux/vmnetd/bootpd-lease
	@mkdir -p $(@D)
	@cp $< $@
$(LINUX_BUILD)/plain/.stamp: $(linux_bins) $(linux_vz) $(linux_lease)

# What each object includes, as the compiler found it.
-include $(shell find $(LINUX_BUILD) -path '*/obj/*.d' 2>/dev/null)
