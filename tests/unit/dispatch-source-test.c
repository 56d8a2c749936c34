// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
//
// The dispatch stand-in: event sources.

#include <dispatch/dispatch.h>

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <standin.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND ((int64_t)NSEC_PER_SEC)

/* See dispatch-test.c. */
static int all_gone(void **state)
{
	int patience;

	for (patience = 10000000; patience > 0; patience--) {
		if (standin_objects_alive(NULL) == 0) {
			return 0;
		}
		sched_yield();
	}
	print_error("%ld objects alive\n", standin_objects_alive(NULL));
	return -1;
}

/* What a test hears of its source. */
struct heard {
	dispatch_queue_t queue;
	dispatch_source_t source;
	dispatch_semaphore_t event;
	dispatch_semaphore_t cancel;
	atomic_ulong data; /* of the last event */
	atomic_int events;
};

static struct heard *heard_create(
	dispatch_source_type_t type, uintptr_t handle, uintptr_t mask)
{
	struct heard *heard = calloc(1, sizeof *heard);

	heard->queue = dispatch_queue_create("source", NULL);
	heard->event = dispatch_semaphore_create(0);
	heard->cancel = dispatch_semaphore_create(0);
	heard->source =
		dispatch_source_create(type, handle, mask, heard->queue);
	assert_non_null(heard->source);
	dispatch_source_set_event_handler(heard->source, ^{
		heard->data = dispatch_source_get_data(heard->source);
		heard->events++;
		dispatch_semaphore_signal(heard->event);
	});
	dispatch_source_set_cancel_handler(heard->source, ^{
		dispatch_semaphore_signal(heard->cancel);
	});
	return heard;
}

static void wait_for(dispatch_semaphore_t semaphore)
{
	dispatch_semaphore_wait(semaphore, DISPATCH_TIME_FOREVER);
}

/* Waits until the cancel handler has run; it runs once. */
static void heard_destroy(struct heard *heard)
{
	dispatch_source_cancel(heard->source);
	dispatch_source_cancel(heard->source);
	assert_true(dispatch_source_testcancel(heard->source));
	wait_for(heard->cancel);
	dispatch_release(heard->source);
	dispatch_sync(heard->queue,
		^{
		});
	assert_int_not_equal(
		dispatch_semaphore_wait(heard->cancel, DISPATCH_TIME_NOW), 0);
	while (dispatch_semaphore_wait(heard->event, DISPATCH_TIME_NOW) == 0) {
	}
	dispatch_release(heard->event);
	dispatch_release(heard->cancel);
	dispatch_release(heard->queue);
	free(heard);
}

/* Goal: a timer fires once when it is due. */
static void test_timer_once(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0);

	standin_clock_advance(0);
	dispatch_source_set_timer(heard->source,
		dispatch_time(DISPATCH_TIME_NOW, SECOND), DISPATCH_TIME_FOREVER,
		0);
	dispatch_activate(heard->source);
	standin_clock_advance(NSEC_PER_SEC - 1);
	dispatch_sync(heard->queue,
		^{
		});
	assert_int_equal(heard->events, 0);
	standin_clock_advance(1);
	wait_for(heard->event);
	standin_clock_advance(1000 * NSEC_PER_SEC);
	dispatch_sync(heard->queue,
		^{
		});
	assert_int_equal(heard->events, 1);
	assert_int_equal(heard->data, 1);
	heard_destroy(heard);
}

/* Goal: a repeating timer tells how often it was due; set anew, it forgets. */
static void test_timer_repeats(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0);

	standin_clock_advance(0);
	dispatch_source_set_timer(heard->source,
		dispatch_time(DISPATCH_TIME_NOW, SECOND), NSEC_PER_SEC, 0);
	dispatch_resume(heard->source);
	standin_clock_advance(NSEC_PER_SEC);
	wait_for(heard->event);
	assert_int_equal(heard->data, 1);
	standin_clock_advance(3 * NSEC_PER_SEC);
	wait_for(heard->event);
	assert_int_equal(heard->data, 3);
	dispatch_suspend(heard->source);
	standin_clock_advance(5 * NSEC_PER_SEC);
	dispatch_source_set_timer(heard->source,
		dispatch_time(DISPATCH_TIME_NOW, 2 * SECOND), NSEC_PER_SEC, 0);
	dispatch_resume(heard->source);
	standin_clock_advance(2 * NSEC_PER_SEC);
	wait_for(heard->event);
	assert_int_equal(heard->data, 1);
	heard_destroy(heard);
}

