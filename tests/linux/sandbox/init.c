// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Process 1 of the sandbox. It runs a list of stages; if one fails, it exits,
 * and the sandbox with it. After the command has exited, or was asked to, all
 * other processes are terminated as at the shutdown of a Mac, and have a few
 * seconds to exit.
 */

#define _GNU_SOURCE

#include "sandbox.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/log.h"
#include "../common/spawn.h"

/* ms from the terminating signal to SIGKILL: for the command, for the processes
 * that it left running, and for launchd with its jobs. */
#define COMMAND_TIMEOUT 5000
#define LEFTOVER_TIMEOUT 1000
#define LAUNCHD_TIMEOUT 5000
/* ms: timeout for a server to become ready. */
#define READY_TIMEOUT 20000

/* Enough for 10,000 clients in one process, each with a descriptor. */
#define DESCRIPTORS 65536

enum server { DNSMASQ, VMNETD, LAUNCHD, SERVERS };

struct init {
	struct sandbox *sandbox;
	int messages; /* to the runner */
	int signals;
	pid_t servers[SERVERS]; /* 0: not running */
	pid_t command;          /* 0: ended */
	int status;             /* of the command, once it has ended */
	int64_t deadline;       /* of the current wait, -1: none */
	bool ending;            /* the command was asked to exit */
};

static const char *const server_names[SERVERS] = { "the external dnsmasq",
	"vmnetd", "launchd" };

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Everything in the namespace is killed when we exit. */
static _Noreturn void fail(void)
{
	_exit(EXIT_SANDBOX);
}

/*
 * Servers
 */

/* Waits until a line of the log contains the word. */
static int wait_ready(const char *name, int log, const char *word)
{
	int64_t deadline = now() + READY_TIMEOUT;
	char text[4096];
	size_t length = 0;

	text[0] = '\0';
	while (strstr(text, word) == NULL) {
		struct pollfd wait = { .fd = log, .events = POLLIN };
		int64_t left = deadline - now();
		ssize_t got = 0;

		if (left > 0 && poll(&wait, 1, (int)left) == 1 &&
		    length < sizeof(text) - 1) {
			got =
			    read(log, text + length, sizeof(text) - 1 - length);
		}
		if (got <= 0) {
			log_error("%s did not start%s%s", name,
			    length > 0 ? ": " : "", text);
			return -1;
		}
		length += (size_t)got;
		text[length] = '\0';
	}
	close(log);
	return 0;
}

/* Starts a server that prints "ready" on stdout. */
static pid_t start_server(struct list *arguments, int *log)
{
	struct spawn spawn = {
		.argv = arguments->items,
		.stdio = { SPAWN_NULL, -1, SPAWN_INHERIT },
		.netns = -1,
		.session = true,
	};
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) == -1) {
		log_error("%s: %m", arguments->items[0]);
		return -1;
	}
	spawn.stdio[1] = pipes[1];
	pid = spawn_start(&spawn);
	if (pid == -1) {
		log_error("%s: %m", arguments->items[0]);
	}
	close(pipes[1]);
	*log = pipes[0];
	return pid;
}

static void start_vmnetd(struct init *init, int *log)
{
	const struct sandbox *sandbox = init->sandbox;
	struct list arguments = { 0 };

	list_add(&arguments, format("%s/vmnetd", sandbox->programs));
	if (access(arguments.items[0], X_OK) == -1) {
		log_info("%s: %m: no vmnet", arguments.items[0]);
		return;
	}
	list_add(&arguments, "--bootpd-files"); /* /etc and /var/db are ours */
	if (sandbox->verbose) {
		list_add(&arguments, "--verbose");
	}
	for (int i = 0; i < sandbox->vmnetd_options.count; i++) {
		list_add(&arguments, sandbox->vmnetd_options.items[i]);
	}
	init->servers[VMNETD] = start_server(&arguments, log);
	if (init->servers[VMNETD] == -1) {
		fail();
	}
}

/* launchd comes last: its jobs may use the other servers immediately. */
static void start_servers(struct init *init, struct list *launchd)
{
	int dnsmasq_log;
	int log = -1;

	init->servers[DNSMASQ] = network_serve(&dnsmasq_log);
	start_vmnetd(init, &log);
	if (init->servers[DNSMASQ] == -1 ||
	    wait_ready(server_names[DNSMASQ], dnsmasq_log, "started") == -1 ||
	    (log != -1 &&
		wait_ready(server_names[VMNETD], log, "ready\n") == -1)) {
		fail();
	}
	init->servers[LAUNCHD] = start_server(launchd, &log);
	if (init->servers[LAUNCHD] == -1 ||
	    wait_ready(server_names[LAUNCHD], log, "ready\n") == -1) {
		fail();
	}
}

