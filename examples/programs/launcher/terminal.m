// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launcher: the terminal, which is the console of the guest.
 */

#import "launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios savedTerminal;
static volatile sig_atomic_t terminalIsRaw;

/* Calls only functions that a signal handler may call. */
static void terminalRestore(void)
{
	if (terminalIsRaw) {
		terminalIsRaw = 0;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &savedTerminal);
	}
}

/* The signal then terminates the process, as it would without this handler. */
static void terminalRestoreOn(int number)
{
	terminalRestore();
	raise(number); /* SA_RESETHAND: now the default action */
}

static void terminalRestoreOnCrash(void)
{
	static const int crashes[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV,
		SIGTRAP };
	struct sigaction action = { .sa_flags = (int)SA_RESETHAND };

	action.sa_handler = terminalRestoreOn;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		sigaction(crashes[i], &action, NULL);
	}
}

BOOL terminalIsInUse(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) != getpgrp();
}

void openStandardDescriptors(void)
{
	int fd = -1;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0) {
			exit(EXIT_FAILURE);
		}
	} while (fd <= STDERR_FILENO);
	close(fd);
}

void terminalMakeRaw(void)
{
	if (!isatty(STDIN_FILENO) || terminalIsInUse() ||
	    tcgetattr(STDIN_FILENO, &savedTerminal) != 0) {
		return;
	}
	struct termios raw = savedTerminal;
	raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
	raw.c_cc[VSUSP] = _POSIX_VDISABLE;
	raw.c_cc[VQUIT] = _POSIX_VDISABLE;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	/* Before the change, so that no exit leaves a raw terminal. */
	atexit(terminalRestore);
	terminalRestoreOnCrash();
	terminalIsRaw = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) {
		fail(@"cannot make the terminal raw");
	}
}
