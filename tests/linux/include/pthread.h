// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What <pthread.h> has on macOS and differs on Linux: a thread names itself.
 */

#include_next <pthread.h>

#ifndef STANDIN_PTHREAD_H
#define STANDIN_PTHREAD_H

#include <pthread/qos.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

int system_pthread_setname(const char *name);
int system_pthread_threadid(pthread_t thread, uint64_t *id);
int system_pthread_main(void);

#ifdef __cplusplus
}
#endif

#define pthread_setname_np(name) system_pthread_setname(name)
#define pthread_threadid_np(thread, id) system_pthread_threadid(thread, id)
#define pthread_main_np() system_pthread_main()

#endif
