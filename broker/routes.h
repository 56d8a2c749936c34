// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Mac's IPv4 routes, as the kernel lists them.
 */

#ifndef ROUTES_H
#define ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "subnet.h"

struct routes {
	void *messages; /* of the kernel */
	size_t size;
};

/* 0; or -1 and errno. */
int routes_read(struct routes *routes);
void routes_free(struct routes *routes);

/*
 * The route at *offset, which begins with 0 and is moved to the next one: where
 * it leads, and the number of its interface. False: there are no more.
 *
 * Left out are routes that the kernel made for single hosts, and those to more
 * than the 2^24 addresses of 10.0.0.0/8: a VPN or the default route that takes
 * everything is in nobody's way.
 */
bool routes_next(const struct routes *routes, size_t *offset,
    struct subnet *subnet, unsigned *interface);

#endif
