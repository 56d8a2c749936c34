// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// variants: asan tsan
// flags: -Wno-unused-parameter
// link: tests/linux/test/dispatch-fixture.c

/*
 * The dispatch stand-in: its threads, and when and how often blocks run.
 */

#include "dispatch-fixture.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>

/* Goal: dispatch_after runs when its time has come, and not before. */
static void a_delayed_block_runs_when_its_time_has_come(void **state)
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
static void apply_runs_every_iteration_once(void **state)
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
static void once_runs_its_block_once_and_callers_wait(void **state)
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

/* Goal: threads that block, in whatever, do not keep others from running. */
static void blocked_threads_do_not_keep_others_from_running(void **state)
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
static void the_thread_that_became_idle_last_is_used_first(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
		    a_delayed_block_runs_when_its_time_has_come, all_gone),
		cmocka_unit_test_teardown(
		    apply_runs_every_iteration_once, all_gone),
		cmocka_unit_test_teardown(
		    once_runs_its_block_once_and_callers_wait, all_gone),
		cmocka_unit_test_teardown(
		    blocked_threads_do_not_keep_others_from_running, all_gone),
		cmocka_unit_test_teardown(
		    the_thread_that_became_idle_last_is_used_first, all_gone),
	};

	alarm(120);
	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
