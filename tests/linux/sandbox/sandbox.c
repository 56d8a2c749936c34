// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#define _GNU_SOURCE

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/log.h"

static const char usage[] =
    "usage: tests/linux/run [OPTION]... [--] COMMAND [ARGUMENT]...\n"
    "\n"
    "Runs COMMAND in a new sandbox that simulates a Mac with the broker\n"
    "installed, as root of the sandbox, and returns its exit status.\n"
    "\n"
    "  --plist FILE        load this launchd daemon; may be repeated\n"
    "                      (broker/" BROKER_LABEL ".plist)\n"
    "  --agent UID=FILE    load this job into the domain of one user\n"
    "  --no-daemon         load no daemon\n"
    "  --config FILE       the broker's configuration\n"
    "                      (broker/networks.json)\n"
    "  --broker FILE       the broker (build/linux/plain/bin/vmnet-broker)\n"
    "  --daemon-env N=V    environment of the daemons\n"
    "  --daemon-arg ARG    additional argument for the broker\n"
    "  --vmnetd-opt ARG    option for vmnetd, such as --quirk=orphan-subnets\n"
    "  --user NAME         run COMMAND as root, alice or bob (root)\n"
    "  --env N=V           environment of COMMAND\n"
    "  -q, --quiet         suppress warnings about optional features\n"
    "  -v, --verbose       print what launchd and vmnetd do and, at the\n"
    "                      end, the log of the broker\n"
    "\n"
    "In the sandbox: users alice (501), bob (502) and " BROKER_USER
    " (300); the\n"
    "Mac's uplink en0, 198.51.100.2; the external network as the network\n"
    "namespace \"world\": 198.51.100.1, 203.0.113.1, 2001:db8:2::1, named\n"
    "world.example by its name server. launchctl and vmnet-brokerctl are in\n"
    "PATH. /tmp and the files of the host are shared; /run, /etc, /Library\n"
    "and /var/db belong to the sandbox.\n"
    "\n"
    "Exits with 125 if the sandbox cannot be created, 126 or 127 if\n"
    "COMMAND cannot be run, 128 + N if signal N terminated it.\n";

void list_add(struct list *list, const char *item)
{
	size_t size = (size_t)(list->count + 2) * sizeof(*list->items);

	list->items = realloc(list->items, size);
	if (list->items == NULL) {
		log_error("out of memory");
		exit(EXIT_SANDBOX);
	}
	list->items[list->count] = item;
	list->count++;
	list->items[list->count] = NULL;
}

const char *format(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;
	int length;

	va_start(arguments, format);
	length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length == -1) {
		log_error("out of memory");
		exit(EXIT_SANDBOX);
	}
	return text;
}

int write_file(const char *path, mode_t mode, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	size_t done = 0;

	while (fd != -1 && done < length) {
		ssize_t written = write(fd, text + done, length - done);

		if (written == -1) {
			break;
		}
		done += (size_t)written;
	}
	/* fchmod() overrides the umask. */
	if (fd == -1 || done < length || fchmod(fd, mode) == -1) {
		log_error("%s: %m", path);
		if (fd != -1) {
			close(fd);
		}
		return -1;
	}
	close(fd);
	return 0;
}

char *read_file(const char *path, size_t *length)
{
	struct stat status;
	char *text = NULL;
	ssize_t got = 1;
	int saved;
	int fd;

	*length = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1) {
		return NULL;
	}
	if (fstat(fd, &status) == 0) {
		text = calloc(1, (size_t)status.st_size + 1);
	}
	while (text != NULL && got > 0 && *length < (size_t)status.st_size) {
		got =
		    read(fd, text + *length, (size_t)status.st_size - *length);
		*length += got > 0 ? (size_t)got : 0;
	}
	saved = errno;
	close(fd);
	if (got == -1) {
		free(text);
		text = NULL;
	}
	errno = saved;
	return text;
}

int make_directories(const char *path)
{
	char prefix[PATH_MAX];

	for (const char *end = path; end != NULL;) {
		end = strchr(end + 1, '/');
		snprintf(prefix, sizeof(prefix), "%.*s",
		    end != NULL ? (int)(end - path) : (int)strlen(path), path);
		if (mkdir(prefix, 0755) == -1 && errno != EEXIST) {
			log_error("%s: %m", prefix);
			return -1;
		}
	}
	return 0;
}

enum {
	OPTION_PLIST = 256,
	OPTION_AGENT,
	OPTION_NO_DAEMON,
	OPTION_CONFIG,
	OPTION_BROKER,
	OPTION_DAEMON_ENV,
	OPTION_DAEMON_ARG,
	OPTION_VMNETD,
	OPTION_USER,
	OPTION_ENV,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "plist", required_argument, NULL, OPTION_PLIST },
	{ "agent", required_argument, NULL, OPTION_AGENT },
	{ "no-daemon", no_argument, NULL, OPTION_NO_DAEMON },
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "broker", required_argument, NULL, OPTION_BROKER },
	{ "daemon-env", required_argument, NULL, OPTION_DAEMON_ENV },
	{ "daemon-arg", required_argument, NULL, OPTION_DAEMON_ARG },
	{ "vmnetd-opt", required_argument, NULL, OPTION_VMNETD },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "env", required_argument, NULL, OPTION_ENV },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ NULL, 0, NULL, 0 },
};

