// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The predefined queues: the global ones and the main one.
 */

#include "dispatch-internal.h"

#include <unistd.h>

static const struct object_class root_class = { .name = "root queue" };

#define ROOT(name, kind, quality)                                              \
	{                                                                      \
		.object = { .class = &root_class, .immortal = true },          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .root = kind,               \
		.label = name, .qos = quality                                  \
	}

enum { ROOT_INTERACTIVE, ROOT_INITIATED, ROOT_DEFAULT, ROOT_UTILITY, ROOT_LOW };

static struct dispatch_queue_s roots[] = {
	[ROOT_INTERACTIVE] = ROOT("com.apple.root.user-interactive-qos",
	    QUEUE_ROOT_POOL, QOS_CLASS_USER_INTERACTIVE),
	[ROOT_INITIATED] = ROOT("com.apple.root.user-initiated-qos",
	    QUEUE_ROOT_POOL, QOS_CLASS_USER_INITIATED),
	[ROOT_DEFAULT] = ROOT(
	    "com.apple.root.default-qos", QUEUE_ROOT_POOL, QOS_CLASS_DEFAULT),
	[ROOT_UTILITY] = ROOT(
	    "com.apple.root.utility-qos", QUEUE_ROOT_POOL, QOS_CLASS_UTILITY),
	[ROOT_LOW] = ROOT("com.apple.root.background-qos", QUEUE_ROOT_POOL,
	    QOS_CLASS_BACKGROUND),
};

static struct dispatch_queue_s main_root =
    ROOT("com.apple.main-thread", QUEUE_ROOT_MAIN, QOS_CLASS_DEFAULT);

dispatch_queue_global_t dispatch_get_global_queue(
    intptr_t identifier, uintptr_t flags)
{
	switch (identifier) {
	case QOS_CLASS_USER_INTERACTIVE:
		return &roots[ROOT_INTERACTIVE];
	case QOS_CLASS_USER_INITIATED:
	case DISPATCH_QUEUE_PRIORITY_HIGH:
		return &roots[ROOT_INITIATED];
	case QOS_CLASS_DEFAULT:
	case QOS_CLASS_UNSPECIFIED: /* DISPATCH_QUEUE_PRIORITY_DEFAULT */
		return &roots[ROOT_DEFAULT];
	case QOS_CLASS_UTILITY:
	case DISPATCH_QUEUE_PRIORITY_LOW:
		return &roots[ROOT_UTILITY];
	case QOS_CLASS_BACKGROUND:
	case DISPATCH_QUEUE_PRIORITY_BACKGROUND:
		return &roots[ROOT_LOW];
	default:
		return NULL;
	}
}

/*
 * The main queue: a serial queue. Before dispatch_main() it belongs to the main
 * thread, which runs none of it; afterwards any thread of the pool runs its
 * items, as on macOS.
 */
static void main_queue_suspend(struct dispatch_object_s *object)
{
	dispatch_queue_t queue = (dispatch_queue_t)object;

	pthread_mutex_lock(&queue->lock);
	queue->suspended++;
	pthread_mutex_unlock(&queue->lock);
}

static void main_queue_resume(struct dispatch_object_s *object)
{
	dispatch_queue_t queue = (dispatch_queue_t)object;

	pthread_mutex_lock(&queue->lock);
	if (queue->suspended == 0) {
		system_fatal("LIBDISPATCH: dispatch_resume: over-resume of an "
			     "object (%s)",
		    queue->label);
	}
	queue->suspended--;
	queue_unlock_and_pump(queue);
}

static const struct object_class main_class = {
	.name = "main queue",
	.suspend = main_queue_suspend,
	.resume = main_queue_resume,
};

struct dispatch_queue_s _dispatch_main_q = {
	.object = { .class = &main_class, .immortal = true },
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.target = &main_root,
	.label = "com.apple.main-thread",
	.serial = true,
	.items = { .tail = &_dispatch_main_q.items.head },
	.qos = QOS_CLASS_DEFAULT,
};

static struct {
	pthread_mutex_t lock;
	struct item_list items; /* what waits for dispatch_main() */
	pthread_t thread;
	bool given; /* dispatch_main() was called */
} main_thread = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.items = { .tail = &main_thread.items.head },
};

static void main_forget(void)
{
	pthread_mutex_init(&main_thread.lock, NULL);
	main_thread.thread = pthread_self();
}

__attribute__((constructor)) static void main_init(void)
{
	main_thread.thread = pthread_self();
	pthread_atfork(NULL, NULL, main_forget);
}

static bool main_is_self(void)
{
	return pthread_equal(pthread_self(), main_thread.thread) != 0;
}

bool main_is_bound(void)
{
	return main_is_self() && !main_thread.given;
}

bool main_keep(struct item *item)
{
	bool kept;

	pthread_mutex_lock(&main_thread.lock);
	kept = !main_thread.given;
	if (kept) {
		item_list_append(&main_thread.items, item);
	}
	pthread_mutex_unlock(&main_thread.lock);
	return kept;
}

void dispatch_main(void)
{
	struct item_list items;

	if (!main_is_self()) {
		system_fatal("LIBDISPATCH: dispatch_main() must be called on "
			     "the main thread");
	}
	item_list_init(&items);
	pthread_mutex_lock(&main_thread.lock);
	main_thread.given = true;
	for (struct item *item = item_list_take(&main_thread.items);
	     item != NULL; item = item_list_take(&main_thread.items)) {
		item_list_append(&items, item);
	}
	pthread_mutex_unlock(&main_thread.lock);
	item_list_flush(&items);
	for (;;) {
		pause(); /* this thread only takes signals now */
	}
}
