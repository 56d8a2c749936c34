// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launchctl's subcommands. It sends "launchctl\0VERB\0ARGUMENT\0..." and
 * receives "STATUS\nTEXT".
 */

#define _GNU_SOURCE

#include "launchd.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/log.h"
#include "launchd-control.h"

#define ARGUMENTS_MAX 8

struct request {
	struct connection *connection;
	const char *arguments[ARGUMENTS_MAX]; /* after the verb */
	int count;
};

static struct strings disabled; /* targets */

void verb_stop(void)
{
	strings_clear(&disabled);
}

void verb_answer(
    struct connection *connection, int status, const char *format, ...)
{
	static char text[CONTROL_MESSAGE_MAX];
	va_list arguments;
	int length;

	length = snprintf(text, sizeof(text), "%d\n", status);
	va_start(arguments, format);
	vsnprintf(
	    text + length, sizeof(text) - (size_t)length, format, arguments);
	va_end(arguments);
	control_send(connection, text, NULL);
}

void verb_answer_unknown(struct connection *connection, const char *target)
{
	verb_answer(connection, LAUNCHD_NO_SERVICE,
	    "Could not find service \"%s\"\n", target);
}

static const char *state_name(const struct job *job)
{
	if (job->pid != 0) {
		return job->stop != STOP_NO ? "stopping" : "running";
	}
	return job->throttled ? "spawn scheduled" : "not running";
}

static void print_last_exit(FILE *out, const struct job *job)
{
	if (!job->exited) {
		fprintf(out, "\tlast exit code = (never exited)\n");
	} else if (WIFSIGNALED(job->status)) {
		fprintf(out, "\tlast terminating signal = %s: %d\n",
		    strsignal(WTERMSIG(job->status)), WTERMSIG(job->status));
	} else {
		fprintf(
		    out, "\tlast exit code = %d\n", WEXITSTATUS(job->status));
	}
}

static void print_job(FILE *out, const struct job *job, const char *target)
{
	const struct config *config = job->config;

	fprintf(out, "%s = {\n", target);
	fprintf(out, "\tactive count = %u\n", job->active);
	fprintf(out, "\tpath = %s\n", config->path);
	fprintf(
	    out, "\ttype = %s\n", job->agent ? "LaunchAgent" : "LaunchDaemon");
	fprintf(out, "\tstate = %s\n\n", state_name(job));
	fprintf(out, "\tprogram = %s\n",
	    config->program != NULL ? config->program
				    : config->arguments.items[0]);
	fprintf(out, "\targuments = {\n");
	for (size_t i = 0; i < config->arguments.count; i++) {
		fprintf(out, "\t\t%s\n", config->arguments.items[i]);
	}
	fprintf(out, "\t}\n\n");
	if (config->user != NULL) {
		fprintf(out, "\tusername = %s\n", config->user);
	}
	if (config->group != NULL) {
		fprintf(out, "\tgroup = %s\n", config->group);
	}
	fprintf(out, "\tminimum runtime = %lld\n", (long long)config->throttle);
	fprintf(
	    out, "\texit timeout = %lld\n", (long long)config->exit_timeout);
	fprintf(out, "\truns = %u\n", job->runs);
	if (job->pid != 0) {
		fprintf(out, "\tpid = %d\n", (int)job->pid);
	}
	print_last_exit(out, job);
	fprintf(out, "\n\tendpoints = {\n");
	for (size_t i = 0; i < job->service_count; i++) {
		fprintf(out, "\t\t\"%s\"\n", job->services[i].name);
	}
	fprintf(out, "\t}\n}\n");
}

static void verb_print(struct request *request)
{
	struct job *job = job_find(request->arguments[0]);
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (job == NULL) {
		verb_answer_unknown(request->connection, request->arguments[0]);
		return;
	}
	out = open_memstream(&text, &size);
	if (out == NULL) {
		verb_answer(
		    request->connection, LAUNCHD_EIO, "%s\n", strerror(errno));
		return;
	}
	print_job(out, job, request->arguments[0]);
	fclose(out);
	verb_answer(request->connection, LAUNCHD_OK, "%s", text);
	free(text);
}

static void verb_list(struct request *request)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		verb_answer(
		    request->connection, LAUNCHD_EIO, "%s\n", strerror(errno));
		return;
	}
	fprintf(out, "PID\tStatus\tLabel\n");
	for (struct job *job = jobs; job != NULL; job = job->next) {
		int status = 0;

		if (job->exited) {
			status = WIFSIGNALED(job->status)
			    ? -WTERMSIG(job->status)
			    : WEXITSTATUS(job->status);
		}
		if (job->pid != 0) {
			fprintf(out, "%d", (int)job->pid);
		} else {
			fprintf(out, "-");
		}
		fprintf(out, "\t%d\t%s\n", status, job->config->label);
	}
	fclose(out);
	verb_answer(request->connection, LAUNCHD_OK, "%s", text);
	free(text);
}

