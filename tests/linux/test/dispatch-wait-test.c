// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
// link: tests/linux/test/dispatch-fixture.c
//
// The dispatch stand-in: semaphores, groups, block objects, times.

#include "dispatch-fixture.h"

#include <Block.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define SECOND ((int64_t)NSEC_PER_SEC)

/* Goal: the count is kept; a wait without a timeout fails if it is 0. */
static void a_semaphore_keeps_its_count(void **state)
{
	dispatch_semaphore_t semaphore = dispatch_semaphore_create(2);

	assert_null(dispatch_semaphore_create(-1));
	assert_int_equal(
	    dispatch_semaphore_wait(semaphore, DISPATCH_TIME_NOW), 0);
	assert_int_equal(
	    dispatch_semaphore_wait(semaphore, DISPATCH_TIME_FOREVER), 0);
	assert_int_not_equal(
	    dispatch_semaphore_wait(semaphore, DISPATCH_TIME_NOW), 0);
	assert_int_equal(dispatch_semaphore_signal(semaphore), 0);
	assert_int_equal(dispatch_semaphore_signal(semaphore), 0);
	dispatch_release(semaphore);
}

/*
 * Advances the clock, a little at a time, until the work has been done: the
 * waiting thread may not have begun to wait.
 */
static void advance_until(atomic_int *done)
{
	while (atomic_load(done) == 0) {
		standin_clock_advance(NSEC_PER_SEC);
		sched_yield();
	}
}

/* Goal: a wait ends when its time is over, on the test's clock. */
static void a_wait_for_a_semaphore_ends_at_its_time(void **state)
{
	dispatch_semaphore_t semaphore = dispatch_semaphore_create(0);
	dispatch_queue_t queue = dispatch_queue_create("waits", NULL);
	__block intptr_t error = 0;
	__block uint64_t waited = 0;
	atomic_int *done = calloc(1, sizeof(*done));

	standin_clock_advance(0);
	dispatch_async(queue, ^{
		uint64_t before = standin_clock_now();

		error = dispatch_semaphore_wait(
		    semaphore, dispatch_time(DISPATCH_TIME_NOW, 1000 * SECOND));
		waited = standin_clock_now() - before;
		atomic_store(done, 1);
	});
	advance_until(done);
	dispatch_sync(queue,
	    ^{
	    });
	assert_int_not_equal(error, 0);
	assert_true(waited >= 1000 * NSEC_PER_SEC);
	dispatch_release(queue);
	dispatch_release(semaphore);
	free(done);
}

/* Goal: a signal ends a wait before its time. */
static void a_signal_ends_a_wait_before_its_time(void **state)
{
	dispatch_semaphore_t semaphore = dispatch_semaphore_create(0);
	dispatch_queue_t queue = dispatch_queue_create("signals", NULL);
	intptr_t error;

	dispatch_async(queue, ^{
		dispatch_semaphore_signal(semaphore);
	});
	error = dispatch_semaphore_wait(
	    semaphore, dispatch_time(DISPATCH_TIME_NOW, 1000 * SECOND));
	assert_int_equal(error, 0);
	dispatch_sync(queue,
	    ^{
	    });
	dispatch_release(queue);
	dispatch_release(semaphore);
}

/* Goal: the notification comes when all have left, once. */
static void a_group_notifies_once_when_all_have_left(void **state)
{
	dispatch_group_t group = dispatch_group_create();
	dispatch_queue_t queue = dispatch_queue_create("notify", NULL);
	dispatch_semaphore_t told = dispatch_semaphore_create(0);
	__block int notified = 0;
	atomic_int *done = calloc(1, sizeof(*done));

	dispatch_group_enter(group);
	for (int i = 0; i < 100; i++) {
		dispatch_group_async(group, dispatch_get_global_queue(0, 0), ^{
			atomic_fetch_add(done, 1);
		});
	}
	dispatch_group_notify(group, queue, ^{
		notified = atomic_load(done);
		dispatch_semaphore_signal(told);
	});
	dispatch_sync(queue,
	    ^{
	    });
	assert_int_equal(notified, 0);
	dispatch_group_leave(group);
	dispatch_semaphore_wait(told, DISPATCH_TIME_FOREVER);
	assert_int_equal(notified, 100);
	dispatch_group_notify(group, queue, ^{
		dispatch_semaphore_signal(told);
	});
	dispatch_semaphore_wait(told, DISPATCH_TIME_FOREVER);
	dispatch_sync(queue,
	    ^{
	    });
	dispatch_release(group);
	dispatch_release(queue);
	dispatch_release(told);
	free(done);
}

