# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Cross-building for macOS from Linux; see tests/macos/check.

.PHONY: macos deps-macos
macos: deps-macos
	@tests/macos/check

deps-macos:
	@tests/linux/deps macos
