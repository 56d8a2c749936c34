// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * File names on a Mac are case-insensitive, so programs may use either
 * spelling.
 */

#include <Availability.h>