/* Goal: a wait for a group ends with the group or with its time. */
static void a_wait_for_a_group_ends_with_the_group_or_its_time(void **state)
{
	dispatch_group_t group = dispatch_group_create();
	dispatch_queue_t queue = dispatch_queue_create("waits", NULL);
	__block intptr_t error = 0;
	atomic_int *done = calloc(1, sizeof(*done));

	standin_clock_advance(0);
	assert_int_equal(dispatch_group_wait(group, DISPATCH_TIME_NOW), 0);
	dispatch_group_enter(group);
	assert_int_not_equal(dispatch_group_wait(group, DISPATCH_TIME_NOW), 0);
	dispatch_async(queue, ^{
		error = dispatch_group_wait(
		    group, dispatch_time(DISPATCH_TIME_NOW, SECOND));
		atomic_store(done, 1);
	});
	advance_until(done);
	dispatch_sync(queue,
	    ^{
	    });
	assert_int_not_equal(error, 0);
	dispatch_async(queue, ^{
		dispatch_group_leave(group);
	});
	assert_int_equal(dispatch_group_wait(group, DISPATCH_TIME_FOREVER), 0);
	dispatch_sync(queue,
	    ^{
	    });
	dispatch_release(group);
	dispatch_release(queue);
	free(done);
}

/* Goal: a block object runs, can be waited for, and notifies. */
static void a_block_object_runs_and_can_be_waited_for(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("block", NULL);
	dispatch_semaphore_t told = dispatch_semaphore_create(0);
	__block int ran = 0;
	dispatch_block_t block = dispatch_block_create(0, ^{
		ran++;
	});

	dispatch_block_notify(block, queue, ^{
		dispatch_semaphore_signal(told);
	});
	assert_int_not_equal(dispatch_block_wait(block, DISPATCH_TIME_NOW), 0);
	dispatch_async(queue, block);
	assert_int_equal(dispatch_block_wait(block, DISPATCH_TIME_FOREVER), 0);
	dispatch_semaphore_wait(told, DISPATCH_TIME_FOREVER);
	assert_int_equal(ran, 1);
	Block_release(block);
	dispatch_sync(queue,
	    ^{
	    });
	dispatch_release(queue);
	dispatch_release(told);
}

/* Goal: a cancelled block does not run, and a wait for it ends. */
static void a_cancelled_block_does_not_run(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("cancel", NULL);
	__block int ran = 0;
	dispatch_block_t block = dispatch_block_create(0, ^{
		ran++;
	});

	dispatch_suspend(queue);
	dispatch_async(queue, block);
	dispatch_block_cancel(block);
	assert_true(dispatch_block_testcancel(block));
	dispatch_resume(queue);
	assert_int_equal(dispatch_block_wait(block, DISPATCH_TIME_FOREVER), 0);
	dispatch_sync(queue,
	    ^{
	    });
	assert_int_equal(ran, 0);
	Block_release(block);
	dispatch_release(queue);
}

/* Goal: a block object with the barrier flag is a barrier. */
static void a_block_with_the_barrier_flag_is_a_barrier(void **state)
{
	dispatch_queue_t queue =
	    dispatch_queue_create("barrier", DISPATCH_QUEUE_CONCURRENT);
	dispatch_block_t block =
	    dispatch_block_create(DISPATCH_BLOCK_BARRIER, ^{
		    dispatch_assert_queue_barrier(queue);
	    });

	dispatch_async(queue, block);
	dispatch_sync(queue, block);
	Block_release(block);
	dispatch_release(queue);
}

