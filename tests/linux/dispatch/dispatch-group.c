// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "dispatch-internal.h"

#include <Block.h>
#include <errno.h>
#include <stdlib.h>

struct notify {
	struct notify *next;
	dispatch_queue_t queue;
	dispatch_function_t work;
	void *context;
};

struct dispatch_group_s {
	struct dispatch_object_s object;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned long inside;
	unsigned long emptied; /* how often it became empty */
	struct notify *notifies;
	struct notify **notifies_tail;
};

static void group_destroy(struct dispatch_object_s *object)
{
	struct dispatch_group_s *group = (void *)object;

	pthread_cond_destroy(&group->cond);
	pthread_mutex_destroy(&group->lock);
	free(group);
}

static const struct object_class group_class = {
	.name = "dispatch_group",
	.destroy = group_destroy,
};

dispatch_group_t dispatch_group_create(void)
{
	struct dispatch_group_s *group =
	    object_create(&group_class, sizeof(*group));

	pthread_mutex_init(&group->lock, NULL);
	system_cond_init(&group->cond);
	group->notifies_tail = &group->notifies;
	return group;
}

/* A group that is not empty keeps itself. */
void dispatch_group_enter(dispatch_group_t group)
{
	pthread_mutex_lock(&group->lock);
	group->inside++;
	if (group->inside == 1) {
		object_retain(group);
	}
	pthread_mutex_unlock(&group->lock);
}

static void notifies_send(struct notify *notify)
{
	struct notify *next;

	for (; notify != NULL; notify = next) {
		next = notify->next;
		queue_async(notify->queue, notify->work, notify->context);
		object_release(notify->queue);
		free(notify);
	}
}

static struct notify *notifies_take(dispatch_group_t group)
{
	struct notify *notifies = group->notifies;

	group->notifies = NULL;
	group->notifies_tail = &group->notifies;
	return notifies;
}

void dispatch_group_leave(dispatch_group_t group)
{
	struct notify *notifies = NULL;
	bool empty;

	pthread_mutex_lock(&group->lock);
	if (group->inside == 0) {
		system_fatal("LIBDISPATCH: unbalanced call to "
			     "dispatch_group_leave()");
	}
	group->inside--;
	empty = group->inside == 0;
	if (empty) {
		group->emptied++;
		notifies = notifies_take(group);
		pthread_cond_broadcast(&group->cond);
	}
	pthread_mutex_unlock(&group->lock);
	notifies_send(notifies);
	if (empty) {
		object_release(group);
	}
}

intptr_t dispatch_group_wait(dispatch_group_t group, dispatch_time_t timeout)
{
	uint64_t deadline = system_deadline(timeout);
	unsigned long emptied;
	bool empty;
	int error = 0;

	pthread_mutex_lock(&group->lock);
	emptied = group->emptied;
	if (group->inside > 0 && timeout != DISPATCH_TIME_NOW) {
		system_blocking_begin();
		while (emptied == group->emptied && error != ETIMEDOUT) {
			error = system_cond_wait(
			    &group->cond, &group->lock, deadline);
		}
		system_blocking_end();
	}
	empty = group->inside == 0 || emptied != group->emptied;
	pthread_mutex_unlock(&group->lock);
	return empty ? 0 : 1;
}

void dispatch_group_notify_f(dispatch_group_t group, dispatch_queue_t queue,
    void *context, dispatch_function_t work)
{
	struct notify *notify = calloc(1, sizeof(*notify));

	if (notify == NULL) {
		abort();
	}
	object_retain(queue);
	*notify =
	    (struct notify){ .queue = queue, .work = work, .context = context };
	pthread_mutex_lock(&group->lock);
	if (group->inside > 0) {
		*group->notifies_tail = notify;
		group->notifies_tail = &notify->next;
		notify = NULL;
	}
	pthread_mutex_unlock(&group->lock);
	notifies_send(notify);
}

void dispatch_group_notify(
    dispatch_group_t group, dispatch_queue_t queue, dispatch_block_t block)
{
	dispatch_group_notify_f(group, queue, Block_copy(block), block_call);
}

struct member {
	dispatch_group_t group;
	dispatch_function_t work;
	void *context;
};

static void member_run(void *context)
{
	struct member member = *(struct member *)context;

	free(context);
	member.work(member.context);
	dispatch_group_leave(member.group);
	object_release(member.group);
}

void dispatch_group_async_f(dispatch_group_t group, dispatch_queue_t queue,
    void *context, dispatch_function_t work)
{
	struct member *member = calloc(1, sizeof(*member));

	if (member == NULL) {
		abort();
	}
	object_retain(group);
	*member =
	    (struct member){ .group = group, .work = work, .context = context };
	dispatch_group_enter(group);
	queue_async(queue, member_run, member);
}

void dispatch_group_async(
    dispatch_group_t group, dispatch_queue_t queue, dispatch_block_t block)
{
	dispatch_group_async_f(group, queue, Block_copy(block), block_call);
}
