// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "vmnet-fixture.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VMNETD "build/linux/plain/bin/vmnetd"
#define NOBODY 65534
#define OPTIONS_MAX 8
#define BACKGROUNDS_MAX 4

static char directory[64];
static pid_t server;
/* Of a process in the background: one to write, one to read. */
static int hold_ready = -1, hold_go = -1;
static struct {
	pid_t pid;
	int go;
} backgrounds[BACKGROUNDS_MAX];

static bool file_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	return file != NULL &&
	    (fputs(text, file) >= 0) + (fclose(file) == 0) == 2;
}

/* As root of a user namespace, when we are not root already. */
static bool namespaces_enter(void)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u 1\n", (unsigned)getuid());
	if (getuid() == 0) {
		return unshare(CLONE_NEWNET) == 0;
	}
	return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 &&
	    file_write("/proc/self/setgroups", "deny") &&
	    file_write("/proc/self/uid_map", map);
}

const char *fixture_namespace(void)
{
	if (access("/dev/net/tun", R_OK | W_OK) == -1) {
		return "/dev/net/tun cannot be opened";
	}
	if (!namespaces_enter()) {
		return "no network namespace";
	}
	if (system("ip link set lo up && "
		   "ip link add en0 type veth peer name world0 && "
		   "ip addr add 198.51.100.2/24 dev en0 && "
		   "ip link set world0 up && ip link set en0 up && "
		   "ip route add default via 198.51.100.1") != 0) {
		return "no veth";
	}
	return NULL;
}

static void server_exec(const char *const *options, int output)
{
	const char *argv[OPTIONS_MAX + 2] = { "vmnetd" };

	for (int i = 0; options != NULL && options[i] != NULL; i++) {
		argv[i + 1] = options[i];
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(output, STDOUT_FILENO);
	execv(VMNETD, (char *const *)argv);
	err(127, VMNETD);
}

static void server_start(const char *const *options)
{
	int pipes[2];
	char text[6] = "";

	if (pipe2(pipes, O_CLOEXEC) == -1) {
		err(1, "vmnetd");
	}
	server = fork();
	if (server == 0) {
		server_exec(options, pipes[1]);
	}
	close(pipes[1]);
	if (read(pipes[0], text, sizeof(text)) != sizeof(text) ||
	    memcmp(text, "ready\n", sizeof(text)) != 0) {
		errx(1, "vmnetd has not started");
	}
	close(pipes[0]);
}

void fixture_start(const char *const *options)
{
	snprintf(directory, sizeof(directory), "/tmp/vmnet-test.XXXXXX");
	if (mkdtemp(directory) == NULL || chmod(directory, 0755) == -1) {
		err(1, "%s", directory);
	}
	setenv("STANDIN_DIR", directory, 1);
	server_start(options);
}

void fixture_restart(void)
{
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	server_start(NULL);
}

void fixture_stop(void)
{
	int status;

	kill(server, SIGTERM);
	waitpid(server, &status, 0);
	if (status != 0) {
		errx(1, "vmnetd ended with status %x", (unsigned)status);
	}
	if (rmdir(directory) == -1) {
		err(1, "vmnetd has left something: %s", directory);
	}
}

/* A process that has ended would stay for a second. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0";
}

static bool child_ended(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

bool fixture_run(void (*scenario)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		scenario();
		exit(0);
	}
	return child_ended(pid);
}

bool fixture_run_user(void (*scenario)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		/* A user namespace may have no user but root. */
		if (getuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0 &&
		    errno != EINVAL) {
			err(1, "setuid");
		}
		scenario();
		exit(0);
	}
	return child_ended(pid);
}

static void background_add(pid_t pid, int go)
{
	int i = 0;

	while (i < BACKGROUNDS_MAX && backgrounds[i].pid != 0) {
		i++;
	}
	if (i == BACKGROUNDS_MAX) {
		errx(1, "too many processes in the background");
	}
	backgrounds[i].pid = pid;
	backgrounds[i].go = go;
}

static void background_remove(pid_t pid)
{
	for (int i = 0; i < BACKGROUNDS_MAX; i++) {
		if (backgrounds[i].pid == pid) {
			backgrounds[i].pid = 0;
			close(backgrounds[i].go);
		}
	}
}

pid_t fixture_background(void (*scenario)(void))
{
	int ready[2], go[2];
	pid_t pid;
	char byte;

	if (pipe2(ready, O_CLOEXEC) == -1 || pipe2(go, O_CLOEXEC) == -1) {
		err(1, "pipe");
	}
	pid = fork();
	if (pid == 0) {
		close(ready[0]);
		close(go[1]);
		hold_ready = ready[1];
		hold_go = go[0];
		scenario();
		exit(0);
	}
	close(ready[1]);
	close(go[0]);
	background_add(pid, go[1]);
	if (read(ready[0], &byte, 1) != 1) {
		errx(1, "the process in the background has failed");
	}
	close(ready[0]);
	return pid;
}

void fixture_hold(void)
{
	char byte = 0;

	if (write(hold_ready, &byte, 1) != 1 || read(hold_go, &byte, 1) == -1) {
		err(1, "hold");
	}
}

void fixture_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	background_remove(pid);
}

bool fixture_end(pid_t pid)
{
	background_remove(pid);
	return child_ended(pid);
}

static void set_subnet(vmnet_network_configuration_ref config, const char *text)
{
	char address[32];
	struct in_addr host, mask;
	int length;

	if (sscanf(text, "%31[^/]/%d", address, &length) != 2 ||
	    inet_pton(AF_INET, address, &host) != 1) {
		errx(1, "not a subnet: %s", text);
	}
	mask.s_addr = length == 0 ? 0 : htonl(~0u << (32 - length));
	CHECK_INT(
	    vmnet_network_configuration_set_ipv4_subnet(config, &host, &mask),
	    VMNET_SUCCESS);
}

vmnet_network_ref fixture_network(
    vmnet_mode_t mode, const char *subnet, vmnet_return_t *status)
{
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(mode, status);
	vmnet_network_ref network;

	CHECK_TRUE(config != NULL);
	if (subnet != NULL) {
		set_subnet(config, subnet);
	}
	network = vmnet_network_create(config, status);
	CFRelease(config);
	return network;
}

const char *fixture_subnet(vmnet_network_ref network)
{
	static char text[32];
	char address[INET_ADDRSTRLEN];
	struct in_addr host, mask;

	vmnet_network_get_ipv4_subnet(network, &host, &mask);
	inet_ntop(AF_INET, &host, address, sizeof(address));
	snprintf(text, sizeof(text), "%s/%d", address,
	    __builtin_popcount(mask.s_addr));
	return text;
}
