// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Mac's IPv4 routes, from the kernel.
 */

#ifndef ROUTES_H
#define ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "subnet.h"

struct routes {
	void *messages; /* from the kernel */
	size_t size;
};

/* 0; or -1 and errno. */
int routes_read(struct routes *routes);
void routes_free(struct routes *routes);

/*
 * Returns the destination and the interface number of the route at *offset, and
 * advances *offset to the next one. Begin with an offset of 0. False: there are
 * no more.
 *
 * Skips routes that the kernel created for single hosts, and routes to more
 * than the 2^24 addresses of 10.0.0.0/8: the default route, or a VPN that
 * routes everything, does not conflict with any subnet.
 */
bool routes_next(const struct routes *routes, size_t *offset,
    struct subnet *subnet, unsigned *interface);

#endif
