// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "value.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol.h"

static void print_value(const char *path, xpc_object_t value);

void print_dictionary(const char *path, xpc_object_t dictionary)
{
	xpc_dictionary_apply(
	    dictionary, ^bool(const char *key, xpc_object_t value) {
		    char *inner = NULL;

		    if (asprintf(&inner, "%s%s%s", path,
			    *path == '\0' ? "" : ".", key) == -1) {
			    abort();
		    }
		    print_value(inner, value);
		    free(inner);
		    return true;
	    });
}

static void print_array(const char *path, xpc_object_t array)
{
	xpc_array_apply(array, ^bool(size_t index, xpc_object_t value) {
		char *inner = NULL;

		if (asprintf(&inner, "%s[%zu]", path, index) == -1) {
			abort();
		}
		print_value(inner, value);
		free(inner);
		return true;
	});
}

static void print_value(const char *path, xpc_object_t value)
{
	xpc_type_t type = xpc_get_type(value);

	if (strcmp(path, VMNET_BROKER_KEY_NETWORK) == 0) {
		printf("%s %s\n", path, xpc_type_get_name(type));
	} else if (type == XPC_TYPE_DICTIONARY) {
		print_dictionary(path, value);
	} else if (type == XPC_TYPE_ARRAY) {
		print_array(path, value);
	} else if (type == XPC_TYPE_STRING) {
		printf(
		    "%s string %s\n", path, xpc_string_get_string_ptr(value));
	} else if (type == XPC_TYPE_INT64) {
		printf("%s int64 %lld\n", path,
		    (long long)xpc_int64_get_value(value));
	} else if (type == XPC_TYPE_UINT64) {
		printf("%s uint64 %llu\n", path,
		    (unsigned long long)xpc_uint64_get_value(value));
	} else if (type == XPC_TYPE_BOOL) {
		printf("%s bool %s\n", path,
		    xpc_bool_get_value(value) ? "true" : "false");
	} else {
		printf("%s %s\n", path, xpc_type_get_name(type));
	}
}

static xpc_object_t create_fill(const char *text)
{
	size_t size = strtoul(text, NULL, 10);
	char *bytes = malloc(size + 1);

	if (bytes == NULL) {
		abort();
	}
	memset(bytes, 'a', size);
	bytes[size] = '\0';
	xpc_object_t string = xpc_string_create(bytes);
	free(bytes);
	return string;
}

static xpc_object_t create_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	xpc_object_t value = xpc_fd_create(fd);

	close(fd);
	return value;
}

static xpc_object_t create_endpoint(void)
{
	xpc_connection_t listener = xpc_connection_create(NULL, NULL);

	xpc_connection_set_event_handler(listener, ^(xpc_object_t event) {
		(void)event;
	});
	xpc_connection_resume(listener);
	return xpc_endpoint_create(listener);
}

xpc_object_t create_value(const char *type, const char *text)
{
	static const unsigned char uuid[16] = { 1 };
	long long number = strtoll(text, NULL, 10);

	if (strcmp(type, "string") == 0) {
		return xpc_string_create(text);
	} else if (strcmp(type, "fill") == 0) {
		return create_fill(text);
	} else if (strcmp(type, "int64") == 0) {
		return xpc_int64_create(number);
	} else if (strcmp(type, "uint64") == 0) {
		return xpc_uint64_create((uint64_t)number);
	} else if (strcmp(type, "double") == 0) {
		return xpc_double_create(strtod(text, NULL));
	} else if (strcmp(type, "bool") == 0) {
		return xpc_bool_create(strcmp(text, "true") == 0);
	} else if (strcmp(type, "date") == 0) {
		return xpc_date_create(number);
	} else if (strcmp(type, "data") == 0) {
		return xpc_data_create(text, strlen(text));
	} else if (strcmp(type, "uuid") == 0) {
		return xpc_uuid_create(uuid);
	} else if (strcmp(type, "null") == 0) {
		return xpc_null_create();
	} else if (strcmp(type, "array") == 0) {
		return xpc_array_create(NULL, 0);
	} else if (strcmp(type, "dictionary") == 0) {
		return xpc_dictionary_create(NULL, NULL, 0);
	} else if (strcmp(type, "fd") == 0) {
		return create_fd();
	} else if (strcmp(type, "endpoint") == 0) {
		return create_endpoint();
	}
	usage();
}
