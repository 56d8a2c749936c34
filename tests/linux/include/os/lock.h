// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <os/lock.h>. As on macOS, locking twice, or unlocking a
 * lock of another thread, aborts.
 */

#ifndef STANDIN_OS_LOCK_H
#define STANDIN_OS_LOCK_H

#include <os/base.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct os_unfair_lock_s {
	uint32_t _os_unfair_lock_opaque;
} os_unfair_lock, *os_unfair_lock_t;

#if defined(__cplusplus) && __cplusplus >= 201103L
#define OS_UNFAIR_LOCK_INIT (os_unfair_lock{})
#elif defined(__cplusplus)
#define OS_UNFAIR_LOCK_INIT (os_unfair_lock())
#else
#define OS_UNFAIR_LOCK_INIT ((os_unfair_lock){ 0 })
#endif

__BEGIN_DECLS

OS_EXPORT OS_NOTHROW OS_NONNULL_ALL void os_unfair_lock_lock(
    os_unfair_lock_t lock);
OS_EXPORT OS_NOTHROW OS_WARN_RESULT OS_NONNULL_ALL bool os_unfair_lock_trylock(
    os_unfair_lock_t lock);
OS_EXPORT OS_NOTHROW OS_NONNULL_ALL void os_unfair_lock_unlock(
    os_unfair_lock_t lock);
OS_EXPORT OS_NOTHROW OS_NONNULL_ALL void os_unfair_lock_assert_owner(
    const os_unfair_lock *lock);
OS_EXPORT OS_NOTHROW OS_NONNULL_ALL void os_unfair_lock_assert_not_owner(
    const os_unfair_lock *lock);

__END_DECLS

#endif
