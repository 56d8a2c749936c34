// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// flags: -Wno-unused-parameter
// link: tests/linux/test/dispatch-fixture.c

/*
 * The dispatch stand-in: what queues promise.
 */

#include "dispatch-fixture.h"

#include <pthread.h>
#include <stdio.h>

/* Goal: a serial queue runs items of all threads in order, one at a time. */
static void a_serial_queue_runs_items_of_all_threads_in_order(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("serial", NULL);
	dispatch_group_t group = dispatch_group_create();
	__block int next = 0;
	__block int total = 0;

	for (int i = 0; i < MANY; i++) {
		dispatch_async(queue, ^{
			next = next == i ? i + 1 : -1;
		});
	}
	dispatch_sync(queue,
	    ^{
	    });
	assert_int_equal(next, MANY);
	for (int i = 0; i < MANY; i++) {
		dispatch_group_async(group, dispatch_get_global_queue(0, 0), ^{
			dispatch_async(queue, ^{
				total++;
			});
		});
	}
	dispatch_group_wait(group, DISPATCH_TIME_FOREVER);
	finish(queue);
	assert_int_equal(total, MANY);
	dispatch_release(group);
}

/* Goal: dispatch_sync runs on the caller's thread, after what is queued. */
static void sync_runs_on_the_thread_of_the_caller(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("sync", NULL);
	pthread_t self = pthread_self();
	__block bool before = false;
	__block bool same = false;

	dispatch_async(queue, ^{
		before = true;
	});
	dispatch_sync(queue, ^{
		same = before && pthread_equal(self, pthread_self());
	});
	assert_true(same);
	dispatch_release(queue);
}

/* Goal: items of a concurrent queue overlap: each waits for the other. */
static void items_of_a_concurrent_queue_overlap(void **state)
{
	dispatch_queue_t queue =
	    dispatch_queue_create("concurrent", DISPATCH_QUEUE_CONCURRENT);
	dispatch_semaphore_t one = dispatch_semaphore_create(0);
	dispatch_semaphore_t two = dispatch_semaphore_create(0);

	dispatch_async(queue, ^{
		dispatch_semaphore_signal(one);
		dispatch_semaphore_wait(two, DISPATCH_TIME_FOREVER);
	});
	dispatch_async(queue, ^{
		dispatch_semaphore_signal(two);
		dispatch_semaphore_wait(one, DISPATCH_TIME_FOREVER);
	});
	finish(queue);
	dispatch_release(one);
	dispatch_release(two);
}

/* Goal: a barrier runs alone, after those before and before those after. */
static void a_barrier_runs_alone(void **state)
{
	dispatch_queue_t queue =
	    dispatch_queue_create("barrier", DISPATCH_QUEUE_CONCURRENT);
	atomic_int *inside = calloc(1, sizeof(*inside));
	__block int wrong = 0;
	__block int barriers = 0;

	for (int i = 0; i < MANY; i++) {
		dispatch_async(queue, ^{
			atomic_fetch_add(inside, 1);
			atomic_fetch_sub(inside, 1);
		});
		dispatch_barrier_async(queue, ^{
			wrong += atomic_load(inside);
			barriers++;
		});
	}
	finish(queue);
	assert_int_equal(wrong, 0);
	assert_int_equal(barriers, MANY);
	free(inside);
}

static int key;

/* Goal: queues with one serial target exclude each other, and are "on" it. */
static void queues_with_one_serial_target_exclude_each_other(void **state)
{
	dispatch_queue_t target = dispatch_queue_create("target", NULL);
	dispatch_queue_t a =
	    dispatch_queue_create_with_target("a", NULL, target);
	dispatch_queue_t b = dispatch_queue_create_with_target(
	    "b", DISPATCH_QUEUE_CONCURRENT, target);
	__block int count = 0;
	__block void *specific = NULL;
	__block const char *label = NULL;

	dispatch_queue_set_specific(target, &key, &key, NULL);
	for (int i = 0; i < MANY; i++) {
		dispatch_async(a, ^{
			count++;
		});
		dispatch_async(b, ^{
			count++;
		});
	}
	dispatch_sync(a, ^{
		dispatch_assert_queue(a);
		dispatch_assert_queue(target);
		dispatch_assert_queue_not(b);
		specific = dispatch_get_specific(&key);
		label = dispatch_queue_get_label(DISPATCH_CURRENT_QUEUE_LABEL);
	});
	assert_string_equal(label, "a");
	dispatch_release(a);
	finish(b);
	finish(target);
	assert_int_equal(count, 2 * MANY);
	assert_ptr_equal(specific, &key);
}

