// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// flags: -Wno-unused-parameter
//
// The stand-in's kqueue.

#include <sys/event.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <standin.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void change(int kq, uintptr_t ident, int16_t filter, uint16_t flags,
    uint32_t fflags, intptr_t data)
{
	struct kevent event;

	EV_SET(&event, ident, filter, flags, fflags, data, NULL);
	assert_int_equal(kevent(kq, &event, 1, NULL, 0, NULL), 0);
}

static struct kevent next(int kq)
{
	struct kevent event;

	assert_int_equal(kevent(kq, NULL, 0, &event, 1, NULL), 1);
	return event;
}

static void assert_silent(int kq)
{
	const struct timespec none = { 0 };
	struct kevent event;

	assert_int_equal(kevent(kq, NULL, 0, &event, 1, &none), 0);
}

/* Goal: read and write of one socket, what there is, and its end. */
static void a_socket_is_readable_and_writable_and_ends(void **state)
{
	int kq = kqueue();
	struct kevent event;
	char bytes[8];
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ADD, 0, 0);
	assert_silent(kq);
	change(kq, (uintptr_t)fds[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0);
	assert_int_equal(next(kq).filter, EVFILT_WRITE);
	assert_silent(kq);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	event = next(kq);
	assert_int_equal(event.filter, EVFILT_READ);
	assert_int_equal(event.ident, fds[0]);
	assert_int_equal(event.data, 3);
	change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_DISABLE, 0, 0);
	assert_silent(kq);
	change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_ENABLE, 0, 0);
	assert_int_equal(next(kq).data, 3);
	assert_int_equal(read(fds[0], bytes, sizeof(bytes)), 3);
	assert_silent(kq);
	close(fds[1]);
	assert_true((next(kq).flags & EV_EOF) != 0);
	change(kq, (uintptr_t)fds[0], EVFILT_READ, EV_DELETE, 0, 0);
	assert_silent(kq);
	close(fds[0]);
	close(kq);
}

/* Goal: an ignored signal is seen, and counted. */
static void an_ignored_signal_is_seen_and_counted(void **state)
{
	int kq = kqueue();
	struct kevent event;

	signal(SIGUSR1, SIG_IGN);
	change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0);
	assert_silent(kq);
	kill(getpid(), SIGUSR1);
	event = next(kq);
	assert_int_equal(event.ident, SIGUSR1);
	assert_int_equal(event.data, 1);
	assert_silent(kq);
	change(kq, SIGUSR1, EVFILT_SIGNAL, EV_DELETE, 0, 0);
	close(kq);
}

static bool main_sleeps(void)
{
	char text[512] = "";
	int fd = open("/proc/self/stat", O_RDONLY);
	const char *name;

	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	name = strrchr(text, ')');
	return name != NULL && name[2] == 'S';
}

static void *send_signal(void *target)
{
	while (!main_sleeps()) {
		sched_yield();
	}
	kill(getpid(), *(int *)target);
	return NULL;
}

/* Goal: a thread in kevent() is woken by the event alone, not by EINTR. */
static void a_waiting_thread_is_woken_by_the_event_alone(void **state)
{
	int kq = kqueue();
	int signo = SIGUSR1;
	pthread_t thread;

	signal(SIGUSR1, SIG_IGN);
	change(kq, SIGUSR1, EVFILT_SIGNAL, EV_ADD, 0, 0);
	pthread_create(&thread, NULL, send_signal, &signo);
	assert_int_equal(next(kq).ident, SIGUSR1);
	pthread_join(thread, NULL);
	change(kq, SIGUSR1, EVFILT_SIGNAL, EV_DELETE, 0, 0);
	close(kq);
}

static volatile sig_atomic_t handled;

static void handle(int signo)
{
	handled++;
}

/* Goal: a signal that every thread blocks is seen, and stays pending. */
static void a_blocked_signal_is_seen_and_stays_pending(void **state)
{
	int kq = kqueue();
	struct kevent event;
	sigset_t pending;
	sigset_t set;

	handled = 0;
	signal(SIGUSR2, handle);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	change(kq, SIGTERM, EVFILT_SIGNAL, EV_ADD, 0, 0);
	change(kq, SIGUSR2, EVFILT_SIGNAL, EV_ADD, 0, 0);
	kill(getpid(), SIGTERM);
	event = next(kq);
	assert_int_equal(event.ident, SIGTERM);
	assert_int_equal(event.data, 1);
	kill(getpid(), SIGUSR2);
	assert_int_equal(next(kq).ident, SIGUSR2);
	assert_silent(kq);
	assert_int_equal(handled, 0);
	sigpending(&pending);
	assert_true(sigismember(&pending, SIGTERM) == 1);
	signal(SIGTERM, SIG_IGN);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	assert_int_equal(handled, 1);
	assert_silent(kq);
	change(kq, SIGTERM, EVFILT_SIGNAL, EV_DELETE, 0, 0);
	change(kq, SIGUSR2, EVFILT_SIGNAL, EV_DELETE, 0, 0);
	signal(SIGTERM, SIG_DFL);
	close(kq);
}

