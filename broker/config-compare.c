// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Determines what a reload changes in a network.
 */

#include <string.h>

#include "config.h"

static bool same_reservation(
    const struct config_reservation *a, const struct config_reservation *b)
{
	return a->address == b->address &&
	    memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static bool same_rule(const struct config_rule *a, const struct config_rule *b)
{
	return a->protocol == b->protocol &&
	    a->external_port == b->external_port &&
	    a->internal_address == b->internal_address &&
	    a->internal_port == b->internal_port;
}

static bool same_lists(
    const struct config_network *a, const struct config_network *b)
{
	bool same = a->reservation_count == b->reservation_count &&
	    a->rule_count == b->rule_count;

	for (size_t i = 0; same && i < a->reservation_count; i++) {
		same =
		    same_reservation(&a->reservations[i], &b->reservations[i]);
	}
	for (size_t i = 0; same && i < a->rule_count; i++) {
		same = same_rule(&a->rules[i], &b->rules[i]);
	}
	return same;
}

bool config_makes_same(
    const struct config_network *a, const struct config_network *b)
{
	return a->mode == b->mode && a->has_subnet == b->has_subnet &&
	    a->subnet.address == b->subnet.address &&
	    a->subnet.length == b->subnet.length &&
	    a->subnet_policy == b->subnet_policy && a->off == b->off &&
	    memcmp(&a->ipv6_prefix, &b->ipv6_prefix, sizeof(a->ipv6_prefix)) ==
	    0 &&
	    strcmp(a->external_interface, b->external_interface) == 0 &&
	    a->mtu == b->mtu && same_lists(a, b);
}

static bool same_ids(
    const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	return a_count == b_count &&
	    (a_count == 0 || memcmp(a, b, a_count * sizeof(*a)) == 0);
}

static bool same_allow(
    const struct config_allow *a, const struct config_allow *b)
{
	if (a == NULL || b == NULL) {
		return a == b;
	}
	return same_ids(a->users, a->user_count, b->users, b->user_count) &&
	    same_ids(a->groups, a->group_count, b->groups, b->group_count);
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool config_treats_same(
    const struct config_network *a, const struct config_network *b)
{
	return a->linger == b->linger && a->persistent == b->persistent &&
	    same_text(a->description, b->description) &&
	    same_text(a->problem, b->problem) && same_allow(a->allow, b->allow);
}
