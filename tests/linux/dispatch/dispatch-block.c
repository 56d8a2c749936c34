// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Block objects: blocks that can be cancelled and waited for. Each is built by
 * hand after the ABI of blocks, captures one work object, and is known by its
 * invoke function. The work object lives as long as the last copy.
 */

#include "dispatch-block.h"
#include "dispatch-internal.h"

#include <Block.h>
#include <stdlib.h>

struct work {
	struct dispatch_object_s object;
	dispatch_block_flags_t flags;
	dispatch_block_t block;
	dispatch_group_t group; /* empty when the block has run */
	atomic_bool cancelled;
	atomic_bool performed;
};

/* The part of the ABI of blocks that is needed here. */
struct block_layout {
	void *isa;
	int flags;
	int reserved;
	void (*invoke)(void *);
	struct block_descriptor *descriptor;
	struct work *work;
};

struct block_descriptor {
	unsigned long reserved;
	unsigned long size;
	void (*copy)(void *to, const void *from);
	void (*dispose)(const void *block);
};

enum { BLOCK_HAS_COPY_DISPOSE = 1 << 25 };

extern void *_NSConcreteStackBlock[];

static void work_destroy(struct dispatch_object_s *object)
{
	struct work *work = (struct work *)object;

	Block_release(work->block);
	if (!atomic_load(&work->performed)) {
		dispatch_group_leave(work->group);
	}
	dispatch_release(work->group);
	free(work);
}

static const struct object_class work_class = {
	.name = "dispatch_block",
	.destroy = work_destroy,
};

static void work_copy(void *to, const void *from)
{
	struct block_layout *copy = to;

	copy->work = ((const struct block_layout *)from)->work;
	object_retain(copy->work);
}

static void work_dispose(const void *block)
{
	object_release(((const struct block_layout *)block)->work);
}

static struct block_descriptor work_descriptor = {
	.size = sizeof(struct block_layout),
	.copy = work_copy,
	.dispose = work_dispose,
};

static void work_perform(void *block)
{
	struct work *work = ((struct block_layout *)block)->work;

	if (!atomic_load(&work->cancelled)) {
		work->block();
	}
	if (!atomic_exchange(&work->performed, true)) {
		dispatch_group_leave(work->group);
	}
}

/* Returns NULL if it is an ordinary block. */
static struct work *work_of(dispatch_block_t block)
{
	const struct block_layout *layout = (const void *)block;

	return layout->invoke == work_perform ? layout->work : NULL;
}

static struct work *work_check(dispatch_block_t block, const char *function)
{
	struct work *work = work_of(block);

	if (work == NULL) {
		system_fatal(
		    "LIBDISPATCH: invalid block object passed to %s", function);
	}
	return work;
}

bool block_is_barrier(dispatch_block_t block)
{
	const struct work *work = work_of(block);

	return work != NULL && (work->flags & DISPATCH_BLOCK_BARRIER) != 0;
}

dispatch_block_t dispatch_block_create(
    dispatch_block_flags_t flags, dispatch_block_t block)
{
	struct work *work = object_create(&work_class, sizeof(*work));
	struct block_layout literal = {
		.isa = _NSConcreteStackBlock,
		.flags = BLOCK_HAS_COPY_DISPOSE,
		.invoke = work_perform,
		.descriptor = &work_descriptor,
		.work = work,
	};
	dispatch_block_t copy;

	work->flags = flags;
	work->block = Block_copy(block);
	work->group = dispatch_group_create();
	dispatch_group_enter(work->group);
	copy = (dispatch_block_t)Block_copy((void *)&literal);
	object_release(work);
	return copy;
}

dispatch_block_t dispatch_block_create_with_qos_class(
    dispatch_block_flags_t flags, dispatch_qos_class_t qos_class,
    int relative_priority, dispatch_block_t block)
{
	return dispatch_block_create(flags, block);
}

void dispatch_block_perform(
    dispatch_block_flags_t flags, dispatch_block_t block)
{
	block();
}

intptr_t dispatch_block_wait(dispatch_block_t block, dispatch_time_t timeout)
{
	return dispatch_group_wait(
	    work_check(block, "dispatch_block_wait")->group, timeout);
}

void dispatch_block_notify(dispatch_block_t block, dispatch_queue_t queue,
    dispatch_block_t notification_block)
{
	dispatch_group_notify(work_check(block, "dispatch_block_notify")->group,
	    queue, notification_block);
}

void dispatch_block_cancel(dispatch_block_t block)
{
	atomic_store(
	    &work_check(block, "dispatch_block_cancel")->cancelled, true);
}

intptr_t dispatch_block_testcancel(dispatch_block_t block)
{
	return atomic_load(
	    &work_check(block, "dispatch_block_testcancel")->cancelled);
}
