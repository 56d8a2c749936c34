// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <pthread/qos.h>: values are checked, but do not affect
 * scheduling.
 */

#ifndef STANDIN_PTHREAD_QOS_H
#define STANDIN_PTHREAD_QOS_H

#include <pthread.h>
#include <sys/qos.h>

#ifdef __cplusplus
extern "C" {
#endif

/* EINVAL: unknown class, or the priority is not in -15..0. */
int pthread_set_qos_class_self_np(qos_class_t qos_class, int relative_priority);
int pthread_attr_set_qos_class_np(
    pthread_attr_t *attr, qos_class_t qos_class, int relative_priority);

#ifdef __cplusplus
}
#endif

#endif