/* Goal: an event that waits for the queue when the source goes is not seen. */
static void test_cancel_while_queued(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_TIMER, 0, 0);
	dispatch_semaphore_t gate = dispatch_semaphore_create(0);
	dispatch_semaphore_t fired = dispatch_semaphore_create(0);

	standin_clock_advance(0);
	dispatch_source_set_timer(heard->source,
		dispatch_time(DISPATCH_TIME_NOW, 1), DISPATCH_TIME_FOREVER, 0);
	dispatch_activate(heard->source);
	dispatch_async(heard->queue, ^{
		wait_for(gate);
	});
	/* Set after the source's, due with it: when this ran, that is queued.
	 */
	dispatch_after(dispatch_time(DISPATCH_TIME_NOW, 2),
		dispatch_get_global_queue(0, 0), ^{
			dispatch_semaphore_signal(fired);
		});
	standin_clock_advance(2);
	wait_for(fired);
	dispatch_source_cancel(heard->source);
	dispatch_semaphore_signal(gate);
	wait_for(heard->cancel);
	assert_int_equal(heard->events, 0);
	dispatch_semaphore_signal(heard->cancel);
	heard_destroy(heard);
	dispatch_release(gate);
	dispatch_release(fired);
}

/* Goal: a source released without cancel goes quietly, queued event and all. */
static void test_release_while_queued(void **state)
{
	dispatch_queue_t queue = dispatch_queue_create("busy", NULL);
	dispatch_semaphore_t gate = dispatch_semaphore_create(0);
	dispatch_source_t source = dispatch_source_create(
		DISPATCH_SOURCE_TYPE_DATA_ADD, 0, 0, queue);
	__block int events = 0;

	dispatch_source_set_event_handler(source, ^{
		events++;
	});
	dispatch_source_set_cancel_handler(source, ^{
		events = 100;
	});
	dispatch_activate(source);
	dispatch_async(queue, ^{
		wait_for(gate);
	});
	dispatch_source_merge_data(source, 1);
	dispatch_release(source);
	dispatch_semaphore_signal(gate);
	dispatch_sync(queue,
		^{
		});
	assert_in_range(events, 0, 1);
	dispatch_release(queue);
	dispatch_release(gate);
}

/* Goal: data adds up while the source is suspended, and comes as one event. */
static void test_data_add(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_DATA_ADD, 0, 0);

	dispatch_source_merge_data(heard->source, 1);
	dispatch_activate(heard->source);
	wait_for(heard->event);
	assert_int_equal(heard->data, 1);
	dispatch_suspend(heard->source);
	dispatch_source_merge_data(heard->source, 2);
	dispatch_source_merge_data(heard->source, 3);
	dispatch_resume(heard->source);
	wait_for(heard->event);
	assert_int_equal(heard->data, 5);
	assert_int_equal(heard->events, 2);
	heard_destroy(heard);
}

/* Goal: bits are collected. */
static void test_data_or(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_DATA_OR, 0, 0);

	dispatch_source_merge_data(heard->source, 1);
	dispatch_source_merge_data(heard->source, 5);
	dispatch_activate(heard->source);
	wait_for(heard->event);
	assert_int_equal(heard->data, 5);
	heard_destroy(heard);
}

/*
 * Goal: an ignored signal is seen, each sending counted and none twice; the
 * disposition is the program's again afterwards.
 */
static void test_signal_ignored(void **state)
{
	struct heard *heard;
	struct sigaction action;
	int i;

	signal(SIGUSR1, SIG_IGN);
	heard = heard_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGUSR1, 0);
	dispatch_activate(heard->source);
	for (i = 1; i <= 100; i++) {
		assert_int_equal(kill(getpid(), SIGUSR1), 0);
		wait_for(heard->event);
		assert_int_equal(heard->data, 1);
		assert_int_equal(heard->events, i);
	}
	assert_int_equal(sigaction(SIGUSR1, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_IGN);
	heard_destroy(heard);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	signal(SIGUSR1, SIG_DFL);
}

static atomic_int handled;

static void handle(int signo)
{
	handled++;
}

/* Goal: the program's own handler runs beside the source, also a later one. */
static void test_signal_handled(void **state)
{
	struct heard *heard =
		heard_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGUSR2, 0);

	handled = 0;
	signal(SIGUSR2, SIG_IGN);
	dispatch_activate(heard->source);
	raise(SIGUSR2);
	wait_for(heard->event);
	assert_int_equal(handled, 0);
	assert_ptr_equal(signal(SIGUSR2, handle), SIG_IGN);
	raise(SIGUSR2);
	wait_for(heard->event);
	assert_int_equal(handled, 1);
	signal(SIGUSR2, SIG_IGN);
	heard_destroy(heard);
	signal(SIGUSR2, SIG_DFL);
}

