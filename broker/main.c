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

#include "check.h"
#include "log.h"
#include "protocol.h"
#include "reload.h"
#include "service.h"

#ifndef VMNET_BROKER_VERSION
#define VMNET_BROKER_VERSION "unknown"
#endif

#define CONFIG_FILE                                                            \
	"/Library/Application Support/com.github.nirs.vmnet-broker/"           \
	"networks.json"

/* Invalid command line. */
#define EXIT_USAGE 2

struct options {
	const char *config_file;
	bool check;
	bool foreground;
	bool debug;
};

static void usage(FILE *file)
{
	fprintf(file, "usage: vmnet-broker [-dfhnV] [-c file]\n");
}

static void help(void)
{
	usage(stdout);
	printf("\n"
	       "  -c file  the configuration (default:\n"
	       "           " CONFIG_FILE ")\n"
	       "  -d       enable debug logging (default: off)\n"
	       "  -f       run in the foreground: also log to standard error "
	       "(default: off)\n"
	       "  -h       print this text\n"
	       "  -n       check the configuration, print its errors, and "
	       "exit\n"
	       "  -V       print the version\n");
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
	case 'n':
		options->check = true;
		break;
	case 'h':
		help();
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

	*options = (struct options){ .config_file = CONFIG_FILE };
	for (;;) {
		option = getopt(argc, argv, "c:dfhnV");
		if (option == -1) {
			break;
		}
		parse_option(options, option);
	}
	if (optind != argc) {
		fprintf(stderr,
		    "vmnet-broker: unexpected argument \"%s\": the option for "
		    "a configuration is -c file\n",
		    argv[optind]);
		usage(stderr);
		exit(EXIT_USAGE);
	}
}

static void fatal(const char *reason)
{
	log_error("start: %s", reason);
	exit(EXIT_FAILURE);
}

/* If the broker exited because of an invalid file, its clients would wait while
 * launchd starts it again and again. So it serves what it can, and reports the
 * errors. */
static void read_config(
    const struct options *options, struct service_options *service)
{
	service->config_path = options->config_file;
	/* In the foreground, the file may belong to the caller. */
	service->config_owner = options->foreground ? getuid() : 0;
	service->config =
	    reload_read(service->config_path, service->config_owner);
	if (service->config == NULL) {
		fatal("out of memory");
	}
}

static struct service *serve(
    const struct service_options *options, dispatch_queue_t queue)
{
	xpc_connection_t listener = xpc_connection_create_mach_service(
	    VMNET_BROKER_SERVICE, queue, XPC_CONNECTION_MACH_SERVICE_LISTENER);
	struct service *service = service_start(options, listener, queue);

	if (service == NULL) {
		fatal("out of memory");
	}
	return service;
}

/* The signal is ignored only after the source is registered; otherwise it could
 * be lost. Before that, it ends the process, which has no network yet. */
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

/* Starts the service, on the queue, as soon as no signal can end the broker
 * before its networks are released. */
static void start(const struct service_options *options, dispatch_queue_t queue)
{
	static struct service *service;

	signal(SIGPIPE, SIG_IGN); /* from a stderr that is not read */
	signal(SIGHUP, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	handle_signal(
	    SIGTERM, queue,
	    ^{
		    handle_signal(
			SIGINT, queue,
			^{
				service = serve(options, queue);
				handle_signal(SIGHUP, queue,
				    ^{
				    },
				    ^{
					    service_reload(service);
				    });
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
	static struct service_options service = {
		.version = VMNET_BROKER_VERSION,
		.done = exit,
	};
	struct options options;
	dispatch_queue_t queue = NULL;

	parse_options(argc, argv, &options);
	if (options.check) {
		bool installed = strcmp(options.config_file, CONFIG_FILE) == 0;

		return check_config(options.config_file, installed)
		    ? EXIT_SUCCESS
		    : EXIT_FAILURE;
	}
	if (!options.foreground && getppid() != 1) {
		fprintf(stderr,
		    "vmnet-broker: launchd starts this program when a client "
		    "requests a network; to see its state, run\n"
		    "    launchctl print system/" VMNET_BROKER_SERVICE "\n");
	}
	log_start(options.foreground, options.debug);
	log_notice("start: version %s", VMNET_BROKER_VERSION);
	read_config(&options, &service);
	queue =
	    dispatch_queue_create(VMNET_BROKER_SERVICE, DISPATCH_QUEUE_SERIAL);
	start(&service, queue);
	dispatch_main();
}
