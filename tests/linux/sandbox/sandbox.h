// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The sandbox: a Mac for one command, made of namespaces, and gone with it.
 *
 *     sandbox.c    options, and the stages
 *     runner.c     outside: starts init, passes signals on, lends the terminal
 *     idmap.c      outside: the user namespace of somebody who is not root
 *     root.c       inside: the file system
 *     install.c    inside: users, the daemon, its configuration
 *     network.c    inside: the Mac's network, and the world outside it
 *     init.c       inside: process 1; servers, the command, the end
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

/* The sandbox could not be made; as of env(1), timeout(1) and docker(1). */
#define EXIT_SANDBOX 125

#define BROKER_LABEL "com.github.nirs.vmnet-broker"
#define BROKER_USER "_vmnetbroker"
#define BROKER_UID 300

/* In PATH: the programs of macOS, and those that an installer adds. */
#define SYSTEM_BIN "/run/standin/bin"
#define INSTALLED_BIN "/run/standin/local/bin"

/* Where the world is as a namespace of ip(8). */
#define WORLD_NETNS "/run/netns/world"

struct list {
	const char **items;
	int count;
};

struct sandbox {
	/* As asked for. */
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
	/* As found. */
	bool config_asked; /* then it must be there */
	bool broker_asked;
	char repository[PATH_MAX];
	char programs[PATH_MAX];  /* where sandbox, vmnetd, launchd are */
	char directory[PATH_MAX]; /* the caller's */
	bool users;               /* alice, bob and _vmnetbroker can exist */
	bool terminal;            /* the command gets it at once */
	uid_t caller;             /* outside */
	gid_t caller_group;
};

/* Makes namespaces and init in them, waits: the exit status. */
int runner_run(struct sandbox *sandbox);

/* Lets the child be root in its new user namespace. -1: said why. */
int idmap_write(const struct sandbox *sandbox, pid_t pid);

/* Builds the new root; root_path() below says where it is until root_enter().
 * The old one is still there, so that files can be copied. */
int root_build(const struct sandbox *sandbox);
void root_path(char *path, size_t size, const char *inside);
int root_enter(const struct sandbox *sandbox);

/* Fills the new root. launchd's arguments that follow from it are added to
 * arguments. */
int install_users(const struct sandbox *sandbox);
int install_daemon(const struct sandbox *sandbox, struct list *arguments);

/* Both network namespaces; afterwards we are in the Mac's. */
int network_start(const struct sandbox *sandbox);
/* The world's name server: its pid and the end of its log to wait on. */
pid_t network_serve(int *log);

/* Process 1. messages: to the runner. */
_Noreturn void init_run(struct sandbox *sandbox, int messages);

/* What init tells the runner, a byte each. */
#define MESSAGE_STOPPED 's'  /* the command was stopped */
#define MESSAGE_TERMINAL 't' /* the command was stopped for the terminal */

/* Small things: sandbox.c. */
void list_add(struct list *list, const char *item);
const char *format(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* never freed */
/* -1: said why. */
int write_file(const char *path, mode_t mode, const char *text, size_t length);
char *read_file(const char *path, size_t *length); /* NULL with errno */
int make_directories(const char *path);            /* mkdir -p, 0755 */

#endif
