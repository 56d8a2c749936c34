// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * This launchd replaces macOS's: it owns the names of services, starts the
 * program of a service when a client connects, and stops and restarts it by
 * launchd's rules. One thread, one epoll loop, no locks.
 *
 *     launchd.c          options, start and stop
 *     launchd-plist.c    property list in, struct config out
 *     launchd-key.c      its keys, a table
 *     launchd-job.c      a job's states; its services; the rules
 *     launchd-exec.c     what happens between fork and exec
 *     launchd-control.c  launchd.sock: jobs that check in
 *     launchd-verb.c     launchd.sock: the requests of launchctl
 *     launchctl.c        the command
 */

#ifndef LAUNCHD_H
#define LAUNCHD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "../common/loop.h"

/* The maximum size of a message on launchd.sock, in both directions. */
#define CONTROL_MESSAGE_MAX 65536

/* The exit codes of launchctl; the numbers and their texts are Apple's. */
#define LAUNCHD_OK 0
#define LAUNCHD_EPERM 1
#define LAUNCHD_ESRCH 3
#define LAUNCHD_EIO 5
#define LAUNCHD_EALREADY 37
#define LAUNCHD_USAGE 64
#define LAUNCHD_BAD_PLIST 109
#define LAUNCHD_BAD_LABEL 110
#define LAUNCHD_BAD_PROGRAM 111
#define LAUNCHD_NO_DOMAIN 112
#define LAUNCHD_NO_SERVICE 113
#define LAUNCHD_DISABLED 119
#define LAUNCHD_BAD_OWNER 122

/* A program that cannot be run as configured exits with this (sysexits.h). */
#define LAUNCHD_EX_CONFIG 78

/*
 * Configuration: launchd-plist.c
 */

enum tristate { UNSET = -1, NO = 0, YES = 1 };

#define CONFIG_LIMITS 9

struct config_limit {
	int resource;
	bool set;
	rlim_t value;
};

struct strings {
	char **items; /* NULL-terminated; NULL when empty */
	size_t count;
};

struct config {
	char *path; /* of the plist */
	char *label;
	char *program; /* NULL: arguments.items[0], looked up in PATH */
	struct strings arguments;
	struct strings services;    /* names */
	struct strings environment; /* NAME=VALUE */
	char *user;
	char *group;
	char *stdio[3]; /* paths, or NULL */
	char *directory;
	struct config_limit soft[CONFIG_LIMITS];
	struct config_limit hard[CONFIG_LIMITS];
	bool init_groups;
	bool enable_transactions;
	bool pressured_exit;
	bool run_at_load;
	bool abandon_process_group;
	bool disabled;
	bool keep_alive;
	enum tristate keep_successful; /* KeepAlive's SuccessfulExit */
	enum tristate keep_crashed;    /* KeepAlive's Crashed */
	int64_t exit_timeout;          /* seconds, 0: forever */
	int64_t throttle;              /* seconds */
	int64_t nice;
	int64_t umask; /* -1: not set */
};

struct config_error {
	int code; /* LAUNCHD_... */
	char text[512];
};

/* Reads and checks a property list, XML or binary. Keys it does not know are
 * logged and ignored, as on macOS. NULL with *error. The caller owns it. */
struct config *config_read(const char *path, struct config_error *error);
void config_destroy(struct config *config);

/* Appends a copy. Running out of memory ends the process, here and elsewhere
 * in this program. */
void strings_add(struct strings *strings, const char *item);
void strings_clear(struct strings *strings);
void *allocate(size_t size);
char *copy(const char *text);

/*
 * Jobs: launchd-job.c
 *
 *     idle       no process; its services are watched
 *     throttled  no process; it is needed, and the timer will start it
 *     running    a process; it serves its sockets, and launchd does not watch
 *     stopping   a process that was asked to exit; the timer may kill it
 *
 * idle -> throttled -> running -> stopping; states may be skipped. From running
 * and stopping, the job returns to idle when the process has exited.
 */

enum stop {
	STOP_NO,
	STOP_RESTART, /* kickstart -k */
	STOP_REMOVE,  /* bootout, shutdown: forget the job when it has ended */
};

struct job;

struct service {
	struct watch watch;
	struct job *job;
	char *name;
	char *path; /* of the socket; NULL when it is gone */
	bool watched;
};

struct job {
	struct job *next;
	struct config *config;
	uid_t uid; /* of the agent's user; 0 for the system's daemons */
	bool agent;
	struct service *services;
	size_t service_count;
	struct watch timer;
	pid_t pid; /* 0: not running */
	enum stop stop;
	bool throttled;
	bool exited;      /* status is that of the last process */
	int status;       /* of waitpid() */
	unsigned active;  /* open transactions, as reported by the process */
	unsigned runs;    /* processes so far */
	uint64_t spawned; /* when the last process was started */
};

extern struct job *jobs;

struct job_options {
	const char *dir;            /* STANDIN_DIR */
	struct strings environment; /* --daemon-env, for all jobs */
	struct strings arguments;   /* --daemon-arg, LABEL=ARGUMENT */
	struct rlimit descriptors;  /* maximum for a job */
};
extern struct job_options options;

/* Takes config. Returns -1 with the error that bootstrap reports. Clients can
 * start the job on demand; job_begin() starts it if it has RunAtLoad. */
int job_load(
    struct config *config, bool agent, uid_t uid, struct config_error *error);
void job_begin(struct job *job);
struct job *job_find(const char *target); /* "system/LABEL", "gui/UID/LABEL" */
struct job *job_find_pid(pid_t pid);
struct service *job_service(struct job *job, const char *name);
/* Starts it now, regardless of the throttle. -1: failure. */
int job_start(struct job *job);
/* Follows EnableTransactions and ExitTimeOut; returns immediately. */
void job_stop(struct job *job, enum stop stop);
/* Sends SIGKILL. */
void job_kill(struct job *job);
void job_reap(pid_t pid, int status);
/* "system" or "gui/501". */
void job_domain(const struct job *job, char *text, size_t size);

/* launchd-exec.c: in the child; does not return. */
_Noreturn void job_exec(const struct job *job);

/*
 * launchd.sock: launchd-control.c
 */

/* -1 with errno. */
int control_start(const char *path);
void control_stop(void);
/* Reads the job's pending messages about its transactions. */
void control_drain(struct job *job);
/* Answers the clients that wait for a state that has now been reached. */
void control_wake(void);
/* To be called before the job is freed. */
void control_forget(struct job *job);

#endif
