// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_WRAP_H
#define STANDIN_WRAP_H

/*
 * Linux cannot disable SIGPIPE for a single socket, so this ignores it for the
 * whole process, unless the program has a handler or ignores it already.
 * Returns 0, as setsockopt(); on == 0 has no effect.
 */
int standin_ignore_sigpipe(int on);

/* Gives a new UNIX datagram socket the small buffers of macOS. */
void standin_datagram_created(int fd);

#endif
