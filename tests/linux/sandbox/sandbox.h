// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The sandbox: simulates a Mac for one command in namespaces, which end with
 * it.
 *
 *     sandbox.c    options, and the stages
 *     runner.c     outside: starts init, passes signals on, lends the terminal
 *     idmap.c      outside: the user namespace of an ordinary user
 *     root.c       inside: the file system
 *     install.c    inside: users, the daemon, its configuration
 *     network.c    inside: the Mac's network, and the external network
 *     init.c       inside: process 1; servers, the command, shutdown
 *
 * Invariant: nothing outside is changed, even if the sandbox is killed. So
 * everything lives in namespaces that only the sandbox's processes hold, all of
 * these are in one pid namespace, and its process 1 dies with the runner, which
 * is what the caller sees.
 */

#ifndef SANDBOX_H
#define SANDBOX_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* The sandbox could not be created; env(1), timeout(1) and docker(1) use the
 * same status. */
#define EXIT_SANDBOX 125

#define BROKER_LABEL "com.github.nirs.vmnet-broker"
#define BROKER_USER "_vmnetbroker"
#define BROKER_UID 300

/* In PATH: the programs of macOS, and those that an installer adds. */
#define SYSTEM_BIN "/run/standin/bin"
#define INSTALLED_BIN "/run/standin/local/bin"

/* The external network, a namespace for ip(8). */
#define WORLD_NETNS "/run/netns/world"

struct list {
	const char **items;
	int count;
};

struct sandbox {
	/* Options. */
	struct list plists;
	struct list agents; /* UID=PLIST */
	struct list daemon_env;
	struct list daemon_args;
	struct list vmnetd_options;
	struct list environment;
	const char *config;
	const char *broker;
	const char *user;
	char **command;
	bool no_daemon;
	bool quiet;
	bool verbose;
	/* Determined at the start. */
	bool config_asked; /* --config was given: the file must exist */
	bool broker_asked;
	char repository[PATH_MAX];
	char programs[PATH_MAX];  /* where sandbox, vmnetd, launchd are */
	char directory[PATH_MAX]; /* the caller's */
	bool users;               /* alice, bob and _vmnetbroker can exist */
	bool terminal;            /* give it to the command at the start */
	uid_t caller;             /* outside */
	gid_t caller_group;
};

/* Creates the namespaces and init in them, waits, and returns the exit
 * status. */
int runner_run(struct sandbox *sandbox);

/* Makes the child root in its new user namespace; -1 after logging the
 * reason. */
int idmap_write(const struct sandbox *sandbox, pid_t pid);

/* Builds the new root; until root_enter(), root_path() returns paths in it. The
 * old root is still mounted, so that files can be copied. */
int root_build(const struct sandbox *sandbox);
void root_path(char *path, size_t size, const char *inside);
int root_enter(const struct sandbox *sandbox);

/* Add files to the new root. install_daemon() appends launchd's arguments for
 * them to arguments. */
int install_users(const struct sandbox *sandbox);
int install_daemon(const struct sandbox *sandbox, struct list *arguments);

/* Creates both network namespaces, and enters the Mac's. */
int network_start(const struct sandbox *sandbox);
/* Starts the external name server; returns its pid, and the descriptor to read
 * its log from. */
pid_t network_serve(int *log);

/* Runs process 1. messages: a descriptor to the runner. */
_Noreturn void init_run(struct sandbox *sandbox, int messages);

/* Messages of init to the runner, one byte each. */
#define MESSAGE_STOPPED 's'  /* the command was stopped */
#define MESSAGE_TERMINAL 't' /* the command was stopped for the terminal */

/* Helpers in sandbox.c. */
void list_add(struct list *list, const char *item);
const char *format(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* never freed */
/* -1 after logging the reason. */
int write_file(const char *path, mode_t mode, const char *text, size_t length);
char *read_file(const char *path, size_t *length); /* NULL with errno */
int make_directories(const char *path);            /* mkdir -p, 0755 */

#endif
