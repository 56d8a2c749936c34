// SPDX-License-Identifier: Apache-2.0 OR MIT
// Copyright The vmnet-broker authors

/*
 * The protocol between the SDK and the broker: names, keys and limits, for both
 * sides.
 *
 * A connection to the Mach service carries XPC dictionaries. A request has
 * COMMAND; its reply has either the command's results or ERROR. The entries
 * that come first in each group are used by existing clients and never change;
 * the others were added later, and both sides ignore unknown keys. The
 * connection is the hold: a client keeps what it acquired until the connection
 * ends.
 */

#ifndef VMNET_BROKER_PROTOCOL_H
#define VMNET_BROKER_PROTOCOL_H

/* launchd label, Mach service, and subsystem of the log. */
#define VMNET_BROKER_SERVICE "com.github.nirs.vmnet-broker"

/* Requests. */
#define VMNET_BROKER_KEY_COMMAND "command"           /* string */
#define VMNET_BROKER_KEY_NETWORK_NAME "network_name" /* string */
/* String, optional: INFO then contains the reservation for this guest. */
#define VMNET_BROKER_KEY_MAC_ADDRESS "mac_address"

#define VMNET_BROKER_COMMAND_ACQUIRE "acquire"
#define VMNET_BROKER_COMMAND_STATUS "status"
#define VMNET_BROKER_COMMAND_HELLO "hello"
#define VMNET_BROKER_COMMAND_LIST "list"
#define VMNET_BROKER_COMMAND_CLIENTS "clients"
#define VMNET_BROKER_COMMAND_WATCH "watch"
/* For root and the broker's own user. */
#define VMNET_BROKER_COMMAND_DRAIN "drain"
#define VMNET_BROKER_COMMAND_RESUME "resume"
#define VMNET_BROKER_COMMAND_RECREATE "recreate"
#define VMNET_BROKER_COMMAND_RELOAD "reload"

/* Reply to a successful acquire: exactly the object that
 * vmnet_network_copy_serialization() returned, to be used unchanged. */
#define VMNET_BROKER_KEY_NETWORK "network"

/* Reply to any failed request: int64, a vmnet_broker_return_t of 3 or more. */
#define VMNET_BROKER_KEY_ERROR "error"

/* In addition to ERROR: a sentence for people and, if vmnet failed, its
 * vmnet_return_t (int64). */
#define VMNET_BROKER_KEY_ERROR_MESSAGE "error_message"
#define VMNET_BROKER_KEY_VMNET_STATUS "vmnet_status"

/* In addition to NETWORK: a dictionary that describes it. */
#define VMNET_BROKER_KEY_INFO "info"
#define VMNET_BROKER_INFO_NAME "name"     /* string */
#define VMNET_BROKER_INFO_MODE "mode"     /* "shared" or "host" */
#define VMNET_BROKER_INFO_SUBNET "subnet" /* "192.168.64.0/24" */
/*
 * Where the subnet comes from: "configured" in networks.json, "assigned" to the
 * name, an "alternative" because the assigned one is in use, or chosen by the
 * "system".
 */
#define VMNET_BROKER_INFO_SUBNET_SOURCE "subnet_source"
#define VMNET_BROKER_INFO_GATEWAY "gateway"         /* "192.168.64.1" */
#define VMNET_BROKER_INFO_MASK "mask"               /* "255.255.255.0" */
#define VMNET_BROKER_INFO_IPV6_PREFIX "ipv6_prefix" /* "fd…::/64" */
#define VMNET_BROKER_INFO_MTU "mtu"                 /* uint64, bytes */
/* uint64, never the same for two networks: a client that asks again after the
 * broker died can tell that the network is a new one. */
#define VMNET_BROKER_INFO_GENERATION "generation"
#define VMNET_BROKER_INFO_DESCRIPTION "description" /* as configured */
/* The DHCP address range, "192.168.64.2-192.168.64.254". */
#define VMNET_BROKER_INFO_DHCP_RANGE "dhcp_range"
/* Array of sentences: differences from the configuration. Absent: none. */
#define VMNET_BROKER_INFO_DIFFERS "differs"
/* The address reserved for MAC_ADDRESS; only in a reply to acquire. */
#define VMNET_BROKER_INFO_RESERVATION "reservation"

/* Reply to status: the current state of the broker. */
#define VMNET_BROKER_STATUS_PEERS "peers"       /* uint64, connected clients */
#define VMNET_BROKER_STATUS_STOPPING "stopping" /* bool, see SIGTERM */
#define VMNET_BROKER_STATUS_NETWORKS "networks" /* array of dictionaries */
#define VMNET_BROKER_STATUS_STATE "state" /* string: "creating", "held", … */
#define VMNET_BROKER_STATUS_HOLDERS "holders" /* uint64, peers that hold it */

/* Reply to hello; the reply to status has VERSION and PID, too. */
#define VMNET_BROKER_KEY_VERSION "version"           /* string */
#define VMNET_BROKER_KEY_PID "pid"                   /* int64 */
#define VMNET_BROKER_KEY_CAPABILITIES "capabilities" /* array of commands */

