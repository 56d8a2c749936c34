// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#define _GNU_SOURCE

#include "launchd.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/log.h"
#include "../common/unix.h"

#define SECOND UINT64_C(1000000000)
/* The kernel cuts it down to net.core.somaxconn. */
#define BACKLOG 65535

struct job *jobs;

static void job_settle(struct job *job);

void job_domain(const struct job *job, char *text, size_t size)
{
	if (job->agent) {
		snprintf(text, size, "gui/%u", (unsigned)job->uid);
	} else {
		snprintf(text, size, "system");
	}
}

struct job *job_find(const char *target)
{
	const char *label = strrchr(target, '/');
	char domain[32];
	size_t length;

	if (label == NULL) {
		return NULL;
	}
	length = (size_t)(label - target);
	for (struct job *job = jobs; job != NULL; job = job->next) {
		job_domain(job, domain, sizeof(domain));
		if (strlen(domain) == length &&
		    strncmp(domain, target, length) == 0 &&
		    strcmp(job->config->label, label + 1) == 0) {
			return job;
		}
	}
	return NULL;
}

struct job *job_find_pid(pid_t pid)
{
	struct job *job = jobs;

	while (job != NULL && job->pid != pid) {
		job = job->next;
	}
	return job;
}

struct service *job_service(struct job *job, const char *name)
{
	for (size_t i = 0; i < job->service_count; i++) {
		if (strcmp(job->services[i].name, name) == 0) {
			return &job->services[i];
		}
	}
	return NULL;
}

/* Monotonic, in ns. */
static uint64_t job_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* ns from now, 0: never. */
static void timer_set(struct job *job, uint64_t ns)
{
	struct itimerspec when = {
		.it_value =
			{
				.tv_sec = (time_t)(ns / SECOND),
				.tv_nsec = (long)(ns % SECOND),
			},
	};

	timerfd_settime(job->timer.fd, 0, &when, NULL);
}

static void timer_ready(struct watch *watch)
{
	struct job *job =
	    (struct job *)((char *)watch - offsetof(struct job, timer));
	uint64_t expirations;

	if (read(job->timer.fd, &expirations, sizeof(expirations)) == -1) {
		return; /* the timer was set again meanwhile */
	}
	if (job->throttled) {
		job_start(job);
	} else if (job->stop != STOP_NO && job->pid != 0) {
		log_info("%s: still running after %lld s: SIGKILL",
		    job->config->label, (long long)job->config->exit_timeout);
		job_kill(job);
	}
}

static void job_watch(struct job *job, bool watch)
{
	for (size_t i = 0; i < job->service_count; i++) {
		struct service *service = &job->services[i];

		if (service->watched == watch || service->watch.fd == -1) {
			continue;
		}
		service->watched = watch;
		if (watch) {
			loop_add(&service->watch);
		} else {
			loop_remove(&service->watch);
		}
	}
}

int job_start(struct job *job)
{
	pid_t pid;

	job_watch(job, false);
	job->throttled = false;
	timer_set(job, 0);
	pid = fork();
	if (pid == 0) {
		job_exec(job);
	}
	job->spawned = job_clock();
	if (pid == -1) {
		log_error("%s: fork: %m", job->config->label);
		job_settle(job); /* after the throttle */
		return -1;
	}
	job->pid = pid;
	job->runs++;
	job->active = 0;
	log_info("%s: started, pid %d", job->config->label, (int)pid);
	return 0;
}

/* Starts the job as soon as the throttle allows. */
static void job_demand(struct job *job)
{
	uint64_t throttle = (uint64_t)job->config->throttle * SECOND;
	uint64_t now = job_clock();

	if (job->pid != 0 || job->throttled) {
		return;
	}
	if (job->spawned == 0 || now >= job->spawned + throttle) {
		job_start(job);
		return;
	}
	job_watch(job, false);
	job->throttled = true;
	timer_set(job, job->spawned + throttle - now);
	log_info("%s: throttled for %llu ms", job->config->label,
	    (unsigned long long)(job->spawned + throttle - now) / 1000000);
}

