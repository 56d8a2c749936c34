// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Queries about the current queue: labels, specific values, assertions.
 */

#include "dispatch-internal.h"

#include <stdlib.h>

struct specific {
	struct specific *next;
	const void *key;
	void *context;
	dispatch_function_t destructor;
};

static void specific_drop(struct specific *specific)
{
	if (specific->destructor != NULL) {
		queue_async(dispatch_get_global_queue(0, 0),
		    specific->destructor, specific->context);
	}
	free(specific);
}

void specifics_destroy(struct specific *specifics)
{
	struct specific *next;

	for (; specifics != NULL; specifics = next) {
		next = specifics->next;
		specific_drop(specifics);
	}
}

/* Takes the value out of the queue. The lock is held. */
static struct specific *specific_take(dispatch_queue_t queue, const void *key)
{
	struct specific **link = &queue->specifics;
	struct specific *found;

	while (*link != NULL && (*link)->key != key) {
		link = &(*link)->next;
	}
	found = *link;
	if (found != NULL) {
		*link = found->next;
	}
	return found;
}

void dispatch_queue_set_specific(dispatch_queue_t queue, const void *key,
    void *context, dispatch_function_t destructor)
{
	struct specific *specific = NULL;
	struct specific *old;

	if (key == NULL) {
		return;
	}
	if (context != NULL) {
		specific = calloc(1, sizeof(*specific));
		if (specific == NULL) {
			abort();
		}
		*specific = (struct specific){
			.key = key, .context = context, .destructor = destructor
		};
	}
	pthread_mutex_lock(&queue->lock);
	old = specific_take(queue, key);
	if (specific != NULL) {
		specific->next = queue->specifics;
		queue->specifics = specific;
	}
	pthread_mutex_unlock(&queue->lock);
	if (old != NULL) {
		specific_drop(old);
	}
}

void *dispatch_queue_get_specific(dispatch_queue_t queue, const void *key)
{
	void *context = NULL;

	pthread_mutex_lock(&queue->lock);
	for (struct specific *specific = queue->specifics; specific != NULL;
	     specific = specific->next) {
		if (specific->key == key) {
			context = specific->context;
			break;
		}
	}
	pthread_mutex_unlock(&queue->lock);
	return context;
}

/* Looks in the queue that runs, then in its target, and so on. */
void *dispatch_get_specific(const void *key)
{
	const struct item *item = item_current();
	void *context = NULL;

	if (key == NULL) {
		return NULL;
	}
	if (item == NULL && main_is_bound()) {
		return dispatch_queue_get_specific(
		    dispatch_get_main_queue(), key);
	}
	for (unsigned i = 0; item != NULL && context == NULL && i < item->depth;
	     i++) {
		context = dispatch_queue_get_specific(item->path[i], key);
	}
	return context;
}

bool system_queue_is_on(dispatch_queue_t queue)
{
	for (const struct item *item = item_current(); item != NULL;
	     item = item->outer) {
		for (unsigned i = 0; i < item->depth; i++) {
			if (item->path[i] == queue) {
				return true;
			}
		}
	}
	return main_is_bound() && queue == dispatch_get_main_queue();
}

dispatch_queue_t dispatch_get_current_queue(void)
{
	const struct item *item = item_current();
	unsigned i;

	if (item == NULL) {
		return main_is_bound() ? dispatch_get_main_queue()
				       : dispatch_get_global_queue(0, 0);
	}
	for (i = 0; i + 1 < item->depth && item->path[i]->hidden; i++) {
	}
	return item->path[i];
}

const char *dispatch_queue_get_label(dispatch_queue_t queue)
{
	if (queue == DISPATCH_CURRENT_QUEUE_LABEL) {
		queue = dispatch_get_current_queue();
	}
	return queue->label;
}

dispatch_qos_class_t dispatch_queue_get_qos_class(
    dispatch_queue_t queue, int *relative_priority)
{
	if (relative_priority != NULL) {
		*relative_priority = 0;
	}
	return queue->qos;
}

static _Noreturn void assert_failed(const char *what, dispatch_queue_t queue)
{
	system_fatal("LIBDISPATCH: assertion failed: block was %s queue [%s]; "
		     "the current one is [%s]",
	    what, queue->label, dispatch_queue_get_label(NULL));
}

void dispatch_assert_queue(dispatch_queue_t queue)
{
	if (!system_queue_is_on(queue)) {
		assert_failed("expected to execute on", queue);
	}
}

void dispatch_assert_queue_not(dispatch_queue_t queue)
{
	if (system_queue_is_on(queue)) {
		assert_failed("expected not to execute on", queue);
	}
}

void dispatch_assert_queue_barrier(dispatch_queue_t queue)
{
	bool exclusive;

	dispatch_assert_queue(queue);
	pthread_mutex_lock(&queue->lock);
	exclusive = queue->exclusive || queue == dispatch_get_main_queue();
	pthread_mutex_unlock(&queue->lock);
	if (!exclusive) {
		assert_failed("expected to act as a barrier on", queue);
	}
}
