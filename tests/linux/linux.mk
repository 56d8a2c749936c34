# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Builds the stand-in: the libraries in three variants, the servers in one.
# Sources are found by wildcard; what has no sources yet is left out. Included
# by the Makefile, and works alone: make -f tests/linux/linux.mk standin

LINUX_BUILD := build/linux
LINUX_CC := clang
LINUX_CXX := clang++
LINUX_CFLAGS := -std=gnu11 -fblocks -O1 -g -fno-omit-frame-pointer \
	-Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE= \
	-isystem /usr/include/bsd -DLIBBSD_OVERLAY -Itests/linux/include \
	-Itests/linux/system -Itests/linux/common

SANITIZE_plain :=
SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZE_tsan := -fsanitize=thread

linux_system_src := $(wildcard tests/linux/system/*.c tests/linux/xpc/*.c)
linux_wrap_src := $(wildcard tests/linux/system/wrap/*.c)
linux_vmnet_src := $(wildcard tests/linux/vmnet/lib*.c)
linux_cf_src := $(wildcard tests/linux/corefoundation/*.c)
linux_common_src := $(wildcard tests/linux/common/*.c)

linux_vmnetd_src := $(wildcard tests/linux/vmnet/vmnetd*.c)
linux_vmnetctl_src := $(wildcard tests/linux/vmnet/vmnetctl.c)
linux_launchd_src := $(wildcard tests/linux/launchd/launchd*.c)
linux_launchctl_src := $(wildcard tests/linux/launchd/launchctl*.c)
linux_sandbox_src := $(wildcard tests/linux/sandbox/*.c)
linux_clock_src := $(wildcard tests/linux/system/tools/standin-clock.c) \
	tests/linux/system/standin-page.c

.PHONY: standin standin-asan standin-tsan standin-headers
standin: $(LINUX_BUILD)/plain/.stamp
standin-asan: $(LINUX_BUILD)/asan/.stamp
standin-tsan: $(LINUX_BUILD)/tsan/.stamp

# Two makes may be at work at once, hence the process ids in new names.

# The headers of the stand-in compile alone, as C and as C++.
standin-headers:
	tests/unit/cc-test.sh

# A library: $(1) variant, $(2) name, $(3) sources, $(4) patterns of the names
# it exports, $(5) what it links. All else stays its own, so that it meets no
# name of a program's.
define LINUX_LIB
ifneq ($(3),)
linux_$(1) += $$(LINUX_BUILD)/$(1)/lib/lib$(2).so
$$(LINUX_BUILD)/$(1)/lib/lib$(2).so: \
		$(3:%.c=$$(LINUX_BUILD)/$(1)/obj/%.o) tests/linux/linux.mk
	@mkdir -p $$(@D)
	@echo '{ global: $(4) local: *; };' >$$(@D)/$(2).map
	@echo '$$(LINUX_CC) -o $$@'
	@$$(LINUX_CC) $$(SANITIZE_$(1)) -shared -o $$@.$$$$$$$$ \
		-Wl,-soname,lib$(2).so -Wl,--version-script,$$(@D)/$(2).map \
		-Wl,-Bsymbolic-functions -Wl,-rpath,'$$$$ORIGIN' \
		$(3:%.c=$$(LINUX_BUILD)/$(1)/obj/%.o) -L$$(@D) $(5) && \
		mv $$@.$$$$$$$$ $$@
linux_obj += $(3:%.c=$$(LINUX_BUILD)/$(1)/obj/%.o)
endif
endef

define LINUX_VARIANT
$$(LINUX_BUILD)/$(1)/obj/%.o: %.c tests/linux/linux.mk
	@mkdir -p $$(@D)
	@echo '$$(LINUX_CC) ($(1)) $$<'
	@$$(LINUX_CC) $$(LINUX_CFLAGS) $$(SANITIZE_$(1)) -fPIC -MMD -MP \
		-c -o $$@ $$<

$(call LINUX_LIB,$(1),System,$(linux_system_src),dispatch_*; _dispatch_*; xpc_*; _xpc_*; XPC_*; os_*; _os_*; system_*; standin_*; mach_*; bootstrap_*; proc_*; sandbox_*; kqueue*; kevent*; launch_*; clock_gettime_nsec_np; pthread_*; audit_token_*; uuid_*; sysctl*; _NS*; ,-lBlocksRuntime -lbsd -luuid -lpthread)
$(call LINUX_LIB,$(1),vmnet,$(linux_vmnet_src),vmnet_*; kvmnet_*; _vmnet_*; standin_vmnet_*; ,-lCoreFoundation -lSystem -lBlocksRuntime)
$(call LINUX_LIB,$(1),CoreFoundation,$(linux_cf_src),CF*; _CF*; kCF*; __CF*; cf_object_*; ,-lSystem -lBlocksRuntime)

# libvmnet's objects are CoreFoundation's.
$$(LINUX_BUILD)/$(1)/lib/libvmnet.so: $$(LINUX_BUILD)/$(1)/lib/libSystem.so \
	$$(LINUX_BUILD)/$(1)/lib/libCoreFoundation.so
$$(LINUX_BUILD)/$(1)/lib/libCoreFoundation.so: \
	$$(LINUX_BUILD)/$(1)/lib/libSystem.so

# Linked into the program: the other end of ld's --wrap.
$$(LINUX_BUILD)/$(1)/lib/libstandinwrap.a: \
		$(linux_wrap_src:%.c=$$(LINUX_BUILD)/$(1)/obj/%.o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) cr $$@ $$^
linux_obj += $(linux_wrap_src:%.c=$$(LINUX_BUILD)/$(1)/obj/%.o)
linux_$(1) += $$(LINUX_BUILD)/$(1)/lib/libstandinwrap.a

$$(LINUX_BUILD)/$(1)/.stamp: $$(linux_$(1))
	@touch $$@
endef

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
		-fPIC -c -o $@ $<
$(linux_vz): $(linux_vz_obj) $(LINUX_BUILD)/plain/lib/libvmnet.so
	@echo '$(LINUX_CC) -o $@'
	@$(LINUX_CC) -shared -o $@.$$$$ -Wl,-soname,libVirtualization.so \
		-Wl,-rpath,'$$ORIGIN' $(linux_vz_obj) -L$(@D) -lvmnet \
		-lCoreFoundation -lSystem -lBlocksRuntime -lgnustep-base -lobjc && \
		mv $@.$$$$ $@

# A server or a tool, plain only: $(1) name, $(2) sources, $(3) libraries.
define LINUX_BIN
ifneq ($(2),)
$$(LINUX_BUILD)/plain/bin/$(1): $$(LINUX_BUILD)/plain/lib/libSystem.so \
		$(2:%.c=$$(LINUX_BUILD)/plain/obj/%.o) \
		$(linux_common_src:%.c=$$(LINUX_BUILD)/plain/obj/%.o)
	@mkdir -p $$(@D)
	@echo '$$(LINUX_CC) -o $$@'
	@$$(LINUX_CC) -o $$@.$$$$$$$$ $(2:%.c=$$(LINUX_BUILD)/plain/obj/%.o) \
		$(linux_common_src:%.c=$$(LINUX_BUILD)/plain/obj/%.o) \
		-L$$(LINUX_BUILD)/plain/lib -Wl,-rpath,'$$$$ORIGIN/../lib' \
		-Wl,--as-needed $(3) -lSystem -lBlocksRuntime -lbsd -lpthread && \
		mv $$@.$$$$$$$$ $$@
linux_bins += $$(LINUX_BUILD)/plain/bin/$(1)
linux_obj += $(2:%.c=$$(LINUX_BUILD)/plain/obj/%.o)
endif
endef

$(eval $(call LINUX_BIN,vmnetd,$(linux_vmnetd_src),))
$(eval $(call LINUX_BIN,vmnetctl,$(linux_vmnetctl_src),))
$(eval $(call LINUX_BIN,launchd,$(linux_launchd_src),-lplist-2.0))
$(eval $(call LINUX_BIN,launchctl,$(linux_launchctl_src),-lplist-2.0))
$(eval $(call LINUX_BIN,sandbox,$(linux_sandbox_src),))
$(eval $(call LINUX_BIN,standin-clock,$(linux_clock_src),))
linux_plain := $(linux_bins) $(linux_vz)
$(eval $(call LINUX_VARIANT,plain))
$(eval $(call LINUX_VARIANT,asan))
$(eval $(call LINUX_VARIANT,tsan))

linux_obj += $(linux_common_src:%.c=$(LINUX_BUILD)/plain/obj/%.o)
-include $(sort $(linux_obj:.o=.d))
