// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// link: broker/config.c broker/config-load.c broker/config-network.c broker/config-allow.c
// link: broker/config-lists.c broker/config-reader.c
// link: broker/trusted-file.c broker/json-position.c broker/json-syntax.c broker/subnet.c
// link: broker/subnet-plan.c broker/text.c
// libs: -l:libjansson.a

#include "broker-config-fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "subnet.h"

char directory[] = "/tmp/broker-config-test.XXXXXX";
char path[128];

int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/networks.json", directory);
	return 0;
}

int tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

void write_file(const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), (ssize_t)length);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
}

enum config_result load(struct config **config)
{
	enum config_result result = CONFIG_LOADED;

	*config = config_create(0);
	assert_non_null(*config);
	result = config_load(*config, path, 0);
	assert_int_equal(remove(path), 0);
	return result;
}

void assert_problems(const struct config *config, const char *lines)
{
	char got[4096] = "";
	size_t used = 0;

	for (size_t i = 0; i < config->problem_count; i++) {
		const char *problem = config->problems[i];

		assert_int_equal(strncmp(problem, path, strlen(path)), 0);
		assert_null(strchr(problem, '\n'));
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s",
		    i == 0 ? "" : "\n", problem + strlen(path));
	}
	assert_string_equal(got, lines);
}

void assert_refused(const char *error)
{
	struct config *config = NULL;

	assert_int_equal(load(&config), CONFIG_REFUSED);
	assert_problems(config, error);
	assert_string_equal(config->refused, config->problems[0]);
	assert_int_equal(config->count, 2);
	config_destroy(config);
}

struct config *load_text(const char *text)
{
	struct config *config = NULL;

	write_file(text, strlen(text));
	if (load(&config) != CONFIG_LOADED) {
		fail_msg("refused: %s", config->refused);
	}
	assert_null(config->refused);
	assert_problems(config, "");
	return config;
}

void assert_network(const struct config *config, const char *name,
    enum config_mode mode, const char *subnet)
{
	const struct config_network *network = config_find(config, name);
	char text[SUBNET_TEXT] = "";

	assert_non_null(network);
	assert_string_equal(network->name, name);
	assert_int_equal(network->mode, mode);
	if (network->has_subnet) {
		subnet_format(&network->subnet, text);
	}
	assert_string_equal(text, subnet);
}

void assert_texts_have_problems(const struct bad_text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct config *config = NULL;

		write_file(texts[i].text, strlen(texts[i].text));
		assert_int_equal(load(&config), CONFIG_LOADED);
		assert_problems(config, texts[i].error);
		config_destroy(config);
	}
}
