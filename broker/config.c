// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The networks; config-load.c reads them from the file.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "subnet-plan.h"

const struct config_options config_default_options = {
	.idle = 120,
	.linger = 5,
	.max_clients_per_user = VMNET_BROKER_MAX_PEERS_PER_USER,
};

static const struct config_network builtins[] = {
	{ .name = "host", .mode = CONFIG_HOST },
	{ .name = "shared", .mode = CONFIG_SHARED },
};

#define BUILTINS (sizeof(builtins) / sizeof(builtins[0]))

const char *config_mode_name(enum config_mode mode)
{
	return mode == CONFIG_HOST ? "host" : "shared";
}

struct config *config_create(size_t room)
{
	struct config *config = calloc(1, sizeof(*config));

	if (config == NULL) {
		return NULL;
	}
	config->networks = calloc(BUILTINS + room, sizeof(*config->networks));
	if (config->networks == NULL) {
		free(config);
		return NULL;
	}
	memcpy(config->networks, builtins, sizeof(builtins));
	config->count = BUILTINS;
	config->options = config_default_options;
	for (size_t i = 0; i < BUILTINS; i++) {
		config_network_init(config, &config->networks[i]);
	}
	return config;
}

static void allow_destroy(struct config_allow *allow)
{
	if (allow != NULL) {
		free(allow->users);
		free(allow->groups);
		free(allow);
	}
}

struct config *config_retain(struct config *config)
{
	config->references++;
	return config;
}

void config_destroy(struct config *config)
{
	if (config == NULL) {
		return;
	}
	if (config->references > 0) {
		config->references--;
		return;
	}
	for (size_t i = 0; i < config->problem_count; i++) {
		free(config->problems[i]);
	}
	free(config->problems);
	for (size_t i = 0; i < config->count; i++) {
		free(config->networks[i].description);
		free(config->networks[i].reservations);
		free(config->networks[i].rules);
		if (config->networks[i].allow != config->defaults.allow) {
			allow_destroy(config->networks[i].allow);
		}
	}
	allow_destroy(config->defaults.allow);
	free(config->networks);
	free(config);
}

struct config_network *config_add(struct config *config, const char *name)
{
	struct config_network *network = config->networks;
	size_t i = 0;

	while (i < config->count && strcmp(network[i].name, name) != 0) {
		i++;
	}
	if (i == config->count) {
		config->count++;
		memcpy(network[i].name, name, strlen(name) + 1);
		config_network_init(config, &network[i]);
	}
	return &network[i];
}

void config_network_init(
    const struct config *config, struct config_network *network)
{
	network->off = config->defaults.off;
	network->mtu = config->defaults.mtu;
	network->linger = config->options.linger;
	network->allow = config->defaults.allow;
	memcpy(network->external_interface, config->defaults.external_interface,
	    sizeof(network->external_interface));
}

static void complete(
    const struct config *config, struct config_network *network)
{
	if (network->mode == CONFIG_HOST) { /* defaults are for shared ones */
		network->external_interface[0] = '\0';
	}
	if (network->problem == NULL) {
		network->problem = config->defaults.problem;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct config_network *)a)->name,
	    ((const struct config_network *)b)->name);
}

/* Assigns subnets in the order of the file, so that a new entry at the end
 * changes none of the others. */
void config_complete(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		complete(config, &config->networks[i]);
	}
	subnet_plan_assign(config);
	qsort(config->networks, config->count, sizeof(*config->networks),
	    compare);
}

int config_add_problem(
    struct config *config, struct config_network *network, const char *problem)
{
	size_t count = config->problem_count;
	char *copy = strdup(problem);
	char **problems =
	    realloc(config->problems, (count + 1) * sizeof(*config->problems));

	if (problems != NULL) {
		config->problems = problems;
	}
	if (problems == NULL || copy == NULL) {
		free(copy);
		return -1;
	}
	problems[count] = copy;
	config->problem_count++;
	if (network != NULL && network->problem == NULL) {
		network->problem = copy;
	}
	return 0;
}

size_t config_count_good(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->count; i++) {
		count += config->networks[i].problem == NULL;
	}
	return count;
}

const struct config_network *config_find(
    const struct config *config, const char *name)
{
	struct config_network key = { 0 };

	if (strlen(name) > VMNET_BROKER_NAME_MAX) {
		return NULL;
	}
	memcpy(key.name, name, strlen(name));
	return bsearch(
	    &key, config->networks, config->count, sizeof(key), compare);
}

const char *config_find_problem(const struct config *config, const char *name)
{
	const struct config_network *network = config_find(config, name);
	const char *problem =
	    network != NULL ? network->problem : config->refused;

	return problem == NULL ? NULL : problem + config->name_offset;
}
