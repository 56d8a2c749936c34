// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Port forwarding of one interface: for interfaces of the older API only, as
 * on macOS 27; on a network the rules belong in its configuration.
 */

#include "../vmnet/libvmnet.h"

#include <Block.h>
#include <stdlib.h>
#include <string.h>

#define KEY_RULE "rule"

typedef void (^rules_handler_t)(xpc_object_t rules);

/* An interface that may have rules; NULL with *status otherwise. */
static struct vmnet_interface *rules_use(
    interface_ref wanted, vmnet_return_t *status)
{
	struct vmnet_interface *interface = interface_use(wanted, status);

	if (interface != NULL && interface->network != NULL) {
		interface_unuse(interface);
		*status = VMNET_FAILURE;
		return NULL;
	}
	return interface;
}

/* The address fits the family; protocol and ports are judged by vmnetd. */
static vmnet_return_t rule_fill(struct wire_rule *rule, uint8_t protocol,
    uint16_t external_port, uint8_t family)
{
	rule->protocol = protocol;
	rule->family = family;
	rule->external_port = external_port;
	if ((family != AF_INET && family != AF_INET6) || external_port == 0 ||
	    (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)) {
		return VMNET_INVALID_ARGUMENT;
	}
	return VMNET_SUCCESS;
}

/* Sends it from the worker; the handler gets the status. */
static vmnet_return_t rule_send(interface_ref wanted, uint32_t type,
    const struct wire_rule *rule, vmnet_interface_completion_handler_t handler)
{
	vmnet_return_t status;
	struct vmnet_interface *interface = rules_use(wanted, &status);
	struct wire_forward *request;

	if (interface == NULL) {
		return status;
	}
	request = calloc(1, sizeof(*request));
	if (request == NULL) {
		interface_unuse(interface);
		return VMNET_MEM_FAILURE;
	}
	request->header.type = type;
	request->interface = interface->number;
	request->rule = *rule;
	if (handler != NULL) {
		handler = Block_copy(handler);
	}
	dispatch_async(interface->worker, ^{
		vmnet_return_t result = client_tell(request, sizeof(*request));

		free(request);
		interface_unuse(interface);
		if (handler != NULL) {
			handler(result);
			Block_release(handler);
		}
	});
	return VMNET_SUCCESS;
}

static vmnet_return_t rule_add(interface_ref interface, uint8_t protocol,
    uint16_t external_port, uint8_t family, const void *address,
    uint16_t internal_port, vmnet_interface_completion_handler_t handler)
{
	struct wire_rule rule = { 0 };
	vmnet_return_t status =
	    rule_fill(&rule, protocol, external_port, family);

	if (status != VMNET_SUCCESS || address == NULL || internal_port == 0) {
		return VMNET_INVALID_ARGUMENT;
	}
	rule.internal_port = internal_port;
	memcpy(&rule.address, address,
	    family == AF_INET ? sizeof(struct in_addr)
			      : sizeof(struct in6_addr));
	return rule_send(interface, WIRE_RULE_ADD, &rule, handler);
}

static vmnet_return_t rule_remove(interface_ref interface, uint8_t protocol,
    uint16_t external_port, uint8_t family,
    vmnet_interface_completion_handler_t handler)
{
	struct wire_rule rule = { 0 };
	vmnet_return_t status =
	    rule_fill(&rule, protocol, external_port, family);

	if (status != VMNET_SUCCESS) {
		return status;
	}
	return rule_send(interface, WIRE_RULE_REMOVE, &rule, handler);
}

/* Converts vmnetd's reply to objects for rule_details. */
static xpc_object_t rules_array(
    const struct wire_rules *reply, size_t size, uint8_t family)
{
	xpc_object_t array = xpc_array_create(NULL, 0);
	xpc_object_t object;

	for (uint32_t i = 0; i < reply->count &&
	     (i + 1) * sizeof(reply->rules[0]) <= size - sizeof(*reply);
	     i++) {
		if (reply->rules[i].family != family) {
			continue;
		}
		object = xpc_dictionary_create(NULL, NULL, 0);
		xpc_dictionary_set_data(object, KEY_RULE, &reply->rules[i],
		    sizeof(reply->rules[i]));
		xpc_array_append_value(array, object);
		xpc_release(object);
	}
	return array;
}

static xpc_object_t rules_ask(
    const struct vmnet_interface *interface, uint8_t family)
{
	struct wire_forward request = { .header = { .type = WIRE_RULE_LIST },
		.interface = interface->number };
	size_t room = sizeof(struct wire_rules) +
	    WIRE_ITEMS_MAX * sizeof(struct wire_rule);
	struct wire_rules *reply = calloc(1, room);
	struct call call = { .request = &request,
		.request_size = sizeof(request),
		.reply = reply,
		.reply_size = room,
		.minimum = sizeof(*reply) };
	xpc_object_t array = NULL;

	if (reply == NULL) {
		return NULL;
	}
	if (client_call(&call) == VMNET_SUCCESS) {
		array = rules_array(reply, call.reply_size, family);
	}
	free(reply);
	return array;
}

