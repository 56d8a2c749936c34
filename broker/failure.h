// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Why a request was refused, for clients.
 */

#ifndef FAILURE_H
#define FAILURE_H

#include <stdint.h>

/* The statuses that the broker sends; vmnet-broker.h says what each means. */
enum failure_status {
	FAILURE_NOT_ALLOWED = 3,
	FAILURE_INVALID_REQUEST = 4,
	FAILURE_NOT_FOUND = 5,
	FAILURE_CREATE = 6,
	FAILURE_INTERNAL = 7,
	FAILURE_BUSY = 8,
	FAILURE_CONFIGURATION = 9,
	FAILURE_STATUSES /* one more than the last */
};

/* Room for the longest reason, which is a refused configuration. */
#define FAILURE_MESSAGE 640

struct failure {
	enum failure_status status;
	int64_t vmnet_status; /* a vmnet_return_t; 0: not an error of vmnet */
	char message[FAILURE_MESSAGE]; /* a sentence for people */
};

void failure_set(struct failure *failure, enum failure_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The name of the status in vmnet-broker.h without VMNET_BROKER_, such as
 * "BUSY". */
const char *failure_status_name(enum failure_status status);

#endif
