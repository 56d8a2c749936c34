/*
 * SPDX-License-Identifier: Apache-2.0
 * Copyright The vmnet-broker authors
 */
#include <pthread.h>

#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux keeps 15 bytes of it. */
int system_pthread_setname(const char *name)
{
	return prctl(PR_SET_NAME, name) == 0 ? 0 : errno;
}

/* Only a thread itself can tell its number here. */
int system_pthread_threadid(pthread_t thread, uint64_t *id)
{
	if (thread != 0 && pthread_equal(thread, pthread_self()) == 0) {
		return ESRCH;
	}
	*id = (uint64_t)syscall(SYS_gettid);
	return 0;
}

int system_pthread_main(void)
{
	return syscall(SYS_gettid) == getpid();
}
