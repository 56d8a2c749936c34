// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// fixture: broker-service-fixture

/*
 * A vmnet that fails or hangs, and a system that has nothing left.
 */

#include <stdio.h>
#include <string.h>

#include <standin.h>

#include "broker-service-fixture.h"

static const char *const fatal_functions[] = {
	"vmnet_network_configuration_create",
	"vmnet_network_configuration_set_ipv4_subnet",
	"vmnet_network_create",
	"vmnet_network_copy_serialization",
};

static void assert_vmnet_failure(const char *function, int status)
{
	struct client client;
	xpc_object_t reply = NULL;
	xpc_object_t number = NULL;
	const char *message = NULL;
	char plan[128];

	snprintf(plan, sizeof(plan), "%s=%d", function, status);
	standin_fail(plan);
	connect_client(&client);
	reply = ask(&client, request_create("acquire", "far"));
	standin_fail(NULL);
	assert_int_equal(
	    xpc_dictionary_get_int64(reply, "error"), FAILURE_CREATE);
	number = xpc_dictionary_get_value(reply, "vmnet_status");
	assert_non_null(number);
	assert_int_equal(xpc_int64_get_value(number), status);
	message = xpc_dictionary_get_string(reply, "error_message");
	snprintf(plan, sizeof(plan), "(%d)", status);
	if (strstr(message, function) == NULL ||
	    strstr(message, plan) == NULL) {
		fail_msg("\"%s\"", message);
	}
	xpc_release(reply);
	/* And the next is served. */
	assert_acquire(&client, "far", 0);
	close_client(&client);
	wait_no_clients();
	advance(5 * SECOND);
	wait_networks(0);
}

/* Goal: S17: each status of each function, known or not. */
static void each_status_of_each_vmnet_call_is_reported(void **unused)
{
	static const int statuses[] = { 1000, 1001, 1002, 1003, 1004, 1005,
		1006, 1007, 1008, 1009, 1010, 1011, 0, -1, 4242 };

	(void)unused;
	for (size_t f = 0; f < 4; f++) {
		for (size_t s = 0; s < sizeof(statuses) / sizeof(statuses[0]);
		     s++) {
			/* This one returns a status and nothing else. */
			if (f == 1 && statuses[s] == 1000) {
				continue;
			}
			/* "vmnet_status" 0 would say that it was not vmnet. */
			if (statuses[s] > 0) {
				assert_vmnet_failure(
				    fatal_functions[f], statuses[s]);
			}
		}
	}
}

/* Goal: S20: a call that hangs delays the clients that wait for it by 30 s, and
 * no other client. */
static void a_creation_that_hangs_costs_its_askers_30_seconds(void **unused)
{
	struct replies replies = { 0 };
	struct client asker;
	struct client other;

	(void)unused;
	standin_hang("vmnet_network_create:1");
	connect_client(&asker);
	connect_client(&other);
	acquire_later(&asker, &replies, "default");
	acquire_later(&asker, &replies, "default");
	assert_network(&asker, "default", "creating 1");
	assert_acquire(&other, "host", 0);
	advance(30 * SECOND - 1);
	assert_int_equal(replies.refused, 0);
	advance(1);
	wait_replies(&replies, 2);
	assert_int_equal(replies.refused, 2);
	assert_int_equal(replies.status, FAILURE_CREATE);
	assert_network(&other, "default", "stuck 0");
	assert_acquire(&asker, "default", FAILURE_CREATE);
	wait_log("has not answered for this network since ");
	standin_unhang();
	wait_log("network default: vmnet finished a call that had timed out");
	wait_networks(1);
	assert_acquire(&asker, "default", 0);
	assert_int_equal(fake_vmnet_created(), 3);
	close_client(&asker);
	close_client(&other);
}

/* Whether, with plan, calls of kind got as far as the one that fails. Counts
 * the answers INTERNAL_ERROR. */
static bool assert_survives(
    const char *kind, const char *plan, unsigned long n, unsigned *internal)
{
	struct client client;
	unsigned long calls = 0;
	int64_t status = 0;

	connect_client(&client);
	standin_fail(plan);
	status = acquire(&client, "default");
	calls = standin_fail_count(kind);
	standin_fail(NULL);
	if (status != 0 && status != -1 && status != FAILURE_INTERNAL &&
	    status != FAILURE_CREATE) {
		fail_msg("%s: %d", plan, (int)status);
	}
	*internal += status == FAILURE_INTERNAL;
	if (status == -1) {
		wait_ended(&client);
		xpc_release(client.connection);
	} else {
		close_client(&client);
	}
	wait_no_clients();
	acquire_and_release("host");
	restart();
	return calls >= n;
}

/* Goal: S17: with the n-th allocation failing, or it and the next, or it and
 * all after, for every n that there is, a client gets an answer or loses its
 * connection; then the next is served. The same of descriptors. INTERNAL_ERROR
 * is such an answer. */
static void any_allocation_or_descriptor_may_fail(void **unused)
{
	static const struct {
		const char *kind;
		const char *format;
	} faults[] = {
		{ "malloc", "malloc:%lu" },
		{ "malloc", "malloc:%lu+" },
		{ "malloc", "malloc:%lu,malloc:%lu" },
		{ "fd", "fd:%lu" },
		{ "fd", "fd:%lu+" },
	};

	unsigned internal = 0;

	(void)unused;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		bool met = true;
		unsigned long n = 0;

		while (met) {
			char plan[64];

			n++;
			snprintf(
			    plan, sizeof(plan), faults[i].format, n, n + 1);
			met =
			    assert_survives(faults[i].kind, plan, n, &internal);
		}
		if (n < 3 && strcmp(faults[i].kind, "malloc") == 0) {
			fail_msg("%s: nothing was met", faults[i].format);
		}
	}
	assert_int_not_equal(internal, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(each_status_of_each_vmnet_call_is_reported),
		TEST(a_creation_that_hangs_costs_its_askers_30_seconds),
		TEST(any_allocation_or_descriptor_may_fail),
	};

	return RUN(tests);
}
