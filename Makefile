# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# `make help` lists the targets, from the lines that begin with "##". GNU make
# 3.81, the version on macOS, is sufficient.

UNAME := $(shell uname -s)
VERSION := 0.1.0

ENTITLEMENTS := broker/vmnet-broker.entitlements

ifeq ($(UNAME),Darwin)
# make ARCHS="arm64 x86_64" builds programs for both; RELEASE names the folder.
RELEASE := host
ARCHS :=
B := build/macos/$(RELEASE)
CC := cc -mmacosx-version-min=26.0 $(addprefix -arch ,$(ARCHS))
# Every program that uses a vmnet network needs exactly the one entitlement in
# this file. Without it, vmnet returns 1002 (VMNET_MEM_FAILURE); if the program
# also has com.apple.vm.networking, which only Apple grants, the system kills it
# when it starts. An ad hoc signature ("-") has no time stamp.
SIGN_IDENTITY ?= -
SIGN = codesign --force --options runtime --sign "$(SIGN_IDENTITY)" \
	$(if $(filter -,$(SIGN_IDENTITY)),,--timestamp) \
	--entitlements $(ENTITLEMENTS) \
	--identifier com.github.nirs.$(@F)
# It joins objects of several architectures, which ar does not.
ARCHIVE := libtool -static -o
# Built from its sources for ARCHS; or JANSSON=…/libjansson.a and JANSSON_CFLAGS.
JANSSON := $(B)/jansson/libjansson.a
JANSSON_CFLAGS := -I$(B)/jansson
JANSSON_DEP := $(filter $(B)/%,$(JANSSON))
else
B := build/linux/plain
CC := tests/linux/cc
SIGN := :
ARCHIVE = $(AR) cr
JANSSON := -l:libjansson.a
endif

# Where "make install" puts vmnet-brokerctl, the SDK and the manual pages, and
# the options of broker/install, such as --when-idle.
PREFIX := /usr/local
INSTALL_OPTIONS :=
UNINSTALL_OPTIONS :=

CFLAGS := -O2 -g
WARNINGS := -std=gnu11 -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Werror
# A program is built in a separate folder until it is complete, so that nobody
# runs an incomplete one. It has its final name from the beginning, because
# Xcode's linker puts a .dSYM folder of that name next to it.
DONE = rm -rf $@.dSYM && mv $@.new/* $(@D)/ && rmdir $@.new
# The .c files are compiled together: they are small, and no dependency can be
# missed.
BROKER_SRC := $(wildcard broker/*.c)
BROKER_DEP := $(BROKER_SRC) $(wildcard broker/*.h) client/protocol.h
SDK_SRC := client/vmnet-broker.c
SDK_DEP := $(SDK_SRC) $(wildcard client/*.h)
CTL_SRC := client/vmnet-brokerctl.c $(wildcard client/ctl/*.c)
CTL_DEP := $(CTL_SRC) $(wildcard client/ctl/*.h) $(SDK_DEP)
# What people copy, and whole programs; those in Objective-C apart.
EXAMPLES := $(basename $(notdir $(wildcard examples/*.[cm] \
	examples/programs/*.[cm])))

.PHONY: all examples demo test lint format clean distclean help
## make             the daemon, its tools and the SDK (a minute)
all: $(addprefix $(B)/bin/,vmnet-broker vmnet-brokerctl vmnet-broker-doctor) \
	$(B)/share/vmnet-broker/com.github.nirs.vmnet-broker.plist \
	$(B)/lib/libvmnet-broker.a \
	$(B)/lib/pkgconfig/vmnet-broker.pc \
	$(addprefix $(B)/include/vmnet-broker/,vmnet-broker.h module.modulemap)
## make examples    the examples
examples: $(addprefix $(B)/examples/,$(EXAMPLES))

help:
	@cat Makefile packaging/*.mk tests/*.mk tests/*/*.mk tests/*/*/*.mk | sed -n 's/^## //p'

# The product in each variant: % is linux/plain, linux/asan or macos/host, for example.
FLAGS_linux/asan := -fsanitize=address,undefined -fno-sanitize-recover=all

build/%/bin/vmnet-broker: $(BROKER_DEP) $(ENTITLEMENTS) $(JANSSON_DEP) \
		build/%/.stamp
	@mkdir -p $@.new
	$(CC) $(CFLAGS) $(FLAGS_$*) $(WARNINGS) $(JANSSON_CFLAGS) -Ibroker \
		-Iclient -DVMNET_BROKER_VERSION='"$(VERSION)"' \
		-o $@.new/$(@F) $(BROKER_SRC) $(JANSSON) \
		-framework vmnet -framework CoreFoundation
	@$(SIGN) $@.new/$(@F) && $(DONE)

