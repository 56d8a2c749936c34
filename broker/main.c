// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-broker(8): options, and the stages of start-up.
 */

#include <dispatch/dispatch.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xpc/xpc.h>

#include "config.h"
#include "log.h"
#include "protocol.h"
#include "service.h"
#include "text.h"

#ifndef VMNET_BROKER_VERSION
#define VMNET_BROKER_VERSION "unknown"
#endif

#define NANOSECONDS UINT64_C(1000000000)

#define CONFIG_FILE                                                            \
	"/Library/Application Support/com.github.nirs.vmnet-broker/"           \
	"networks.json"

/* Seconds. */
#define LINGER 5
#define IDLE 120
#define DAY 86400UL

/* A wrong command line. */
#define EXIT_USAGE 2

struct options {
	const char *config_file;
	unsigned long linger;
	unsigned long idle;
	bool check;
	bool foreground;
	bool debug;
};

static void usage(FILE *file)
{
	fprintf(file,
	    "usage: vmnet-broker [-dfhnV] [-c file] [-l seconds] "
	    "[-t seconds]\n");
}

static unsigned long number_option(
    int option, unsigned long min, unsigned long max)
{
	unsigned long number = 0;

	if (text_to_number(optarg, min, max, &number) != 0) {
		fprintf(stderr,
		    "vmnet-broker: -%c: \"%s\" is not a number from %lu to "
		    "%lu\n",
		    option, optarg, min, max);
		exit(EXIT_USAGE);
	}
	return number;
}

static void parse_option(struct options *options, int option)
{
	switch (option) {
	case 'c':
		options->config_file = optarg;
		break;
	case 'd':
		options->debug = true;
		break;
	case 'f':
		options->foreground = true;
		break;
	case 'l':
		options->linger = number_option(option, 0, DAY);
		break;
	case 'n':
		options->check = true;
		break;
	case 't':
		options->idle = number_option(option, 1, DAY);
		break;
	case 'h':
		usage(stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		printf("vmnet-broker %s\n", VMNET_BROKER_VERSION);
		exit(EXIT_SUCCESS);
	default:
		usage(stderr);
		exit(EXIT_USAGE);
	}
}

static void parse_options(int argc, char **argv, struct options *options)
{
	int option = 0;

	*options = (struct options){
		.config_file = CONFIG_FILE,
		.linger = LINGER,
		.idle = IDLE,
	};
	for (;;) {
		option = getopt(argc, argv, "c:dfhl:nt:V");
		if (option == -1) {
			break;
		}
		parse_option(options, option);
	}
	if (optind != argc) {
		usage(stderr);
		exit(EXIT_USAGE);
	}
}

static void fatal(const char *reason)
{
	log_error("start: %s", reason);
	exit(EXIT_FAILURE);
}

/* In the foreground, and for a check, the caller's own file will do. */
static enum config_result load_config(
    const struct options *options, struct config **config)
{
	uid_t owner = options->foreground || options->check ? getuid() : 0;

	*config = config_create();
	if (*config == NULL) {
		fatal("out of memory");
	}
	return config_load(*config, options->config_file, owner);
}

/* -n: says what is wrong with the file, and that is all. */
static void check_config(const struct options *options)
{
	struct config *config = NULL;
	enum config_result result = load_config(options, &config);

	if (result == CONFIG_MISSING) {
		fprintf(stderr, "%s: no such file\n", options->config_file);
	} else if (result == CONFIG_REFUSED) {
		fprintf(stderr, "%s\n", config->error);
	}
	if (result == CONFIG_LOADED && isatty(STDOUT_FILENO)) {
		printf("ok: %zu networks\n", config->count);
	}
	config_destroy(config);
	exit(result == CONFIG_LOADED ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* A broker that exits over a wrong file leaves its clients waiting for a
 * launchd that starts it again and again: it serves what it can, and tells. */
static struct config *read_config(const struct options *options)
{
	struct config *config = NULL;

	switch (load_config(options, &config)) {
	case CONFIG_LOADED:
		log_info("config: %s: %zu networks", options->config_file,
		    config->count);
		break;
	case CONFIG_MISSING:
		log_notice("config: %s: no such file: there are the built-in "
			   "networks only",
		    options->config_file);
		break;
	case CONFIG_REFUSED:
		log_error("config: %s", config->error);
		break;
	}
	return config;
}

static struct service *serve(const struct options *options,
    const struct config *config, dispatch_queue_t queue)
{
	const struct service_options service_options = {
		.config = config,
		.linger = options->linger * NANOSECONDS,
		.idle = options->idle * NANOSECONDS,
		.done = exit,
	};
	xpc_connection_t listener = xpc_connection_create_mach_service(
	    VMNET_BROKER_SERVICE, queue, XPC_CONNECTION_MACH_SERVICE_LISTENER);
	struct service *service =
	    service_start(&service_options, listener, queue);

	if (service == NULL) {
		fatal("out of memory");
	}
	return service;
}

/* The signal is ignored only when the source sees it: one that came between
 * would be lost. Before that it ends the process, which has no network yet. */
static void handle_signal(int number, dispatch_queue_t queue,
    dispatch_block_t registered, dispatch_block_t handler)
{
	dispatch_source_t source = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, (uintptr_t)number, 0, queue);

	dispatch_source_set_registration_handler(source, ^{
		signal(number, SIG_IGN);
		registered();
	});
	dispatch_source_set_event_handler(source, handler);
	dispatch_activate(source);
}

/* Starts the service, on the queue, once no signal can end the broker before its
 * networks are released. */
static void start(const struct options *options, const struct config *config,
    dispatch_queue_t queue)
{
	static struct service *service;

	signal(SIGPIPE, SIG_IGN); /* of a stderr that nobody reads */
	signal(SIGHUP, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	handle_signal(
	    SIGTERM, queue,
	    ^{
		    handle_signal(
			SIGINT, queue,
			^{
				service = serve(options, config, queue);
			},
			^{
				service_drain(service);
			});
	    },
	    ^{
		    if (service == NULL) {
			    exit(EXIT_SUCCESS);
		    }
		    service_shut_down(service);
	    });
}

int main(int argc, char **argv)
{
	static struct options options; /* for the blocks */
	struct config *config = NULL;
	dispatch_queue_t queue = NULL;

	parse_options(argc, argv, &options);
	if (options.check) {
		check_config(&options); /* does not return */
	}
	if (!options.foreground && getppid() != 1) {
		fprintf(stderr,
		    "vmnet-broker: launchd starts this program when somebody "
		    "asks for a network; to see how it is, run\n"
		    "    launchctl print system/" VMNET_BROKER_SERVICE "\n");
	}
	log_start(options.foreground, options.debug);
	log_notice("start: version %s", VMNET_BROKER_VERSION);
	config = read_config(&options);
	queue =
	    dispatch_queue_create(VMNET_BROKER_SERVICE, DISPATCH_QUEUE_SERIAL);
	start(&options, config, queue);
	dispatch_main();
}
