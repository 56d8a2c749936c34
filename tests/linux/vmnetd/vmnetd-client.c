// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Connections: clients, their requests, and the end of a connection.
 */

#include "vmnetd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/unix.h"

static struct client *clients;
static struct watch listener = { .fd = -1 };

union message {
	struct wire_header header;
	struct wire_create create;
	struct wire_remove remove;
	struct wire_start start;
	struct wire_stop stop;
	struct wire_forward forward;
	uint8_t bytes[WIRE_MESSAGE_MAX];
};

static void client_destroy(struct client *client)
{
	struct client **link = &clients;

	while (*link != client) {
		link = &(*link)->next;
	}
	*link = client->next;
	loop_remove(&client->watch);
	close(client->watch.fd);
	/* Remove its interfaces first: they may be on its own networks. */
	interface_client_gone(client);
	network_client_gone(client, !client->goodbye || options.orphan_exits);
	free(client);
}

void client_reply(
    struct client *client, void *reply, size_t length, uint32_t status, int fd)
{
	((struct wire_header *)reply)->status = status;
	if (unix_send_now(
		client->watch.fd, reply, length, &fd, fd != -1 ? 1 : 0) == -1) {
		/* The loop detects the end of the connection; callers still use
		 * client. */
		shutdown(client->watch.fd, SHUT_RDWR);
	}
}

static void serve_create(struct client *client, struct wire_create *request)
{
	struct wire_created reply = { .header = request->header };
	struct network *network;
	uint32_t status = network_create(client, request, &network);

	if (status == STATUS_SUCCESS) {
		reply.network = network->config;
	}
	client_reply(client, &reply, sizeof(reply), status, -1);
}

static void serve_remove(struct client *client, struct wire_remove *request)
{
	struct network *network = network_find(request->network);

	if (network != NULL && network->owner == client) {
		network_remove(network);
	}
	client_reply(client, &request->header, sizeof(request->header),
	    STATUS_SUCCESS, -1);
}

static void serve_stop(struct client *client, struct wire_stop *request)
{
	interface_stop(client, request->interface);
	client_reply(client, &request->header, sizeof(request->header),
	    STATUS_SUCCESS, -1);
}

static void serve_rule(struct client *client, struct wire_forward *request)
{
	struct interface *interface =
	    interface_find(client, request->interface);
	uint32_t status = STATUS_FAILURE;

	if (interface == NULL) {
		status = STATUS_FAILURE;
	} else if (request->header.type == WIRE_RULE_ADD) {
		status = interface_rule_add(interface, &request->rule);
	} else {
		status = interface_rule_remove(interface, &request->rule);
	}
	client_reply(
	    client, &request->header, sizeof(request->header), status, -1);
}

static void serve_rules(struct client *client, struct wire_forward *request)
{
	struct interface *interface =
	    interface_find(client, request->interface);
	uint32_t count = interface == NULL ? 0 : interface->rule_count;
	size_t size =
	    sizeof(struct wire_rules) + count * sizeof(struct wire_rule);
	struct wire_rules *reply = calloc(1, size);

	if (reply == NULL) {
		client_reply(client, &request->header, sizeof(request->header),
		    STATUS_MEM_FAILURE, -1);
		return;
	}
	reply->header = request->header;
	reply->count = count;
	if (count > 0) {
		memcpy(reply->rules, interface->rules,
		    count * sizeof(struct wire_rule));
	}
	client_reply(client, reply, size,
	    interface == NULL ? STATUS_FAILURE : STATUS_SUCCESS, -1);
	free(reply);
}

static void serve_dump(struct client *client, struct wire_header *request)
{
	struct {
		struct wire_header header;
		char text[WIRE_MESSAGE_MAX - sizeof(struct wire_header)];
	} *reply = calloc(1, sizeof(*reply));
	FILE *out;

	if (reply == NULL) {
		client_reply(
		    client, request, sizeof(*request), STATUS_MEM_FAILURE, -1);
		return;
	}
	reply->header = *request;
	out = fmemopen(reply->text, sizeof(reply->text), "w");
	if (out != NULL) {
		dump_networks(out);
		fclose(out);
	}
	client_reply(client, reply,
	    sizeof(reply->header) + strnlen(reply->text, sizeof(reply->text)),
	    STATUS_SUCCESS, -1);
	free(reply);
}

