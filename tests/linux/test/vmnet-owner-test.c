// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/linux/test/vmnet-network-fixture.c tests/linux/test/vmnet-fixture.c
// frameworks: vmnet CoreFoundation

/*
 * Owners of networks that are killed, a vmnetd that is not there or restarts,
 * calls that fail, and threads. Interfaces are in vmnet-interface-test.c.
 */

#include "vmnet-network-fixture.h"

#include <pthread.h>
#include <sched.h>

#define THREADS 8
#define ROUNDS 50

/* Never released: the process ends. */
static vmnet_network_ref held;

static void owner(void)
{
	held = network_expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24");
	fixture_hold();
}

static void taken(void)
{
	network_expect_refused(VMNET_SHARED_MODE, "10.1.1.1/24", VMNET_FAILURE);
	CFRelease(
	    network_expect(VMNET_SHARED_MODE, "10.1.2.1/24", "10.1.2.1/24"));
}

static void available(void)
{
	CFRelease(
	    network_expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24"));
}

static void networks_end_with_their_owner(void **state)
{
	pid_t pid = fixture_background(owner);

	(void)state;
	/* Goal: networks end with their owner. */
	assert_true(fixture_run(taken));
	fixture_kill(pid);
	assert_true(fixture_run(available));
}

static void clean(void)
{
	held = network_expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24");
}

static const char *const orphans[] = { "--quirk", "orphan-subnets", NULL };

static int start_orphans(void **state)
{
	(void)state;
	fixture_start(orphans);
	return 0;
}

static void the_subnet_of_a_killed_owner_can_stay_in_use(void **state)
{
	pid_t pid;

	(void)state;
	/* Goal: a clean exit frees the subnet, a kill leaves it taken. */
	assert_true(fixture_run(clean));
	assert_true(fixture_run(available));
	pid = fixture_background(owner);
	fixture_kill(pid);
	assert_true(fixture_run(taken));
	assert_true(fixture_run(taken));
}

static void unreachable(void)
{
	setenv("STANDIN_DIR", "/nonexistent", 1);
	network_expect_refused(VMNET_SHARED_MODE, NULL, VMNET_MEM_FAILURE);
}

static void no_service_is_a_memory_failure(void **state)
{
	(void)state;
	/* Goal: no service is VMNET_MEM_FAILURE, as on macOS. */
	assert_true(fixture_run(unreachable));
}

static void restarted(void)
{
	vmnet_network_ref network = network_full();

	fixture_hold();
	/* What we owned is gone, what we ask for works. */
	CFRelease(network);
	CFRelease(network_full());
}

static void the_library_finds_a_vmnetd_that_was_restarted(void **state)
{
	pid_t pid = fixture_background(restarted);

	(void)state;
	/* Goal: the library finds a vmnetd that was started again. */
	fixture_restart();
	assert_true(fixture_end(pid));
}

static void faults(void)
{
	vmnet_network_ref network;

	standin_fail("vmnet_network_create:2=1009");
	network =
	    network_expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24");
	network_expect_refused(
	    VMNET_SHARED_MODE, "10.1.2.1/24", VMNET_SHARING_SERVICE_BUSY);
	CFRelease(
	    network_expect(VMNET_SHARED_MODE, "10.1.2.1/24", "10.1.2.1/24"));
	standin_fail("vmnet_network_copy_serialization=1002");
	vmnet_return_t status = 0;

	CHECK_TRUE(vmnet_network_copy_serialization(network, &status) == NULL);
	CHECK_INT(status, VMNET_MEM_FAILURE);
	standin_fail(NULL);
	CFRelease(network);
}

static void *create_in_thread(void *argument)
{
	vmnet_network_ref *network = argument;

	*network = fixture_network(VMNET_SHARED_MODE, "10.1.1.1/24", NULL);
	return NULL;
}

static void hang(void)
{
	vmnet_network_ref network = NULL;
	pthread_t thread;

	standin_hang("vmnet_network_create:1");
	pthread_create(&thread, NULL, create_in_thread, &network);
	while (standin_fail_count("vmnet_network_create") == 0) {
		sched_yield();
	}
	/* Others go on meanwhile. */
	CFRelease(
	    network_expect(VMNET_SHARED_MODE, "10.1.1.1/24", "10.1.1.1/24"));
	standin_unhang();
	pthread_join(thread, NULL);
	CHECK_TRUE(network != NULL);
	CFRelease(network);
}

static void a_test_can_make_calls_fail_or_hang(void **state)
{
	(void)state;
	/* Goal: a test can make a call fail with any status, or hang. */
	assert_true(fixture_run(faults));
	assert_true(fixture_run(hang));
}

static void *churn(void *argument)
{
	char subnet[32];

	snprintf(subnet, sizeof(subnet), "10.2.%d.1/24", *(int *)argument);
	for (int i = 0; i < ROUNDS; i++) {
		vmnet_network_ref network =
		    fixture_network(VMNET_HOST_MODE, subnet, NULL);

		CHECK_TRUE(network != NULL);
		CFRelease(network);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t running[THREADS];
	int numbers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		numbers[i] = i;
		pthread_create(&running[i], NULL, churn, &numbers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(running[i], NULL);
	}
	CHECK_INT(standin_objects_alive("vmnet-network"), 0);
}

static void any_thread_may_create_and_release(void **state)
{
	(void)state;
	/* Goal: any thread may create and release, at the same time. */
	assert_true(fixture_run(threads));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(networks_end_with_their_owner,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    the_subnet_of_a_killed_owner_can_stay_in_use, start_orphans,
		    fixture_teardown),
		cmocka_unit_test(no_service_is_a_memory_failure),
		cmocka_unit_test_setup_teardown(
		    the_library_finds_a_vmnetd_that_was_restarted,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    a_test_can_make_calls_fail_or_hang, fixture_setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    any_thread_may_create_and_release, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
