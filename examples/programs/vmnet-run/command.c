// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-run: the command, from its start to the end of all that it left.
 *
 * The command is a process group of its own. It gets the signals that we get.
 * If we are in the foreground of a terminal, its group becomes the foreground,
 * so that Ctrl-C and Ctrl-Z reach the command alone. When Ctrl-Z has stopped
 * it, we stop as well, so that the shell shows its prompt; when the shell
 * continues us, we continue the command.
 *
 * The command may end before its VMM does: it may be a script, or a QEMU that
 * becomes a daemon. So its sockets decide when we leave:
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

/* SIGINT was passed on, so that it did not come from the terminal. */
static bool interrupted;

/* --- The terminal -------------------------------------------------------- */

/* Ours, or -1. */
static int terminal = -1;

/* Whether it was given to the command at its start. */
static bool was_foreground;

static bool is_foreground(pid_t group)
{
	return terminal >= 0 && tcgetpgrp(terminal) == group;
}

/* From us to the command. It may have been stopped already, because it asked
 * for the terminal too early. */
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
 * The terminal has stopped the command. If it did that because the shell has
 * put us into the foreground, and the command does not know, there is nothing
 * to wait for. kill() returns when the shell continues us, since this is the
 * only thread that takes the signal; and at once if there is no shell.
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

/* If Ctrl-C ended the command it was for all who were in the foreground with us
 * as well: a script that runs us would go on otherwise. */
static void finish(void)
{
	reap();
	if (was_foreground && !interrupted && status == 128 + SIGINT) {
		stop_all();
		signal(SIGINT, SIG_DFL);
		kill(0, SIGINT);
	}
	leave(status);
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

/* What has become of the command: CLD_STOPPED, or another code if it has ended.
 * WNOWAIT leaves the news where it is. */
static int wait_for_news(siginfo_t *info)
{
	memset(info, 0, sizeof(*info));
	while (waitid(P_PID, (id_t)child, info, WEXITED | WSTOPPED | WNOWAIT) !=
	    0) {
		if (errno != EINTR) {
			return CLD_EXITED; /* reap() will tell */
		}
	}
	return info->si_code;
}

/* Tells of stops and of the end. Not a queue's thread: SIGTSTP has to reach it
 * and no other. */
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

/* What we ignore and the command must not, unless we were told to as well, by
 * nohup for example. */
static sigset_t ignored;

/* As it was for us: the command's. */
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

/* A signal that comes before the command runs waits for dispatch_main(). */
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
	/* We write to the terminal, and take it back, from the background. */
	(void)ignore(SIGTTOU);
	/* Whoever started us may not care for children; we do. */
	signal(SIGCHLD, SIG_DFL);
}

/* --- The start ----------------------------------------------------------- */

/* The sockets that are to have a number of their own. */
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

/* The command gets the signals as we got them, not as we ignore them. */
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
	/* A script's shell has no job control: what it starts in the background
	 * is deaf to Ctrl-C, and must not take the terminal from the script. */
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
