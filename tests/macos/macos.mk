# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Cross-building for macOS from Linux; see tests/macos/check.

.PHONY: macos deps-macos
## make macos       cross-build for macOS, part of make test (5 minutes; x86_64)
macos: deps-macos
	@tests/macos/check

deps-macos:
	@tests/linux/deps macos
