// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-run: the command, from its start to the exit of its last process.
 *
 * The command runs in its own process group and gets the signals that we get.
 * If we are in the foreground of a terminal, its group becomes the foreground,
 * so that Ctrl-C and Ctrl-Z reach only the command. When Ctrl-Z has stopped it,
 * we stop as well, so that the shell shows its prompt; when the shell continues
 * us, we continue the command.
 *
 * The command may exit before its VMM: it may be a script, or a QEMU that
 * becomes a daemon. So its sockets determine when we exit:
 *
 *	runs	Signals are forwarded.
 *	ended	Another process still has one of its sockets. The system does not
 *		tell which, so a frame that guests ignore is sent there each
 *		second: it is refused when the other end is closed. The command
 *		is not reaped yet, so that its process id and its group are not
 *		reused and signals reach no other process.
 *	reaped	A signal was forwarded to the group. If the group was empty, we
 *		left; otherwise another signal ends us at once.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

/* Interval of the check of the sockets after the command has ended. */
#define PROBE_SECONDS 1

extern char **environ;

static pid_t child;
static bool ended;
static bool reaped;
static int status;
static int closed_ports;

/* SIGINT was forwarded, so the terminal did not send it to the command. */
static bool interrupted;

/* --- The terminal -------------------------------------------------------- */

/* Our terminal, or -1. */
static int terminal = -1;

/* Whether it was given to the command at its start. */
static bool was_foreground;

static bool is_foreground(pid_t group)
{
	return terminal >= 0 && tcgetpgrp(terminal) == group;
}

/* Passes the terminal to the command, which may have been stopped already
 * because it accessed the terminal too early. */
static void give_terminal(void)
{
	tcsetpgrp(terminal, child);
	kill(-child, SIGCONT);
}

static void take_terminal(void)
{
	if (is_foreground(child)) {
		tcsetpgrp(terminal, getpgrp());
	}
}

/*
 * The terminal has stopped the command. If that happened because the shell has
 * put us into the foreground, which the command does not know, there is nothing
 * to wait for. kill() returns when the shell continues us, because this is the
 * only thread that receives the signal; without a shell it returns immediately.
 */
static void stop_with_command(void)
{
	if (!is_foreground(getpgrp())) {
		take_terminal();
		kill(0, SIGTSTP);
	}
	if (is_foreground(getpgrp())) {
		give_terminal();
	} else {
		kill(-child, SIGCONT);
	}
}

/* --- The end ------------------------------------------------------------- */

static void reap(void)
{
	int result = 0;

	if (reaped) {
		return;
	}
	if (waitpid(child, &result, 0) < 0) {
		fail("waitpid: %s", strerror(errno));
	}
	reaped = true;
	status =
	    WIFSIGNALED(result) ? 128 + WTERMSIG(result) : WEXITSTATUS(result);
}

/*
 * If Ctrl-C ended the command, it was also meant for the other processes in the
 * foreground with us: otherwise a script that runs us would continue. If we
 * were sent the signal too, as before the command had the terminal, so were
 * they. In both cases the script's shell has to see that the signal ended us.
 * So this thread receives it, before it can exit: threads of dispatch block
 * signals.
 */
static void end_by_interrupt(void)
{
	sigset_t interrupt;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	signal(SIGINT, SIG_DFL);
	if (!interrupted) {
		kill(0, SIGINT);
	}
	pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
	raise(SIGINT);
}

static void finish(void)
{
	reap();
	stop_all();
	if (was_foreground && status == 128 + SIGINT) {
		end_by_interrupt();
	}
	exit(status);
}

static void finish_if_closed(void)
{
	if (ended && closed_ports == port_count) {
		finish();
	}
}

void command_port_closed(void)
{
	closed_ports++;
	finish_if_closed();
}

static void probe(void)
{
	for (int i = 0; i < port_count; i++) {
		struct port *port = &ports[i];
		dispatch_async(port->queue, ^{
			port_probe(port);
		});
	}
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW,
			   PROBE_SECONDS * (int64_t)NSEC_PER_SEC),
	    dispatch_get_main_queue(), ^{
		    probe();
	    });
}

static void command_ended(void *unused)
{
	(void)unused;
	ended = true;
	take_terminal();
	finish_if_closed();
	probe();
}

/* Waits for a state change of the command: CLD_STOPPED, or another code if it
 * has exited. WNOWAIT does not reap it. */