/* Goal: the end of a child, with its status, once. */
static void the_exit_of_a_child_is_seen_once(void **state)
{
	int kq = kqueue();
	struct kevent event;
	pid_t pid = fork();

	if (pid == 0) {
		_exit(3);
	}
	change(kq, (uintptr_t)pid, EVFILT_PROC, EV_ADD,
	    NOTE_EXIT | NOTE_EXITSTATUS, 0);
	event = next(kq);
	assert_int_equal(event.fflags, NOTE_EXIT | NOTE_EXITSTATUS);
	assert_int_equal(WEXITSTATUS(event.data), 3);
	assert_silent(kq);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(kq);
}

/* Goal: timers repeat unless a flag says otherwise. */
static void a_timer_repeats_unless_a_flag_says_otherwise(void **state)
{
	int kq = kqueue();
	struct kevent event;

	standin_clock_advance(0);
	change(kq, 1, EVFILT_TIMER, EV_ADD, NOTE_SECONDS, 2);
	change(kq, 2, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0, 10000);
	assert_silent(kq);
	standin_clock_advance(2000000000);
	event = next(kq);
	assert_int_equal(event.ident, 1);
	assert_int_equal(event.data, 1);
	standin_clock_advance(4000000000);
	assert_int_equal(next(kq).data, 2);
	change(kq, 1, EVFILT_TIMER, EV_DELETE, 0, 0);
	standin_clock_advance(4000000000);
	assert_int_equal(next(kq).ident, 2);
	assert_silent(kq);
	close(kq);
}

/* Goal: a user event is seen when it is triggered, until it is cleared. */
static void a_user_event_is_seen_from_trigger_to_clear(void **state)
{
	int kq = kqueue();
	struct kevent event;

	change(kq, 7, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0);
	assert_silent(kq);
	change(kq, 7, EVFILT_USER, 0, NOTE_TRIGGER | NOTE_FFOR | 5, 0);
	event = next(kq);
	assert_int_equal(event.ident, 7);
	assert_int_equal(event.fflags, 5);
	assert_silent(kq);
	close(kq);
}

/* Goal: an invalid change is reported, in the list if it has room. */
static void an_invalid_change_is_reported(void **state)
{
	int kq = kqueue();
	struct kevent event;
	struct kevent result;

	EV_SET(&event, 999, EVFILT_READ, EV_ADD, 0, 0, NULL);
	assert_int_equal(kevent(kq, &event, 1, NULL, 0, NULL), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(kevent(kq, &event, 1, &result, 1, NULL), 1);
	assert_int_equal(result.flags, EV_ERROR);
	assert_int_equal(result.data, EBADF);
	event.flags = EV_DELETE;
	assert_int_equal(kevent(kq, &event, 1, NULL, 0, NULL), -1);
	assert_int_equal(errno, ENOENT);
	EV_SET(&event, 0x7fffffff, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
	assert_int_equal(kevent(kq, &event, 1, NULL, 0, NULL), -1);
	assert_int_equal(errno, ESRCH);
	EV_SET(&event, 0, EVFILT_VNODE, EV_ADD, NOTE_WRITE, 0, NULL);
	assert_int_equal(kevent(kq, &event, 1, NULL, 0, NULL), -1);
	assert_int_equal(errno, EINVAL);
	close(kq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_socket_is_readable_and_writable_and_ends),
		cmocka_unit_test(an_ignored_signal_is_seen_and_counted),
		cmocka_unit_test(a_waiting_thread_is_woken_by_the_event_alone),
		cmocka_unit_test(a_blocked_signal_is_seen_and_stays_pending),
		cmocka_unit_test(the_exit_of_a_child_is_seen_once),
		cmocka_unit_test(a_timer_repeats_unless_a_flag_says_otherwise),
		cmocka_unit_test(a_user_event_is_seen_from_trigger_to_clear),
		cmocka_unit_test(an_invalid_change_is_reported),
	};

	alarm(120);
	return cmocka_run_group_tests_name("kqueue", tests, NULL, NULL);
}
