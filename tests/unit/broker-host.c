// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>

#include <xpc/xpc.h>

#include "log.h"
#include "run-until-failure.h"

#define LINES 16

/*
 * The log.
 */

atomic_int log_lines;
atomic_long log_bytes;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_recent[LINES][1024]; /* a ring */
static size_t log_next;

void __wrap_log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void __wrap_log_write(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	if (level == LOG_LEVEL_DEBUG) {
		return;
	}
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	pthread_mutex_lock(&log_lock);
	memcpy(log_recent[log_next++ % LINES], line, sizeof(line));
	pthread_mutex_unlock(&log_lock);
	for (const char *at = line; *at != '\0'; at++) {
		if (*at < 0x20 || *at > 0x7e) {
			abort(); /* S16 */
		}
	}
	log_lines++;
	log_bytes += (long)strlen(line);
}

bool host_take_log(const char *text)
{
	bool found = false;

	pthread_mutex_lock(&log_lock);
	for (size_t i = 0; i < LINES && !found; i++) {
		found = strstr(log_recent[i], text) != NULL;
		if (found) {
			log_recent[i][0] = '\0';
		}
	}
	pthread_mutex_unlock(&log_lock);
	return found;
}

/*
 * Clients.
 */

atomic_uint peer_uid;

uid_t __wrap_xpc_connection_get_euid(xpc_connection_t connection);

uid_t __wrap_xpc_connection_get_euid(xpc_connection_t connection)
{
	(void)connection;
	return peer_uid;
}

atomic_int turns;

void __real_xpc_connection_suspend(xpc_connection_t connection);
void __wrap_xpc_connection_suspend(xpc_connection_t connection);

void __wrap_xpc_connection_suspend(xpc_connection_t connection)
{
	turns++;
	__real_xpc_connection_suspend(connection);
}

/*
 * Interfaces.
 */

static struct sockaddr_in en0_address, en0_mask, bridge_address;
static struct ifaddrs en0[1 + OTHER_BRIDGES], bridge[1 + OTHER_BRIDGES];
static char bridge_names[1 + OTHER_BRIDGES][16] = { "bridge100", "bridge0",
	"bridge99", "bridge", "bridge100x", "bridge099" };
atomic_int bridge_used;

int __wrap_getifaddrs(struct ifaddrs **list);
void __wrap_freeifaddrs(struct ifaddrs *list);

int __wrap_getifaddrs(struct ifaddrs **list)
{
	*list = &en0[bridge_used];
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
	assert_true(list >= &en0[0] && list <= &en0[OTHER_BRIDGES]);
}

static void set_address(struct sockaddr_in *address, const char *text)
{
	address->sin_family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, text, &address->sin_addr), 1);
}

void host_set_address(const char *text)
{
	set_address(&en0_address, text);
}

static void set_up_interfaces(void)
{
	static char name[] = "en0";

	set_address(&en0_address, "192.168.100.20");
	set_address(&en0_mask, "255.255.255.0");
	set_address(&bridge_address, "192.168.101.1");
	for (int i = 0; i <= OTHER_BRIDGES; i++) {
		en0[i] = (struct ifaddrs){
			.ifa_next = &bridge[i],
			.ifa_name = name,
			.ifa_addr = (struct sockaddr *)&en0_address,
			.ifa_netmask = (struct sockaddr *)&en0_mask,
		};
		bridge[i] = (struct ifaddrs){
			.ifa_name = bridge_names[i],
			.ifa_addr = (struct sockaddr *)&bridge_address,
			.ifa_netmask = (struct sockaddr *)&en0_mask,
		};
	}
}

/*
 * Routes, as the kernel lists them.
 */

struct route {
	struct rt_msghdr header;
	uint8_t destination[16]; /* length, family, port, address */
	uint8_t mask[8];         /* as long as it says */
};

static struct route routes[8];
static atomic_size_t route_count;
static pthread_mutex_t routes_lock = PTHREAD_MUTEX_INITIALIZER;

void host_add_route(unsigned interface, uint32_t address, int of_length)
{
	struct route *route = &routes[route_count];
	uint32_t to = htonl(address);
	int bytes = (of_length + 7) / 8;

	pthread_mutex_lock(&routes_lock);
	*route = (struct route){ 0 };
	route->header.rtm_msglen = sizeof(*route);
	route->header.rtm_version = RTM_VERSION;
	route->header.rtm_index = (u_short)interface;
	route->header.rtm_flags = RTF_UP;
	route->header.rtm_addrs = RTA_DST;
	route->destination[0] = sizeof(route->destination);
	route->destination[1] = AF_INET;
	memcpy(route->destination + 4, &to, sizeof(to));
	if (of_length <= 32) {
		uint32_t mask =
		    htonl(of_length == 0 ? 0 : UINT32_MAX << (32 - of_length));

		route->header.rtm_addrs |= RTA_NETMASK;
		route->mask[0] = bytes == 0 ? 0 : (uint8_t)(4 + bytes);
		memcpy(route->mask + 4, &mask, (size_t)bytes);
	}
	route_count++;
	pthread_mutex_unlock(&routes_lock);
}

void host_set_route(int flags, bool cut)
{
	struct rt_msghdr *header = NULL;

	pthread_mutex_lock(&routes_lock);
	header = &routes[route_count - 1].header;
	header->rtm_flags = flags;
	if (cut) {
		header->rtm_msglen = sizeof(*header) - 1;
	}
	pthread_mutex_unlock(&routes_lock);
}

void host_forget_routes(void)
{
	route_count = 0;
}

int __wrap_sysctl(int *name, u_int count, void *value, size_t *size,
    void *new_value, size_t new_size);
char *__wrap_if_indextoname(unsigned index, char *name);

int __wrap_sysctl(int *name, u_int count, void *value, size_t *size,
    void *new_value, size_t new_size)
{
	(void)new_value;
	(void)new_size;
	assert_int_equal(count, 6);
	assert_int_equal(name[4], NET_RT_DUMP);
	pthread_mutex_lock(&routes_lock);
	if (value != NULL) {
		assert_true(*size >= route_count * sizeof(routes[0]));
		memcpy(value, routes, route_count * sizeof(routes[0]));
	}
	*size = route_count * sizeof(routes[0]);
	pthread_mutex_unlock(&routes_lock);
	return 0;
}

char *__wrap_if_indextoname(unsigned index, char *name)
{
	snprintf(name, IF_NAMESIZE, "%s", index == 9 ? "utun3" : "bridge100");
	return name;
}

void host_reset(void)
{
	memset(log_recent, 0, sizeof(log_recent));
	host_forget_routes();
	set_up_interfaces();
}