static void add_variable(
    struct list *list, const char *option, const char *argument)
{
	if (strchr(argument, '=') == NULL || argument[0] == '=') {
		log_error("%s %s: must be NAME=VALUE", option, argument);
		exit(EXIT_SANDBOX);
	}
	list_add(list, argument);
}

static void set_option(struct sandbox *sandbox, int option)
{
	switch (option) {
	case OPTION_PLIST:
		list_add(&sandbox->plists, optarg);
		break;
	case OPTION_AGENT:
		add_variable(&sandbox->agents, "--agent", optarg);
		break;
	case OPTION_NO_DAEMON:
		sandbox->no_daemon = true;
		break;
	case OPTION_CONFIG:
		sandbox->config = optarg;
		break;
	case OPTION_BROKER:
		sandbox->broker = optarg;
		break;
	case OPTION_DAEMON_ENV:
		add_variable(&sandbox->daemon_env, "--daemon-env", optarg);
		break;
	case OPTION_DAEMON_ARG:
		list_add(&sandbox->daemon_args, optarg);
		break;
	case OPTION_VMNETD:
		list_add(&sandbox->vmnetd_options, optarg);
		break;
	case OPTION_USER:
		sandbox->user = optarg;
		break;
	case OPTION_ENV:
		add_variable(&sandbox->environment, "--env", optarg);
		break;
	case 'q':
		sandbox->quiet = true;
		break;
	case 'v':
		sandbox->verbose = true;
		break;
	case OPTION_HELP:
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(EXIT_SANDBOX);
	}
}

static void parse_options(struct sandbox *sandbox, int argc, char **argv)
{
	int option;

	/* "+": COMMAND's options are its own. */
	while ((option = getopt_long(argc, argv, "+qv", long_options, NULL)) !=
	    -1) {
		set_option(sandbox, option);
	}
	if (optind == argc) {
		log_error("no COMMAND; see --help");
		exit(EXIT_SANDBOX);
	}
	sandbox->command = argv + optind;
}

/* We are REPOSITORY/build/linux/plain/bin/sandbox. */
static void find_repository(struct sandbox *sandbox)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length == -1 ||
	    getcwd(sandbox->directory, sizeof(sandbox->directory)) == NULL) {
		log_error("/proc/self/exe or working directory: %m");
		exit(EXIT_SANDBOX);
	}
	path[length] = '\0';
	for (int i = 0; i < 5; i++) {
		char *slash = strrchr(path, '/');

		if (slash == NULL) {
			log_error("not in a build folder");
			exit(EXIT_SANDBOX);
		}
		*slash = '\0';
		if (i == 0) {
			strcpy(sandbox->programs, path);
		}
	}
	strcpy(sandbox->repository, path);
}

/* Checks for a required program; if it is missing, names its Debian package. */
static bool have_program(const char *name, const char *package)
{
	static const char *const places[] = { "/usr/sbin", "/usr/bin", "/sbin",
		"/bin" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", places[i], name);
		if (access(path, X_OK) == 0) {
			return true;
		}
	}
	log_error(
	    "%s is missing: it is in the Debian package %s", name, package);
	return false;
}

static bool have_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd != -1) {
		close(fd);
		return true;
	}
	if (errno == EACCES || errno == EPERM) {
		log_error("/dev/net/tun: no permission: run as root, or let "
			  "everybody open it: chmod 666 /dev/net/tun");
	} else {
		log_error("/dev/net/tun: %m: the kernel's tun driver is "
			  "missing (modprobe tun)");
	}
	return false;
}

/* Reports everything that is missing, not only the first item. */
static void check_host(void)
{
	bool complete = true;

	complete = have_program("ip", "iproute2") && complete;
	complete = have_program("nft", "nftables") && complete;
	complete = have_program("dnsmasq", "dnsmasq-base") && complete;
	complete = have_tun() && complete;
	if (!complete) {
		exit(EXIT_SANDBOX);
	}
}

/* The shipped daemon, unless others are requested. */
static void choose_daemon(struct sandbox *sandbox)
{
	sandbox->broker_asked = sandbox->broker != NULL;
	sandbox->config_asked = sandbox->config != NULL;
	if (sandbox->broker == NULL) {
		sandbox->broker = format("%s/vmnet-broker", sandbox->programs);
	}
	if (sandbox->config == NULL) {
		sandbox->config =
		    format("%s/broker/networks.json", sandbox->repository);
	}
	if (sandbox->no_daemon || sandbox->plists.count > 0) {
		return;
	}
	if (!sandbox->broker_asked && access(sandbox->broker, X_OK) == -1) {
		log_info("%s: %m: no daemon installed", sandbox->broker);
		sandbox->no_daemon = true;
		return;
	}
	list_add(&sandbox->plists,
	    format("%s/broker/" BROKER_LABEL ".plist", sandbox->repository));
}

int main(int argc, char **argv)
{
	static struct sandbox sandbox;

	log_start("sandbox", false);
	parse_options(&sandbox, argc, argv);
	log_start("sandbox", sandbox.quiet);
	sandbox.caller = geteuid();
	sandbox.caller_group = getegid();
	find_repository(&sandbox);
	check_host();
	choose_daemon(&sandbox);
	return runner_run(&sandbox);
}
