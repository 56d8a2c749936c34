/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 *
 * A signal that macOS has and Linux has not: one that nobody sends here stands
 * for it.
 */
#include_next <signal.h>

#if defined(__APPLE__) && defined(SIGPWR) && !defined(SIGINFO)
#define SIGINFO SIGPWR
#endif
