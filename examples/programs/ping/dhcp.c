// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * ping: DHCP.
 *
 * After DISCOVER -> OFFER, REQUEST -> ACK we have an address. After half of the
 * lease time, REQUEST -> ACK renews it; RELEASE returns it.
 *
 * A server may offer one address to several clients. All but the first one get
 * a NAK for their REQUEST; each starts again after a random time, so that they
 * do not collide again.
 *
 * A server without a free address does not answer DISCOVER. To distinguish this
 * from a missing server, we send a REQUEST for an address that no client can
 * get, the gateway's: a NAK shows that there is a server without free
 * addresses.
 */

#include "guest.h"

#include <stdlib.h>
#include <string.h>

struct lease lease;

enum { BOOT_REQUEST = 1, BOOT_REPLY = 2 };
enum {
	DHCP_DISCOVER = 1,
	DHCP_OFFER = 2,
	DHCP_REQUEST = 3,
	DHCP_ACK = 5,
	DHCP_NAK = 6,
	DHCP_RELEASE = 7
};

enum {
	OPTION_PAD = 0,
	OPTION_MASK = 1,
	OPTION_ROUTER = 3,
	OPTION_DNS = 6,
	OPTION_REQUESTED = 50,
	OPTION_LEASE_TIME = 51,
	OPTION_TYPE = 53,
	OPTION_SERVER = 54,
	OPTION_WANTED = 55,
	OPTION_END = 255
};

#define DHCP_MAGIC 0x63825363U

enum { DHCP_TRIES = 5 }; /* after 1, 2, 4, 8 and 16 seconds */
enum { DHCP_PROBE = 2 }; /* tries before checking for a server */
enum { DHCP_REFUSALS = 20 };
enum { DHCP_OPTIONS = 64 }; /* for the minimum size of a BOOTP message */

struct dhcp {
	uint8_t op;
	uint8_t hardware; /* 1: Ethernet */
	uint8_t hardware_size;
	uint8_t hops;
	uint8_t id[4];
	uint8_t seconds[2];
	uint8_t flags[2];
	uint8_t client_ip[4]; /* while it is the client's */
	uint8_t your_ip[4];
	uint8_t next_ip[4];
	uint8_t relay_ip[4];
	uint8_t client_mac[16];
	uint8_t server_name[64];
	uint8_t file[128];
	uint8_t magic[4];
};

static struct {
	uint32_t id; /* of the exchange */
	struct lease offer;
	unsigned tries;
	unsigned refusals;
} dhcp;

static uint8_t *option_put(
    uint8_t *end, uint8_t code, const void *value, uint8_t size)
{
	end[0] = code;
	end[1] = size;
	memcpy(end + 2, value, size);
	return end + 2 + size;
}

/* At most DHCP_OPTIONS bytes; the actual maximum is 22. */
static void dhcp_put_options(uint8_t *end, uint8_t type)
{
	const uint8_t wanted[] = { OPTION_MASK, OPTION_ROUTER, OPTION_DNS,
		OPTION_LEASE_TIME };
	uint8_t address[4], server[4];
	bool first = type == DHCP_REQUEST && lease.address == 0;
	bool probe = first && dhcp.offer.address == 0;

	put32(address, probe ? guest.gateway : dhcp.offer.address);
	put32(server, dhcp.offer.server);
	end = option_put(end, OPTION_TYPE, &type, sizeof(type));
	if (type != DHCP_RELEASE) {
		end = option_put(end, OPTION_WANTED, wanted, sizeof(wanted));
	}
	if (first) {
		end = option_put(end, OPTION_REQUESTED, address, 4);
	}
	if ((first && !probe) || type == DHCP_RELEASE) {
		end = option_put(end, OPTION_SERVER, server, 4);
	}
	*end = OPTION_END;
}

static void dhcp_send(uint8_t type)
{
	uint8_t bytes[sizeof(struct dhcp) + DHCP_OPTIONS] = { 0 };
	struct dhcp *message = (struct dhcp *)bytes;
	ipv4 to = type == DHCP_RELEASE ? lease.server : BROADCAST_IP;

	message->op = BOOT_REQUEST;
	message->hardware = 1;
	message->hardware_size = sizeof(guest.mac);
	put32(message->id, dhcp.id);
	put32(message->client_ip, lease.address);
	memcpy(message->client_mac, guest.mac, sizeof(guest.mac));
	put32(message->magic, DHCP_MAGIC);
	dhcp_put_options(bytes + sizeof(*message), type);
	udp_send(to, DHCP_CLIENT_PORT, DHCP_SERVER_PORT, bytes, sizeof(bytes));
}

static void dhcp_try(void)
{
	if (dhcp.tries == DHCP_TRIES) {
		fail("%s: no DHCP server answered", options.network);
		return;
	}
	dhcp_send(dhcp.offer.address == 0 ? DHCP_DISCOVER : DHCP_REQUEST);
	/* This is sent after the DISCOVER, so that an offer arrives before the
	 * NAK. */
	if (dhcp.offer.address == 0 && dhcp.tries >= DHCP_PROBE) {
		dhcp_send(DHCP_REQUEST);
	}
	timer_start(&step_timer, 1 << dhcp.tries, dhcp_try);
	dhcp.tries++;
}

