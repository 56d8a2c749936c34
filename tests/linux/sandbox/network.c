// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Two network namespaces: the Mac's, where everything runs, and that of the
 * external network, where only a name server runs. A single link connects them.
 */

#define _GNU_SOURCE

#include "sandbox.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/log.h"
#include "../common/spawn.h"

#define MAC_ETHER "02:00:5e:00:53:02"
#define WORLD_ETHER "02:00:5e:00:53:01"

/* nodad, neigh: the link works at once. Otherwise an address is tentative for a
 * while, and the first solicitation is sometimes lost, which takes a second. */
static const char mac_links[] =
    "link set lo up\n"
    "link add en0 address " MAC_ETHER
    " type veth peer name mac0 address " WORLD_ETHER " netns world\n"
    "address add 198.51.100.2/24 dev en0\n"
    "address add 2001:db8:1::2/64 dev en0 nodad\n"
    "link set en0 up\n"
    "neigh add 198.51.100.1 lladdr " WORLD_ETHER " dev en0\n"
    "neigh add 2001:db8:1::1 lladdr " WORLD_ETHER " dev en0\n";
static const char world_links[] =
    "link set lo up\n"
    "address add 198.51.100.1/24 dev mac0\n"
    "address add 203.0.113.1/32 dev lo\n"
    "address add 2001:db8:1::1/64 dev mac0 nodad\n"
    "address add 2001:db8:2::1/128 dev lo nodad\n"
    "link set mac0 up\n"
    "neigh add 198.51.100.2 lladdr " MAC_ETHER " dev mac0\n"
    "neigh add 2001:db8:1::2 lladdr " MAC_ETHER " dev mac0\n";
/* These need the link to be up. */
static const char mac_routes[] =
    "route add default via 198.51.100.1\n"
    "route add default via 2001:db8:1::1 dev en0\n";

/* Ignores settings that the kernel does not have or does not let us change. */
static void set_sysctl(const char *name, const char *value)
{
	char path[PATH_MAX];
	ssize_t written = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd != -1) {
		written = write(fd, value, strlen(value));
		close(fd);
	}
	(void)written;
}

static void set_sysctls(void)
{
	/* Links get their link-local address without a second's delay. */
	set_sysctl("ipv6/conf/all/accept_dad", "0");
	set_sysctl("ipv6/conf/default/accept_dad", "0");
	set_sysctl("ipv6/conf/default/disable_ipv6", "0");
	set_sysctl("ipv6/conf/lo/disable_ipv6", "0");
	/* All users may ping. */
	set_sysctl("ipv4/ping_group_range", "0 2147483647");
	/* A daemon's backlog holds as many connections as a Mach port does
	 * messages. */
	set_sysctl("core/somaxconn", "65535");
	/* Datagram sockets are limited by bytes, not by messages. */
	set_sysctl("unix/max_dgram_qlen", "65535");
}

static int ip_batch(const char *const *argv, const char *commands)
{
	struct spawn spawn = {
		.argv = argv,
		.stdio = { -1, SPAWN_INHERIT, SPAWN_INHERIT },
		.netns = -1,
	};
	ssize_t size = (ssize_t)strlen(commands);
	int status = -1;
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) == -1) {
		log_error("ip: %m");
		return -1;
	}
	/* The commands fit into the buffer of the pipe. */
	if (write(pipes[1], commands, (size_t)size) == size) {
		close(pipes[1]);
		pipes[1] = -1;
		spawn.stdio[0] = pipes[0];
		pid = spawn_start(&spawn);
		if (pid != -1) {
			waitpid(pid, &status, 0);
		}
	}
	close(pipes[0]);
	if (pipes[1] != -1) {
		close(pipes[1]);
	}
	if (status != 0) {
		log_error("the network cannot be set up");
		return -1;
	}
	return 0;
}

static int make_world(void)
{
	int mac = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int place =
	    open(WORLD_NETNS, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	int result = -1;

	set_sysctls();
	if (mac != -1 && place != -1 && unshare(CLONE_NEWNET) == 0 &&
	    mount("/proc/self/ns/net", WORLD_NETNS, NULL, MS_BIND, NULL) == 0) {
		set_sysctls();
		result = setns(mac, CLONE_NEWNET);
	}
	if (result == -1) {
		log_error("world: %m");
	}
	if (mac != -1) {
		close(mac);
	}
	if (place != -1) {
		close(place);
	}
	return result;
}

int network_start(const struct sandbox *sandbox)
{
	static const char *const mac[] = { "ip", "-batch", "-", NULL };
	static const char *const world[] = { "ip", "-n", "world", "-batch", "-",
		NULL };

	(void)sandbox;
	if (make_world() == -1 || ip_batch(mac, mac_links) == -1 ||
	    ip_batch(world, world_links) == -1) {
		return -1;
	}
	return ip_batch(mac, mac_routes);
}

pid_t network_serve(int *log)
{
	/* Run in the foreground, as our own user. */
	static const char *const argv[] = { "dnsmasq", "--no-daemon",
		"--log-facility=-", "--conf-file=/dev/null", "--no-resolv",
		"--no-hosts", "--listen-address=198.51.100.1",
		"--listen-address=203.0.113.1",
		"--listen-address=2001:db8:1::1",
		"--listen-address=2001:db8:2::1", "--bind-interfaces",
		/* No other name exists there. */
		"--address=/#/", "--address=/world.example/203.0.113.1",
		"--address=/world.example/2001:db8:2::1", NULL };
	struct spawn spawn = {
		.argv = argv,
		.stdio = { SPAWN_NULL, SPAWN_NULL, -1 },
		.session = true,
	};
	int pipes[2];
	pid_t pid;

	spawn.netns = open(WORLD_NETNS, O_RDONLY | O_CLOEXEC);
	if (spawn.netns == -1 || pipe2(pipes, O_CLOEXEC) == -1) {
		log_error("dnsmasq: %m");
		return -1;
	}
	spawn.stdio[2] = pipes[1];
	pid = spawn_start(&spawn);
	if (pid == -1) {
		log_error("dnsmasq: %m");
	}
	close(pipes[1]);
	close(spawn.netns);
	*log = pipes[0];
	return pid;
}