static int signal_number(const char *name)
{
	char *end;
	long number = strtol(name, &end, 10);

	if (end != name && *end == '\0') {
		return number > 0 && number < NSIG ? (int)number : -1;
	}
	if (strncasecmp(name, "SIG", 3) == 0) {
		name += 3;
	}
	for (int i = 1; i < NSIG; i++) {
		const char *abbreviation = sigabbrev_np(i);

		if (abbreviation != NULL &&
		    strcasecmp(abbreviation, name) == 0) {
			return i;
		}
	}
	return -1;
}

static void verb_kill(struct request *request)
{
	struct job *job = job_find(request->arguments[1]);
	int number = signal_number(request->arguments[0]);

	if (number == -1) {
		verb_answer(request->connection, LAUNCHD_USAGE,
		    "Unknown signal: %s\n", request->arguments[0]);
	} else if (job == NULL) {
		verb_answer_unknown(request->connection, request->arguments[1]);
	} else if (job->pid == 0) {
		verb_answer(request->connection, LAUNCHD_ESRCH,
		    "No process to signal.\n");
	} else {
		kill(job->pid, number);
		verb_answer(request->connection, LAUNCHD_OK, "%s", "");
	}
}

static void verb_bootout(struct request *request)
{
	struct job *job = job_find(request->arguments[0]);

	if (job == NULL) {
		verb_answer(request->connection, LAUNCHD_ESRCH,
		    "Boot-out failed: 3: No such process\n");
		return;
	}
	/* Asynchronous, as on macOS: the job is removed when its process has
	 * exited. */
	verb_answer(request->connection, LAUNCHD_OK, "%s", "");
	job_stop(job, STOP_REMOVE);
}

static const char *bootstrap_text(int code)
{
	switch (code) {
	case LAUNCHD_EALREADY:
		return "Operation already in progress";
	case LAUNCHD_BAD_PLIST:
		return "Invalid property list";
	case LAUNCHD_BAD_LABEL:
		return "Invalid or missing service identifier";
	case LAUNCHD_BAD_PROGRAM:
		return "Invalid or missing Program/ProgramArguments";
	case LAUNCHD_NO_DOMAIN:
		return "Could not find specified domain";
	case LAUNCHD_DISABLED:
		return "Service is disabled";
	case LAUNCHD_BAD_OWNER:
		return "Path had bad ownership/permissions";
	default:
		return "Input/output error";
	}
}

static void answer_bootstrap(
    struct connection *connection, const struct config_error *error)
{
	log_error("%s", error->text);
	/* macOS only logs the reason; printing it here is more convenient. */
	verb_answer(connection, error->code, "Bootstrap failed: %d: %s\n(%s)\n",
	    error->code, bootstrap_text(error->code), error->text);
}

static size_t disabled_find(const char *target)
{
	size_t i = 0;

	while (i < disabled.count && strcmp(disabled.items[i], target) != 0) {
		i++;
	}
	return i;
}

/* "system", "gui/UID" and "user/UID" are domains. */
static int parse_domain(const char *text, bool *agent, uid_t *uid)
{
	const char *number = strchr(text, '/');
	char *end;

	*agent = strcmp(text, "system") != 0;
	*uid = 0;
	if (!*agent) {
		return 0;
	}
	if (number == NULL ||
	    (strncmp(text, "gui/", 4) != 0 && strncmp(text, "user/", 5) != 0)) {
		return -1;
	}
	*uid = (uid_t)strtoul(number + 1, &end, 10);
	return end != number + 1 && *end == '\0' ? 0 : -1;
}

static void verb_bootstrap(struct request *request)
{
	struct connection *connection = request->connection;
	struct config_error error = { .code = LAUNCHD_EIO };
	struct config *config;
	char target[512];
	bool agent;
	uid_t uid;

	if (parse_domain(request->arguments[0], &agent, &uid) == -1) {
		error.code = LAUNCHD_NO_DOMAIN;
		snprintf(error.text, sizeof(error.text), "%.200s: not a domain",
		    request->arguments[0]);
		answer_bootstrap(connection, &error);
		return;
	}
	config = config_read(request->arguments[1], &error);
	if (config == NULL) {
		answer_bootstrap(connection, &error);
		return;
	}
	snprintf(target, sizeof(target), "%s/%s", request->arguments[0],
	    config->label);
	if (disabled_find(target) < disabled.count || config->disabled) {
		error.code = LAUNCHD_DISABLED;
		snprintf(
		    error.text, sizeof(error.text), "%.300s: disabled", target);
		answer_bootstrap(connection, &error);
		config_destroy(config);
		return;
	}
	if (job_load(config, agent, uid, &error) == -1) {
		answer_bootstrap(connection, &error);
		return;
	}
	job_begin(job_find(target));
	verb_answer(connection, LAUNCHD_OK, "%s", "");
}

static void wait_for(struct request *request, const char *target,
    enum condition condition, unsigned number)
{
	struct connection *connection = request->connection;

	connection->condition = condition;
	connection->number = number;
	connection->target = copy(target); /* control_wake() answers */
}

