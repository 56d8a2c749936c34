// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The part of the sandbox that stays outside. It only forwards signals and
 * waits. When it is killed, init gets SIGKILL.
 *
 * The command is a process group of its own, so that nothing in the sandbox
 * can signal what is outside. With a terminal this makes us do what a shell
 * does: give the terminal to the command, take it back when the command stops
 * or ends, and stop with it.
 */

#define _GNU_SOURCE

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/idmap.h"
#include "../common/log.h"
#include "../common/spawn.h"

struct runner {
	pid_t init;
	int signals;
	int messages;
	bool lent; /* the command has our terminal, or had it last */
};

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1,
	SIGUSR2, SIGTSTP };

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
		sigaddset(&set, passed_on[i]);
	}
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGCONT);
	/* Taking the terminal back from the background must not stop us. */
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGTTOU);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static bool in_foreground(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

static void take_terminal(const struct runner *runner)
{
	if (runner->lent) {
		tcsetpgrp(STDIN_FILENO, getpgrp());
	}
}

/* init takes the terminal if we have it, and continues the command. */
static void go_on(struct runner *runner)
{
	union sigval value = { .sival_int = in_foreground() };

	runner->lent = runner->lent || value.sival_int != 0;
	sigqueue(runner->init, SIGCONT, value);
}

static void read_message(struct runner *runner)
{
	char message;
	ssize_t got = read(runner->messages, &message, 1);

	if (got <= 0) {
		close(runner->messages);
		runner->messages = -1; /* init exits: SIGCHLD follows */
		return;
	}
	if (message == MESSAGE_TERMINAL && in_foreground()) {
		go_on(runner);
		return;
	}
	if (!runner->lent && message == MESSAGE_STOPPED) {
		return; /* no terminal: the process that stopped it continues it */
	}
	take_terminal(runner);
	kill(0, SIGSTOP); /* until the shell sends SIGCONT */
}

/* The status of init, or -1 while it runs. */
static int read_signal(struct runner *runner)
{
	struct signalfd_siginfo info;
	int status;

	if (read(runner->signals, &info, sizeof(info)) != sizeof(info)) {
		return -1;
	}
	if (info.ssi_signo == SIGCONT) {
		go_on(runner);
	} else if (info.ssi_signo != SIGCHLD) {
		kill(runner->init, (int)info.ssi_signo);
	} else if (waitpid(runner->init, &status, WNOHANG) == runner->init) {
		if (WIFSIGNALED(status)) {
			log_error(
			    "init was killed by signal %d", WTERMSIG(status));
		}
		return spawn_status(status);
	}
	return -1;
}

static int wait_for_init(struct runner *runner)
{
	int status = -1;

	while (status == -1) {
		struct pollfd wait[2] = {
			{ .fd = runner->signals, .events = POLLIN },
			{ .fd = runner->messages, .events = POLLIN },
		};

		if (poll(wait, 2, -1) == -1) {
			continue;
		}
		if (wait[1].revents != 0) {
			read_message(runner);
		}
		if (wait[0].revents != 0) {
			status = read_signal(runner);
		}
	}
	return status;
}

/*
 * start: receives a byte when the IDs are mapped; the runner keeps the other
 * end open as long as it lives. If it died before the prctl() call, no signal
 * arrives, but the other end is closed.
 */
static void tie_to_runner(int start)
{
	struct pollfd wait = { .fd = start };
	char byte;

	/* A later change of our IDs would clear this. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(start, &byte, 1) != 1 || poll(&wait, 1, 0) != 0) {
		_exit(EXIT_SANDBOX);
	}
	close(start);
}

static _Noreturn void child(struct sandbox *sandbox, int start, int messages)
{
	tie_to_runner(start);
	setgroups(0, NULL); /* fails harmlessly with a single ID */
	sandbox->users =
	    idmap_has_user(BROKER_UID) && idmap_has_group(BROKER_UID);
	init_run(sandbox, messages);
}

static void explain_clone(const struct sandbox *sandbox)
{
	if (sandbox->caller == 0) {
		log_error("namespaces: %m: root lacks CAP_SYS_ADMIN, as in a "
			  "container without --privileged");
	} else {
		log_error("namespaces: %m: run as root, or let users make user "
			  "namespaces (sysctl kernel.unprivileged_userns_clone,"
			  " user.max_user_namespaces,"
			  " kernel.apparmor_restrict_unprivileged_userns)");
	}
}

static pid_t start_init(struct sandbox *sandbox, int *messages)
{
	unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
	    CLONE_NEWIPC | CLONE_NEWUTS | SIGCHLD;
	int start[2];
	int pipes[2];
	bool ready;
	pid_t pid;

	if (sandbox->caller != 0) {
		flags |= CLONE_NEWUSER;
	}
	if (pipe2(start, O_CLOEXEC) == -1 || pipe2(pipes, O_CLOEXEC) == -1) {
		log_error("pipe: %m");
		return -1;
	}
	pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		close(start[1]);
		close(pipes[0]);
		child(sandbox, start[0], pipes[1]);
	}
	if (pid == -1) {
		explain_clone(sandbox);
	}
	close(start[0]);
	close(pipes[1]);
	ready = pid != -1 &&
	    (sandbox->caller == 0 || idmap_write(sandbox, pid) == 0) &&
	    write(start[1], "", 1) == 1; /* and never closed */
	if (!ready && pid != -1) {
		close(start[1]);
		/* Without the byte it exits. */
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	*messages = pipes[0];
	return pid;
}

int runner_run(struct sandbox *sandbox)
{
	struct runner runner = { 0 };
	int status;

	runner.signals = block_signals();
	if (runner.signals == -1) {
		log_error("signalfd: %m");
		return EXIT_SANDBOX;
	}
	/* If our output goes to a pager, lend the terminal only on demand. */
	sandbox->terminal = in_foreground() && isatty(STDOUT_FILENO);
	runner.lent = sandbox->terminal;
	runner.init = start_init(sandbox, &runner.messages);
	if (runner.init == -1) {
		return EXIT_SANDBOX;
	}
	status = wait_for_init(&runner);
	take_terminal(&runner);
	return status;
}
