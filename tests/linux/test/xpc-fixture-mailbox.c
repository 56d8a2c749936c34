// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * See xpc-fixture.h. Here: mailboxes and flags.
 */

#include "xpc-fixture.h"

void mailbox_put(struct mailbox *box, xpc_object_t object)
{
	pthread_mutex_lock(&box->lock);
	if (box->count == box->capacity) {
		box->capacity = box->capacity * 2 + 16;
		box->objects =
		    realloc(box->objects, box->capacity * sizeof(xpc_object_t));
		assert_non_null(box->objects);
	}
	box->objects[box->count++] = xpc_retain(object);
	pthread_cond_broadcast(&box->changed);
	pthread_mutex_unlock(&box->lock);
}

xpc_object_t mailbox_get(struct mailbox *box)
{
	xpc_object_t object;

	pthread_mutex_lock(&box->lock);
	while (box->count == 0) {
		pthread_cond_wait(&box->changed, &box->lock);
	}
	object = box->objects[0];
	box->count--;
	memmove(
	    box->objects, box->objects + 1, box->count * sizeof(xpc_object_t));
	pthread_mutex_unlock(&box->lock);
	return object;
}

void mailbox_expect(struct mailbox *box, xpc_object_t error)
{
	xpc_object_t object = mailbox_get(box);

	if (object != error) {
		char *have = xpc_copy_description(object);
		char *want = xpc_copy_description(error);

		print_error("have %s\nwant %s\n", have, want);
		free(have);
		free(want);
		fail();
	}
	xpc_release(object);
}

void mailbox_expect_number(struct mailbox *box, int64_t number)
{
	xpc_object_t object = mailbox_get(box);

	assert_ptr_equal(xpc_get_type(object), XPC_TYPE_DICTIONARY);
	assert_int_equal(xpc_dictionary_get_int64(object, "n"), number);
	xpc_release(object);
}

void mailbox_expect_nothing(struct mailbox *box)
{
	settle();
	pthread_mutex_lock(&box->lock);
	assert_int_equal(box->count, 0);
	pthread_mutex_unlock(&box->lock);
}

void mailbox_free(struct mailbox *box)
{
	xpc_object_t *objects;
	size_t count;

	pthread_mutex_lock(&box->lock);
	objects = box->objects;
	count = box->count;
	box->objects = NULL;
	box->count = 0;
	box->capacity = 0;
	pthread_mutex_unlock(&box->lock);
	for (size_t i = 0; i < count; i++) {
		xpc_release(objects[i]);
	}
	free(objects);
}

void flag_add(struct flag *flag)
{
	pthread_mutex_lock(&flag->lock);
	flag->value++;
	pthread_cond_broadcast(&flag->changed);
	pthread_mutex_unlock(&flag->lock);
}

void flag_wait(struct flag *flag, int value)
{
	pthread_mutex_lock(&flag->lock);
	while (flag->value < value) {
		pthread_cond_wait(&flag->changed, &flag->lock);
	}
	pthread_mutex_unlock(&flag->lock);
}

int flag_get(struct flag *flag)
{
	int value;

	pthread_mutex_lock(&flag->lock);
	value = flag->value;
	pthread_mutex_unlock(&flag->lock);
	return value;
}