/* Whether all announced items are present. */
static bool create_complete(const struct wire_create *request, size_t length)
{
	return request->reservations <= WIRE_ITEMS_MAX &&
	    request->rules <= WIRE_ITEMS_MAX &&
	    length ==
	    sizeof(*request) +
		request->reservations * sizeof(struct wire_reservation) +
		request->rules * sizeof(struct wire_rule);
}

/* False: not a valid message of libvmnet. */
static bool serve(struct client *client, union message *message, size_t length)
{
	static const size_t sizes[] = {
		[WIRE_CREATE] = sizeof(struct wire_create),
		[WIRE_REMOVE] = sizeof(struct wire_remove),
		[WIRE_START] = sizeof(struct wire_start),
		[WIRE_STOP] = sizeof(struct wire_stop),
		[WIRE_RULE_ADD] = sizeof(struct wire_forward),
		[WIRE_RULE_REMOVE] = sizeof(struct wire_forward),
		[WIRE_RULE_LIST] = sizeof(struct wire_forward),
		[WIRE_DUMP] = sizeof(struct wire_header),
		[WIRE_GOODBYE] = sizeof(struct wire_header),
	};
	uint32_t type = message->header.type;

	if (length < sizeof(message->header) || type < WIRE_CREATE ||
	    type > WIRE_GOODBYE || length < sizes[type]) {
		return false;
	}
	switch (type) {
	case WIRE_CREATE:
		if (!create_complete(&message->create, length)) {
			return false;
		}
		serve_create(client, &message->create);
		break;
	case WIRE_REMOVE:
		serve_remove(client, &message->remove);
		break;
	case WIRE_START:
		interface_start(client, &message->start);
		break;
	case WIRE_STOP:
		serve_stop(client, &message->stop);
		break;
	case WIRE_RULE_ADD:
	case WIRE_RULE_REMOVE:
		serve_rule(client, &message->forward);
		break;
	case WIRE_RULE_LIST:
		serve_rules(client, &message->forward);
		break;
	case WIRE_DUMP:
		serve_dump(client, &message->header);
		break;
	case WIRE_GOODBYE:
		client->goodbye = true;
		break;
	}
	return true;
}

static void client_ready(struct watch *watch)
{
	static union message message;
	struct client *client = (struct client *)watch;
	ssize_t length =
	    unix_receive(watch->fd, &message, sizeof(message), NULL, NULL);

	if (length == -1 && errno == EAGAIN) {
		return;
	}
	if (length <= 0) {
		client_destroy(client);
		return;
	}
	if (!serve(client, &message, (size_t)length)) {
		log_error("client %d: not a message", (int)client->pid);
		client_destroy(client);
	}
}

static void listener_ready(struct watch *watch)
{
	struct client *client;
	struct ucred peer;
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1) {
		return;
	}
	client = calloc(1, sizeof(*client));
	if (client == NULL || unix_peer(fd, &peer) == -1) {
		free(client);
		close(fd);
		return;
	}
	client->watch.fd = fd;
	client->watch.ready = client_ready;
	client->pid = peer.pid;
	client->uid = peer.uid;
	client->next = clients;
	clients = client;
	loop_add(&client->watch);
}

int client_listen(const char *path)
{
	listener.ready = listener_ready;
	listener.fd = unix_listen(path, SOCK_SEQPACKET, 0666, SOMAXCONN);
	if (listener.fd == -1) {
		return -1;
	}
	loop_add(&listener);
	return 0;
}

void client_close_all(void)
{
	while (clients != NULL) {
		/* We are exiting, not the clients: their state is removed. */
		clients->goodbye = true;
		client_destroy(clients);
	}
	if (listener.fd != -1) {
		close(listener.fd);
	}
}
