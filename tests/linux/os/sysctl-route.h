// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef SYSCTL_ROUTE_H
#define SYSCTL_ROUTE_H

#include <stddef.h>

/* The IPv4 routes, as sysctl(3) returns them. */
int sysctl_routes(void *buffer, size_t *size);

#endif
