# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Installing and packaging; see docs/installation.md and docs/packaging.md. A
# release is a folder from which its own script installs.

.PHONY: release install uninstall dist pkg

MANUALS := $(wildcard broker/*.[1-8] client/*.[1-8])
MANUAL_8 := $(filter %.8,$(MANUALS))
MANUAL_5 := $(filter %.5,$(MANUALS))
ROOT := $(B)/release

# prefix/ is copied to PREFIX unchanged.
## make release     a folder with everything to install (macOS)
release: all
	@rm -rf $(ROOT)
	@mkdir -p $(ROOT)/prefix/bin $(ROOT)/prefix/lib/pkgconfig \
		$(ROOT)/prefix/include/vmnet-broker \
		$(ROOT)/prefix/share/man/man5 $(ROOT)/prefix/share/man/man8
	@cp broker/install broker/uninstall broker/setup.sh broker/user.sh \
		broker/check.sh broker/networks.json LICENSE README.md \
		broker/com.github.nirs.vmnet-broker.plist \
		$(B)/bin/vmnet-broker $(ROOT)/
	@cp $(B)/bin/vmnet-brokerctl $(B)/bin/vmnet-broker-doctor \
		$(ROOT)/prefix/bin/
	@mkdir -p $(ROOT)/prefix/share/vmnet-broker
	@cp broker/com.github.nirs.vmnet-broker.plist \
		broker/networks.schema.json \
		$(ROOT)/prefix/share/vmnet-broker/
	@cp $(B)/lib/libvmnet-broker.a $(ROOT)/prefix/lib/
	@cp $(B)/lib/pkgconfig/vmnet-broker.pc $(ROOT)/prefix/lib/pkgconfig/
	@cp $(B)/include/vmnet-broker/* $(ROOT)/prefix/include/vmnet-broker/
	@cp $(MANUAL_5) $(ROOT)/prefix/share/man/man5/
	@cp $(MANUAL_8) $(ROOT)/prefix/share/man/man8/
	@mkdir -p $(ROOT)/prefix/share/bash-completion/completions \
		$(ROOT)/prefix/share/zsh/site-functions
	@cp client/completions/vmnet-brokerctl.bash \
		$(ROOT)/prefix/share/bash-completion/completions/vmnet-brokerctl
	@cp client/completions/_vmnet-brokerctl \
		$(ROOT)/prefix/share/zsh/site-functions/

## make install     install or upgrade, as root (macOS)
install: release
	$(ROOT)/install --prefix '$(PREFIX)' $(INSTALL_OPTIONS)

## make uninstall   remove it, as root (macOS)
uninstall:
	broker/uninstall $(UNINSTALL_OPTIONS)

## make dist        releases for arm64, x86_64 and both (macOS)
dist:
	packaging/dist $(VERSION)

## make pkg         a package for Installer (macOS)
pkg: release
	packaging/pkg $(VERSION) $(ROOT)