static void service_ready(struct watch *watch)
{
	struct service *service =
	    (struct service *)((char *)watch - offsetof(struct service, watch));

	job_demand(service->job);
}

static void service_close(struct service *service)
{
	if (service->path != NULL) {
		unlink(service->path);
		free(service->path);
		service->path = NULL;
	}
	if (service->watch.fd != -1) {
		if (service->watched) {
			loop_remove(&service->watch);
			service->watched = false;
		}
		close(service->watch.fd);
		service->watch.fd = -1;
	}
}

static void job_destroy(struct job *job)
{
	struct job **link = &jobs;

	while (*link != NULL && *link != job) {
		link = &(*link)->next;
	}
	if (*link == job) {
		*link = job->next;
	}
	control_forget(job);
	for (size_t i = 0; i < job->service_count; i++) {
		service_close(&job->services[i]);
		free(job->services[i].name);
	}
	free(job->services);
	if (job->timer.fd != -1) {
		loop_remove(&job->timer);
		close(job->timer.fd);
	}
	config_destroy(job->config);
	free(job);
}

static int service_open(
    struct job *job, struct service *service, const char *name)
{
	char directory[256];

	if (job->agent) {
		snprintf(
		    directory, sizeof(directory), "%s/agents", options.dir);
		mkdir(directory, 0755);
		snprintf(directory, sizeof(directory), "%s/agents/%u",
		    options.dir, (unsigned)job->uid);
		mkdir(directory, 0755);
	} else {
		snprintf(
		    directory, sizeof(directory), "%s/services", options.dir);
	}
	service->job = job;
	service->name = copy(name);
	service->watch.ready = service_ready;
	if (asprintf(&service->path, "%s/%s", directory, name) == -1) {
		abort();
	}
	/* The current owner of the name keeps it, as with launchd. */
	if (access(service->path, F_OK) == 0) {
		errno = EEXIST;
		service->watch.fd = -1;
	} else {
		service->watch.fd = unix_listen(
		    service->path, SOCK_STREAM | SOCK_NONBLOCK, 0666, BACKLOG);
	}
	if (service->watch.fd == -1) {
		free(service->path);
		service->path = NULL;
		return -1;
	}
	return 0;
}

static int job_open(struct job *job, struct config_error *error)
{
	const struct strings *names = &job->config->services;

	job->timer.ready = timer_ready;
	job->timer.fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (job->timer.fd == -1) {
		goto failed;
	}
	loop_add(&job->timer);
	job->services = allocate((names->count + 1) * sizeof(*job->services));
	for (size_t i = 0; i < names->count; i++) {
		job->service_count++;
		if (service_open(job, &job->services[i], names->items[i]) ==
		    -1) {
			snprintf(error->text, sizeof(error->text),
			    "%s: service %.200s: %s", job->config->label,
			    names->items[i], strerror(errno));
			error->code = LAUNCHD_EIO;
			return -1;
		}
	}
	return 0;
failed:
	snprintf(error->text, sizeof(error->text), "%s: %s", job->config->label,
	    strerror(errno));
	error->code = LAUNCHD_EIO;
	return -1;
}

int job_load(
    struct config *config, bool agent, uid_t uid, struct config_error *error)
{
	struct job *job = allocate(sizeof(*job));
	char target[512];
	char domain[32];
	struct job *other;

	job->config = config;
	job->agent = agent;
	job->uid = uid;
	job->timer.fd = -1;
	job_domain(job, domain, sizeof(domain));
	snprintf(target, sizeof(target), "%s/%s", domain, config->label);
	other = job_find(target);
	if (other != NULL) {
		error->code =
		    other->stop == STOP_REMOVE ? LAUNCHD_EALREADY : LAUNCHD_EIO;
		snprintf(error->text, sizeof(error->text), "%s: %s",
		    config->label,
		    other->stop == STOP_REMOVE ? "still being removed"
					       : "already loaded");
		job_destroy(job);
		return -1;
	}
	if (job_open(job, error) == -1) {
		job_destroy(job);
		return -1;
	}
	job->next = jobs;
	jobs = job;
	job_settle(job);
	return 0;
}

