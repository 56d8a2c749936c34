// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-service-fixture

/*
 * Requests whose values are of other types, or any bytes, and what they do to
 * the log.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker-service-fixture.h"
#include "text.h"

/* A value of each type but string. */
static xpc_object_t create_value(int i)
{
	static const uuid_t uuid = { 1 };

	switch (i) {
	case 0:
		return xpc_int64_create(1);
	case 1:
		return xpc_uint64_create(1);
	case 2:
		return xpc_double_create(1);
	case 3:
		return xpc_bool_create(true);
	case 4:
		return xpc_date_create(1);
	case 5:
		return xpc_data_create("acquire", 7);
	case 6:
		return xpc_uuid_create(uuid);
	case 7:
		return xpc_null_create();
	case 8:
		return xpc_array_create(NULL, 0);
	case 9:
		return xpc_dictionary_create(NULL, NULL, 0);
	case 10:
		return xpc_fd_create(STDIN_FILENO);
	case 11:
		return (xpc_object_t)xpc_retain(fixture.endpoint);
	default:
		return NULL;
	}
}

static void set_and_ask(
    struct client *client, const char *key, xpc_object_t value, int64_t status)
{
	xpc_object_t request = request_create("acquire", "default");

	xpc_dictionary_set_value(request, key, value);
	assert_int_equal(get_status(ask(client, request)), status);
}

/* Goal: S2. */
static void values_of_another_type_are_refused(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	for (int i = 0;; i++) {
		xpc_object_t value = create_value(i);

		if (value == NULL) {
			break;
		}
		set_and_ask(&client, VMNET_BROKER_KEY_COMMAND, value,
		    FAILURE_INVALID_REQUEST);
		set_and_ask(&client, VMNET_BROKER_KEY_NETWORK_NAME, value,
		    FAILURE_INVALID_REQUEST);
		xpc_release(value);
	}
	assert_int_equal(get_status(ask(&client, request_create(NULL, "x"))),
	    FAILURE_INVALID_REQUEST);
	assert_int_equal(
	    get_status(ask(&client, request_create("acquire", NULL))),
	    FAILURE_INVALID_REQUEST);
	assert_int_equal(get_status(ask(&client, request_create(NULL, NULL))),
	    FAILURE_INVALID_REQUEST);
	assert_int_equal(fake_vmnet_created(), 0);
	assert_int_equal(get_broker_status(&client).networks, 0);
	close_client(&client);
}

/* Goal: S1: generated strings, most of them nearly names, are answered: a name
 * with what there is, all else with INVALID_REQUEST. (What they can reach is
 * asked a million times in broker-text-test.) */
static void generated_strings_are_answered_as_names_or_refused(void **unused)
{
	char text[80];
	struct client client;

	(void)unused;
	srandom(1);
	connect_client(&client);
	for (int i = 0; i < 20000; i++) {
		size_t length = (size_t)random() % (sizeof(text) - 1);
		int64_t status = 0;

		/* No NUL, and not "default": others hold no network. */
		for (size_t at = 0; at < length; at++) {
			text[at] = random() % 50 == 0 ? (char)(random() | 1)
						      : (char)('u' + at % 4);
		}
		text[length] = '\0';
		status = name_is_valid(text, length) ? FAILURE_NOT_FOUND
						     : FAILURE_INVALID_REQUEST;
		assert_acquire(&client, text, status);
		assert_int_equal(
		    get_status(ask(&client, request_create(text, "x"))),
		    FAILURE_INVALID_REQUEST);
	}
	close_client(&client);
	assert_client_can_acquire("default");
}

/* Goal: S1: any bytes in a string are an answer, and nothing else. */
static void strings_of_any_bytes_and_length_are_answered(void **unused)
{
	static const size_t lengths[] = { 1, 2, 62, 63, 64, 65, 1000, 65536,
		1 << 20, 16 << 20 };
	static const char bytes[] = "\xff\x01\x7f%\r\n\\\"/.\xc3";
	char *text = malloc((16 << 20) + 1);
	struct client client;

	(void)unused;
	assert_non_null(text);
	connect_client(&client);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (size_t b = 0; b < sizeof(bytes) - 1; b++) {
			if (lengths[i] > 65536 && b > 0) {
				continue;
			}
			memset(text, bytes[b], lengths[i]);
			text[lengths[i]] = '\0';
			assert_acquire(&client, text, FAILURE_INVALID_REQUEST);
			assert_int_equal(
			    get_status(ask(&client, request_create(text, "x"))),
			    FAILURE_INVALID_REQUEST);
		}
	}
	assert_acquire(&client, "", FAILURE_INVALID_REQUEST);
	assert_acquire(&client, "Default", FAILURE_INVALID_REQUEST);
	assert_acquire(&client, "default ", FAILURE_INVALID_REQUEST);
	assert_acquire(&client, "../default", FAILURE_INVALID_REQUEST);
	close_client(&client);
	free(text);
	assert_client_can_acquire("default");
}

/* Goal: S16: what bad requests do to the log is bounded. */
static void lines_that_bad_requests_cause_are_limited_per_user(void **unused)
{
	struct client client;

	(void)unused;
	connect_client(&client);
	for (int i = 0; i < 5000; i++) {
		assert_acquire(&client, "x\xff\n%s", FAILURE_INVALID_REQUEST);
	}
	assert_int_equal(log_lines, 10);
	close_client(&client);
	for (int i = 0; i < 300; i++) {
		connect_client(&client);
		assert_acquire(&client, "X", FAILURE_INVALID_REQUEST);
		close_client(&client);
	}
	assert_int_equal(log_lines, 10);
	/* Another user has lines of his own. */
	peer_uid = USER + 1;
	connect_client(&client);
	assert_acquire(&client, "Y", FAILURE_INVALID_REQUEST);
	wait_log("(uid 502, ");
	assert_int_equal(log_lines, 11);
	close_client(&client);
	advance(1 * SECOND);
	peer_uid = USER;
	connect_client(&client);
	assert_acquire(&client, "X", FAILURE_INVALID_REQUEST);
	wait_log("user 501: 5290 ");
	close_client(&client);
	assert_true(log_bytes < 13L * 400);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(values_of_another_type_are_refused),
		TEST(generated_strings_are_answered_as_names_or_refused),
		TEST(strings_of_any_bytes_and_length_are_answered),
		TEST(lines_that_bad_requests_cause_are_limited_per_user),
	};

	return RUN(tests);
}
