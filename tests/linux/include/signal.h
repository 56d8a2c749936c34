// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * A signal that macOS has and Linux does not have: an unused signal replaces
 * it.
 */

#include_next <signal.h>

#if defined(__APPLE__) && defined(SIGPWR) && !defined(SIGINFO)
#define SIGINFO SIGPWR
#endif
