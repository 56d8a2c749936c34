// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Transactions: launchd may kill a process without transactions at any time.
 * Also the exit of the process: after SIGTERM, from any sender and whether or
 * not it is ignored, listeners and peers are notified, nothing new is
 * delivered, and the process exits when its last transaction ends.
 */

#include "connection.h"

#include <standin.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t begun;    /* by the program */
static size_t messages; /* that are being handled */
static size_t reported;
static bool terminating;

/*
 * launchd needs to know whether there are any, and the number of the program's
 * own transactions is useful for people; changes in the number of messages
 * being handled are not reported.
 */
static void report(void)
{
	size_t count = begun > 0 ? begun : messages > 0;

	if (count != reported) {
		reported = count;
		xcontrol_transactions(count);
	}
}

static void begin(size_t *count)
{
	pthread_mutex_lock(&lock);
	++*count;
	report();
	pthread_mutex_unlock(&lock);
}

static void end(size_t *count)
{
	pthread_mutex_lock(&lock);
	if (*count == 0) {
		xmisuse("xpc_transaction_end: no transaction is open");
	}
	--*count;
	report();
	if (terminating && begun == 0 && messages == 0) {
		_exit(0);
	}
	pthread_mutex_unlock(&lock);
}

void xtransaction_begin(void)
{
	begin(&messages);
}

void xtransaction_end(void)
{
	end(&messages);
}

void xpc_transaction_begin(void)
{
	begin(&begun);
}

void xpc_transaction_end(void)
{
	end(&begun);
}

/* On the manager thread, which alone announces peers. */
static void warn(xpc_connection_t self)
{
	bool silent;

	pthread_mutex_lock(&self->lock);
	silent = self->kind == XPEER && !self->announced;
	if (!self->terminating && !self->invalid && !silent &&
	    !standin_fault("termination")) {
		self->terminating = true;
		xevent_push(self, (xpc_object_t)XPC_ERROR_TERMINATION_IMMINENT,
		    0, 0, 0);
		xchannel_update(self);
	}
	pthread_mutex_unlock(&self->lock);
	if (silent) {
		xpc_connection_cancel(self);
	}
}

static void warn_all(enum xconnection_kind kind)
{
	size_t count;
	xpc_connection_t *list = xconnection_all(kind, &count);

	for (size_t i = 0; i < count; i++) {
		warn(list[i]);
		xpc_release(list[i]);
	}
	free(list);
}

static void terminate(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	terminating = true;
	pthread_mutex_unlock(&lock);
	warn_all(XLISTENER);
	warn_all(XANONYMOUS);
	warn_all(XPEER);
}

static void signalled(void *unused)
{
	(void)unused;
	system_manager_post(NULL, terminate);
}

/* Never released: a thread that signals may still use it. */
static dispatch_semaphore_t is_watched;

static void watched(void *unused)
{
	(void)unused;
	dispatch_semaphore_signal(is_watched);
}

/* Until it sees the signal: no SIGTERM after the activation is missed. */
static void watch(void *unused)
{
	dispatch_source_t source =
	    dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGTERM, 0,
		dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0));

	(void)unused;
	is_watched = dispatch_semaphore_create(0);
	dispatch_source_set_registration_handler_f(source, watched);
	dispatch_source_set_event_handler_f(source, signalled);
	dispatch_activate(source);
	dispatch_semaphore_wait(is_watched, DISPATCH_TIME_FOREVER);
}

void xtransaction_watch(void)
{
	static dispatch_once_t once;

	dispatch_once_f(&once, NULL, watch);
}

void xpc_main(xpc_connection_handler_t handler __attribute__((unused)))
{
	xmisuse("xpc_main: this is for XPC service bundles; a job with "
		"MachServices makes a listener and calls dispatch_main()");
}
