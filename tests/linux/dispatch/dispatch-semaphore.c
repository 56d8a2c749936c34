// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "dispatch-internal.h"

#include <errno.h>
#include <stdlib.h>

struct dispatch_semaphore_s {
	struct dispatch_object_s object;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	intptr_t value;
	intptr_t original;
	intptr_t waiting;
};

static void semaphore_dispose(struct dispatch_object_s *object)
{
	struct dispatch_semaphore_s *semaphore = (void *)object;

	pthread_mutex_lock(&semaphore->lock);
	if (semaphore->value - semaphore->waiting < semaphore->original) {
		system_fatal("LIBDISPATCH: dispatch_release: semaphore object "
			     "deallocated while in use: its value is less "
			     "than it was created with");
	}
	pthread_mutex_unlock(&semaphore->lock);
}

static void semaphore_destroy(struct dispatch_object_s *object)
{
	struct dispatch_semaphore_s *semaphore = (void *)object;

	pthread_cond_destroy(&semaphore->cond);
	pthread_mutex_destroy(&semaphore->lock);
	free(semaphore);
}

static const struct object_class semaphore_class = {
	.name = "dispatch_semaphore",
	.dispose = semaphore_dispose,
	.destroy = semaphore_destroy,
};

dispatch_semaphore_t dispatch_semaphore_create(intptr_t value)
{
	struct dispatch_semaphore_s *semaphore;

	if (value < 0) {
		return NULL;
	}
	semaphore = object_create(&semaphore_class, sizeof(*semaphore));
	semaphore->value = semaphore->original = value;
	pthread_mutex_init(&semaphore->lock, NULL);
	system_cond_init(&semaphore->cond);
	return semaphore;
}

intptr_t dispatch_semaphore_wait(
    dispatch_semaphore_t semaphore, dispatch_time_t timeout)
{
	uint64_t deadline = system_deadline(timeout);
	int error = 0;

	pthread_mutex_lock(&semaphore->lock);
	if (semaphore->value == 0 && timeout != DISPATCH_TIME_NOW) {
		semaphore->waiting++;
		system_blocking_begin();
		while (semaphore->value == 0 && error != ETIMEDOUT) {
			error = system_cond_wait(
			    &semaphore->cond, &semaphore->lock, deadline);
		}
		system_blocking_end();
		semaphore->waiting--;
	}
	error = semaphore->value == 0;
	if (!error) {
		semaphore->value--;
	}
	pthread_mutex_unlock(&semaphore->lock);
	return error;
}

intptr_t dispatch_semaphore_signal(dispatch_semaphore_t semaphore)
{
	intptr_t woken;

	/* The waiter may release the last reference as soon as it wakes. */
	object_retain(semaphore);
	pthread_mutex_lock(&semaphore->lock);
	woken = semaphore->waiting > semaphore->value;
	semaphore->value++;
	pthread_cond_signal(&semaphore->cond);
	pthread_mutex_unlock(&semaphore->lock);
	object_release(semaphore);
	return woken;
}
