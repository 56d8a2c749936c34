// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
// link: tests/linux/test/dispatch-fixture.c
//
// The dispatch stand-in: sources that wait for the system.

#include "dispatch-fixture.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

/*
 * Goal: an ignored signal is seen, each sending counted and none twice; the
 * disposition is the program's again afterwards.
 */
static void an_ignored_signal_is_seen_and_counted(void **state)
{
	struct heard *heard;
	struct sigaction action;

	signal(SIGUSR1, SIG_IGN);
	heard = heard_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGUSR1, 0);
	dispatch_activate(heard->source);
	for (int i = 1; i <= 100; i++) {
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

/* Goal: a worker blocks what others send, not what it causes itself. */
static void a_worker_blocks_only_signals_of_others(void **state)
{
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	__block sigset_t blocked;

	dispatch_async(dispatch_get_global_queue(0, 0), ^{
		pthread_sigmask(SIG_BLOCK, NULL, &blocked);
		dispatch_semaphore_signal(done);
	});
	wait_for(done);
	dispatch_release(done);
	assert_true(sigismember(&blocked, SIGTERM));
	assert_true(sigismember(&blocked, SIGUSR1));
	assert_false(sigismember(&blocked, SIGPIPE));
	assert_false(sigismember(&blocked, SIGSEGV));
	assert_false(sigismember(&blocked, SIGABRT));
}

static atomic_int handled;

static void handle(int signo)
{
	handled++;
}

/* Goal: the program's own handler runs beside the source, also a later one. */
static void the_handler_of_the_program_runs_beside_the_source(void **state)
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
static void a_signal_that_all_threads_block_is_seen(void **state)
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

/* Goal: a read source reports the number of bytes, repeatedly while there are
 * some, and the end of file. */
static void a_read_source_reports_bytes_and_the_end(void **state)
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
	wait_for(heard->event); /* it was not read */
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
static void read_and_write_of_one_descriptor_are_independent(void **state)
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

/* Goal: the exit of a process is reported, also if it has exited before. */
static void the_exit_of_a_process_is_reported(void **state)
{
	struct heard *heard;
	int fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(fds[0]);
	for (int i = 0; i < 2; i++) {
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

/* Goal: a change of a file and the removal of its name are reported. */
static void a_change_and_a_removal_of_a_file_are_reported(void **state)
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
		    a_worker_blocks_only_signals_of_others, all_gone),
		cmocka_unit_test_teardown(
		    an_ignored_signal_is_seen_and_counted, all_gone),
		cmocka_unit_test_teardown(
		    the_handler_of_the_program_runs_beside_the_source,
		    all_gone),
		cmocka_unit_test_teardown(
		    a_signal_that_all_threads_block_is_seen, all_gone),
		cmocka_unit_test_teardown(
		    a_read_source_reports_bytes_and_the_end, all_gone),
		cmocka_unit_test_teardown(
		    read_and_write_of_one_descriptor_are_independent, all_gone),
		cmocka_unit_test_teardown(
		    the_exit_of_a_process_is_reported, all_gone),
		cmocka_unit_test_teardown(
		    a_change_and_a_removal_of_a_file_are_reported, all_gone),
	};

	alarm(120);
	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
