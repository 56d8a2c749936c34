// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * os_unfair_lock: the word is the number of the thread that holds it, or 0; the
 * top bit says that a thread sleeps on it.
 */

#include "../os/system.h"

#include <linux/futex.h>
#include <os/lock.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCK_WAITERS 0x80000000u

static uint32_t lock_self(void)
{
	static __thread uint32_t self;

	/* The thread of a child that was forked has another number. */
	if (self == 0 || self != (uint32_t)syscall(SYS_gettid)) {
		self = (uint32_t)syscall(SYS_gettid);
	}
	return self;
}

static uint32_t lock_owner(const os_unfair_lock *lock)
{
	return __atomic_load_n(
		   &lock->_os_unfair_lock_opaque, __ATOMIC_RELAXED) &
	    ~LOCK_WAITERS;
}

static bool lock_take(os_unfair_lock_t lock, uint32_t *expected, uint32_t value)
{
	return __atomic_compare_exchange_n(&lock->_os_unfair_lock_opaque,
	    expected, value, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* A thread that has slept leaves the bit: there may be others. */
static void lock_wait(os_unfair_lock_t lock, uint32_t self, uint32_t value)
{
	system_blocking_begin();
	for (;;) {
		if (value == 0) {
			if (lock_take(lock, &value, self | LOCK_WAITERS)) {
				break;
			}
			continue;
		}
		if ((value & LOCK_WAITERS) == 0 &&
		    !lock_take(lock, &value, value | LOCK_WAITERS)) {
			continue;
		}
		syscall(SYS_futex, &lock->_os_unfair_lock_opaque,
		    FUTEX_WAIT_PRIVATE, value | LOCK_WAITERS, NULL, NULL, 0);
		value = 0;
	}
	system_blocking_end();
}

void os_unfair_lock_lock(os_unfair_lock_t lock)
{
	uint32_t self = lock_self();
	uint32_t value = 0;

	if (lock_take(lock, &value, self)) {
		return;
	}
	if ((value & ~LOCK_WAITERS) == self) {
		system_fatal("LIBPLATFORM: Trying to recursively lock an "
			     "os_unfair_lock");
	}
	lock_wait(lock, self, value);
}

bool os_unfair_lock_trylock(os_unfair_lock_t lock)
{
	uint32_t value = 0;

	return lock_take(lock, &value, lock_self());
}

void os_unfair_lock_unlock(os_unfair_lock_t lock)
{
	uint32_t value;

	if (lock_owner(lock) != lock_self()) {
		system_fatal("LIBPLATFORM: Unlock of an os_unfair_lock not "
			     "owned by current thread");
	}
	value = __atomic_exchange_n(
	    &lock->_os_unfair_lock_opaque, 0, __ATOMIC_RELEASE);
	if ((value & LOCK_WAITERS) != 0) {
		syscall(SYS_futex, &lock->_os_unfair_lock_opaque,
		    FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

void os_unfair_lock_assert_owner(const os_unfair_lock *lock)
{
	if (lock_owner(lock) != lock_self()) {
		system_fatal("LIBPLATFORM: Assertion failed: Lock unexpectedly "
			     "not owned by current thread");
	}
}

void os_unfair_lock_assert_not_owner(const os_unfair_lock *lock)
{
	if (lock_owner(lock) == lock_self()) {
		system_fatal("LIBPLATFORM: Assertion failed: Lock unexpectedly "
			     "owned by current thread");
	}
}