static vmnet_return_t rules_get(
    interface_ref wanted, uint8_t family, rules_handler_t handler)
{
	vmnet_return_t status;
	struct vmnet_interface *interface;

	if (handler == NULL || (family != AF_INET && family != AF_INET6)) {
		return VMNET_INVALID_ARGUMENT;
	}
	interface = rules_use(wanted, &status);
	if (interface == NULL) {
		return status;
	}
	handler = Block_copy(handler);
	dispatch_async(interface->worker, ^{
		xpc_object_t rules = rules_ask(interface, family);

		interface_unuse(interface);
		handler(rules);
		Block_release(handler);
		if (rules != NULL) {
			xpc_release(rules);
		}
	});
	return VMNET_SUCCESS;
}

static vmnet_return_t rule_details(
    xpc_object_t object, uint8_t family, struct wire_rule *rule)
{
	const void *data;
	size_t size = 0;

	if (object == NULL || xpc_get_type(object) != XPC_TYPE_DICTIONARY) {
		return VMNET_INVALID_ARGUMENT;
	}
	data = xpc_dictionary_get_data(object, KEY_RULE, &size);
	if (data == NULL || size != sizeof(*rule)) {
		return VMNET_INVALID_ARGUMENT;
	}
	memcpy(rule, data, sizeof(*rule));
	return rule->family == family ? VMNET_SUCCESS : VMNET_INVALID_ARGUMENT;
}

static vmnet_return_t details(xpc_object_t object, uint8_t *protocol,
    uint16_t *external_port, uint8_t family, void *address,
    uint16_t *internal_port)
{
	struct wire_rule rule;
	vmnet_return_t status = rule_details(object, family, &rule);

	if (status != VMNET_SUCCESS) {
		return status;
	}
	if (protocol != NULL) {
		*protocol = rule.protocol;
	}
	if (external_port != NULL) {
		*external_port = rule.external_port;
	}
	if (internal_port != NULL) {
		*internal_port = rule.internal_port;
	}
	if (address != NULL) {
		memcpy(address, &rule.address,
		    family == AF_INET ? sizeof(struct in_addr)
				      : sizeof(struct in6_addr));
	}
	return VMNET_SUCCESS;
}

vmnet_return_t vmnet_interface_add_ip_port_forwarding_rule(
    interface_ref interface, uint8_t protocol, uint16_t external_port,
    uint8_t address_family, const void *internal_address,
    uint16_t internal_port, vmnet_interface_completion_handler_t handler)
{
	vmnet_return_t status = fault(__func__);

	return status != VMNET_SUCCESS
	    ? status
	    : rule_add(interface, protocol, external_port, address_family,
		  internal_address, internal_port, handler);
}

vmnet_return_t vmnet_interface_add_port_forwarding_rule(interface_ref interface,
    uint8_t protocol, uint16_t external_port, struct in_addr internal_address,
    uint16_t internal_port, vmnet_interface_completion_handler_t handler)
{
	vmnet_return_t status = fault(__func__);

	return status != VMNET_SUCCESS
	    ? status
	    : rule_add(interface, protocol, external_port, AF_INET,
		  &internal_address, internal_port, handler);
}

vmnet_return_t vmnet_interface_remove_ip_port_forwarding_rule(
    interface_ref interface, uint8_t protocol, uint16_t external_port,
    uint8_t address_family, vmnet_interface_completion_handler_t handler)
{
	vmnet_return_t status = fault(__func__);

	return status != VMNET_SUCCESS
	    ? status
	    : rule_remove(
		  interface, protocol, external_port, address_family, handler);
}

vmnet_return_t vmnet_interface_remove_port_forwarding_rule(
    interface_ref interface, uint8_t protocol, uint16_t external_port,
    vmnet_interface_completion_handler_t handler)
{
	vmnet_return_t status = fault(__func__);

	return status != VMNET_SUCCESS
	    ? status
	    : rule_remove(interface, protocol, external_port, AF_INET, handler);
}

vmnet_return_t vmnet_interface_get_ip_port_forwarding_rules(
    interface_ref interface, uint8_t address_family,
    vmnet_interface_get_ip_port_forwarding_rules_handler_t handler)
{
	vmnet_return_t status = fault(__func__);

	return status != VMNET_SUCCESS
	    ? status
	    : rules_get(interface, address_family, handler);
}

vmnet_return_t vmnet_interface_get_port_forwarding_rules(
    interface_ref interface,
    vmnet_interface_get_port_forwarding_rules_handler_t handler)
{
	vmnet_return_t status = fault(__func__);

	return status != VMNET_SUCCESS ? status
				       : rules_get(interface, AF_INET, handler);
}

vmnet_return_t vmnet_ip_port_forwarding_rule_get_details(xpc_object_t rule,
    uint8_t *protocol, uint16_t *external_port, uint8_t address_family,
    void *internal_address, uint16_t *internal_port)
{
	vmnet_return_t status = fault(__func__);

	return status != VMNET_SUCCESS
	    ? status
	    : details(rule, protocol, external_port, address_family,
		  internal_address, internal_port);
}

vmnet_return_t vmnet_port_forwarding_rule_get_details(xpc_object_t rule,
    uint8_t *protocol, uint16_t *external_port,
    struct in_addr *internal_address, uint16_t *internal_port)
{
	vmnet_return_t status = fault(__func__);

	return status != VMNET_SUCCESS
	    ? status
	    : details(rule, protocol, external_port, AF_INET, internal_address,
		  internal_port);
}