/* The first renewal is at half of the lease, the second at three quarters; then
 * the lease expires. */
static void dhcp_renew(void)
{
	if (dhcp.tries == 2) {
		fail("%s: the lease of %s was not renewed and ended",
		    options.network, ip_text(lease.address).s);
		return;
	}
	dhcp.tries++;
	dhcp_send(DHCP_REQUEST);
	timer_start(&lease_timer, lease.seconds / 4.0, dhcp_renew);
}

/* NULL if there is no such option, or it is shorter than that. */
static const uint8_t *option_find(
    const uint8_t *bytes, size_t size, uint8_t code, size_t least)
{
	for (size_t i = 0; i < size && bytes[i] != OPTION_END;) {
		if (bytes[i] == OPTION_PAD) {
			i++;
			continue;
		}
		if (size - i < 2 || size - i - 2 < bytes[i + 1]) {
			return NULL;
		}
		if (bytes[i] == code) {
			return bytes[i + 1] < least ? NULL : &bytes[i + 2];
		}
		i += 2 + (size_t)bytes[i + 1];
	}
	return NULL;
}

static uint32_t option_get32(const uint8_t *bytes, size_t size, uint8_t code)
{
	const uint8_t *value = option_find(bytes, size, code, 4);

	return value == NULL ? 0 : get32(value);
}

/* Whether this is a reply to us in this exchange. */
static bool dhcp_is_ours(const struct dhcp *message)
{
	return message->op == BOOT_REPLY && message->hardware == 1 &&
	    message->hardware_size == sizeof(guest.mac) &&
	    get32(message->id) == dhcp.id &&
	    mac_equal(message->client_mac, guest.mac) &&
	    get32(message->magic) == DHCP_MAGIC;
}

/* Whether a guest on this network may have this address. */
static bool lease_fits(const struct lease *got)
{
	return got->server != 0 && got->mask == guest.mask &&
	    ((got->address ^ guest.gateway) & got->mask) == 0 &&
	    got->address != guest.gateway && (got->address & ~got->mask) != 0 &&
	    (got->address | got->mask) != BROADCAST_IP && got->seconds != 0;
}

static void dhcp_acknowledged(const struct lease *got)
{
	bool renewed = lease.address != 0;

	lease = *got;
	dhcp.tries = 0;
	timer_start(&lease_timer, lease.seconds / 2.0, dhcp_renew);
	if (!renewed) {
		timer_stop(&step_timer);
		ready();
	}
}

/* The message is complete; its options follow, size bytes. */
static void dhcp_read(const struct dhcp *message, const uint8_t *rest,
    size_t size, struct lease *got)
{
	*got = (struct lease){
		.address = get32(message->your_ip),
		.mask = option_get32(rest, size, OPTION_MASK),
		.gateway = option_get32(rest, size, OPTION_ROUTER),
		.dns = option_get32(rest, size, OPTION_DNS),
		.server = option_get32(rest, size, OPTION_SERVER),
		.seconds = option_get32(rest, size, OPTION_LEASE_TIME),
	};
}

/* The server gave the address to another client: begin again, as RFC 2131 says,
 * with a new id, so that late replies to the old exchange are ignored. */
static void dhcp_refused(void)
{
	if (lease.address != 0 || dhcp.refusals == DHCP_REFUSALS) {
		fail("%s: the DHCP server refused %s", options.network,
		    ip_text(dhcp.offer.address).s);
		return;
	}
	dhcp.refusals++;
	dhcp.offer = (struct lease){ 0 };
	dhcp.tries = 0;
	dhcp.id++;
	timer_start(&step_timer,
	    (double)arc4random_uniform(100 * dhcp.refusals) / 1000, dhcp_try);
}

void dhcp_receive(const uint8_t *payload, size_t size)
{
	const struct dhcp *message = (const struct dhcp *)payload;
	struct lease got = { 0 };

	if (size < sizeof(*message) || !dhcp_is_ours(message)) {
		return;
	}
	payload += sizeof(*message);
	size -= sizeof(*message);
	dhcp_read(message, payload, size, &got);

	const uint8_t *type = option_find(payload, size, OPTION_TYPE, 1);
	bool asked = dhcp.offer.address != 0 && dhcp.tries > 0;
	if (type == NULL) {
		return;
	}
	if (*type == DHCP_OFFER && !asked && lease_fits(&got)) {
		dhcp.offer = got;
		dhcp.tries = 0;
		dhcp_try();
	} else if (*type == DHCP_ACK && asked && lease_fits(&got) &&
	    got.address == dhcp.offer.address) {
		dhcp_acknowledged(&got);
	} else if (*type == DHCP_NAK && asked &&
	    got.server == dhcp.offer.server) {
		dhcp_refused();
	} else if (*type == DHCP_NAK && dhcp.offer.address == 0 &&
	    dhcp.tries > DHCP_PROBE) {
		fail("%s: no free address: the DHCP server has given all "
		     "addresses to other guests; stop one of them, or use a "
		     "network with a larger subnet",
		    options.network);
	}
}

void dhcp_start(void)
{
	dhcp.id = arc4random();
	dhcp_try();
}

void dhcp_release(void)
{
	if (lease.address != 0) {
		dhcp_send(DHCP_RELEASE);
	}
}
