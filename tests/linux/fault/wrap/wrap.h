// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef STANDIN_WRAP_H
#define STANDIN_WRAP_H

/*
 * Linux cannot say of one socket that it raises no SIGPIPE: the whole process
 * stops to die of it, unless the program has a handler or it is already
 * ignored. 0, as setsockopt(); off again changes nothing.
 */
int standin_ignore_sigpipe(int on);

/* Gives a new UNIX datagram socket the small buffers of macOS. */
void standin_datagram_created(int fd);

#endif