build/%/bin/vmnet-brokerctl: $(CTL_DEP) build/%/.stamp
	@mkdir -p $@.new
	$(CC) $(CFLAGS) $(FLAGS_$*) $(WARNINGS) -Iclient \
		-DVMNET_BROKER_VERSION='"$(VERSION)"' \
		-o $@.new/$(@F) $(CTL_SRC) $(SDK_SRC)
	@$(SIGN) $@.new/$(@F) && $(DONE)

build/%/lib/vmnet-broker.o: $(SDK_DEP) build/%/.stamp
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(FLAGS_$*) $(WARNINGS) -c -o $@ $(SDK_SRC)

build/%/lib/libvmnet-broker.a: build/%/lib/vmnet-broker.o
	@rm -f $@
	$(ARCHIVE) $@ $<
.PRECIOUS: build/%/lib/vmnet-broker.o

# An example is one file; a program has parts in a folder of its name.
EXAMPLE = mkdir -p $@.new; \
	$(CC) $(CFLAGS) $(1) -Iclient -o $@.new/$(@F) $(filter %.c %.m,$^) \
	$(filter %.a,$^) -framework vmnet -framework CoreFoundation && \
	$(SIGN) $@.new/$(@F) && $(DONE)
OBJC := -fobjc-arc -Wall -Wextra -Werror -framework Foundation \
	-framework Virtualization

$(B)/examples/%: examples/%.c $(B)/lib/libvmnet-broker.a
	$(call EXAMPLE,$(WARNINGS))
$(B)/examples/%: examples/programs/%.c $(B)/lib/libvmnet-broker.a
	$(call EXAMPLE,$(WARNINGS))
$(B)/examples/%: examples/%.m $(B)/lib/libvmnet-broker.a
	$(call EXAMPLE,$(OBJC))
$(B)/examples/%: examples/programs/%.m $(B)/lib/libvmnet-broker.a
	$(call EXAMPLE,$(OBJC))
$(B)/examples/ping: $(wildcard examples/programs/ping/*)
$(B)/examples/vmnet-run: $(wildcard examples/programs/vmnet-run/*)
$(B)/examples/ping $(B)/examples/vmnet-run: examples/programs/macos.h
$(B)/examples/launcher: $(wildcard examples/programs/launcher/*)

ifeq ($(UNAME),Darwin)
$(B)/.stamp:
	@mkdir -p $(@D) && touch $@
else
include tests/linux/linux.mk
STANDIN_plain := build/linux/plain/.stamp
STANDIN_asan := build/linux/asan/.stamp
STANDIN_tsan := build/linux/tsan/.stamp
endif

$(B)/bin/vmnet-broker-doctor: client/vmnet-broker-doctor
	@mkdir -p $(@D)
	cp client/vmnet-broker-doctor $@

$(B)/share/vmnet-broker/%: broker/%
	@mkdir -p $(@D)
	cp broker/$* $@

# lib/ and include/ are what others build with, here or copied to a prefix.
$(B)/lib/pkgconfig/vmnet-broker.pc: client/vmnet-broker.pc.in Makefile
	@mkdir -p $(@D)
	sed -e 's|@VERSION@|$(VERSION)|' client/vmnet-broker.pc.in >$@

$(B)/include/vmnet-broker/%: client/%
	@mkdir -p $(@D)
	cp client/$* $@

$(B)/jansson/libjansson.a: packaging/jansson
	CC='$(CC)' packaging/jansson $(@D)

include packaging/packaging.mk
include tests/tests.mk

# All of our C sources.
SOURCES = $(shell git ls-files '*.c' '*.h' '*.m')

## make format      runs clang-format on the C sources
format:
	clang-format -i $(SOURCES)

# Downloaded files, whose checksums are verified when they are used.
DOWNLOADS := build/test-vm/packages build/macos/zig

## make clean       removes built files, and keeps downloaded files
clean:
	@[ ! -d build ] || find build $(DOWNLOADS:%=-path % -prune -o) \
		! -type d -exec rm -f {} +
	@[ ! -d build ] || find build -depth -type d -empty -delete

## make distclean   removes build/
distclean:
	rm -rf build