void job_begin(struct job *job)
{
	if (job->config->run_at_load) {
		job_demand(job);
	}
}

void job_kill(struct job *job)
{
	kill(job->pid, SIGKILL);
}

/* A job without a process that is no longer needed is removed. */
void job_stop(struct job *job, enum stop stop)
{
	const struct config *config = job->config;

	if (stop == STOP_REMOVE) {
		for (size_t i = 0; i < job->service_count; i++) {
			service_close(&job->services[i]);
		}
	}
	job->throttled = false;
	timer_set(job, 0);
	if (job->pid == 0) {
		job->stop = stop;
		job_settle(job);
		return;
	}
	if (job->stop != STOP_NO) {
		/* The signals have been sent; the later request counts. */
		job->stop = stop;
		return;
	}
	job->stop = stop;
	control_drain(job);
	if (config->enable_transactions && job->active == 0) {
		log_info("%s: no transaction: SIGKILL", config->label);
		job_kill(job);
		return;
	}
	log_info("%s: %u transactions: SIGTERM", config->label, job->active);
	kill(job->pid, SIGTERM);
	timer_set(job, (uint64_t)config->exit_timeout * SECOND);
}

/* Whether the signal indicates a broken program; SIGKILL and SIGTERM do not. */
static bool crashed(const struct job *job)
{
	static const int signals[] = { SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS,
		SIGSEGV, SIGSYS, SIGQUIT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		if (WIFSIGNALED(job->status) &&
		    WTERMSIG(job->status) == signals[i]) {
			return true;
		}
	}
	return false;
}

/* Whether a process that has just exited should be restarted. */
static bool wanted_again(const struct job *job)
{
	const struct config *config = job->config;
	bool successful =
	    WIFEXITED(job->status) && WEXITSTATUS(job->status) == 0;

	if (config->keep_alive) {
		return true;
	}
	if (config->pressured_exit && job->active > 0) {
		return true;
	}
	if (config->keep_successful != UNSET &&
	    successful == (config->keep_successful == YES)) {
		return true;
	}
	return config->keep_crashed != UNSET &&
	    crashed(job) == (config->keep_crashed == YES);
}

void job_reap(pid_t pid, int status)
{
	struct job *job = job_find_pid(pid);
	enum stop stop;
	bool again;

	if (job == NULL) {
		return;
	}
	control_drain(job);
	job->pid = 0;
	job->exited = true;
	job->status = status;
	if (WIFSIGNALED(status)) {
		log_info("%s: pid %d ended by signal %d, %u transactions open",
		    job->config->label, (int)pid, WTERMSIG(status),
		    job->active);
	} else {
		log_info("%s: pid %d exited with %d, %u transactions open",
		    job->config->label, (int)pid, WEXITSTATUS(status),
		    job->active);
	}
	if (!job->config->abandon_process_group) {
		kill(-pid, SIGKILL); /* usually none is left */
	}
	timer_set(job, 0);
	again = wanted_again(job);
	job->active = 0;
	stop = job->stop;
	if (stop == STOP_RESTART) {
		job->stop = STOP_NO;
		job_start(job);
	} else if (stop == STOP_NO && again) {
		job_demand(job);
	} else {
		job_settle(job);
	}
}

/* No process, and none needed yet: wait for the next demand, or remove the
 * job. */
static void job_settle(struct job *job)
{
	if (job->stop == STOP_REMOVE) {
		log_info("%s: removed", job->config->label);
		job_destroy(job);
		return;
	}
	job->stop = STOP_NO;
	job_watch(job, true);
}