/* Answers with the pid of the new process. */
static void verb_kickstart(struct request *request)
{
	const char *target = NULL;
	bool restart = false;
	struct job *job;

	for (int i = 0; i < request->count; i++) {
		const char *argument = request->arguments[i];

		if (argument[0] != '-') {
			target = argument;
			continue;
		}
		restart = restart || strchr(argument, 'k') != NULL;
	}
	job = target != NULL ? job_find(target) : NULL;
	if (job == NULL) {
		verb_answer_unknown(
		    request->connection, target != NULL ? target : "");
		return;
	}
	if (job->pid != 0 && restart) {
		job_stop(job, STOP_RESTART);
		wait_for(request, target, WAIT_RUNS, job->runs + 1);
		return;
	}
	if (job->pid == 0 && job_start(job) == -1) {
		verb_answer(request->connection, LAUNCHD_EIO,
		    "Could not kickstart service \"%s\": %s\n", target,
		    strerror(errno));
		return;
	}
	wait_for(request, target, WAIT_RUNS, job->runs);
}

static void verb_enable(struct request *request)
{
	size_t i = disabled_find(request->arguments[0]);

	if (i < disabled.count) {
		free(disabled.items[i]);
		disabled.count--;
		disabled.items[i] = disabled.items[disabled.count];
		disabled.items[disabled.count] = NULL;
	}
	verb_answer(request->connection, LAUNCHD_OK, "%s", "");
}

static void verb_disable(struct request *request)
{
	if (disabled_find(request->arguments[0]) == disabled.count) {
		strings_add(&disabled, request->arguments[0]);
	}
	verb_answer(request->connection, LAUNCHD_OK, "%s", "");
}

static void verb_print_disabled(struct request *request)
{
	static char text[CONTROL_MESSAGE_MAX / 2];
	const char *domain = request->arguments[0];
	size_t length = strlen(domain);
	size_t end = 0;

	text[0] = '\0';
	for (size_t i = 0; i < disabled.count && end < sizeof(text); i++) {
		const char *target = disabled.items[i];

		if (strncmp(target, domain, length) == 0 &&
		    target[length] == '/') {
			end += (size_t)snprintf(text + end, sizeof(text) - end,
			    "\t\"%s\" => disabled\n", target + length + 1);
		}
	}
	verb_answer(request->connection, LAUNCHD_OK,
	    "disabled services = {\n%s}\n", text);
}

/* Not Apple's: blocks until the job is in that state, so that a test can wait
 * for an event instead of polling. */
static void verb_wait(struct request *request)
{
	static const struct {
		const char *name;
		enum condition condition;
	} conditions[] = {
		{ "running", WAIT_RUNNING },
		{ "exited", WAIT_EXITED },
		{ "gone", WAIT_GONE },
		{ "runs=", WAIT_RUNS },
		{ "active=", WAIT_ACTIVE },
	};
	const char *target = request->arguments[0];
	const char *text = request->arguments[1];

	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]);
	     i++) {
		const char *name = conditions[i].name;
		size_t length = strlen(name);
		bool number = name[length - 1] == '=';

		if (strncmp(text, name, length) != 0 ||
		    (!number && text[length] != '\0')) {
			continue;
		}
		wait_for(request, target, conditions[i].condition,
		    number ? (unsigned)strtoul(text + length, NULL, 10) : 0);
		return;
	}
	verb_answer(
	    request->connection, LAUNCHD_USAGE, "%s: no such state\n", text);
}

static const struct verb {
	const char *name;
	bool changes; /* root only */
	int least;    /* the minimum number of arguments */
	void (*run)(struct request *request);
} verbs[] = {
	{ "print", false, 1, verb_print },
	{ "list", false, 0, verb_list },
	{ "kill", true, 2, verb_kill },
	{ "bootout", true, 1, verb_bootout },
	{ "bootstrap", true, 2, verb_bootstrap },
	{ "kickstart", true, 1, verb_kickstart },
	{ "enable", true, 1, verb_enable },
	{ "disable", true, 1, verb_disable },
	{ "print-disabled", false, 1, verb_print_disabled },
	{ "standin-wait", false, 2, verb_wait },
};

static void run_verb(struct request *request, const char *name)
{
	struct connection *connection = request->connection;
	uid_t uid = connection->peer.uid;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(name, verbs[i].name) != 0) {
			continue;
		}
		if (request->count < verbs[i].least) {
			verb_answer(connection, LAUNCHD_USAGE,
			    "%s: arguments are missing\n", name);
		} else if (verbs[i].changes && uid != 0 && uid != geteuid()) {
			verb_answer(connection, LAUNCHD_EPERM,
			    "%s: 1: Operation not permitted\n", name);
		} else {
			verbs[i].run(request);
		}
		return;
	}
	verb_answer(
	    connection, LAUNCHD_USAGE, "Unrecognized subcommand: %s\n", name);
}

void verb_run(struct connection *connection, const char *text, size_t length)
{
	struct request request = { .connection = connection };
	const char *verb = NULL;
	const char *next = text + strlen(text) + 1;

	while (next < text + length) {
		if (verb == NULL) {
			verb = next;
		} else if (request.count < ARGUMENTS_MAX) {
			request.arguments[request.count] = next;
			request.count++;
		}
		next += strlen(next) + 1;
	}
	run_verb(&request, verb != NULL ? verb : "");
}
