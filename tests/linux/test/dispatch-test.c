// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
// link: tests/linux/test/dispatch-fixture.c
//
// The dispatch stand-in: queues.

#include "dispatch-fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>

#define MANY 1000

/* Waits until what was queued has run, and releases the queue. */
static void finish(dispatch_queue_t queue)
{
	dispatch_barrier_sync(queue,
	    ^{
	    });
	dispatch_release(queue);
}

/* Goal: a serial queue runs items of all threads in order, one at a time. */
static void test_serial(void **state)
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
static void test_sync_thread(void **state)
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
static void test_concurrent(void **state)
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
static void test_barrier(void **state)
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
static void test_targets(void **state)
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
static void test_retarget(void **state)
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
static void test_suspend(void **state)
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

/* Goal: dispatch_after runs when its time has come, and not before. */
static void test_after(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("after", NULL);
	dispatch_semaphore_t ran = dispatch_semaphore_create(0);
	__block int order = 0;

	standin_clock_advance(0);
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, 20), queue, ^{
		order = order * 10 + 2;
		dispatch_semaphore_signal(ran);
	});
	dispatch_after(dispatch_walltime(NULL, 10), queue, ^{
		order = order * 10 + 1;
		dispatch_semaphore_signal(ran);
	});
	standin_clock_advance(9);
	assert_int_not_equal(
	    dispatch_semaphore_wait(ran, DISPATCH_TIME_NOW), 0);
	standin_clock_advance(1);
	dispatch_semaphore_wait(ran, DISPATCH_TIME_FOREVER);
	standin_clock_advance(10);
	dispatch_semaphore_wait(ran, DISPATCH_TIME_FOREVER);
	finish(queue);
	assert_int_equal(order, 12);
	dispatch_release(ran);
}

/* Goal: dispatch_apply runs every iteration once, also on a serial queue. */
static void test_apply(void **state)
{
	dispatch_queue_t serial = dispatch_queue_create("apply", NULL);
	atomic_int *seen = calloc(MANY, sizeof(*seen));

	dispatch_apply(MANY, DISPATCH_APPLY_AUTO, ^(size_t n) {
		atomic_fetch_add(&seen[n], 1);
	});
	dispatch_apply(MANY, serial, ^(size_t n) {
		atomic_fetch_add(&seen[n], 1);
	});
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(seen[i], 2);
	}
	free(seen);
	dispatch_release(serial);
}

/* Goal: the block runs once; threads that call meanwhile wait for its end. */
static void test_once(void **state)
{
	static dispatch_once_t once;
	static int count;
	atomic_int *late = calloc(1, sizeof(*late));

	dispatch_apply(MANY, DISPATCH_APPLY_AUTO, ^(size_t n) {
		dispatch_once(&once, ^{
			count++;
		});
		if (count != 1) {
			atomic_fetch_add(late, 1);
		}
	});
	assert_int_equal(count, 1);
	assert_int_equal(*late, 0);
	free(late);
}

static void finalize(void *context)
{
	dispatch_semaphore_signal(context);
}

/* Goal: the finalizer runs after all that was queued, only with a context. */
static void test_finalizer(void **state)
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

/* Goal: threads that block, in whatever, do not keep others from running. */
static void test_pool_grows(void **state)
{
	dispatch_group_t group = dispatch_group_create();
	dispatch_queue_t global = dispatch_get_global_queue(0, 0);
	int fds[2];
	int from;
	int to;

	assert_int_equal(pipe(fds), 0);
	from = fds[0];
	to = fds[1];
	for (int i = 0; i < 20; i++) {
		dispatch_group_async(group, global, ^{
			char byte;

			if (read(from, &byte, 1) != 1) {
				abort();
			}
		});
	}
	dispatch_group_async(group, global, ^{
		char bytes[20] = { 0 };

		if (write(to, bytes, 20) != 20) {
			abort();
		}
	});
	assert_int_equal(dispatch_group_wait(group, DISPATCH_TIME_FOREVER), 0);
	close(fds[0]);
	close(fds[1]);
	dispatch_release(group);
}

/* How many of the other threads do not sleep. */
static int count_busy_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	int busy = 0;

	assert_non_null(tasks);
	for (struct dirent *task = readdir(tasks); task != NULL;
	     task = readdir(tasks)) {
		char path[sizeof(task->d_name) + 32];
		char state = 'S';
		FILE *file;

		if (task->d_name[0] == '.') {
			continue;
		}
		snprintf(path, sizeof(path), "/proc/self/task/%s/stat",
		    task->d_name);
		file = fopen(path, "re");
		if (file != NULL) {
			if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
				state = 'S'; /* it has exited */
			}
			fclose(file);
		}
		busy += state != 'S';
	}
	closedir(tasks);
	return busy - 1;
}

/* Twice in a row: one that waited for a lock has got it in between. */
static void wait_until_idle(void)
{
	for (int passes = 0; passes < 2;) {
		passes = count_busy_threads() == 0 ? passes + 1 : 0;
		sched_yield();
	}
}

/* The thread that runs the next item of the global queue. */
static pid_t thread_of_next(void)
{
	dispatch_semaphore_t ran = dispatch_semaphore_create(0);
	__block pid_t thread;

	dispatch_async(dispatch_get_global_queue(0, 0), ^{
		thread = gettid();
		dispatch_semaphore_signal(ran);
	});
	wait_for(ran);
	dispatch_release(ran);
	return thread;
}

/*
 * Goal: of the idle threads the one that worked last is used, as in the kernel
 * of macOS, so that the others can exit.
 */
static void test_last_idle_first(void **state)
{
	dispatch_group_t group = dispatch_group_create();
	dispatch_semaphore_t go = dispatch_semaphore_create(0);
	pid_t first;

	/* Three threads at least. */
	for (int i = 0; i < 3; i++) {
		dispatch_group_async(group, dispatch_get_global_queue(0, 0), ^{
			wait_for(go);
		});
	}
	for (int i = 0; i < 3; i++) {
		dispatch_semaphore_signal(go);
	}
	dispatch_group_wait(group, DISPATCH_TIME_FOREVER);
	dispatch_release(group);
	dispatch_release(go);
	wait_until_idle();
	first = thread_of_next();
	for (int i = 0; i < 20; i++) {
		wait_until_idle();
		assert_int_equal(thread_of_next(), first);
	}
}

/* Goal: before dispatch_main(), the main thread is on the main queue. */
static void test_main_queue(void **state)
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
static void test_workloop(void **state)
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
		cmocka_unit_test_teardown(test_serial, all_gone),
		cmocka_unit_test_teardown(test_sync_thread, all_gone),
		cmocka_unit_test_teardown(test_concurrent, all_gone),
		cmocka_unit_test_teardown(test_barrier, all_gone),
		cmocka_unit_test_teardown(test_targets, all_gone),
		cmocka_unit_test_teardown(test_retarget, all_gone),
		cmocka_unit_test_teardown(test_suspend, all_gone),
		cmocka_unit_test_teardown(test_after, all_gone),
		cmocka_unit_test_teardown(test_apply, all_gone),
		cmocka_unit_test_teardown(test_once, all_gone),
		cmocka_unit_test_teardown(test_finalizer, all_gone),
		cmocka_unit_test_teardown(test_pool_grows, all_gone),
		cmocka_unit_test_teardown(test_last_idle_first, all_gone),
		cmocka_unit_test_teardown(test_main_queue, all_gone),
		cmocka_unit_test(test_workloop),
	};

	alarm(120);
	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
