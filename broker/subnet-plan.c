// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "subnet-plan.h"

#include <stdint.h>
#include <string.h>

#define FIRST 72U
#define LAST 127U
/* 192.168.105.0/24 and 192.168.106.0/24 are other programs'. */
#define SKIPPED 105U
#define SKIPPED_COUNT 2U
#define NEAR (LAST - FIRST + 1U - SKIPPED_COUNT)
#define FAR 8U

/* FNV-1a of 32 bits, the upper half folded into the lower. */
static uint32_t hash(const char *name)
{
	uint32_t result = UINT32_C(2166136261);

	for (; *name != '\0'; name++) {
		result = (result ^ (unsigned char)*name) * UINT32_C(16777619);
	}
	return result ^ result >> 16;
}

/* 10.a.b.0/24, with a from 2 to 254: many LANs use 10.0 and 10.1. */
static uint32_t far_address(uint32_t number)
{
	uint32_t a = 2 + number % 253;
	uint32_t b = number / 253 % 256;

	return UINT32_C(10) << 24 | a << 16 | b << 8;
}

bool subnet_plan_candidate(
    const char *name, size_t index, struct subnet *subnet)
{
	uint32_t start = hash(name);
	uint32_t third = 0;

	subnet->length = 24;
	if (index < NEAR) {
		third = FIRST + (start % NEAR + (uint32_t)index) % NEAR;
		if (third >= SKIPPED) {
			third += SKIPPED_COUNT;
		}
		subnet->address = UINT32_C(192) << 24 | 168U << 16 | third << 8;
		return true;
	}
	if (index < NEAR + FAR) {
		subnet->address =
		    far_address(start / NEAR + (uint32_t)(index - NEAR));
		return true;
	}
	return false;
}

bool subnet_plan_is_free(
    const struct config *config, const char *name, const struct subnet *subnet)
{
	for (size_t i = 0; i < config->count; i++) {
		const struct config_network *other = &config->networks[i];

		if (other->subnet.length != 0 &&
		    strcmp(other->name, name) != 0 &&
		    subnet_overlaps(&other->subnet, subnet)) {
			return false;
		}
	}
	return true;
}

static void assign(struct config *config, struct config_network *network)
{
	struct subnet subnet;

	for (size_t i = 0; subnet_plan_candidate(network->name, i, &subnet);
	     i++) {
		if (subnet_plan_is_free(config, network->name, &subnet)) {
			network->subnet = subnet;
			return;
		}
	}
}

void subnet_plan_assign(struct config *config)
{
	for (size_t i = 0; i < config->count; i++) {
		if (!config->networks[i].has_subnet) {
			assign(config, &config->networks[i]);
		}
	}
}
