#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# Each fuzzer survives its corpus and a moment more. `make fuzz` takes hours.

exec "$(dirname "$0")/../fuzz/run" 30 20000
