// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * networks.json: which networks there are.
 *
 * An object with one entry per network, and "$options" for the broker itself;
 * networks.json(5) has their keys. The networks "shared" and "host" are there
 * without an entry; one may give them anything but another mode.
 *
 * An error in an entry costs that network: it is listed with its problem, and
 * nobody gets it. An error in "$options" costs all networks, since it may be
 * about who is allowed to use them; but a bad number there costs only that
 * option. All problems of a file are found at once.
 */

#ifndef CONFIG_H
#define CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol.h"
#include "subnet.h"

/* Bytes of networks.json. */
#define CONFIG_SIZE_MAX ((size_t)64 * 1024)

/* Room for the name of an interface of the Mac. */
#define CONFIG_INTERFACE 16

#define CONFIG_IPV6_LENGTH 64

/* Room for a problem. */
#define CONFIG_PROBLEM 1792

enum config_mode { CONFIG_SHARED, CONFIG_HOST };

/* "shared" or "host". */
const char *config_mode_name(enum config_mode mode);

/* What a network has unless networks.json switches it off. */
enum {
	CONFIG_NAT44 = 1,
	CONFIG_NAT66 = 2,
	CONFIG_DHCP = 4,
	CONFIG_DNS_PROXY = 8,
	CONFIG_ROUTER_ADVERTISEMENT = 16,
	CONFIG_ANCHOR = 32,
};

/* A configured subnet is used, or the network fails; or see subnet-plan.h. */
enum config_policy { CONFIG_REQUIRE, CONFIG_PREFER };

enum config_protocol { CONFIG_TCP, CONFIG_UDP };

struct config_reservation {
	char name[VMNET_BROKER_NAME_MAX + 1]; /* or "" */
	uint8_t mac[6];
	uint32_t address; /* host byte order */
};

struct config_rule {
	enum config_protocol protocol;
	uint32_t external_port;
	uint32_t internal_address; /* host byte order */
	uint32_t internal_port;
};

/* Who may use a network, besides root. */
struct config_allow {
	uid_t *users;
	size_t user_count;
	gid_t *groups;
	size_t group_count;
};

/* Of the broker itself. */
struct config_options {
	uint32_t idle;   /* seconds without a network, then it exits */
	uint32_t linger; /* seconds; of a network without its own */
	uint32_t max_clients_per_user;
};

/* Without "$options". */
extern const struct config_options config_default_options;

/* All 0: what a network has that says nothing, but for its linger. */
struct config_network {
	char name[VMNET_BROKER_NAME_MAX + 1];
	bool defined; /* in networks.json */
	enum config_mode mode;
	bool has_subnet; /* in networks.json */
	/* That, or else the one assigned (see subnet-plan.h); of length 0: the
	 * system chooses. */
	struct subnet subnet;
	enum config_policy subnet_policy;
	unsigned int off; /* of CONFIG_NAT44 and so on */
	bool has_ipv6_prefix;
	struct in6_addr ipv6_prefix; /* of CONFIG_IPV6_LENGTH bits */
	char external_interface[CONFIG_INTERFACE];
	uint32_t mtu;        /* 0: vmnet's own */
	uint32_t linger;     /* seconds */
	uint32_t persistent; /* 1, or 0: made and kept without a holder */
	char *description;   /* or NULL */
	struct config_allow *allow; /* NULL: everybody */
	struct config_reservation *reservations;
	size_t reservation_count;
	struct config_rule *rules;
	size_t rule_count;
	const char *problem; /* the first of this network, or NULL */
};

struct config {
	struct config_network *networks; /* sorted by name */
	size_t count;
	struct config_options options;
	struct config_network defaults; /* what each network begins with */
	/* Each "FILE:LINE:COLUMN: reason", in the order in which they were found. */
	char **problems;
	size_t problem_count;
	const char *refused; /* why nothing of the file was taken, or NULL */
	size_t name_offset; /* in a problem: its file's name, without folders */
	size_t references;  /* besides the creator's */
};

/* With the built-in networks only, and room for more. NULL: no memory. */
struct config *config_create(size_t room);

/* One more reference, which config_destroy() gives back. On one thread. */
struct config *config_retain(struct config *config);
void config_destroy(struct config *config);

/* The entry of that name, a new one if there was none: then there is room. */
struct config_network *config_add(struct config *config, const char *name);

/* Gives a network what it has until its entry says otherwise. */
void config_network_init(
    const struct config *config, struct config_network *network);

/* Completes networks, assigns subnets, and sorts: after the last config_add(). */
void config_complete(struct config *config);

/* Whether vmnet makes the same of both, and whether the broker treats both the
 * same. */
bool config_makes_same(
    const struct config_network *a, const struct config_network *b);
bool config_treats_same(
    const struct config_network *a, const struct config_network *b);

/* Keeps a problem, of a network or, with NULL, of the file. -1: no memory. */
int config_add_problem(
    struct config *config, struct config_network *network, const char *problem);

/* The networks that can be had. */
size_t config_count_good(const struct config *config);

enum config_result {
	CONFIG_LOADED,  /* perhaps with problems */
	CONFIG_MISSING, /* no such file */
	CONFIG_REFUSED, /* there is one problem, of the file */
};

/*
 * Adds what path defines. The file must be a regular file that root, our
 * effective user or `owner` owns and nobody else can write, see trusted-file.h.
 * Unless it is LOADED, config has the networks it had.
 */
enum config_result config_load(
    struct config *config, const char *path, uid_t owner);

/* NULL: not there. */
const struct config_network *config_find(
    const struct config *config, const char *name);

/* Why a network cannot be had that may be in the file, beginning with the
 * file's name, or NULL. */
const char *config_find_problem(const struct config *config, const char *name);

#endif
