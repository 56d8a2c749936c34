// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * networks.json: the definitions of the networks.
 *
 * An object with one entry per network, and "$options" for the broker itself;
 * networks.json(5) has their keys. The networks "shared" and "host" exist
 * without an entry; an entry may set anything except another mode.
 *
 * An error in an entry makes that network unavailable: it is listed with its
 * problem, and requests for it are refused. An error in "$options" makes all
 * networks unavailable, because it may affect who is allowed to use them; but
 * an invalid number there affects only that option. All problems in a file are
 * found at once.
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

/* Maximum size of networks.json in bytes. */
#define CONFIG_SIZE_MAX ((size_t)64 * 1024)

/* Room for the name of an interface of the Mac. */
#define CONFIG_INTERFACE 16

#define CONFIG_IPV6_LENGTH 64

/* Room for a problem. */
#define CONFIG_PROBLEM 1792

enum config_mode { CONFIG_SHARED, CONFIG_HOST };

/* "shared" or "host". */
const char *config_mode_name(enum config_mode mode);

/* Features of a network that networks.json can disable. */
enum {
	CONFIG_NAT44 = 1,
	CONFIG_NAT66 = 2,
	CONFIG_DHCP = 4,
	CONFIG_DNS_PROXY = 8,
	CONFIG_ROUTER_ADVERTISEMENT = 16,
	CONFIG_ANCHOR = 32,
};

/* REQUIRE: the configured subnet, or the network fails. PREFER: see
 * subnet-plan.h. */
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

/* Options of the broker itself. */
struct config_options {
	uint32_t idle;   /* exits after this many seconds without a network */
	uint32_t linger; /* seconds; for networks without their own */
	uint32_t max_clients_per_user;
};

/* Used without "$options". */
extern const struct config_options config_default_options;

/* All 0: the defaults of a network, except for its linger. */
struct config_network {
	char name[VMNET_BROKER_NAME_MAX + 1];
	bool defined; /* in networks.json */
	enum config_mode mode;
	bool has_subnet; /* in networks.json */
	/* The configured or the assigned subnet (see subnet-plan.h); length 0:
	 * the system chooses. */
	struct subnet subnet;
	enum config_policy subnet_policy;
	unsigned int off; /* of CONFIG_NAT44 and so on */
	bool has_ipv6_prefix;
	struct in6_addr ipv6_prefix; /* of CONFIG_IPV6_LENGTH bits */
	char external_interface[CONFIG_INTERFACE];
	uint32_t mtu;               /* 0: vmnet's own */
	uint32_t linger;            /* seconds */
	uint32_t persistent;        /* 1: created and kept without a holder */
	char *description;          /* or NULL */
	struct config_allow *allow; /* NULL: every user */
	struct config_reservation *reservations;
	size_t reservation_count;
	struct config_rule *rules;
	size_t rule_count;
	const char *problem; /* its first one, or NULL */
};

struct config {
	struct config_network *networks; /* sorted by name */
	size_t count;
	struct config_options options;
	struct config_network defaults; /* initial values of each network */
	/* Each is "FILE:LINE:COLUMN: reason", in the order in which they were
	 * found. */
	char **problems;
	size_t problem_count;
	const char *refused; /* why the whole file was rejected, or NULL */
	size_t name_offset;  /* of the file's base name in a problem */
	size_t references;   /* in addition to the creator's */
};

/* Contains only the built-in networks, with room for more. NULL: out of
 * memory. */
struct config *config_create(size_t room);

/* Adds a reference, which config_destroy() drops. Not thread-safe. */
struct config *config_retain(struct config *config);
void config_destroy(struct config *config);

/* Returns the entry of that name, or adds a new one, for which there must be
 * room. */
struct config_network *config_add(struct config *config, const char *name);

/* Sets a network's initial values, which its entry may override. */
void config_network_init(
    const struct config *config, struct config_network *network);

/* Completes the networks, assigns subnets, and sorts. Call it after the last
 * config_add(). */
void config_complete(struct config *config);

/* Records a problem of a network or, with NULL, of the file. -1: out of
 * memory. */
int config_add_problem(
    struct config *config, struct config_network *network, const char *problem);

/* The number of networks without problems. */
size_t config_count_good(const struct config *config);

enum config_result {
	CONFIG_LOADED,  /* perhaps with problems */
	CONFIG_MISSING, /* no such file */
	CONFIG_REFUSED, /* there is one problem, which affects the file */
};

/*
 * Adds the networks that path defines. The file must be a regular file that is
 * owned by root, our effective user or `owner` and writable by nobody else, see
 * trusted-file.h. Unless the result is LOADED, the networks of config are
 * unchanged.
 */
enum config_result config_load(
    struct config *config, const char *path, uid_t owner);

/* NULL: no such network. */
const struct config_network *config_find(
    const struct config *config, const char *name);

/* Why a network that may be in the file is unavailable, beginning with the
 * file's name, or NULL. */
const char *config_find_problem(const struct config *config, const char *name);

#endif
