// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* QEMU's control socket, which speaks QMP: one command at a time. */

#ifndef STANDIN_VIRTUALIZATION_QMP_H
#define STANDIN_VIRTUALIZATION_QMP_H

#include <stdbool.h>

struct qmp;

/* Takes our end of the socket, also on failure: NULL if out of memory. */
struct qmp *qmp_create(int fd);

/*
 * Sends a command, with a descriptor unless fd is -1, and waits for the reply.
 * QMP also accepts single quotes. False if QEMU refused, which is reported on
 * standard error, or has exited, which is not: the caller waits for the process
 * and reports that. From one thread at a time.
 */
bool qmp_execute(struct qmp *qmp, int fd, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* NULL is fine. */
void qmp_destroy(struct qmp *qmp);

#endif
