// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The environment of the broker: its log, the users of its clients, its
 * transactions, and a Mac without interfaces and routes.
 */

#include "broker-fixture.h"

#include <ifaddrs.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/sysctl.h>

#include "log.h"

void require(bool condition)
{
	if (!condition) {
		__builtin_trap();
	}
}

void __wrap_log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uid_t __wrap_xpc_connection_get_euid(xpc_connection_t connection);
void __wrap_xpc_transaction_begin(void);
void __wrap_xpc_transaction_end(void);
int __wrap_getifaddrs(struct ifaddrs **list);
void __wrap_freeifaddrs(struct ifaddrs *list);
int __wrap_sysctl(int *name, u_int count, void *value, size_t *size,
    void *new_value, size_t new_size);

void require_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		require(*text >= 0x20 && *text <= 0x7e);
	}
}

void __wrap_log_write(enum log_level level, const char *format, ...)
{
	char line[2048];
	va_list args;

	(void)level;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	require_printable(line);
}

static atomic_uint user;

uid_t __wrap_xpc_connection_get_euid(xpc_connection_t connection)
{
	(void)connection;
	return user;
}

void fixture_set_user(unsigned uid)
{
	user = uid;
}

static atomic_int transactions;

int fixture_transactions(void)
{
	return transactions;
}

void __wrap_xpc_transaction_begin(void)
{
	transactions++;
}

void __wrap_xpc_transaction_end(void)
{
	require(transactions-- > 0);
}

int __wrap_getifaddrs(struct ifaddrs **list)
{
	*list = NULL;
	return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
	require(list == NULL);
}

int __wrap_sysctl(int *name, u_int count, void *value, size_t *size,
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
