// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The child's side of starting a job. Errors are reported on launchd's stderr,
 * and the job exits with EX_CONFIG, as on macOS.
 */

#define _GNU_SOURCE

#include "launchd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/idmap.h"
#include "../common/log.h"

/* macOS: `launchctl limit maxfiles` says "256 unlimited". */
#define DESCRIPTORS_DEFAULT 256

static _Noreturn void give_up(const struct job *job, const char *what)
{
	log_error("%s: %s: %m", job->config->label, what);
	_exit(LAUNCHD_EX_CONFIG);
}

static void set_signals(const struct config *config)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++) {
		signal(i, SIG_DFL); /* some cannot be set: fine */
	}
	if (config->pressured_exit) {
		/* With transactions, a job must explicitly handle SIGTERM. */
		signal(SIGTERM, SIG_IGN);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void set_limit(const struct job *job, const struct config_limit *soft,
    const struct config_limit *hard, int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == -1) {
		give_up(job, "getrlimit");
	}
	if (resource == RLIMIT_NOFILE) {
		limit.rlim_cur = DESCRIPTORS_DEFAULT;
		limit.rlim_max = options.descriptors.rlim_max;
	}
	if (hard->set) {
		limit.rlim_max = hard->value;
	}
	if (soft->set) {
		limit.rlim_cur = soft->value;
	}
	if (limit.rlim_cur > limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
	}
	if (setrlimit(resource, &limit) == 0) {
		return;
	}
	/* Use our own limit if it is lower, rather than fail. */
	log_error(
	    "%s: limit %d: cannot be raised: %m", job->config->label, resource);
	limit.rlim_max = options.descriptors.rlim_max;
	if (resource == RLIMIT_NOFILE) {
		limit.rlim_cur = limit.rlim_cur < limit.rlim_max
		    ? limit.rlim_cur
		    : limit.rlim_max;
		setrlimit(resource, &limit);
	}
}

static void set_limits(const struct job *job)
{
	const struct config *config = job->config;
	bool descriptors = false;
	static const struct config_limit unset;

	for (size_t i = 0; i < CONFIG_LIMITS; i++) {
		const struct config_limit *soft = &config->soft[i];
		const struct config_limit *hard = &config->hard[i];

		if (soft->set || hard->set) {
			int resource =
			    soft->set ? soft->resource : hard->resource;

			set_limit(job, soft, hard, resource);
			descriptors = descriptors || resource == RLIMIT_NOFILE;
		}
	}
	if (!descriptors) {
		set_limit(job, &unset, &unset, RLIMIT_NOFILE);
	}
	if (config->nice != 0 &&
	    setpriority(PRIO_PROCESS, 0, (int)config->nice) == -1) {
		log_error("%s: Nice: %m", config->label);
	}
}

/* The user to switch to; NULL: keep the current user. */
static const struct passwd *find_user(const struct job *job)
{
	const char *label = job->config->label;
	const struct passwd *user;

	if (job->agent) {
		user = getpwuid(job->uid);
	} else if (job->config->user != NULL) {
		user = getpwnam(job->config->user);
	} else {
		return NULL;
	}
	if (user == NULL && idmap_is_single()) {
		return NULL;
	}
	if (user == NULL) {
		/* The user existed when the job was loaded. */
		log_error("%s: there is no user %s: not started", label,
		    job->agent ? "of that uid" : job->config->user);
		_exit(LAUNCHD_EX_CONFIG);
	}
	if (user->pw_uid == geteuid()) {
		return user;
	}
	if (geteuid() != 0 || !idmap_has_user(user->pw_uid) ||
	    !idmap_has_group(user->pw_gid)) {
		log_error("%s: cannot become %s: running as uid %u", label,
		    user->pw_name, (unsigned)geteuid());
		return NULL;
	}
	return user;
}

static gid_t find_group(const struct job *job, const struct passwd *user)
{
	const char *name = job->agent ? NULL : job->config->group;
	const struct group *group;

	if (name == NULL) {
		return user != NULL ? user->pw_gid : getegid();
	}
	group = getgrnam(name);
	if (group == NULL || !idmap_has_group(group->gr_gid)) {
		log_error("%s: there is no group %s", job->config->label, name);
		return user != NULL ? user->pw_gid : getegid();
	}
	return group->gr_gid;
}

