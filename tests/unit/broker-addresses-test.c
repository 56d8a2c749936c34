// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// platforms: linux macos
// link: broker/subnet.c broker/text.c

/*
 * The addresses of the host with sockaddrs as macOS has them: each begins with
 * its length, and a mask ends after its last non-zero byte. broker/addresses.c
 * is compiled into this test with such types in place of Linux's.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include <cmocka.h>

#include "log.h"
#include "subnet.h"
#include "text.h"

struct mac_sockaddr {
	uint8_t sa_len;
	uint8_t sa_family;
	char sa_data[14];
};

struct mac_sockaddr_in {
	uint8_t length;
	uint8_t sin_family;
	uint16_t sin_port;
	struct in_addr sin_addr;
	char zero[8];
};

struct mac_ifaddrs {
	struct mac_ifaddrs *ifa_next;
	char *ifa_name;
	struct mac_sockaddr *ifa_addr;
	struct mac_sockaddr *ifa_netmask;
};

static int get_interfaces(struct mac_ifaddrs **list);
static void free_interfaces(struct mac_ifaddrs *list);
static int get_routes(int *name, unsigned count, void *value, size_t *size,
    void *new_value, size_t new_size);

#define SIN6_LEN
#define sockaddr mac_sockaddr
#define sockaddr_in mac_sockaddr_in
#define ifaddrs mac_ifaddrs
#define getifaddrs get_interfaces
#define freeifaddrs free_interfaces
#define sysctl get_routes
#include "../../broker/addresses.c"
#undef sockaddr
#undef sockaddr_in
#undef ifaddrs
#undef getifaddrs
#undef freeifaddrs
#undef sysctl

static char en0_name[] = "en0";
static struct mac_sockaddr_in en0_address;
static struct mac_ifaddrs en0;

static int get_interfaces(struct mac_ifaddrs **list)
{
	*list = &en0;
	return 0;
}

static void free_interfaces(struct mac_ifaddrs *list)
{
	assert_ptr_equal(list, &en0);
}

/* The host has no routes. */
static int get_routes(int *name, unsigned count, void *value, size_t *size,
    void *new_value, size_t new_size)
{
	(void)name;
	(void)count;
	(void)value;
	(void)new_value;
	(void)new_size;
	*size = 0;
	return 0;
}

void log_write(enum log_level level, const char *format, ...)
{
	(void)level;
	(void)format;
}

/* en0 has 10.1.2.3 and a mask of this many bytes; the memory ends after them,
 * or continues with other bytes. */
static void assert_interface(
    uint8_t length, uint32_t mask, bool continues, const char *expected)
{
	const struct subnet all = { .address = 0, .length = 0 };
	size_t room = continues ? 16 : length;
	uint8_t *bytes = malloc(room);
	uint32_t ordered = htonl(mask);
	char text[ADDRESSES_TEXT] = "";

	assert_non_null(bytes);
	memset(bytes, 0xff, room);
	bytes[0] = length;
	for (size_t i = 4; i < length && i < 8; i++) {
		bytes[i] = ((const uint8_t *)&ordered)[i - 4];
	}
	en0_address = (struct mac_sockaddr_in){
		.length = sizeof(en0_address),
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x0a010203),
	};
	en0 = (struct mac_ifaddrs){
		.ifa_name = en0_name,
		.ifa_addr = (struct mac_sockaddr *)&en0_address,
		.ifa_netmask = (struct mac_sockaddr *)(void *)bytes,
	};
	assert_true(addresses_overlap(&all, text));
	assert_string_equal(text, expected);
	free(bytes);
}

/* Goal: the bytes after a mask's end are not part of it, and are not read. */
static void a_mask_is_read_up_to_its_length(void **state)
{
	(void)state;
	for (int continues = 0; continues < 2; continues++) {
		assert_interface(
		    5, 0xff000000, continues, "interface en0 (10.1.2.3/8)");
		assert_interface(
		    6, 0xfffe0000, continues, "interface en0 (10.1.2.3/15)");
		assert_interface(
		    7, 0xffffff00, continues, "interface en0 (10.1.2.3/24)");
		assert_interface(
		    8, 0xfffffff0, continues, "interface en0 (10.1.2.3/28)");
	}
}

/* Goal: a tunnel's mask of 0 has no byte of an address. */
static void a_mask_without_bytes_is_a_single_address(void **state)
{
	(void)state;
	for (int continues = 0; continues < 2; continues++) {
		for (uint8_t length = 1; length <= 4; length++) {
			assert_interface(length, 0, continues,
			    "interface en0 (10.1.2.3/32)");
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mask_is_read_up_to_its_length),
		cmocka_unit_test(a_mask_without_bytes_is_a_single_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
