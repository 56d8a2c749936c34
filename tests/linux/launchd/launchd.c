// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#define _GNU_SOURCE

#include "launchd.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/log.h"

struct job_options options = { .dir = "/run/standin" };

static bool stopping;

static const char usage[] =
    "usage: launchd [OPTION]... PLIST...\n"
    "\n"
    "Registers the services of the jobs and runs the jobs on demand.\n"
    "\n"
    "  --dir DIR            where the sockets are (/run/standin)\n"
    "  --agent UID=PLIST    a job of that user's own domain, gui/UID\n"
    "  --daemon-env N=V     environment of all jobs\n"
    "  --daemon-arg L=ARG   additional argument for the job with label L\n"
    "  -q, --quiet          errors only\n"
    "\n"
    "Prints \"ready\" when clients may connect.\n"
    "SIGTERM stops all jobs as at shutdown; a second one kills them.\n";

static void stop_all(void)
{
	struct job *job = jobs;

	while (job != NULL) {
		struct job *next = job->next; /* job may be freed */

		if (stopping && job->pid != 0) {
			job_kill(job);
		} else {
			job_stop(job, STOP_REMOVE);
		}
		job = next;
	}
	stopping = true;
}

/* Returns false when all jobs have stopped. */
static bool goes_on(void)
{
	control_wake();
	return !stopping || jobs != NULL;
}

/* If a job cannot be loaded at start-up, launchd exits: a test must not begin
 * without the service that it tests. */
static void load(const char *path, bool agent, uid_t uid)
{
	struct config_error error;
	struct config *config = config_read(path, &error);

	if (config == NULL) {
		log_error("%s", error.text);
		exit(1);
	}
	if (config->disabled) {
		log_error("%s: Disabled: not loaded", config->label);
		config_destroy(config);
		return;
	}
	if (job_load(config, agent, uid, &error) == -1) {
		log_error("%s", error.text);
		exit(1);
	}
}

static void load_agent(const char *argument)
{
	char *end;
	unsigned long uid = strtoul(argument, &end, 10);

	if (end == argument || *end != '=') {
		log_error("--agent %s: must be UID=PLIST", argument);
		exit(2);
	}
	load(end + 1, true, (uid_t)uid);
}

enum { OPTION_DIR = 256, OPTION_AGENT, OPTION_ENV, OPTION_ARG, OPTION_HELP };

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, OPTION_DIR },
	{ "agent", required_argument, NULL, OPTION_AGENT },
	{ "daemon-env", required_argument, NULL, OPTION_ENV },
	{ "daemon-arg", required_argument, NULL, OPTION_ARG },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static void need_equals(const char *option, const char *argument)
{
	if (strchr(argument, '=') == NULL || argument[0] == '=') {
		log_error("%s %s: no \"=\"", option, argument);
		exit(2);
	}
}

static void parse_options(int argc, char **argv, struct strings *agents)
{
	int option;

	log_start("launchd", false);
	while (
	    (option = getopt_long(argc, argv, "q", long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_DIR:
			options.dir = optarg;
			break;
		case OPTION_AGENT:
			strings_add(agents, optarg);
			break;
		case OPTION_ENV:
			need_equals("--daemon-env", optarg);
			strings_add(&options.environment, optarg);
			break;
		case OPTION_ARG:
			need_equals("--daemon-arg", optarg);
			strings_add(&options.arguments, optarg);
			break;
		case 'q':
			log_start("launchd", true);
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
}

static void make_directories(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/services", options.dir);
	if ((mkdir(options.dir, 0755) == -1 && errno != EEXIST) ||
	    (mkdir(path, 0755) == -1 && errno != EEXIST)) {
		log_error("%s: %m", path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct strings agents = { 0 };
	char path[256];

	parse_options(argc, argv, &agents);
	getrlimit(RLIMIT_NOFILE, &options.descriptors);
	umask(022);
	make_directories();
	loop_signals(job_reap, stop_all);
	for (int i = optind; i < argc; i++) {
		load(argv[i], false, 0);
	}
	for (size_t i = 0; i < agents.count; i++) {
		load_agent(agents.items[i]);
	}
	strings_clear(&agents);
	/* Last: the socket appears when everything else is ready. */
	snprintf(path, sizeof(path), "%s/launchd.sock", options.dir);
	if (control_start(path) == -1) {
		log_error("%s: %m", path);
		exit(1);
	}
	puts("ready");
	fflush(stdout);
	for (struct job *job = jobs; job != NULL; job = job->next) {
		job_begin(job); /* jobs check in: launchd.sock must exist */
	}
	loop_run(goes_on);
	control_stop();
	return 0;
}