/* Opens the files as root; the job's user then owns them. */
static void set_stdio(
    const struct job *job, const struct passwd *user, gid_t group)
{
	for (int i = 0; i < 3; i++) {
		const char *path = job->config->stdio[i];
		int flags = i == 0 ? O_RDONLY : O_WRONLY | O_APPEND;
		bool made = false;
		int fd = -1;

		if (path != NULL && i != 0) {
			fd = open(path, flags | O_CREAT | O_EXCL, 0666);
			made = fd != -1;
		}
		if (fd == -1) {
			fd = open(path != NULL ? path : "/dev/null",
			    path != NULL ? flags : O_RDWR);
		}
		if (fd == -1) {
			give_up(job, path != NULL ? path : "/dev/null");
		}
		if (made && user != NULL && geteuid() == 0 &&
		    fchown(fd, user->pw_uid, group) == -1) {
			give_up(job, path);
		}
		/* Descriptor 2 comes last: until then errors can be
		 * reported. */
		if (fd != i) {
			if (dup2(fd, i) == -1) {
				give_up(job, "dup2");
			}
			close(fd);
		}
	}
}

static void set_user(
    const struct job *job, const struct passwd *user, gid_t group)
{
	if (geteuid() != 0) {
		return;
	}
	if (user != NULL && user->pw_uid != 0) {
		int result = job->config->init_groups
		    ? initgroups(user->pw_name, group)
		    : setgroups(0, NULL);

		if (result == -1) {
			give_up(job, "supplementary groups");
		}
	}
	if (group != getegid() && setgid(group) == -1) {
		give_up(job, "setgid");
	}
	if (user != NULL && user->pw_uid != 0 && setuid(user->pw_uid) == -1) {
		give_up(job, "setuid");
	}
}

static void set_environment(const struct job *job, const struct passwd *user)
{
	clearenv();
	setenv("PATH", "/usr/bin:/bin:/usr/sbin:/sbin", 1);
	setenv("XPC_SERVICE_NAME", job->config->label, 1);
	setenv("STANDIN_DIR", options.dir, 1);
	if (user != NULL) {
		setenv("USER", user->pw_name, 1);
		setenv("LOGNAME", user->pw_name, 1);
		setenv("HOME", user->pw_dir, 1);
		setenv("SHELL", user->pw_shell, 1);
	}
	for (size_t i = 0; i < job->config->environment.count; i++) {
		putenv(job->config->environment.items[i]);
	}
	for (size_t i = 0; i < options.environment.count; i++) {
		putenv(options.environment.items[i]);
	}
}

/* The plist's arguments, and those of --daemon-arg LABEL=ARGUMENT. */
static char **make_arguments(const struct job *job)
{
	struct strings arguments = { 0 };
	const char *label = job->config->label;
	size_t length = strlen(label);

	for (size_t i = 0; i < job->config->arguments.count; i++) {
		strings_add(&arguments, job->config->arguments.items[i]);
	}
	for (size_t i = 0; i < options.arguments.count; i++) {
		const char *item = options.arguments.items[i];

		if (strncmp(item, label, length) == 0 && item[length] == '=') {
			strings_add(&arguments, item + length + 1);
		}
	}
	return arguments.items;
}

_Noreturn void job_exec(const struct job *job)
{
	const struct config *config = job->config;
	const struct passwd *user;
	const char *program;
	char **arguments;
	gid_t group;
	int report;

	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* without FD_CLOEXEC */
	set_signals(config);
	setsid(); /* also creates a process group */
	report = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	user = find_user(job);
	group = find_group(job, user);
	set_limits(job);
	umask(config->umask != -1 ? (mode_t)config->umask : 022);
	arguments = make_arguments(job);
	set_stdio(job, user, group);
	/* Later errors are still reported on launchd's stderr. */
	log_redirect(report);
	set_user(job, user, group);
	if (chdir(config->directory != NULL ? config->directory : "/") == -1) {
		give_up(job, "WorkingDirectory");
	}
	set_environment(job, user);
	/* After setuid(), which clears it: no job outlives launchd. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	program = config->program != NULL ? config->program : arguments[0];
	if (strchr(program, '/') != NULL) {
		execv(program, arguments);
	} else {
		execvp(program, arguments);
	}
	give_up(job, program);
}
