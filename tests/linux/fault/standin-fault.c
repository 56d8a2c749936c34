// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Faults: reads the plans and counts the calls.
 */

#include "standin-internal.h"
#include "../os/system.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <limits.h>
#include <string.h>

#define FAULT_KINDS 128
#define FAULT_RULES 128
#define FAULT_NAME 64
#define FAULT_STATUS 1001 /* VMNET_FAILURE */

struct rule {
	char kind[FAULT_NAME];
	unsigned long from; /* 1 based */
	unsigned long to;
	int status;
};

struct plan {
	pthread_mutex_t lock;
	const char *variable;
	struct rule rules[FAULT_RULES];
	size_t count;
	atomic_bool armed; /* there are rules; without, no lock is taken */
};

static struct plan fail = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.variable = "STANDIN_FAIL" };
static struct plan hang = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.variable = "STANDIN_HANG" };
static pthread_cond_t unhang = PTHREAD_COND_INITIALIZER;

/* Kinds are added and never removed: reading needs no lock. */
struct counter {
	const char *_Atomic kind;
	atomic_ulong fails;
	atomic_ulong hangs;
};

static struct counter counters[FAULT_KINDS];
static pthread_mutex_t counters_lock = PTHREAD_MUTEX_INITIALIZER;

static struct counter *counter_find(const char *kind)
{
	const char *name;

	for (size_t i = 0; i < FAULT_KINDS; i++) {
		name = atomic_load_explicit(
		    &counters[i].kind, memory_order_acquire);
		if (name == NULL) {
			break;
		}
		if (strcmp(name, kind) == 0) {
			return &counters[i];
		}
	}
	return NULL;
}

static struct counter *counter_get(const char *kind)
{
	struct counter *counter = counter_find(kind);
	size_t i = 0;

	if (counter != NULL) {
		return counter;
	}
	pthread_mutex_lock(&counters_lock);
	counter = counter_find(kind);
	if (counter == NULL) {
		while (i < FAULT_KINDS && counters[i].kind != NULL) {
			i++;
		}
		if (i == FAULT_KINDS) {
			system_fatal("STANDIN: too many kinds of faults");
		}
		counter = &counters[i];
		atomic_store_explicit(
		    &counter->kind, strdup(kind), memory_order_release);
	}
	pthread_mutex_unlock(&counters_lock);
	return counter;
}

static _Noreturn void plan_refuse(const struct plan *plan, const char *text)
{
	system_fatal("STANDIN: %s: cannot read \"%s\": want KIND:N[+][=STATUS]",
	    plan->variable, text);
}

/* KIND[:N[+]][=STATUS] */
static void rule_read(
    const struct plan *plan, struct rule *rule, const char *text)
{
	size_t length = strcspn(text, ":=");
	const char *at = text + length;
	char *end;

	if (length == 0 || length >= FAULT_NAME || *at == '\0') {
		plan_refuse(plan, text);
	}
	memcpy(rule->kind, text, length);
	rule->kind[length] = '\0';
	rule->from = 1;
	rule->to = ULONG_MAX;
	rule->status = FAULT_STATUS;
	if (*at == ':') {
		rule->from = rule->to = strtoul(at + 1, &end, 10);
		if (end == at + 1) {
			plan_refuse(plan, text);
		}
		at = end;
		if (*at == '+') {
			rule->to = ULONG_MAX;
			at++;
		}
	}
	if (*at == '=') {
		rule->status = (int)strtol(at + 1, &end, 0);
		at = end == at + 1 ? at : end;
	}
	if (*at != '\0') {
		plan_refuse(plan, text);
	}
}

static void plan_read(struct plan *plan, const char *text)
{
	char *copy = strdup(text == NULL ? "" : text);
	char *rest = NULL;

	if (copy == NULL) {
		abort();
	}
	plan->count = 0;
	for (char *word = strtok_r(copy, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		if (plan->count == FAULT_RULES) {
			system_fatal("STANDIN: %s: too long", plan->variable);
		}
		rule_read(plan, &plan->rules[plan->count], word);
		plan->count++;
	}
	free(copy);
	atomic_store(&plan->armed, plan->count > 0);
}

__attribute__((constructor)) static void plans_init(void)
{
	plan_read(&fail, getenv(fail.variable));
	plan_read(&hang, getenv(hang.variable));
}

void standin_fail(const char *text)
{
	pthread_mutex_lock(&fail.lock);
	for (size_t i = 0; i < FAULT_KINDS; i++) {
		atomic_store(&counters[i].fails, 0);
	}
	plan_read(&fail, text);
	pthread_mutex_unlock(&fail.lock);
}

void standin_hang(const char *text)
{
	pthread_mutex_lock(&hang.lock);
	for (size_t i = 0; i < FAULT_KINDS; i++) {
		atomic_store(&counters[i].hangs, 0);
	}
	plan_read(&hang, text);
	pthread_cond_broadcast(&unhang);
	pthread_mutex_unlock(&hang.lock);
}

void standin_unhang(void)
{
	standin_hang(NULL);
}

unsigned long standin_fail_count(const char *kind)
{
	return atomic_load(&counter_get(kind)->fails);
}

/* The lock is held. */
static const struct rule *plan_find(
    const struct plan *plan, const char *kind, unsigned long n)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (strcmp(plan->rules[i].kind, kind) == 0 &&
		    plan->rules[i].from <= n && n <= plan->rules[i].to) {
			return &plan->rules[i];
		}
	}
	return NULL;
}

bool standin_fault_status(const char *function, int *status)
{
	unsigned long n = atomic_fetch_add(&counter_get(function)->fails, 1);
	const struct rule *rule;

	if (!atomic_load(&fail.armed)) {
		return false;
	}
	pthread_mutex_lock(&fail.lock);
	rule = plan_find(&fail, function, n + 1);
	if (rule != NULL) {
		*status = rule->status;
	}
	pthread_mutex_unlock(&fail.lock);
	return rule != NULL;
}

bool standin_fault(const char *kind)
{
	int status;

	return standin_fault_status(kind, &status);
}

void standin_fault_hang(const char *function)
{
	unsigned long n = atomic_fetch_add(&counter_get(function)->hangs, 1);

	if (!atomic_load(&hang.armed)) {
		return;
	}
	pthread_mutex_lock(&hang.lock);
	system_blocking_begin();
	while (plan_find(&hang, function, n + 1) != NULL) {
		pthread_cond_wait(&unhang, &hang.lock);
	}
	system_blocking_end();
	pthread_mutex_unlock(&hang.lock);
}
