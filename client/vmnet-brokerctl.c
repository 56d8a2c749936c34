// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet-brokerctl(8): shows and controls the networks. It is an ordinary client
 * of the broker: it needs no privilege, and the broker decides who may do what.
 *
 * This file contains the command line, the table of commands, and the commands
 * that only send a request; the others are in ctl/.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/output.h"

#define WAIT_MAX 86400.0 /* seconds */

enum {
	TAKES_JSON = 1,
	TAKES_WAIT = 2,
	TAKES_COMMAND = 4,
};

struct command {
	const char *name;
	const char *arguments; /* as shown in the usage text */
	int min;
	int max;
	int takes;
	const char *summary;
	int (*run)(const struct arguments *arguments);
};

static int command_help(const struct arguments *arguments);

static const struct command commands[] = {
	{ "list", "", 0, 0, TAKES_JSON, "all networks and their state",
	    command_list },
	{ "info", "NAME", 1, 1, TAKES_JSON, "details of one network",
	    command_info },
	{ "status", "", 0, 0, TAKES_JSON,
	    "the broker: version, configuration, counters", command_status },
	{ "clients", "", 0, 0, TAKES_JSON, "which programs use which networks",
	    command_clients },
	{ "leases", "[NAME]", 0, 1, TAKES_JSON, "addresses that guests have",
	    command_leases },
	{ "ip", "NAME MAC|HOSTNAME", 2, 2, TAKES_JSON | TAKES_WAIT,
	    "the address of one guest", command_ip },
	{ "hold", "NAME... [-- COMMAND [ARGUMENT]...]", 1, 8, TAKES_COMMAND,
	    "hold networks, or hold them while a command runs", command_hold },
	{ "check", "[FILE]", 0, 1, 0, "check the configuration file",
	    command_check },
	{ "reload", "", 0, 0, TAKES_JSON,
	    "reload the configuration file (root)", command_reload },
	{ "drain", "", 0, 0, TAKES_JSON | TAKES_WAIT,
	    "refuse new clients, exit after the last one (root)",
	    command_drain },
	{ "resume", "", 0, 0, TAKES_JSON, "cancel a drain (root)",
	    command_resume },
	{ "recreate", "NAME", 1, 1, TAKES_JSON,
	    "create a network again; its clients reattach (root)",
	    command_recreate },
	{ "watch", "", 0, 0, TAKES_JSON, "events as they happen",
	    command_watch },
	{ "doctor", "", 0, 0, TAKES_JSON, "diagnose the installation",
	    command_doctor },
	{ "version", "", 0, 0, TAKES_JSON,
	    "versions of this program and the broker", command_version },
	{ "help", "[COMMAND]", 0, 1, 0, "print this, or the usage of a command",
	    command_help },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/*
 * Commands that only send a request.
 */

static void print_names(const char *what, xpc_object_t reply, const char *key)
{
	xpc_object_t names = xpc_dictionary_get_array(reply, key);
	char *text = NULL;

	if (names != NULL && xpc_array_get_count(names) > 0) {
		text = format_value(names, FORMAT_PLAIN);
		printf("%s %s\n", what, text);
		free(text);
	}
}

int command_reload(const struct arguments *arguments)
{
	xpc_object_t reply = ctl_ask("reload", NULL);
	xpc_object_t problems = xpc_dictionary_get_array(reply, "problems");
	size_t count = problems == NULL ? 0 : xpc_array_get_count(problems);

	if (arguments->json) {
		json_print(reply);
	} else {
		print_names("added:  ", reply, "added");
		print_names("changed:", reply, "changed");
		print_names("removed:", reply, "removed");
		print_names("pending:", reply, "pending");
	}
	for (size_t i = 0; i < count && !arguments->json; i++) {
		const char *problem = xpc_array_get_string(problems, i);

		complain("%s", problem == NULL ? "?" : problem);
	}
	xpc_release(reply);
	return count == 0 ? CTL_OK : CTL_FAILED;
}

int command_resume(const struct arguments *arguments)
{
	xpc_object_t reply = ctl_ask("resume", NULL);

	if (arguments->json) {
		json_print(reply);
	} else {
		printf("the broker accepts new clients again\n");
	}
	xpc_release(reply);
	return CTL_OK;
}

int command_recreate(const struct arguments *arguments)
{
	const char *name = arguments->values[0];
	xpc_object_t reply = NULL;
	unsigned long long holders = 0;

	ctl_check_name(name);
	reply = ctl_ask("recreate", name);
	holders = xpc_dictionary_get_uint64(reply, "holders");
	if (arguments->json) {
		json_print(reply);
	} else if (holders == 0) {
		printf("%s: not in use; the next client gets a new network\n",
		    name);
	} else {
		printf("%s: released; its clients (%llu) were disconnected and "
		       "get a new network when they reconnect\n",
		    name, holders);
	}
	xpc_release(reply);
	return CTL_OK;
}

/*
 * Usage
 */

static void usage_of(FILE *file, const struct command *command)
{
	fprintf(file, "usage: vmnet-brokerctl %s%s%s%s%s\n", command->name,
	    command->takes & TAKES_JSON ? " [--json]" : "",
	    command->takes & TAKES_WAIT ? " [--wait SECONDS]" : "",
	    *command->arguments == '\0' ? "" : " ", command->arguments);
}

static void help_of(const struct command *command)
{
	usage_of(stdout, command);
	printf("%s\n\n", command->summary);
	if (command->takes & TAKES_JSON) {
		printf("  --json           print JSON\n");
	}
	if (command->takes & TAKES_WAIT) {
		printf("  --wait SECONDS   wait at most this long\n");
	}
	printf("  -h, --help       print this\n");
}

static void usage(FILE *file)
{
	fprintf(file,
	    "usage: vmnet-brokerctl COMMAND [OPTION]... "
	    "[ARGUMENT]...\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s %s", commands[i].name,
		    commands[i].takes & TAKES_COMMAND ? "NAME... [-- COMMAND]"
						      : commands[i].arguments);
		fprintf(file, "  %-26s %s\n", text, commands[i].summary);
	}
	fprintf(file,
	    "\n"
	    "  --json           print JSON\n"
	    "  --wait SECONDS   ip, drain: wait at most this long\n"
	    "  -h, --help       print this, or the usage of a command\n"
	    "  -V, --version    print the version of this program\n");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	fail(CTL_USAGE,
	    "no such command: \"%s\"; vmnet-brokerctl help lists them", name);
}

