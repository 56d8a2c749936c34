// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Signal sources. macOS reports every signal sent to the process to a source,
 * independently of signal(): an ignored signal is ignored and reported, and one
 * with the default action kills the process as usual. Linux does not report
 * ignored signals. So while there is a source, a handler replaces the program's
 * disposition, does what the program requested, and counts the signals.
 *
 * A source also gets signals that all of the program's threads block: then the
 * manager thread receives the signal, counts it, and passes it to the main
 * thread, where it stays pending.
 */

#include "dispatch-source.h"
#include "../fault/standin-internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The program's disposition. Never freed, because a handler may be reading
 * it. */
struct disposition {
	struct sigaction action;
	struct disposition *previous;
};

/* Changed under the lock; the handler reads wanted and counts. */
static struct {
	struct dispatch_source_s *sources;
	struct disposition *_Atomic wanted;
	bool ours;
	atomic_uint count;
} signals[NSIG];

static pthread_mutex_t signals_lock = PTHREAD_MUTEX_INITIALIZER;
static int signals_fd = -1;
static struct system_watch *signals_watch;

static bool ignored_by_default(int signo)
{
	return signo == SIGCHLD || signo == SIGCONT || signo == SIGURG ||
	    signo == SIGWINCH || signo == SIGIO;
}

/* The signal kills or stops the process, as if there were no source. */
static void signal_default(int signo)
{
	sigset_t set;

	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	raise(signo);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Names a signal that the manager has counted, in its siginfo. */
static char signal_counted;

static bool is_counted(const siginfo_t *info)
{
	return info->si_code == SI_QUEUE && info->si_pid == getpid() &&
	    info->si_value.sival_ptr == &signal_counted;
}

static void signal_leave_to_main(int signo)
{
	siginfo_t info = {
		.si_signo = signo,
		.si_code = SI_QUEUE,
	};

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = &signal_counted;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), signo, &info);
}

static void signal_count(int signo)
{
	uint64_t one = 1;
	ssize_t size;

	atomic_fetch_add(&signals[signo].count, 1);
	size = write(signals_fd, &one, sizeof(one));
	(void)size;
}

/* Whether there is nothing to do except counting. */
static bool is_quiet(int signo, const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) == 0 &&
	    (action->sa_handler == SIG_IGN ||
		(action->sa_handler == SIG_DFL && ignored_by_default(signo)));
}

static void signal_handler(int signo, siginfo_t *info, void *context)
{
	const struct sigaction *old =
	    &atomic_load(&signals[signo].wanted)->action;
	int saved = errno;

	if (!is_counted(info)) {
		signal_count(signo);
	}
	if (is_quiet(signo, old)) {
		errno = saved;
		return;
	}
	if (manager_is_current()) {
		signal_leave_to_main(signo);
	} else if ((old->sa_flags & SA_SIGINFO) != 0) {
		old->sa_sigaction(signo, info, context);
	} else if (old->sa_handler == SIG_DFL) {
		signal_default(signo);
	} else {
		old->sa_handler(signo);
	}
	errno = saved;
}

/* On the manager thread. */
static void signals_report(void *context, uint32_t events)
{
	struct dispatch_source_s *source;
	uint64_t total;
	unsigned count;
	ssize_t size = read(signals_fd, &total, sizeof(total));

	(void)size;
	for (int signo = 1; signo < NSIG; signo++) {
		count = atomic_exchange(&signals[signo].count, 0);
		if (count == 0 || standin_fault("signal")) {
			continue;
		}
		/* Only this thread takes sources out of the list. */
		pthread_mutex_lock(&signals_lock);
		source = signals[signo].sources;
		pthread_mutex_unlock(&signals_lock);
		for (; source != NULL; source = source->next_signal) {
			source_merge(source, count);
		}
	}
}

static void signals_start(void)
{
	if (signals_watch == NULL) {
		signals_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		signals_watch = system_watch_create(
		    signals_fd, EPOLLIN, NULL, signals_report);
		if (signals_watch == NULL) {
			abort();
		}
	}
}

static void signal_want(int signo, const struct sigaction *action)
{
	struct disposition *disposition = calloc(1, sizeof(*disposition));

	if (disposition == NULL) {
		abort();
	}
	disposition->action = *action;
	disposition->previous = atomic_load(&signals[signo].wanted);
	atomic_store(&signals[signo].wanted, disposition);
}

/* Installs our handler in place of the program's disposition. */
static void signal_install(int signo)
{
	struct sigaction action = atomic_load(&signals[signo].wanted)->action;
	bool ignored =
	    (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;

	if (ignored) {
		action.sa_flags = SA_RESTART;
		sigemptyset(&action.sa_mask);
		if (signo == SIGCHLD) {
			action.sa_flags |= SA_NOCLDWAIT;
		}
	}
	action.sa_flags |= SA_SIGINFO;
	action.sa_sigaction = signal_handler;
	sigaction(signo, &action, NULL);
}

static bool signal_check(uintptr_t handle, uintptr_t mask)
{
	return handle > 0 && handle < NSIG;
}

static void signal_arm(struct dispatch_source_s *source)
{
	int signo = (int)source->handle;
	struct sigaction action;

	pthread_mutex_lock(&signals_lock);
	signals_start();
	source->next_signal = signals[signo].sources;
	signals[signo].sources = source;
	if (!signals[signo].ours) {
		sigaction(signo, NULL, &action);
		signal_want(signo, &action);
		atomic_store(&signals[signo].count, 0);
		signals[signo].ours = true;
		signal_install(signo);
		/* Perhaps all of the program's threads block it. */
		manager_unblock(signo);
	}
	pthread_mutex_unlock(&signals_lock);
}

static void signal_unlink(struct dispatch_source_s *source)
{
	int signo = (int)source->handle;
	struct dispatch_source_s **link = &signals[signo].sources;

	while (*link != source) {
		link = &(*link)->next_signal;
	}
	*link = source->next_signal;
	if (signals[signo].sources == NULL) {
		signals[signo].ours = false;
		sigaction(
		    signo, &atomic_load(&signals[signo].wanted)->action, NULL);
	}
}

static void signal_disarm_later(void *context)
{
	struct dispatch_source_s *source = context;

	pthread_mutex_lock(&signals_lock);
	signal_unlink(source);
	pthread_mutex_unlock(&signals_lock);
	source_disarmed(source);
}

static void signal_disarm(struct dispatch_source_s *source)
{
	system_manager_post(source, signal_disarm_later);
}

const struct dispatch_source_type_s _dispatch_source_type_signal = {
	.name = "signal",
	.merge = SOURCE_ADD,
	.check = signal_check,
	.arm = signal_arm,
	.disarm = signal_disarm,
};

void signals_add_quiet(sigset_t *set)
{
	pthread_mutex_lock(&signals_lock);
	for (int signo = 1; signo < NSIG; signo++) {
		if (signals[signo].ours &&
		    is_quiet(
			signo, &atomic_load(&signals[signo].wanted)->action)) {
			sigaddset(set, signo);
		}
	}
	pthread_mutex_unlock(&signals_lock);
}

int standin_sigaction(
    int signo, const struct sigaction *action, struct sigaction *old)
{
	int result = 0;

	pthread_mutex_lock(&signals_lock);
	if (signo <= 0 || signo >= NSIG || !signals[signo].ours) {
		result = sigaction(signo, action, old);
	} else {
		if (old != NULL) {
			*old = atomic_load(&signals[signo].wanted)->action;
		}
		if (action != NULL) {
			signal_want(signo, action);
			signal_install(signo);
		}
	}
	pthread_mutex_unlock(&signals_lock);
	return result;
}