/* Goal: a new target counts for what is queued after it was set. */
static void a_new_target_is_used_for_what_is_queued_later(void **state)
{
	dispatch_queue_t target = dispatch_queue_create("target", NULL);
	dispatch_queue_t queue = dispatch_queue_create("queue", NULL);
	dispatch_semaphore_t gate = dispatch_semaphore_create(0);
	__block void *before = &key;
	__block void *after = NULL;

	dispatch_queue_set_specific(target, &key, &key, NULL);
	dispatch_async(queue, ^{
		dispatch_semaphore_wait(gate, DISPATCH_TIME_FOREVER);
		before = dispatch_get_specific(&key);
	});
	dispatch_set_target_queue(queue, target);
	dispatch_async(queue, ^{
		after = dispatch_get_specific(&key);
	});
	dispatch_semaphore_signal(gate);
	finish(queue);
	finish(target);
	assert_null(before);
	assert_ptr_equal(after, &key);
	dispatch_release(gate);
}

/* Goal: a suspended or inactive queue runs nothing, and loses nothing. */
static void a_suspended_queue_runs_nothing_and_loses_nothing(void **state)
{
	dispatch_queue_t queue =
	    dispatch_queue_create("held", DISPATCH_QUEUE_SERIAL_INACTIVE);
	dispatch_queue_t probe = dispatch_queue_create("probe", NULL);
	__block atomic_int ran = 0;

	dispatch_async(queue, ^{
		ran++;
	});
	finish(probe);
	assert_int_equal(ran, 0);
	dispatch_activate(queue);
	dispatch_activate(queue); /* the second does nothing */
	dispatch_sync(queue,
	    ^{
	    });
	assert_int_equal(ran, 1);
	dispatch_suspend(queue);
	dispatch_suspend(queue);
	dispatch_async(queue, ^{
		ran++;
	});
	dispatch_resume(queue);
	assert_int_equal(ran, 1);
	dispatch_resume(queue);
	finish(queue);
	assert_int_equal(ran, 2);
}

static void finalize(void *context)
{
	dispatch_semaphore_signal(context);
}

/* Goal: the finalizer runs after all that was queued, only with a context. */
static void the_finalizer_runs_after_all_items(void **state)
{
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	dispatch_queue_t queue = dispatch_queue_create("final", NULL);
	dispatch_queue_t none = dispatch_queue_create("none", NULL);
	__block int ran = 0;

	dispatch_set_context(queue, done);
	dispatch_set_finalizer_f(queue, finalize);
	dispatch_set_finalizer_f(none, finalize);
	for (int i = 0; i < MANY; i++) {
		dispatch_async(queue, ^{
			ran++;
		});
	}
	dispatch_release(none);
	dispatch_release(queue);
	dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
	assert_int_equal(ran, MANY);
	dispatch_release(done);
}

/* Goal: before dispatch_main(), the main thread is on the main queue. */
static void the_main_thread_is_on_the_main_queue(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("other", NULL);

	assert_string_equal(
	    dispatch_queue_get_label(NULL), "com.apple.main-thread");
	dispatch_assert_queue(dispatch_get_main_queue());
	dispatch_async(queue, ^{
		dispatch_assert_queue_not(dispatch_get_main_queue());
	});
	finish(queue);
}

/* Goal: a workloop is a queue, one at a time, and may be a target. */
static void a_workloop_is_a_serial_queue_and_may_be_a_target(void **state)
{
	dispatch_workloop_t workloop =
	    dispatch_workloop_create_inactive("workloop");
	dispatch_queue_t queue;
	__block int count = 0;

	dispatch_workloop_set_autorelease_frequency(
	    workloop, DISPATCH_AUTORELEASE_FREQUENCY_NEVER);
	dispatch_activate(workloop);
	queue = dispatch_queue_create_with_target(
	    "on it", DISPATCH_QUEUE_CONCURRENT, workloop);
	assert_string_equal(dispatch_queue_get_label(workloop), "workloop");
	dispatch_apply(100, queue, ^(size_t i) {
		dispatch_assert_queue(workloop);
		count++;
	});
	dispatch_async_and_wait(workloop, ^{
		assert_int_equal(count, 100);
	});
	dispatch_release(queue);
	dispatch_release(workloop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
		    a_serial_queue_runs_items_of_all_threads_in_order,
		    all_gone),
		cmocka_unit_test_teardown(
		    sync_runs_on_the_thread_of_the_caller, all_gone),
		cmocka_unit_test_teardown(
		    items_of_a_concurrent_queue_overlap, all_gone),
		cmocka_unit_test_teardown(a_barrier_runs_alone, all_gone),
		cmocka_unit_test_teardown(
		    queues_with_one_serial_target_exclude_each_other, all_gone),
		cmocka_unit_test_teardown(
		    a_new_target_is_used_for_what_is_queued_later, all_gone),
		cmocka_unit_test_teardown(
		    a_suspended_queue_runs_nothing_and_loses_nothing, all_gone),
		cmocka_unit_test_teardown(
		    the_finalizer_runs_after_all_items, all_gone),
		cmocka_unit_test_teardown(
		    the_main_thread_is_on_the_main_queue, all_gone),
		cmocka_unit_test(
		    a_workloop_is_a_serial_queue_and_may_be_a_target),
	};

	alarm(120);
	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
