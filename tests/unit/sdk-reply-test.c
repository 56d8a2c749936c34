// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: sdk-fixture sdk-broker sdk-scenario

/*
 * vmnet_broker_acquire_network(): which replies it believes, and what it says
 * of the others.
 */

#include "protocol.h"
#include "../../client/vmnet-broker.c"

#include <err.h>
#include <standin.h>

#include "sdk-acquire.h"

/* Goal: NULL is answered with an error, without a crash and without the
 * broker. */
static void a_null_is_an_answer_and_asks_nobody(void)
{
	const char *nothing = NULL;

	acquire_expect(nothing, VMNET_BROKER_INVALID_REQUEST);
	CHECK_INT(vmnet_broker_acquire_network(nothing, NULL) == NULL, true);
	broker_expect_nothing();
	broker_start("serve");
	acquire_from("default", "serve");
	expect_request("default");
}

/* Goal: every status has a text of its own, and unknown numbers have one
 * too. */
static void every_status_has_a_text_of_its_own(void)
{
	static const int others[] = { 10, 1001, INT32_MAX, -1, INT32_MIN };
	int i, j;

	for (i = 0; i <= VMNET_BROKER_CONFIGURATION; i++) {
		for (j = i + 1; j <= VMNET_BROKER_CONFIGURATION + 1; j++) {
			CHECK_INT(strcmp(vmnet_broker_strerror(i),
				      vmnet_broker_strerror(j)) == 0,
			    false);
		}
	}
	for (i = 0; i < (int)COUNT(others); i++) {
		CHECK_STRING(
		    vmnet_broker_strerror((vmnet_broker_return_t)others[i]),
		    "unknown error");
	}
}

static const struct {
	const char *name;
	int status;
} rows[] = {
	{ "network:null", VMNET_BROKER_INVALID_REPLY },
	{ "network:bool", VMNET_BROKER_INVALID_REPLY },
	{ "network:int64", VMNET_BROKER_INVALID_REPLY },
	{ "network:uint64", VMNET_BROKER_INVALID_REPLY },
	{ "network:double", VMNET_BROKER_INVALID_REPLY },
	{ "network:date", VMNET_BROKER_INVALID_REPLY },
	{ "network:data", VMNET_BROKER_INVALID_REPLY },
	{ "network:string", VMNET_BROKER_INVALID_REPLY },
	{ "network:uuid", VMNET_BROKER_INVALID_REPLY },
	{ "network:array", VMNET_BROKER_INVALID_REPLY },
	{ "network:fd", VMNET_BROKER_INVALID_REPLY },
	{ "network:shmem", VMNET_BROKER_INVALID_REPLY },
	{ "network:endpoint", VMNET_BROKER_INVALID_REPLY },
	{ "network:dictionary", VMNET_BROKER_SUCCESS },
	{ "error:null", VMNET_BROKER_INVALID_REPLY },
	{ "error:bool", VMNET_BROKER_INVALID_REPLY },
	{ "error:uint64", VMNET_BROKER_INVALID_REPLY },
	{ "error:double", VMNET_BROKER_INVALID_REPLY },
	{ "error:date", VMNET_BROKER_INVALID_REPLY },
	{ "error:data", VMNET_BROKER_INVALID_REPLY },
	{ "error:string", VMNET_BROKER_INVALID_REPLY },
	{ "error:uuid", VMNET_BROKER_INVALID_REPLY },
	{ "error:array", VMNET_BROKER_INVALID_REPLY },
	{ "error:fd", VMNET_BROKER_INVALID_REPLY },
	{ "error:shmem", VMNET_BROKER_INVALID_REPLY },
	{ "error:endpoint", VMNET_BROKER_INVALID_REPLY },
	{ "error:dictionary", VMNET_BROKER_INVALID_REPLY },
	{ "error:int64", VMNET_BROKER_NOT_FOUND },
	{ "error=-9223372036854775808", VMNET_BROKER_INVALID_REPLY },
	{ "error=-1", VMNET_BROKER_INVALID_REPLY },
	{ "error=0", VMNET_BROKER_INVALID_REPLY },
	{ "error=1", VMNET_BROKER_INVALID_REPLY },
	{ "error=2", VMNET_BROKER_INVALID_REPLY },
	{ "error=3", VMNET_BROKER_NOT_ALLOWED },
	{ "error=4", VMNET_BROKER_INVALID_REQUEST },
	{ "error=5", VMNET_BROKER_NOT_FOUND },
	{ "error=6", VMNET_BROKER_CREATE_FAILURE },
	{ "error=7", VMNET_BROKER_INTERNAL_ERROR },
	{ "error=2147483647", 2147483647 },
	{ "error=2147483648", VMNET_BROKER_INVALID_REPLY },
	{ "error=4294967299", VMNET_BROKER_INVALID_REPLY },
	{ "error=9223372036854775807", VMNET_BROKER_INVALID_REPLY },
	{ "none", VMNET_BROKER_INVALID_REPLY },
	{ "both", VMNET_BROKER_INVALID_REPLY },
	{ "push", VMNET_BROKER_SUCCESS },
};

