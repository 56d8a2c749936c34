// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What <fcntl.h> has on macOS and not on Linux. cc sends a program's open() and
 * fcntl() through libstandinwrap.a, which knows these.
 */

#include_next <fcntl.h>

#if defined(__APPLE__) && !defined(STANDIN_FCNTL_H)
#define STANDIN_FCNTL_H

/* flock() as a part of open(). */
#define O_SHLOCK 0x10000000
#define O_EXLOCK 0x20000000
#define O_EVTONLY O_RDONLY

#define F_FULLFSYNC 51
#define F_GETPATH 50 /* into MAXPATHLEN bytes */

#define F_SETNOSIGPIPE 73

#endif