/* Goal: times add up, stay ordered, and do not run over. */
static void times_add_up_and_do_not_overflow(void **state)
{
	struct timespec when = { .tv_sec = 1000, .tv_nsec = 5 };
	dispatch_time_t now = dispatch_time(DISPATCH_TIME_NOW, 0);
	dispatch_time_t wall = dispatch_walltime(&when, 0);

	assert_int_equal(dispatch_time(now, 7), now + 7);
	assert_true(dispatch_time(DISPATCH_TIME_NOW, 0) >= now);
	assert_true(dispatch_time(now, INT64_MAX) == DISPATCH_TIME_FOREVER);
	assert_true(
	    dispatch_time(DISPATCH_TIME_FOREVER, -1) == DISPATCH_TIME_FOREVER);
	assert_true(dispatch_time(now, INT64_MIN) > DISPATCH_TIME_NOW);
	assert_true(dispatch_time(now, INT64_MIN) < now);
	assert_true(wall == (dispatch_time_t)-1000000000005);
	assert_true(dispatch_time(wall, 10) == (dispatch_time_t)-1000000000015);
	assert_true(
	    dispatch_walltime(&when, INT64_MAX) == DISPATCH_TIME_FOREVER);
}

/* Goal: what is due never is dropped at once, and its queue with it. */
static void what_is_never_due_is_dropped_at_once(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("forever", NULL);

	dispatch_after(DISPATCH_TIME_FOREVER, queue, ^{
		abort();
	});
	dispatch_release(queue);
	assert_int_equal(standin_objects_alive("dispatch_queue"), 0);
	standin_clock_advance(INT64_MAX / 2);
}

/* Goal: the clocks of a program stand still with dispatch's. */
static void the_clocks_of_a_program_stand_still_with_those_of_dispatch(
    void **state)
{
	struct timespec before, after;
	uint64_t nanoseconds;

	standin_clock_advance(0);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
	nanoseconds = clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
	standin_clock_advance(3 * NSEC_PER_SEC);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
	assert_int_equal(after.tv_sec - before.tv_sec, 3);
	assert_int_equal(after.tv_nsec, before.tv_nsec);
	assert_int_equal(clock_gettime_nsec_np(CLOCK_UPTIME_RAW),
	    nanoseconds + 3 * NSEC_PER_SEC);
	assert_int_equal(standin_clock_now(), nanoseconds + 3 * NSEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
		    a_signal_ends_a_wait_before_its_time, all_gone),
		cmocka_unit_test_teardown(
		    a_semaphore_keeps_its_count, all_gone),
		cmocka_unit_test_teardown(
		    a_wait_for_a_semaphore_ends_at_its_time, all_gone),
		cmocka_unit_test_teardown(
		    a_group_notifies_once_when_all_have_left, all_gone),
		cmocka_unit_test_teardown(
		    a_wait_for_a_group_ends_with_the_group_or_its_time,
		    all_gone),
		cmocka_unit_test_teardown(
		    a_block_object_runs_and_can_be_waited_for, all_gone),
		cmocka_unit_test_teardown(
		    a_cancelled_block_does_not_run, all_gone),
		cmocka_unit_test_teardown(
		    a_block_with_the_barrier_flag_is_a_barrier, all_gone),
		cmocka_unit_test_teardown(
		    times_add_up_and_do_not_overflow, all_gone),
		cmocka_unit_test_teardown(
		    the_clocks_of_a_program_stand_still_with_those_of_dispatch,
		    all_gone),
		cmocka_unit_test_teardown(
		    what_is_never_due_is_dropped_at_once, all_gone),
	};

	alarm(120);
	return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