/* Goal: only a reply that follows the protocol to the letter is believed. */
static void only_a_reply_that_follows_the_protocol_is_believed(void)
{
	long alive;
	size_t i;

	broker_start("serve");
	for (i = 0; i < COUNT(rows); i++) {
		vmnet_broker_return_t status;
		xpc_object_t network =
		    vmnet_broker_acquire_network(rows[i].name, &status);

		if ((int)status != rows[i].status) {
			errx(1, "%s: %d, not %d", rows[i].name, (int)status,
			    rows[i].status);
		}
		CHECK_INT(network != NULL, status == VMNET_BROKER_SUCCESS);
		CHECK_INT(strcmp(vmnet_broker_last_reason(),
			      status == VMNET_BROKER_SUCCESS
				  ? ""
				  : vmnet_broker_strerror(status)),
		    0);
		if (network != NULL) {
			xpc_release(network);
		}
	}
	/* Another call returns the current network and makes no further
	 * hold. */
	events_settle();
	alive = standin_objects_alive(NULL);
	for (i = 0; i < COUNT(rows); i++) {
		xpc_object_t network =
		    vmnet_broker_acquire_network(rows[i].name, NULL);

		CHECK_INT(
		    network != NULL, rows[i].status == VMNET_BROKER_SUCCESS);
		if (network != NULL) {
			xpc_release(network);
		}
	}
	alive_at_most(alive);
}

/* Goal: a reply that is no dictionary is refused, whatever it is. Today XPC
 * delivers none, so it is shown to the function that reads them. */
static void a_reply_that_is_no_dictionary_is_refused(void)
{
	xpc_object_t objects[] = { xpc_null_create(), xpc_bool_create(true),
		xpc_int64_create(5), xpc_uint64_create(5), xpc_double_create(5),
		xpc_date_create(5), xpc_data_create("5", 1),
		xpc_string_create("network"), xpc_array_create(NULL, 0),
		xpc_fd_create(STDERR_FILENO) };
	size_t i;

	for (i = 0; i < COUNT(objects); i++) {
		CHECK_INT(read_reply(objects[i]), VMNET_BROKER_INVALID_REPLY);
		xpc_release(objects[i]);
	}
	CHECK_INT(read_reply((xpc_object_t)XPC_ERROR_CONNECTION_INVALID),
	    VMNET_BROKER_XPC_FAILURE);
}

static void *reason_of_another(void *unused)
{
	(void)unused;
	CHECK_INT(vmnet_broker_last_reason()[0], '\0');
	acquire_expect("reason=another", VMNET_BROKER_CREATE_FAILURE);
	CHECK_STRING(vmnet_broker_last_reason(), "another");
	return NULL;
}

