// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* Functions shared by the probes, except those for interfaces; see probe.h. */

#include "probe.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "protocol.h"
#include "vmnet-broker.h"

/* The broker disconnects an idle client after 60 seconds. */
#define PATIENCE 90

extern char **environ;

static char **arguments;

static void verdict(const char *name, const char *prefix, const char *product,
    const char *format, va_list list)
{
	printf("%s: ", name);
	vprintf(format, list);
	printf(
	    "\nassumes: %s\nproduct: %s%s\n", probe.assumes, prefix, product);
	fflush(stdout);
	_exit(0);
}

void holds(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	verdict("holds", "", probe.if_holds, format, list);
	abort();
}

void does_not_hold(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	verdict("does not hold", "", probe.if_not, format, list);
	abort();
}

void cannot_tell(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	verdict(
	    "cannot tell", "if it does not hold: ", probe.if_not, format, list);
	abort();
}

/* The frameworks crash a program that they reject. No other code runs after
 * that, so it is safe to call functions that a handler may not call. */
static void crashed(int number)
{
	signal(number, SIG_DFL);
	does_not_hold("the process was ended by signal %d", number);
}

static void timed_out(int number)
{
	(void)number;
	cannot_tell("no answer within %d seconds", PATIENCE);
}

vmnet_network_configuration_ref configure(
    vmnet_mode_t mode, const char *gateway, int length)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(mode, &status);
	struct in_addr address, mask;

	if (config == NULL) {
		cannot_tell("configuration: vmnet status %u", (unsigned)status);
	}
	if (gateway != NULL) {
		inet_pton(AF_INET, gateway, &address);
		mask.s_addr = htonl(UINT32_MAX << (32 - length));
		vmnet_network_configuration_set_ipv4_subnet(
		    config, &address, &mask);
	}
	return config;
}

vmnet_network_ref try_create(
    vmnet_network_configuration_ref config, vmnet_return_t *status)
{
	vmnet_network_ref network = vmnet_network_create(config, status);

	CFRelease(config);
	if (network == NULL && *status == VMNET_MEM_FAILURE) {
		cannot_tell("vmnet status 1002: this program is not signed "
			    "with the virtualization entitlement, or a sandbox "
			    "keeps it from the system service");
	}
	return network;
}

vmnet_network_ref create(vmnet_network_configuration_ref config)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref network = try_create(config, &status);

	if (network == NULL) {
		cannot_tell("no network: vmnet status %u", (unsigned)status);
	}
	return network;
}

vmnet_network_ref copy_network(vmnet_network_ref network)
{
	vmnet_return_t status = VMNET_SUCCESS;
	vmnet_network_ref copy = NULL;
	xpc_object_t serialization =
	    vmnet_network_copy_serialization(network, &status);

	if (serialization != NULL) {
		copy = vmnet_network_create_with_serialization(
		    serialization, &status);
		xpc_release(serialization);
	}
	if (copy == NULL) {
		cannot_tell("serialization: vmnet status %u", (unsigned)status);
	}
	return copy;
}

const char *subnet_address(int host)
{
	static char text[INET_ADDRSTRLEN];
	int pid = (int)getpid();

	/* Probes may leave networks behind: 2048 processes in a row have
	 * subnets of their own. */
	snprintf(text, sizeof(text), "172.%d.%d.%d", 24 + pid / 256 % 8,
	    pid % 256, host);
	return text;
}

bool is_own_address(struct in_addr address)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) != 0) {
		cannot_tell("getifaddrs failed");
	}
	for (struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
		struct sockaddr_in in = { 0 };

		if (i->ifa_addr != NULL && i->ifa_addr->sa_family == AF_INET) {
			memcpy(&in, i->ifa_addr, sizeof(in));
			found |= in.sin_addr.s_addr == address.s_addr;
		}
	}
	freeifaddrs(all);
	return found;
}

/* The child. */
static void own(const char *gateway)
{
	vmnet_network_ref network =
	    create(configure(VMNET_HOST_MODE, gateway, 24));
	char byte = '+';

	(void)network;
	write(STDOUT_FILENO, &byte, 1);
	read(STDIN_FILENO, &byte, 1); /* until the pipe is closed */
	exit(0);
}

pid_t owner_start(const char *gateway, int *pipe_end)
{
	char *const argv[] = { arguments[0], (char *)"own", (char *)gateway,
		NULL };
	posix_spawn_file_actions_t actions;
	int in[2], out[2];
	pid_t pid = 0;
	char byte = 0;

	if (pipe(in) != 0 || pipe(out) != 0) {
		cannot_tell("no pipe");
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, in[1]);
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0) {
		cannot_tell("cannot start %s", argv[0]);
	}
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	if (read(out[0], &byte, 1) != 1 || byte != '+') {
		cannot_tell("the other process has no network");
	}
	*pipe_end = in[1];
	return pid;
}

void check_free_after(pid_t owner, const char *gateway)
{
	vmnet_return_t status = VMNET_SUCCESS;

	waitpid(owner, NULL, 0);
	if (try_create(configure(VMNET_HOST_MODE, gateway, 24), &status) ==
	    NULL) {
		does_not_hold(
		    "%s/24: vmnet status %u", gateway, (unsigned)status);
	}
	holds("%s/24 could be used again", gateway);
}

void ask_before_harm(void)
{
	if (getenv("PROBES_ALL") == NULL) {
		cannot_tell("not tried: if it does not hold, a subnet stays in "
			    "use until the next restart; PROBES_ALL=1 tries");
	}
}

xpc_object_t ask_broker(const char *command)
{
	xpc_connection_t connection = xpc_connection_create_mach_service(
	    VMNET_BROKER_SERVICE, NULL, XPC_CONNECTION_MACH_SERVICE_PRIVILEGED);
	xpc_object_t request = xpc_dictionary_create(NULL, NULL, 0);
	xpc_object_t reply;

	xpc_connection_set_event_handler(connection, ^(xpc_object_t event) {
		(void)event; /* the reply has the same */
	});
	xpc_connection_activate(connection);
	xpc_dictionary_set_string(request, VMNET_BROKER_KEY_COMMAND, command);
	reply =
	    xpc_connection_send_message_with_reply_sync(connection, request);
	if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY ||
	    xpc_dictionary_get_value(reply, VMNET_BROKER_KEY_ERROR) != NULL) {
		cannot_tell("the broker is not installed, or does not answer");
	}
	return reply; /* the connection lives as long as the process */
}

xpc_object_t acquire(void)
{
	vmnet_broker_return_t status = VMNET_BROKER_SUCCESS;
	xpc_object_t serialization =
	    vmnet_broker_acquire_network("host", &status);

	if (serialization == NULL) {
		cannot_tell("the broker: %s", vmnet_broker_last_reason());
	}
	return serialization;
}

int main(int argc, char *argv[])
{
	static const int crashes[] = { SIGTRAP, SIGILL, SIGABRT, SIGSEGV,
		SIGBUS };

	arguments = argv;
	if (argc == 3 && strcmp(argv[1], "own") == 0) {
		own(argv[2]);
	}
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		signal(crashes[i], crashed);
	}
	signal(SIGALRM, timed_out);
	alarm(PATIENCE);
	dispatch_async(dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), ^{
		probe.run();
		cannot_tell("the probe ended without a verdict");
	});
	dispatch_main();
}
