// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * macOS's <util.h>: pseudo terminals and login_tty().
 */

#include <libutil.h>
#include <pty.h>
#include <utmp.h>