/*
 * The command
 */

static void become(const struct sandbox *sandbox)
{
	const struct passwd *user = getpwnam(sandbox->user);

	if (user == NULL) {
		log_error("%s: no such user in the sandbox", sandbox->user);
		fail();
	}
	setenv("HOME", user->pw_dir, 1);
	setenv("USER", user->pw_name, 1);
	setenv("LOGNAME", user->pw_name, 1);
	setenv("SHELL", user->pw_shell, 1);
	if (user->pw_uid == geteuid()) {
		return;
	}
	if (initgroups(user->pw_name, user->pw_gid) == -1 ||
	    setgid(user->pw_gid) == -1 || setuid(user->pw_uid) == -1) {
		log_error("%s: %m", sandbox->user);
		fail();
	}
}

static void set_environment(const struct sandbox *sandbox)
{
	const char *path = getenv("PATH");

	setenv("PATH",
	    format(SYSTEM_BIN ":%s:" INSTALLED_BIN,
		path != NULL ? path : "/usr/sbin:/usr/bin:/sbin:/bin"),
	    1);
	for (int i = 0; i < sandbox->environment.count; i++) {
		putenv((char *)sandbox->environment.items[i]);
	}
}

static _Noreturn void exec_command(const struct sandbox *sandbox)
{
	sigset_t none;

	setpgid(0, 0);
	if (sandbox->terminal) {
		/* SIGTTOU is still blocked: from the background this works. */
		tcsetpgrp(STDIN_FILENO, getpgrp());
	}
	set_environment(sandbox);
	if (sandbox->user != NULL) {
		become(sandbox);
	}
	for (int i = 1; i < NSIG; i++) {
		signal(i, SIG_DFL); /* some cannot be set: fine */
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(sandbox->command[0], sandbox->command);
	log_error("%s: %m", sandbox->command[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

static void start_command(struct init *init)
{
	init->command = fork();
	if (init->command == -1) {
		log_error("fork: %m");
		fail();
	}
	if (init->command == 0) {
		exec_command(init->sandbox);
	}
	setpgid(init->command, init->command); /* the child does the same */
}

/*
 * Events
 */

static void end_command(struct init *init, int number)
{
	if (init->command == 0) {
		return;
	}
	if (init->ending) {
		kill(-init->command, SIGKILL); /* asked twice */
		return;
	}
	init->ending = true;
	init->deadline = now() + COMMAND_TIMEOUT;
	kill(-init->command, number);
	kill(-init->command, SIGCONT); /* it may be stopped */
}

static void command_stopped(struct init *init, int number)
{
	char message = number == SIGTTIN || number == SIGTTOU ? MESSAGE_TERMINAL
							      : MESSAGE_STOPPED;

	if (write(init->messages, &message, 1) == -1) {
		log_error("runner: %m");
	}
}

static void server_ended(struct init *init, enum server server, int status)
{
	init->servers[server] = 0;
	if (init->command != 0) {
		log_error("%s ended unexpectedly, status %d",
		    server_names[server], spawn_status(status));
	}
}

static void reap(struct init *init)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (WIFSTOPPED(status)) {
			if (pid == init->command) {
				command_stopped(init, WSTOPSIG(status));
			}
			continue;
		}
		if (pid == init->command) {
			init->command = 0;
			init->status = spawn_status(status);
		}
		for (int i = 0; i < SERVERS; i++) {
			if (pid == init->servers[i]) {
				server_ended(init, (enum server)i, status);
			}
		}
	}
}

static void handle_signal(
    struct init *init, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;

	switch (number) {
	case SIGCHLD:
		reap(init);
		break;
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		end_command(init, number);
		break;
	case SIGCONT:
		if (init->command != 0) {
			/* The runner passes whether there is a terminal. */
			if (info->ssi_int != 0) {
				tcsetpgrp(STDIN_FILENO, init->command);
			}
			kill(-init->command, SIGCONT);
		}
		break;
	default:
		if (init->command != 0) {
			kill(-init->command, number);
		}
	}
}

/* One event, or the deadline. false: the deadline has passed. */
static bool wait_event(struct init *init)
{
	struct pollfd wait = { .fd = init->signals, .events = POLLIN };
	struct signalfd_siginfo info;
	int64_t left = -1;

	if (init->deadline != -1) {
		left = init->deadline - now();
		if (left <= 0) {
			return false;
		}
	}
	if (poll(&wait, 1, (int)left) == 1 &&
	    read(init->signals, &info, sizeof(info)) == sizeof(info)) {
		handle_signal(init, &info);
	}
	return true;
}

/*
 * The end
 */

/* 0: there is no such process any more. */
static pid_t parent_of(pid_t pid)
{
	char path[64];
	char *text;
	size_t size;
	char *end;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	/* Files in /proc have size 0, so read_file() does not work. */
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return 0;
	}
	text = NULL;
	size = 0;
	while (getline(&text, &size, file) != -1) {
		if (strncmp(text, "PPid:", 5) == 0) {
			parent = (int)strtol(text + 5, &end, 10);
			break;
		}
	}
	free(text);
	fclose(file);
	return parent;
}

/* Whether the process descends from a server, which then handles its exit. */
static bool is_server(const struct init *init, pid_t pid)
{
	pid_t parent = pid;

	while (parent > 1) {
		for (int i = 0; i < SERVERS; i++) {
			if (parent == init->servers[i]) {
				return true;
			}
		}
		parent = parent_of(parent);
	}
	return false;
}

/* Signals the processes that the command left running; returns their number. */
static int signal_leftovers(const struct init *init, int number)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	if (directory == NULL) {
		log_error("/proc: %m");
		return 0;
	}
	while ((entry = readdir(directory)) != NULL) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid > 1 && !is_server(init, pid)) {
			count++;
			kill(pid, number);
			kill(pid, SIGCONT);
		}
	}
	closedir(directory);
	return count;
}

