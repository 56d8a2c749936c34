// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The wire between SDK and broker: names, keys and limits, for both sides.
 *
 * A connection to the Mach service carries XPC dictionaries. A request has
 * COMMAND; its reply has either what the command promises or ERROR. What is
 * listed first in each group is spoken by clients that are already out there
 * and never changes; the rest was added beside it, and both sides ignore keys
 * they do not know. The connection is the hold: what a client acquired is its
 * own until the connection ends.
 */

#ifndef VMNET_BROKER_PROTOCOL_H
#define VMNET_BROKER_PROTOCOL_H

/* launchd label, Mach service, and subsystem in the log. */
#define VMNET_BROKER_SERVICE "com.github.nirs.vmnet-broker"

/* Requests. */
#define VMNET_BROKER_KEY_COMMAND "command"           /* string */
#define VMNET_BROKER_KEY_NETWORK_NAME "network_name" /* string */

#define VMNET_BROKER_COMMAND_ACQUIRE "acquire"
#define VMNET_BROKER_COMMAND_STATUS "status"

/* Reply to a successful acquire: exactly the object that
 * vmnet_network_copy_serialization() gave, to be used untouched. */
#define VMNET_BROKER_KEY_NETWORK "network"

/* Reply to whatever failed: int64, a vmnet_broker_return_t from 3 up. */
#define VMNET_BROKER_KEY_ERROR "error"

/* Beside ERROR: a sentence for a person, and, when vmnet refused, its
 * vmnet_return_t (int64). */
#define VMNET_BROKER_KEY_ERROR_MESSAGE "error_message"
#define VMNET_BROKER_KEY_VMNET_STATUS "vmnet_status"

/* Beside NETWORK: a dictionary that describes it. */
#define VMNET_BROKER_KEY_INFO "info"
#define VMNET_BROKER_INFO_NAME "name"     /* string */
#define VMNET_BROKER_INFO_MODE "mode"     /* "shared" or "host" */
#define VMNET_BROKER_INFO_SUBNET "subnet" /* "192.168.64.0/24" */
/*
 * Where it comes from: "configured" in networks.json, "assigned" to the name,
 * an "alternative" since that one was taken, or the "system" chose it.
 */
#define VMNET_BROKER_INFO_SUBNET_SOURCE "subnet_source"
#define VMNET_BROKER_INFO_GATEWAY "gateway"         /* "192.168.64.1" */
#define VMNET_BROKER_INFO_MASK "mask"               /* "255.255.255.0" */
#define VMNET_BROKER_INFO_IPV6_PREFIX "ipv6_prefix" /* "fd…::/64" */
#define VMNET_BROKER_INFO_MTU "mtu"                 /* uint64, bytes */
/* uint64, never the same for two networks: a client that asks again after the
 * broker died sees by it that the network is a new one. */
#define VMNET_BROKER_INFO_GENERATION "generation"

/* Reply to status: what the broker holds at that moment. */
#define VMNET_BROKER_STATUS_PEERS "peers"       /* uint64, connected clients */
#define VMNET_BROKER_STATUS_STOPPING "stopping" /* bool, see SIGTERM */
#define VMNET_BROKER_STATUS_NETWORKS "networks" /* array of dictionaries */
#define VMNET_BROKER_STATUS_STATE "state" /* string: "creating", "held", … */
#define VMNET_BROKER_STATUS_HOLDERS "holders" /* uint64, peers that hold it */

/*
 * Network names: [a-z0-9][a-z0-9._-]{0,62}, checked before anything is looked
 * up, logged or written.
 */
#define VMNET_BROKER_NAME_MAX 63

/* Each limit is refused at N + 1 with a message that names it. */
#define VMNET_BROKER_MAX_PEERS 1024         /* connected at once */
#define VMNET_BROKER_PEERS_KEPT_FOR_ROOT 32 /* of them */
#define VMNET_BROKER_MAX_PEERS_PER_USER 256 /* root is exempt */
#define VMNET_BROKER_MAX_NETWORKS_PER_PEER 8
#define VMNET_BROKER_MAX_REQUESTS_PER_PEER 4 /* in flight, unanswered */

/* Seconds. */
#define VMNET_BROKER_VMNET_TIMEOUT 30  /* a vmnet call, then its askers fail */
#define VMNET_BROKER_RELEASE_TIMEOUT 8 /* vmnet's, to release a network */
/* What clients have after SIGTERM, before their networks are released. With
 * RELEASE_TIMEOUT it must stay below 20 s: launchd's ExitTimeOut by default. */
#define VMNET_BROKER_STOP_TIMEOUT 10
#define VMNET_BROKER_PEER_IDLE 60 /* a peer that holds nothing */

#endif