/* In addition to NETWORKS in the reply to status. */
#define VMNET_BROKER_STATUS_UPTIME "uptime"     /* uint64, seconds */
#define VMNET_BROKER_STATUS_DRAINING "draining" /* bool, also to resume */
#define VMNET_BROKER_STATUS_CONFIGURATION "configuration" /* dictionary */
#define VMNET_BROKER_CONFIGURATION_PATH "path"            /* string */
/* Array of strings, "path:line:column: reason", at most MAX_PROBLEMS; and the
 * number of further ones (uint64). */
#define VMNET_BROKER_CONFIGURATION_PROBLEMS "problems"
#define VMNET_BROKER_CONFIGURATION_LEFT_OUT "problems_left_out"
#define VMNET_BROKER_CONFIGURATION_PENDING "pending" /* array of names */
#define VMNET_BROKER_STATUS_COUNTERS "counters"    /* dictionary, since start */
#define VMNET_BROKER_COUNTER_ACQUIRES "acquires"   /* uint64, granted */
#define VMNET_BROKER_COUNTER_REFUSALS "refusals"   /* {status: uint64} */
#define VMNET_BROKER_COUNTER_CREATIONS "creations" /* uint64 */
#define VMNET_BROKER_COUNTER_FAILURES "creation_failures"
#define VMNET_BROKER_COUNTER_LONGEST "longest_creation" /* uint64, ms */

/* Reply to list: NETWORKS, with all configured networks. */
#define VMNET_BROKER_LIST_CONFIGURED_SUBNET "configured_subnet" /* string */
#define VMNET_BROKER_LIST_PERSISTENT "persistent"               /* bool */
/* bool: it is in use, and will change the next time it is created. */
#define VMNET_BROKER_LIST_PENDING "pending"

/* Reply to reload: arrays of names, and PENDING, PROBLEMS and LEFT_OUT. */
#define VMNET_BROKER_RELOAD_ADDED "added"
#define VMNET_BROKER_RELOAD_CHANGED "changed" /* at once */
#define VMNET_BROKER_RELOAD_REMOVED "removed" /* also while it is in use */

/* Reply to clients. */
#define VMNET_BROKER_KEY_CLIENTS "clients"    /* array of dictionaries */
#define VMNET_BROKER_CLIENTS_TOTAL "total"    /* uint64, with those hidden */
#define VMNET_BROKER_CLIENTS_HIDDEN "hidden"  /* uint64, of other users */
#define VMNET_BROKER_CLIENT_UID "uid"         /* uint64 */
#define VMNET_BROKER_CLIENT_SINCE "since"     /* uint64, s since 1970 */
#define VMNET_BROKER_CLIENT_WAITING "waiting" /* array of names it waits for */

/* Reply to watch, and the messages that follow on the same connection. */
#define VMNET_BROKER_KEY_WATCHING "watching"   /* bool */
#define VMNET_BROKER_KEY_EVENT "event"         /* string: "held", … */
#define VMNET_BROKER_EVENT_SEQUENCE "sequence" /* uint64 */
#define VMNET_BROKER_EVENT_TIME "time"         /* uint64, ms since 1970 */
#define VMNET_BROKER_EVENT_DROPPED "dropped" /* uint64, lost before this one */

/*
 * Network names: [a-z0-9][a-z0-9._-]{0,62}, checked before anything is looked
 * up, logged or written.
 */
#define VMNET_BROKER_NAME_MAX 63

/* Request N + 1 is refused with a message that names the limit. */
#define VMNET_BROKER_MAX_PEERS 1024         /* connected at once */
#define VMNET_BROKER_PEERS_KEPT_FOR_ROOT 32 /* of them */
#define VMNET_BROKER_MAX_PEERS_PER_USER 256 /* root is exempt */
#define VMNET_BROKER_MAX_NETWORKS_PER_PEER 8
#define VMNET_BROKER_MAX_REQUESTS_PER_PEER 4 /* in flight, unanswered */

#define VMNET_BROKER_MAX_PROBLEMS 100 /* of the configuration, in a reply */
#define VMNET_BROKER_MAX_WATCHERS 8
#define VMNET_BROKER_WATCHERS_KEPT_FOR_ROOT 2 /* of them */
#define VMNET_BROKER_MAX_EVENTS 64 /* unsent to a watcher; others are dropped */

/* Seconds. */
#define VMNET_BROKER_VMNET_TIMEOUT 30  /* a vmnet call, then its askers fail */
#define VMNET_BROKER_RELEASE_TIMEOUT 8 /* vmnet's, to release a network */
/* How long clients have after SIGTERM before their networks are released.
 * Together with RELEASE_TIMEOUT it must stay below 20 s, the default of
 * launchd's ExitTimeOut. */
#define VMNET_BROKER_STOP_TIMEOUT 10
#define VMNET_BROKER_PEER_IDLE 60 /* a peer that holds nothing */
/* Until a broker that exits waits no more for watchers to get their last event:
 * what one that does not read costs the clients of the next broker. */
#define VMNET_BROKER_FAREWELL_TIMEOUT 1

#endif
