# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# `make help` lists the targets. GNU make 3.81 is enough, since macOS has it.

UNAME := $(shell uname -s)
VERSION := 0.1.0

comma := ,
ENTITLEMENTS := broker/vmnet-broker.entitlements

ifeq ($(UNAME),Darwin)
B := build/macos/host
CC := cc -mmacosx-version-min=26.0
# vmnet wants the virtualization entitlement of everybody who uses a network.
SIGN = codesign --force --sign - --entitlements $(ENTITLEMENTS) \
	--identifier com.github.nirs.$(notdir $@)
JANSSON := $(shell pkg-config --variable=libdir jansson)/libjansson.a
JANSSON_CFLAGS := $(shell pkg-config --cflags jansson)
else
B := build/linux/plain
CC := tests/linux/cc
SIGN := :
JANSSON := -l:libjansson.a
endif

CFLAGS := -O2 -g
WARNINGS := -std=gnu11 -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Werror
# What is being made has another name until it is done: nobody runs half of it.
# The .c files are compiled together: each is small, and no dependency can be
# forgotten.
BROKER_SRC := $(wildcard broker/*.c)
BROKER_DEP := $(BROKER_SRC) $(wildcard broker/*.h) client/protocol.h
SDK_SRC := client/vmnet-broker.c
SDK_DEP := $(SDK_SRC) $(wildcard client/*.h)
EXAMPLES := $(patsubst examples/%.c,%,$(wildcard examples/*.c)) vm

.PHONY: all examples demo test lint format clean help
all: $(B)/bin/vmnet-broker $(B)/lib/libvmnet-broker.a \
	$(B)/lib/pkgconfig/vmnet-broker.pc \
	$(addprefix $(B)/include/vmnet-broker/,vmnet-broker.h module.modulemap)
examples: $(addprefix $(B)/examples/,$(EXAMPLES))

help:
	@echo 'make            the daemon and the SDK'
	@echo 'make examples   the examples'
	@echo 'make demo       programs and VMs of two users meet'
	@echo 'make test       all tests that need no Mac'
	@echo 'make integration-test   real VMs on two networks'
	@echo 'make macos      cross-build for macOS (part of make test)'
	@echo 'make bench      what an acquire costs, beside its floor'
	@echo 'make lint       format, static analysis, shell, manual pages'
	@echo 'make format     lay out the C sources'
	@echo 'make clean      remove build/'

# $(1): variant, $(2): its output folder, $(3): its flags.
define PRODUCT
$(2)/bin/vmnet-broker: $(BROKER_DEP) $(ENTITLEMENTS) $(STANDIN_$(1))
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) $(3) $(WARNINGS) $(JANSSON_CFLAGS) -Ibroker -Iclient \
		-DVMNET_BROKER_VERSION='"$(VERSION)"' \
		-o $$@.new $(BROKER_SRC) $(JANSSON) \
		-framework vmnet -framework CoreFoundation
	@$$(SIGN) $$@.new && mv $$@.new $$@

$(2)/lib/vmnet-broker.o: $(SDK_DEP) $(STANDIN_$(1))
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) $(3) $(WARNINGS) -c -o $$@ $(SDK_SRC)

$(2)/lib/libvmnet-broker.a: $(2)/lib/vmnet-broker.o
	@rm -f $$@
	$(AR) cr $$@ $$<

$(2)/examples/%: examples/%.c $(2)/lib/libvmnet-broker.a
	@mkdir -p $$(@D)
	$(CC) $(CFLAGS) $(3) $(WARNINGS) -Iclient -o $$@.new $$< \
		$(2)/lib/libvmnet-broker.a \
		-framework vmnet -framework CoreFoundation
	@$$(SIGN) $$@.new && mv $$@.new $$@
endef

$(B)/examples/vm: examples/vm.m $(B)/lib/libvmnet-broker.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fobjc-arc -Wall -Wextra -Werror -Iclient -o $@.new $< \
		$(B)/lib/libvmnet-broker.a -framework Foundation \
		-framework Virtualization -framework vmnet \
		-framework CoreFoundation
	@$(SIGN) $@.new && mv $@.new $@

ifneq ($(UNAME),Darwin)
include tests/linux/linux.mk
STANDIN_plain := build/linux/plain/.stamp
STANDIN_asan := build/linux/asan/.stamp
STANDIN_tsan := build/linux/tsan/.stamp
$(eval $(call PRODUCT,asan,build/linux/asan,-fsanitize=address$(comma)undefined -fno-sanitize-recover=all))
endif
$(eval $(call PRODUCT,plain,$(B),))

# lib/ and include/ are what others build with, here or copied to a prefix.
$(B)/lib/pkgconfig/vmnet-broker.pc: client/vmnet-broker.pc.in Makefile
	@mkdir -p $(@D)
	sed -e 's|@VERSION@|$(VERSION)|' client/vmnet-broker.pc.in >$@

$(B)/include/vmnet-broker/%: client/%
	@mkdir -p $(@D)
	cp client/$* $@

include tests/tests.mk

# Everything that is ours and is C.
SOURCES = $(shell git ls-files '*.c' '*.h' '*.m')

format:
	clang-format -i $(SOURCES)

clean:
	rm -rf build