static int wait_for_news(siginfo_t *info)
{
	memset(info, 0, sizeof(*info));
	while (waitid(P_PID, (id_t)child, info, WEXITED | WSTOPPED | WNOWAIT) !=
	    0) {
		if (errno != EINTR) {
			return CLD_EXITED; /* reap() reports the status */
		}
	}
	return info->si_code;
}

/* Reports stops and the exit. This is not a dispatch thread, because SIGTSTP
 * must reach this thread and no other. */
static void *watch(void *unused)
{
	siginfo_t info;
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
	while (wait_for_news(&info) == CLD_STOPPED) {
		int number = info.si_status;
		waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOHANG);
		if (terminal >= 0 && number != SIGSTOP) {
			stop_with_command();
		}
	}
	dispatch_async_f(dispatch_get_main_queue(), NULL, command_ended);
	return unused;
}

/* --- Signals ------------------------------------------------------------- */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1,
	SIGUSR2 };
#define SIGNAL_COUNT ((int)(sizeof(signals) / sizeof(signals[0])))

/* Signals that we ignore but the command must not, unless they were ignored
 * when we started, for example by nohup. */
static sigset_t ignored;

/* The signal mask that we started with, for the command. */
static sigset_t mask;

static bool ignore(int number)
{
	if (signal(number, SIG_IGN) == SIG_IGN) {
		return false;
	}
	sigaddset(&ignored, number);
	return true;
}

static void pass_on(int number)
{
	if (reaped) {
		finish();
	}
	interrupted = interrupted || number == SIGINT;
	kill(-child, number);
	if (ended && number != SIGUSR1 && number != SIGUSR2) {
		reap();
		if (kill(-child, 0) != 0 && errno == ESRCH) {
			finish();
		}
	}
}

/* A signal that arrives before the command runs is handled in
 * dispatch_main(). */
static void forward_signals(void)
{
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		int number = signals[i];
		if (!ignore(number)) {
			continue;
		}
		dispatch_source_t source =
		    dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL,
			(uintptr_t)number, 0, dispatch_get_main_queue());
		dispatch_source_set_event_handler(source, ^{
			pass_on(number);
		});
		dispatch_activate(source);
	}
}

void command_prepare(void)
{
	sigset_t stop;

	/* Threads inherit it: see stop_with_command(). */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	pthread_sigmask(SIG_BLOCK, &stop, &mask);
	sigemptyset(&ignored);
	(void)ignore(SIGPIPE);
	/* We write to the terminal, and take it back, while in the
	 * background. */
	(void)ignore(SIGTTOU);
	/* Our parent may have ignored SIGCHLD; we need it. */
	signal(SIGCHLD, SIG_DFL);
}

/* --- The start ----------------------------------------------------------- */

/* Assigns the requested numbers to the sockets. */
static int place_sockets(posix_spawn_file_actions_t *actions)
{
	int error = 0;

	for (int i = 0; i < port_count && error == 0; i++) {
		if (ports[i].wanted_fd != 0) {
			error = posix_spawn_file_actions_adddup2(
			    actions, ports[i].guest_fd, ports[i].wanted_fd);
		}
	}
	return error;
}

/* The command gets the signal settings that we started with, not ours. */
static int spawn(char *argv[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawnattr_init(&attributes);

	if (error != 0) {
		return error;
	}
	posix_spawnattr_setsigdefault(&attributes, &ignored);
	posix_spawnattr_setsigmask(&attributes, &mask);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETPGROUP);
	error = posix_spawn_file_actions_init(&actions);
	if (error == 0) {
		error = place_sockets(&actions);
		if (error == 0) {
			error = posix_spawnp(&child, argv[0], &actions,
			    &attributes, argv, environ);
		}
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	return error;
}

void command_start(char *argv[])
{
	pthread_t watcher;

	forward_signals();
	/* A script's shell has no job control: a program that it starts in the
	 * background ignores Ctrl-C, and must not take the terminal from the
	 * script. */
	if (sigismember(&ignored, SIGINT)) {
		terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	}
	was_foreground = is_foreground(getpgrp());
	int error = spawn(argv);
	if (error != 0) {
		fail("%s: %s", argv[0], strerror(error));
	}
	if (was_foreground) {
		give_terminal();
	}
	for (int i = 0; i < port_count; i++) {
		close(ports[i].guest_fd);
	}
	error = pthread_create(&watcher, NULL, watch, NULL);
	if (error != 0) {
		kill(-child, SIGTERM);
		fail("cannot start a thread: %s", strerror(error));
	}
}
