// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "probe.h"

#include <signal.h>

#define WAIT (10 * NSEC_PER_SEC)

static long wait_for(dispatch_semaphore_t semaphore)
{
	return dispatch_semaphore_wait(
	    semaphore, dispatch_time(DISPATCH_TIME_NOW, WAIT));
}

static void run(void)
{
	dispatch_queue_t queue = dispatch_queue_create("listener", NULL);
	dispatch_semaphore_t event = dispatch_semaphore_create(0);
	dispatch_semaphore_t term = dispatch_semaphore_create(0);
	xpc_connection_t listener = xpc_connection_create(NULL, queue);
	dispatch_source_t source = dispatch_source_create(
	    DISPATCH_SOURCE_TYPE_SIGNAL, SIGTERM, 0, queue);

	xpc_transaction_begin(); /* as the broker while it has networks */
	signal(SIGTERM, SIG_IGN);
	dispatch_source_set_event_handler(source, ^{
		dispatch_semaphore_signal(term);
	});
	dispatch_activate(source);
	xpc_connection_set_event_handler(listener, ^(xpc_object_t object) {
		if (object == XPC_ERROR_TERMINATION_IMMINENT) {
			dispatch_semaphore_signal(event);
		}
	});
	xpc_connection_activate(listener);
	kill(getpid(), SIGTERM);
	if (wait_for(term) != 0) {
		does_not_hold("the dispatch source does not see SIGTERM");
	}
	if (wait_for(event) != 0) {
		cannot_tell("SIGTERM came, but no event for a listener that "
			    "launchd does not know");
	}
	holds("both arrived");
}

const struct probe probe = {
	.assumes = "SIGTERM brings XPC_ERROR_TERMINATION_IMMINENT to a "
		   "listener, and also a dispatch source of the signal",
	.if_holds = "the broker shuts down in order: its clients have some "
		    "seconds to leave",
	.if_not = "launchd kills the broker at its time limit, and subnets may "
		  "stay in use until the next restart",
	.run = run,
};
