// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include <pthread.h>

#include <errno.h>
#include <stdbool.h>
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

static bool qos_is_valid(qos_class_t qos_class, int relative_priority)
{
	switch (qos_class) {
	case QOS_CLASS_USER_INTERACTIVE:
	case QOS_CLASS_USER_INITIATED:
	case QOS_CLASS_DEFAULT:
	case QOS_CLASS_UTILITY:
	case QOS_CLASS_BACKGROUND:
		return relative_priority <= 0 &&
		    relative_priority >= QOS_MIN_RELATIVE_PRIORITY;
	default:
		return false;
	}
}

int pthread_set_qos_class_self_np(qos_class_t qos_class, int relative_priority)
{
	return qos_is_valid(qos_class, relative_priority) ? 0 : EINVAL;
}

int pthread_attr_set_qos_class_np(
    pthread_attr_t *attr, qos_class_t qos_class, int relative_priority)
{
	(void)attr;
	return qos_is_valid(qos_class, relative_priority) ? 0 : EINVAL;
}