/* Goal: a signal that all of the program's threads block is seen. */
static void test_signal_blocked(void **state)
{
	struct heard *heard;
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGUSR1, SIG_IGN);
	heard = heard_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGUSR1, 0);
	dispatch_activate(heard->source);
	kill(getpid(), SIGUSR1);
	wait_for(heard->event);
	heard_destroy(heard);
	signal(SIGUSR1, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Goal: read tells how much, again as long as there is some, and of the end. */
static void test_read(void **state)
{
	struct heard *heard;
	int fds[2];
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	heard = heard_create(DISPATCH_SOURCE_TYPE_READ, (uintptr_t)fds[0], 0);
	dispatch_suspend(heard->queue);
	dispatch_activate(heard->source);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	dispatch_resume(heard->queue);
	wait_for(heard->event);
	assert_int_equal(heard->data, 3);
	wait_for(heard->event); /* nobody has read it */
	dispatch_suspend(heard->source);
	dispatch_sync(heard->queue,
		^{
		});
	while (recv(fds[0], &byte, 1, MSG_DONTWAIT) == 1) {
	}
	close(fds[1]);
	dispatch_resume(heard->source);
	do {
		wait_for(heard->event);
	} while (heard->data != 0);
	heard_destroy(heard);
	close(fds[0]);
}

/* Goal: read and write of one descriptor do not know of each other. */
static void test_read_and_write(void **state)
{
	struct heard *reading;
	struct heard *writing;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	reading = heard_create(DISPATCH_SOURCE_TYPE_READ, (uintptr_t)fds[0], 0);
	writing =
		heard_create(DISPATCH_SOURCE_TYPE_WRITE, (uintptr_t)fds[0], 0);
	dispatch_activate(reading->source);
	dispatch_activate(writing->source);
	wait_for(writing->event);
	assert_int_equal(reading->events, 0);
	heard_destroy(writing);
	assert_int_equal(write(fds[1], "x", 1), 1);
	wait_for(reading->event);
	heard_destroy(reading);
	close(fds[0]);
	close(fds[1]);
}

/* Goal: the end of a process is told, also when it is over already. */
static void test_proc(void **state)
{
	struct heard *heard;
	int fds[2];
	char byte;
	pid_t pid;
	int i;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(fds[0]);
	for (i = 0; i < 2; i++) {
		heard = heard_create(DISPATCH_SOURCE_TYPE_PROC, (uintptr_t)pid,
			DISPATCH_PROC_EXIT);
		dispatch_activate(heard->source);
		if (i == 0) {
			assert_int_equal(heard->events, 0);
			close(fds[1]);
		}
		wait_for(heard->event);
		assert_int_equal(heard->data, DISPATCH_PROC_EXIT);
		heard_destroy(heard);
		if (i == 0) {
			assert_int_equal(waitpid(pid, NULL, 0), pid);
		}
	}
}

/* Goal: a change of a file is told, and that its name has gone. */
static void test_vnode(void **state)
{
	char name[] = "/tmp/dispatch-source-test.XXXXXX";
	int fd = mkstemp(name);
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_VNODE,
		(uintptr_t)fd, DISPATCH_VNODE_WRITE | DISPATCH_VNODE_DELETE);

	dispatch_activate(heard->source);
	assert_int_equal(write(fd, "x", 1), 1);
	wait_for(heard->event);
	assert_int_equal(heard->data, DISPATCH_VNODE_WRITE);
	assert_int_equal(unlink(name), 0);
	wait_for(heard->event);
	assert_int_equal(heard->data, DISPATCH_VNODE_DELETE);
	heard_destroy(heard);
	close(fd);
}

/* Goal: the registration handler runs once, before events, on the queue. */
static void test_registration(void **state)
{
	struct heard *heard = heard_create(DISPATCH_SOURCE_TYPE_DATA_ADD, 0, 0);
	__block int events = -1;

	dispatch_source_set_registration_handler(heard->source, ^{
		dispatch_assert_queue(heard->queue);
		events = heard->events;
		dispatch_source_merge_data(heard->source, 1);
	});
	dispatch_activate(heard->source);
	wait_for(heard->event);
	assert_int_equal(events, 0);
	heard_destroy(heard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_timer_once, all_gone),
		cmocka_unit_test_teardown(test_timer_repeats, all_gone),
		cmocka_unit_test_teardown(test_cancel_while_queued, all_gone),
		cmocka_unit_test_teardown(test_release_while_queued, all_gone),
		cmocka_unit_test_teardown(test_data_add, all_gone),
		cmocka_unit_test_teardown(test_data_or, all_gone),
		cmocka_unit_test_teardown(test_signal_ignored, all_gone),
		cmocka_unit_test_teardown(test_signal_handled, all_gone),
		cmocka_unit_test_teardown(test_signal_blocked, all_gone),
		cmocka_unit_test_teardown(test_read, all_gone),
		cmocka_unit_test_teardown(test_read_and_write, all_gone),
		cmocka_unit_test_teardown(test_proc, all_gone),
		cmocka_unit_test_teardown(test_vnode, all_gone),
		cmocka_unit_test_teardown(test_registration, all_gone),
	};

	alarm(120);
	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