static int command_help(const struct arguments *arguments)
{
	if (arguments->count == 0) {
		usage(stdout);
	} else {
		help_of(find_command(arguments->values[0]));
	}
	return CTL_OK;
}

/*
 * The command line
 */

static _Noreturn void wrong_usage(
    const struct command *command, const char *reason, const char *argument)
{
	complain("%s: %s%s%s", command->name, reason,
	    argument == NULL ? "" : ": ", argument == NULL ? "" : argument);
	usage_of(stderr, command);
	exit(CTL_USAGE);
}

static double parse_wait(const struct command *command, const char *text)
{
	char *end = NULL;
	double seconds = text == NULL ? -1 : strtod(text, &end);

	if (text == NULL || end == text || *end != '\0' ||
	    !(seconds >= 0 && seconds <= WAIT_MAX)) {
		wrong_usage(command, "--wait must be 0 to 86400 seconds", text);
	}
	return seconds;
}

/* Parses an option at *next, and its value. */
static void parse_option(
    const struct command *command, struct arguments *arguments, char ***next)
{
	const char *option = **next;
	int takes = command->takes;

	if (strcmp(option, "-h") == 0 || strcmp(option, "--help") == 0) {
		help_of(command);
		exit(CTL_OK);
	} else if (strcmp(option, "--json") == 0 && takes & TAKES_JSON) {
		arguments->json = true;
	} else if (strcmp(option, "--wait") == 0 && takes & TAKES_WAIT) {
		(*next)++;
		arguments->wait = parse_wait(command, **next);
	} else if (strncmp(option, "--wait=", 7) == 0 && takes & TAKES_WAIT) {
		arguments->wait = parse_wait(command, option + 7);
	} else {
		wrong_usage(command, "unknown option", option);
	}
}

/* Parses what follows the name of the command. Values are moved to the
 * beginning of argv. */
static void parse(
    const struct command *command, struct arguments *arguments, char **argv)
{
	char **next = argv;

	*arguments = (struct arguments){ .values = argv, .wait = -1 };
	for (; *next != NULL; next++) {
		if (strcmp(*next, "--") == 0) {
			arguments->command = next + 1;
			break;
		}
		if ((*next)[0] == '-' && (*next)[1] != '\0') {
			parse_option(command, arguments, &next);
		} else {
			argv[arguments->count++] = *next;
		}
	}
	if (arguments->command != NULL &&
	    (!(command->takes & TAKES_COMMAND) ||
		arguments->command[0] == NULL)) {
		wrong_usage(command, "wrong argument", "--");
	}
	if (arguments->count < command->min) {
		wrong_usage(command, "an argument is missing", NULL);
	}
	if (arguments->count > command->max) {
		wrong_usage(command, "too many arguments", NULL);
	}
}

static void flush_output(void)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fail(CTL_FAILED, "cannot write to standard output");
	}
}

int main(int argc, char *argv[])
{
	const struct command *command = NULL;
	struct arguments arguments;
	int code = CTL_OK;

	if (argc < 2) {
		usage(stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return CTL_OK;
	}
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
		printf("vmnet-brokerctl %s\n", VMNET_BROKER_VERSION);
		return CTL_OK;
	}
	command = find_command(argv[1]);
	parse(command, &arguments, argv + 2);
	code = command->run(&arguments);
	flush_output();
	return code;
}