/* Goal: the broker's reason reaches the caller: each thread gets its own, it is
 * truncated to the buffer, and removed by the next success. */
static void the_reason_of_the_broker_reaches_the_thread_that_asked(void)
{
	char name[2000] = "reason=";
	pthread_t thread;

	broker_start("serve");
	CHECK_INT(vmnet_broker_last_reason()[0], '\0');
	acquire_expect(
	    "reason=networks.json:3:13: wrong", VMNET_BROKER_CREATE_FAILURE);
	CHECK_INT(pthread_create(&thread, NULL, reason_of_another, NULL), 0);
	CHECK_INT(pthread_join(thread, NULL), 0);
	CHECK_STRING(vmnet_broker_last_reason(), "networks.json:3:13: wrong");
	memset(name + strlen(name), 'x', 1900);
	acquire_expect(name, VMNET_BROKER_CREATE_FAILURE);
	CHECK_INT((long)strlen(vmnet_broker_last_reason()), 511);
	acquire_from("default", "serve");
	CHECK_INT(vmnet_broker_last_reason()[0], '\0');
	CHECK_INT(vmnet_broker_acquire_network("error=5", NULL) == NULL, true);
	CHECK_STRING(vmnet_broker_last_reason(), "no such network");
}

/* Goal: which names are good is for the broker to say: it gets any string. */
static void the_broker_gets_any_string_as_a_name(void)
{
	size_t size = 1 << 20;
	char *large = malloc(size);

	CHECK_INT(large != NULL, true);
	memset(large, 'x', size - 1);
	large[size - 1] = '\0';
	broker_start("serve");
	broker_expect_nothing();
	acquire_from("", "serve");
	expect_request("");
	acquire_from("../%n\x1b[2J", "serve");
	expect_request("../%n\x1b[2J");
	acquire_expect("\xff\xfe\xc0\x80", VMNET_BROKER_SUCCESS);
	expect_request("\xff\xfe\xc0\x80");
	acquire_from(large, "serve");
	free(large);
}

/* Goal: an allocation that fails is a status, and nothing leaks. */
static void an_allocation_that_fails_is_a_status(void)
{
	long alive;
	int n;

	broker_start("serve");
	acquire_from("default", "serve");
	events_settle();
	alive = standin_objects_alive(NULL);
	for (n = 1;; n++) {
		vmnet_broker_return_t status;
		xpc_object_t network;
		char plan[32];

		snprintf(plan, sizeof(plan), "malloc:%d", n);
		standin_fail(plan);
		network = vmnet_broker_acquire_network("another", &status);
		if (standin_fail_count("malloc") < (unsigned long)n) {
			standin_fail(NULL);
			CHECK_INT(status, VMNET_BROKER_SUCCESS);
			xpc_release(network);
			break;
		}
		standin_fail(NULL);
		CHECK_INT(status, VMNET_BROKER_INTERNAL_ERROR);
		CHECK_STRING(vmnet_broker_last_reason(), "internal error");
		CHECK_INT(network == NULL, true);
		alive_at_most(alive);
	}
	/* It has something to fail. */
	CHECK_INT(n > 1, true);
}

static const struct scenario scenarios[] = {
	SCENARIO(a_null_is_an_answer_and_asks_nobody),
	SCENARIO_ALONE(every_status_has_a_text_of_its_own),
	SCENARIO(only_a_reply_that_follows_the_protocol_is_believed),
	SCENARIO_ALONE(a_reply_that_is_no_dictionary_is_refused),
	SCENARIO(the_reason_of_the_broker_reaches_the_thread_that_asked),
	SCENARIO(the_broker_gets_any_string_as_a_name),
	SCENARIO(an_allocation_that_fails_is_a_status),
};

int main(int argc, char **argv)
{
	return scenarios_main(argc, argv, scenarios, COUNT(scenarios));
}
