// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "dispatch-fixture.h"

#include <sched.h>

int all_gone(void **state)
{
	for (int patience = 10000000; patience > 0; patience--) {
		if (standin_objects_alive(NULL) == 0) {
			return 0;
		}
		sched_yield();
	}
	print_error("%ld objects alive\n", standin_objects_alive(NULL));
	return -1;
}

struct heard *heard_create(
    dispatch_source_type_t type, uintptr_t handle, uintptr_t mask)
{
	struct heard *heard = calloc(1, sizeof(*heard));

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

void wait_for(dispatch_semaphore_t semaphore)
{
	dispatch_semaphore_wait(semaphore, DISPATCH_TIME_FOREVER);
}

void finish(dispatch_queue_t queue)
{
	dispatch_barrier_sync(queue,
	    ^{
	    });
	dispatch_release(queue);
}

void heard_destroy(struct heard *heard)
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
