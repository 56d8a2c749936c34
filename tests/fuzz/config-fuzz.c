// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/config.c broker/config-load.c broker/config-network.c
// link: broker/config-lists.c broker/config-allow.c
// link: broker/config-reader.c broker/json-position.c broker/json-syntax.c
// link: broker/trusted-file.c broker/subnet.c broker/subnet-plan.c broker/text.c
// libs: -l:libjansson.a

/*
 * libFuzzer on networks.json. The input is the file's content. A file that is
 * loaded must give what the broker relies on: valid names in order, no two of
 * them the same, the built-in networks among them, and no two subnets that
 * overlap, unless their networks have problems. A file that is refused must
 * leave the networks unchanged, and the reason must be one printable line that
 * names the file.
 */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void require(bool condition)
{
	if (!condition) {
		__builtin_trap();
	}
}

static void remove_file(void)
{
	unlink(path);
}

/* The process uses one file, in memory if there is such a file system. */
static void write_file(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0) {
		snprintf(path, sizeof(path), "%s/config-fuzz.XXXXXX",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
		fd = mkstemp(path);
		require(fd >= 0);
		atexit(remove_file);
	}
	require(ftruncate(fd, 0) == 0);
	require(pwrite(fd, data, size, 0) == (ssize_t)size);
}

static void require_printable(const char *line)
{
	require(strncmp(line, path, strlen(path)) == 0);
	require(line[strlen(path)] == ':');
	for (const char *at = line; *at != '\0'; at++) {
		require(*at >= 0x20 && *at <= 0x7e);
	}
}

static void require_builtins(const struct config *config)
{
	const struct config_network *host = config_find(config, "host");
	const struct config_network *shared = config_find(config, "shared");

	require(host != NULL &&
	    (host->problem != NULL || host->mode == CONFIG_HOST));
	require(shared != NULL &&
	    (shared->problem != NULL || shared->mode == CONFIG_SHARED));
}

static void require_network(const struct config *config, size_t i)
{
	const struct config_network *network = &config->networks[i];

	require(name_is_valid(network->name, strlen(network->name)));
	require(config_find(config, network->name) == network);
	require(i == 0 || strcmp(network[-1].name, network->name) < 0);
	for (size_t j = 0; j < i; j++) {
		const struct config_network *other = &config->networks[j];

		require(network->problem != NULL || other->problem != NULL ||
		    network->subnet.length == 0 || other->subnet.length == 0 ||
		    !subnet_overlaps(&network->subnet, &other->subnet));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = config_create(0);

	require(config != NULL);
	write_file(data, size);
	switch (config_load(config, path, geteuid())) {
	case CONFIG_LOADED:
		require(config->refused == NULL);
		for (size_t i = 0; i < config->count; i++) {
			require_network(config, i);
		}
		break;
	case CONFIG_REFUSED:
		require(config->refused != NULL && config->problem_count == 1);
		require(config->count == 2);
		break;
	case CONFIG_MISSING:
		require(false);
	}
	for (size_t i = 0; i < config->problem_count; i++) {
		require_printable(config->problems[i]);
	}
	require_builtins(config);
	config_destroy(config);
	return 0;
}
