// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "reload.h"

#include <dispatch/dispatch.h>
#include <stdlib.h>

#include "log.h"
#include "message.h"
#include "protocol.h"

/* Maximum number of problems logged each time the file is read. */
#define PROBLEMS_LOGGED 32

/* A client that requested a reload, or SIGHUP. */
struct waiter {
	struct peer *peer; /* or NULL */
	xpc_object_t reply;
	STAILQ_ENTRY(waiter) entry;
};

STAILQ_HEAD(waiter_list, waiter);

struct reload {
	struct reload_options options;
	struct config *refused; /* the current file, if it was refused */
	bool reading;
	struct waiter_list waiters; /* for the reading in progress */
	struct waiter_list next;    /* for the next one */
};

/*
 * The log.
 */

static void log_problems(const struct config *config)
{
	for (size_t i = 0; i < config->problem_count; i++) {
		if (i == PROBLEMS_LOGGED) {
			log_error("config: %zu more errors: run "
				  "vmnet-brokerctl check to see them all",
			    config->problem_count - i);
			break;
		}
		log_error("config: %s", config->problems[i]);
	}
}

struct config *reload_read(const char *path, uid_t owner)
{
	struct config *config = config_create(0);

	if (config == NULL) {
		return NULL;
	}
	switch (config_load(config, path, owner)) {
	case CONFIG_LOADED:
		log_info("config: %s: %zu networks", path,
		    config_count_good(config));
		break;
	case CONFIG_MISSING:
		log_notice("config: %s: no such file: only the built-in "
			   "networks exist",
		    path);
		break;
	case CONFIG_REFUSED:
		break;
	}
	log_problems(config);
	return config;
}

/*
 * Answers.
 */

static void add_problems(xpc_object_t into, const struct config *config)
{
	size_t count = config->problem_count;
	xpc_object_t problems = xpc_array_create(NULL, 0);

	for (size_t i = 0; i < count && i < VMNET_BROKER_MAX_PROBLEMS; i++) {
		xpc_array_set_string(
		    problems, XPC_ARRAY_APPEND, config->problems[i]);
	}
	message_put(into, VMNET_BROKER_CONFIGURATION_PROBLEMS, problems);
	if (count > VMNET_BROKER_MAX_PROBLEMS) {
		xpc_dictionary_set_uint64(into,
		    VMNET_BROKER_CONFIGURATION_LEFT_OUT,
		    count - VMNET_BROKER_MAX_PROBLEMS);
	}
}

const struct config *reload_get_read(const struct reload *reload)
{
	return reload->refused != NULL
	    ? reload->refused
	    : registry_get_config(reload->options.registry);
}

xpc_object_t reload_describe(const struct reload *reload)
{
	xpc_object_t into = xpc_dictionary_create(NULL, NULL, 0);
	const struct registry *registry = reload->options.registry;
	const struct network *network = registry_get(registry, 0);
	xpc_object_t pending = xpc_array_create(NULL, 0);

	xpc_dictionary_set_string(
	    into, VMNET_BROKER_CONFIGURATION_PATH, reload->options.path);
	add_problems(into, reload_get_read(reload));
	for (size_t i = 0; network != NULL; i++) {
		if (registry_is_pending(network)) {
			xpc_array_set_string(
			    pending, XPC_ARRAY_APPEND, network->config->name);
		}
		network = registry_get(registry, i + 1);
	}
	message_put(into, VMNET_BROKER_CONFIGURATION_PENDING, pending);
	return into;
}

/*
 * Reloading.
 */

/* The result: an array of names for each kind of change. */
struct outcome {
	const struct failure *failure; /* or NULL */
	xpc_object_t names[REGISTRY_CHANGES];
};

static void add_change(
    void *context, enum registry_change change, const char *name)
{
	static const char *const texts[] = {
		[REGISTRY_ADDED] = "added",
		[REGISTRY_CHANGED] = "changed",
		[REGISTRY_PENDING] = "changes when it is no longer in use",
		[REGISTRY_REMOVED] = "removed",
	};
	const struct outcome *outcome = context;

	log_notice("network %s: %s", name, texts[change]);
	xpc_array_set_string(outcome->names[change], XPC_ARRAY_APPEND, name);
}

