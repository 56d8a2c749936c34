/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 *
 * A Mac's disk does not tell the case of names, so neither do its programs.
 */
#include <Availability.h>