static void end_leftovers(struct init *init)
{
	init->deadline = now() + LEFTOVER_TIMEOUT;
	if (signal_leftovers(init, SIGTERM) == 0) {
		return;
	}
	while (signal_leftovers(init, 0) > 0) {
		if (!wait_event(init)) {
			signal_leftovers(init, SIGKILL);
			init->deadline = now() + LEFTOVER_TIMEOUT;
		}
	}
}

/* launchd's jobs release their networks; all other processes can be killed. */
static void end_launchd(struct init *init)
{
	if (init->servers[LAUNCHD] == 0) {
		return;
	}
	kill(init->servers[LAUNCHD], SIGTERM);
	init->deadline = now() + LAUNCHD_TIMEOUT;
	while (init->servers[LAUNCHD] != 0) {
		if (!wait_event(init)) {
			log_error("launchd's jobs did not exit in time");
			return;
		}
	}
}

/*
 * The stages
 */

/* For -v: the system log, which contains the messages of the daemons. */
static void show_log(void)
{
	FILE *log = fopen("/run/standin/log", "re");
	char line[2048];

	while (log != NULL && fgets(line, sizeof(line), log) != NULL) {
		fprintf(stderr, "log: %s", line);
	}
	if (log != NULL) {
		fclose(log);
	}
}

static void block_signals(struct init *init)
{
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigdelset(&set, SIGTTOU); /* caused by ourselves */
	sigdelset(&set, SIGTTIN);
	sigdelset(&set, SIGWINCH);
	sigdelset(&set, SIGPIPE);
	init->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (init->signals == -1) {
		log_error("signalfd: %m");
		fail();
	}
}

static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
		return;
	}
	if (limit.rlim_max < DESCRIPTORS) {
		struct rlimit more = { DESCRIPTORS, DESCRIPTORS };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0) {
			return;
		}
	}
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void start_launchd_arguments(
    const struct sandbox *sandbox, struct list *launchd)
{
	list_add(launchd, format("%s/launchd", sandbox->programs));
	if (!sandbox->verbose) {
		list_add(launchd, "--quiet");
	}
}

_Noreturn void init_run(struct sandbox *sandbox, int messages)
{
	static struct init init;
	struct list launchd = { 0 };

	init.sandbox = sandbox;
	init.messages = messages;
	init.deadline = -1;
	umask(022);
	block_signals(&init);
	raise_limits();
	setenv("STANDIN_DIR", "/run/standin", 1);
	start_launchd_arguments(sandbox, &launchd);
	if (sethostname("mac", 3) == -1 || root_build(sandbox) == -1 ||
	    install_users(sandbox) == -1 ||
	    install_daemon(sandbox, &launchd) == -1 ||
	    root_enter(sandbox) == -1 || network_start(sandbox) == -1) {
		fail();
	}
	start_servers(&init, &launchd);
	start_command(&init);
	while (init.command != 0) {
		if (!wait_event(&init)) {
			log_error("the command did not exit in time: sending "
				  "SIGKILL");
			kill(-init.command, SIGKILL);
			init.deadline = -1;
		}
	}
	end_leftovers(&init);
	end_launchd(&init);
	if (sandbox->verbose) {
		show_log();
	}
	_exit(init.status);
}