static void answer(struct reload *reload, const struct waiter *waiter,
    const struct outcome *outcome)
{
	static const char *const keys[] = {
		[REGISTRY_ADDED] = VMNET_BROKER_RELOAD_ADDED,
		[REGISTRY_CHANGED] = VMNET_BROKER_RELOAD_CHANGED,
		[REGISTRY_PENDING] = VMNET_BROKER_CONFIGURATION_PENDING,
		[REGISTRY_REMOVED] = VMNET_BROKER_RELOAD_REMOVED,
	};
	xpc_object_t reply = waiter->peer == NULL
	    ? NULL
	    : peer_resume(waiter->peer, waiter->reply);

	if (reply == NULL) {
		return;
	}
	if (outcome->failure != NULL) {
		peer_refuse(waiter->peer, reply, "reload", outcome->failure);
		return;
	}
	for (size_t i = 0; i < REGISTRY_CHANGES; i++) {
		xpc_dictionary_set_value(reply, keys[i], outcome->names[i]);
	}
	add_problems(reply, reload_get_read(reload));
	peer_answer(waiter->peer, reply);
}

/* Applies the new configuration, unless there is a failure. */
static void apply(struct reload *reload, struct config *config,
    enum config_result result, struct outcome *outcome, struct failure *failure)
{
	const struct reload_options *options = &reload->options;

	outcome->failure = failure;
	if (config == NULL) {
		failure_set(failure, FAILURE_INTERNAL, "out of memory");
		return;
	}
	log_problems(config);
	if (result == CONFIG_MISSING) {
		failure_set(failure, FAILURE_CONFIGURATION,
		    "%s: no such file: the networks are unchanged",
		    options->path);
		config_destroy(config);
		return;
	}
	config_destroy(reload->refused);
	reload->refused = NULL;
	if (result == CONFIG_REFUSED) {
		failure_set(
		    failure, FAILURE_CONFIGURATION, "%s", config->refused);
		reload->refused = config;
		return;
	}
	if (registry_reload(options->registry, config, add_change, outcome) !=
	    0) {
		failure_set(failure, FAILURE_INTERNAL, "out of memory");
	} else {
		outcome->failure = NULL;
		log_notice("config: %s: reloaded: %zu networks", options->path,
		    config_count_good(config));
	}
	config_destroy(config); /* the registry has its own reference */
}

static void finish(
    struct reload *reload, struct config *config, enum config_result result)
{
	struct waiter_list waiters = STAILQ_HEAD_INITIALIZER(waiters);
	struct waiter *waiter = NULL;
	struct outcome outcome;
	struct failure failure;

	for (size_t i = 0; i < REGISTRY_CHANGES; i++) {
		outcome.names[i] = xpc_array_create(NULL, 0);
	}
	apply(reload, config, result, &outcome, &failure);
	if (outcome.failure != NULL) {
		log_error("reload: %s", failure.message);
	}
	STAILQ_CONCAT(&waiters, &reload->waiters);
	waiter = STAILQ_FIRST(&waiters);
	while (waiter != NULL) {
		struct waiter *next = STAILQ_NEXT(waiter, entry);

		answer(reload, waiter, &outcome);
		free(waiter);
		waiter = next;
	}
	for (size_t i = 0; i < REGISTRY_CHANGES; i++) {
		xpc_release(outcome.names[i]);
	}
	reload->reading = false;
	reload->options.changed(reload->options.context);
}

/* Reads the file for the clients that wait now. */
static void read_file(struct reload *reload)
{
	const struct reload_options *options = &reload->options;

	reload->reading = true;
	STAILQ_CONCAT(&reload->waiters, &reload->next);
	dispatch_async(dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0), ^{
		struct config *config = config_create(0);
		enum config_result result = config == NULL
		    ? CONFIG_REFUSED
		    : config_load(config, options->path, options->owner);

		dispatch_async(options->queue, ^{
			finish(reload, config, result);
			if (!STAILQ_EMPTY(&reload->next)) {
				read_file(reload);
			}
		});
	});
}

void reload_run(struct reload *reload, struct peer *peer, xpc_object_t reply)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	struct failure failure;

	if (waiter == NULL || (peer != NULL && !peer_defer(peer, reply))) {
		failure_set(&failure, FAILURE_INTERNAL, "out of memory");
		if (peer != NULL) {
			peer_refuse(peer, reply, "reload", &failure);
		}
		free(waiter);
		return;
	}
	waiter->peer = peer;
	waiter->reply = reply;
	STAILQ_INSERT_TAIL(&reload->next, waiter, entry);
	if (!reload->reading) {
		read_file(reload);
	}
}

struct reload *reload_create(const struct reload_options *options)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (reload != NULL) {
		reload->options = *options;
		STAILQ_INIT(&reload->waiters);
		STAILQ_INIT(&reload->next);
	}
	return reload;
}

void reload_destroy(struct reload *reload)
{
	if (reload != NULL) {
		config_destroy(reload->refused);
		free(reload);
	}
}
