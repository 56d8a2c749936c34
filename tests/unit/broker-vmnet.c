// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-vmnet.h"

#include <Block.h>
#include <arpa/inet.h>
#include <assert.h>
#include <net/ethernet.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CoreFoundation/CoreFoundation.h>
#include <standin.h>
#include <vmnet/vmnet.h>

enum kind { CONFIGURATION = 1, NETWORK };

struct object {
	enum kind kind;
	int references;
	atomic_int *count;
};

struct vmnet_network_configuration {
	struct object object;
	uint32_t gateway; /* host order; 0: the system chooses */
};

struct vmnet_network {
	struct object object;
	uint32_t gateway;
};

/* As in vmnet: it is starting until the handler is called. */
enum interface_state { ENDED, STARTING, RUNNING };

struct vmnet_interface {
	_Atomic enum interface_state state;
	vmnet_network_ref network; /* while it is running */
};

struct fake_vmnet fake_vmnet;

static atomic_int configurations;
static atomic_int networks;
static atomic_int copies; /* of networks, by deserialization */
static atomic_int interfaces;
static atomic_int created;
static atomic_uint next_subnet;

const char *const vmnet_enable_tso_key = "vmnet_enable_tso";
const char *const vmnet_enable_checksum_offload_key =
    "vmnet_enable_checksum_offload";

/* Used again only when all others were: a reference that has ended is known. */
static struct vmnet_interface all_interfaces[1024];
static atomic_uint next_interface;

/* What START_SILENT and STOP_SILENT owe, the oldest first. */
static pthread_mutex_t owed_lock = PTHREAD_MUTEX_INITIALIZER;
static dispatch_block_t owed[64];
static size_t owed_count;

void fake_vmnet_reset(void)
{
	fake_vmnet.start = START_WELL;
	fake_vmnet.stop = STOP_WELL;
	fake_vmnet.mask = 0xffffff00;
	fake_vmnet.in_use = 0;
	fake_vmnet.refuse_all = false;
	fake_vmnet.asked = 0;
	created = 0;
	next_subnet = 64;
}

int fake_vmnet_configurations(void)
{
	return configurations;
}

int fake_vmnet_networks(void)
{
	return networks;
}

int fake_vmnet_copies(void)
{
	return copies;
}

int fake_vmnet_interfaces(void)
{
	return interfaces;
}

int fake_vmnet_created(void)
{
	return created;
}

/* Not the program's: faults are for the broker. */
void *__real_calloc(size_t count, size_t size);

static void *create(size_t size, enum kind kind, atomic_int *count)
{
	struct object *object = __real_calloc(1, size);

	assert(object != NULL);
	object->kind = kind;
	object->references = 1;
	object->count = count;
	(*count)++;
	return object;
}

void CFRelease(CFTypeRef reference)
{
	struct object *object = (struct object *)(uintptr_t)reference;

	assert(object != NULL);
	assert(object->kind == CONFIGURATION || object->kind == NETWORK);
	assert(object->references > 0);
	object->references--;
	if (object->references == 0) {
		(*object->count)--;
		free(object);
	}
}

/* Whether the test wants this call to fail. Hangs if it wants that. */
static bool fault(const char *function, vmnet_return_t *status)
{
	int wanted = 0;

	standin_fault_hang(function);
	if (!standin_fault_status(function, &wanted)) {
		return false;
	}
	if (status != NULL) {
		*status = (vmnet_return_t)wanted;
	}
	return true;
}

vmnet_network_configuration_ref vmnet_network_configuration_create(
    vmnet_mode_t mode, vmnet_return_t *status)
{
	if (fault(__func__, status)) {
		return NULL;
	}
	assert(mode == VMNET_SHARED_MODE || mode == VMNET_HOST_MODE);
	return create(sizeof(struct vmnet_network_configuration), CONFIGURATION,
	    &configurations);
}

vmnet_return_t vmnet_network_configuration_set_ipv4_subnet(
    vmnet_network_configuration_ref config, const struct in_addr *address,
    const struct in_addr *mask)
{
	uint32_t subnet = ntohl(address->s_addr & mask->s_addr);
	vmnet_return_t status = VMNET_SUCCESS;

	if (fault(__func__, &status)) {
		return status;
	}
	assert(config->object.kind == CONFIGURATION);
	config->gateway = ntohl(address->s_addr);
	assert(config->gateway == subnet + 1);
	fake_vmnet.asked = subnet;
	return VMNET_SUCCESS;
}

/*
 * The other settings: which were asked for, one after the other.
 */

static pthread_mutex_t settings_lock = PTHREAD_MUTEX_INITIALIZER;
static char settings[512];

void fake_vmnet_take_settings(char *text, size_t size)
{
	pthread_mutex_lock(&settings_lock);
	snprintf(text, size, "%s", settings);
	settings[0] = '\0';
	pthread_mutex_unlock(&settings_lock);
}

static vmnet_return_t set(vmnet_network_configuration_ref config,
    const char *function, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static vmnet_return_t set(vmnet_network_configuration_ref config,
    const char *function, const char *format, ...)
{
	vmnet_return_t status = VMNET_SUCCESS;
	size_t used = 0;
	va_list args;

	assert(config->object.kind == CONFIGURATION);
	if (fault(function, &status)) {
		return status;
	}
	pthread_mutex_lock(&settings_lock);
	used = strlen(settings);
	va_start(args, format);
	vsnprintf(settings + used, sizeof(settings) - used, format, args);
	va_end(args);
	pthread_mutex_unlock(&settings_lock);
	return VMNET_SUCCESS;
}

void vmnet_network_configuration_disable_nat44(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no nat44\n");
}

void vmnet_network_configuration_disable_nat66(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no nat66\n");
}

void vmnet_network_configuration_disable_dhcp(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no dhcp\n");
}

void vmnet_network_configuration_disable_dns_proxy(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no dns_proxy\n");
}

void vmnet_network_configuration_disable_router_advertisement(
    vmnet_network_configuration_ref config)
{
	set(config, __func__, "no router_advertisement\n");
}

vmnet_return_t vmnet_network_configuration_set_external_interface(
    vmnet_network_configuration_ref config, const char *name)
{
	return set(config, __func__, "external %s\n", name);
}

vmnet_return_t vmnet_network_configuration_set_ipv6_prefix(
    vmnet_network_configuration_ref config, const struct in6_addr *prefix,
    uint8_t length)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, prefix, text, sizeof(text));
	return set(config, __func__, "prefix %s/%u\n", text, length);
}

vmnet_return_t vmnet_network_configuration_set_mtu(
    vmnet_network_configuration_ref config, uint32_t mtu)
{
	return set(config, __func__, "mtu %u\n", mtu);
}

vmnet_return_t vmnet_network_configuration_add_port_forwarding_rule(
    vmnet_network_configuration_ref config, uint8_t protocol,
    sa_family_t family, uint16_t internal_port, uint16_t external_port,
    const void *address)
{
	char text[INET_ADDRSTRLEN];

	assert(family == AF_INET);
	inet_ntop(AF_INET, address, text, sizeof(text));
	return set(config, __func__, "rule %u %u %s:%u\n", protocol,
	    external_port, text, internal_port);
}

vmnet_return_t vmnet_network_configuration_add_dhcp_reservation(
    vmnet_network_configuration_ref config, const ether_addr_t *client,
    const struct in_addr *address)
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, address, text, sizeof(text));
	return set(
	    config, __func__, "reserve %s %s\n", ether_ntoa(client), text);
}

vmnet_network_ref vmnet_network_create(
    vmnet_network_configuration_ref config, vmnet_return_t *status)
{
	struct vmnet_network *network = NULL;

	if (fault(__func__, status)) {
		return NULL;
	}
	assert(config->object.kind == CONFIGURATION);
	if (config->gateway != 0 &&
	    (fake_vmnet.refuse_all ||
		config->gateway == fake_vmnet.in_use + 1)) {
		*status = VMNET_FAILURE;
		return NULL;
	}
	network = create(sizeof(*network), NETWORK, &networks);
	network->gateway = config->gateway != 0
	    ? config->gateway
	    : 0xc0a80001 + (next_subnet++ << 8);
	created++;
	*status = VMNET_SUCCESS;
	return network;
}

xpc_object_t vmnet_network_copy_serialization(
    vmnet_network_ref network, vmnet_return_t *status)
{
	xpc_object_t dictionary = NULL;

	if (fault(__func__, status)) {
		return NULL;
	}
	assert(network->object.kind == NETWORK);
	dictionary = xpc_dictionary_create(NULL, NULL, 0);
	xpc_dictionary_set_uint64(dictionary, "gateway", network->gateway);
	*status = VMNET_SUCCESS;
	return dictionary;
}

vmnet_network_ref vmnet_network_create_with_serialization(
    xpc_object_t serialization, vmnet_return_t *status)
{
	struct vmnet_network *network = NULL;

	if (fault(__func__, status)) {
		return NULL;
	}
	network = create(sizeof(*network), NETWORK, &copies);
	network->gateway =
	    (uint32_t)xpc_dictionary_get_uint64(serialization, "gateway");
	*status = VMNET_SUCCESS;
	return network;
}

void vmnet_network_get_ipv4_subnet(
    vmnet_network_ref network, struct in_addr *subnet, struct in_addr *mask)
{
	assert(network->object.kind == NETWORK);
	subnet->s_addr = htonl(network->gateway);
	mask->s_addr = htonl(fake_vmnet.mask);
}

void vmnet_network_get_ipv6_prefix(
    vmnet_network_ref network, struct in6_addr *prefix, uint8_t *length)
{
	assert(network->object.kind == NETWORK);
	inet_pton(AF_INET6, "fd12:3456:789a:1::", prefix);
	*length = 64;
}

static void owe(dispatch_block_t answer)
{
	pthread_mutex_lock(&owed_lock);
	assert(owed_count < sizeof(owed) / sizeof(owed[0]));
	owed[owed_count++] = Block_copy(answer);
	pthread_mutex_unlock(&owed_lock);
}

bool fake_vmnet_answer(void)
{
	dispatch_block_t answer = NULL;

	pthread_mutex_lock(&owed_lock);
	if (owed_count > 0) {
		answer = owed[0];
		owed_count--;
		memmove(owed, owed + 1, owed_count * sizeof(owed[0]));
	}
	pthread_mutex_unlock(&owed_lock);
	if (answer == NULL) {
		return false;
	}
	answer();
	Block_release(answer);
	return true;
}

static interface_ref begin(void)
{
	unsigned slots = sizeof(all_interfaces) / sizeof(all_interfaces[0]);
	interface_ref interface = &all_interfaces[next_interface++ % slots];
	enum interface_state before =
	    atomic_exchange(&interface->state, STARTING);

	assert(before == ENDED);
	(void)before;
	return interface;
}

static void end(interface_ref interface)
{
	CFRelease(interface->network);
	interfaces--;
}

/* interface NULL: there is no interface, or it was answered before. */
static void tell_started(interface_ref interface, dispatch_queue_t queue,
    vmnet_start_interface_completion_handler_t handler, vmnet_return_t status)
{
	dispatch_async(queue, ^{
		xpc_object_t parameters = xpc_dictionary_create(NULL, NULL, 0);

		if (interface != NULL) {
			interface->state =
			    status == VMNET_SUCCESS ? RUNNING : ENDED;
		}
		handler(status, status == VMNET_SUCCESS ? parameters : NULL);
		xpc_release(parameters);
	});
}

interface_ref vmnet_interface_start_with_network(vmnet_network_ref network,
    xpc_object_t description, dispatch_queue_t queue,
    vmnet_start_interface_completion_handler_t handler)
{
	interface_ref interface = NULL;

	if (fault(__func__, NULL) || fake_vmnet.start == START_NULL) {
		return NULL;
	}
	assert(network->object.kind == NETWORK);
	assert(xpc_dictionary_get_bool(description, vmnet_enable_tso_key));
	assert(xpc_dictionary_get_bool(
	    description, vmnet_enable_checksum_offload_key));
	if (fake_vmnet.start == START_SILENT) {
		interface = begin();
		owe(^{
			tell_started(interface, queue, handler, VMNET_FAILURE);
		});
		return interface;
	}
	if (fake_vmnet.start == START_NULL_AND_HANDLER) {
		tell_started(NULL, queue, handler, VMNET_FAILURE);
		return NULL;
	}
	interface = begin();
	if (fake_vmnet.start == START_BADLY) {
		tell_started(interface, queue, handler, VMNET_FAILURE);
		return interface;
	}
	interface->network = network;
	network->object.references++;
	interfaces++;
	tell_started(interface, queue, handler, VMNET_SUCCESS);
	if (fake_vmnet.start == START_TWICE) {
		tell_started(NULL, queue, handler, VMNET_FAILURE);
	}
	return interface;
}

vmnet_return_t vmnet_stop_interface(interface_ref interface,
    dispatch_queue_t queue, vmnet_interface_completion_handler_t handler)
{
	vmnet_return_t status =
	    fake_vmnet.stop == STOP_BADLY ? VMNET_FAILURE : VMNET_SUCCESS;

	enum interface_state running = RUNNING;

	if (!atomic_compare_exchange_strong(
		&interface->state, &running, ENDED)) {
		return running == STARTING ? VMNET_SETUP_INCOMPLETE
					   : VMNET_INVALID_ARGUMENT;
	}
	if (fault(__func__, &status)) {
		end(interface);
		return status;
	}
	if (fake_vmnet.stop == STOP_REFUSED) {
		end(interface);
		return VMNET_FAILURE;
	}
	end(interface);
	if (fake_vmnet.stop == STOP_SILENT) {
		owe(^{
			dispatch_async(queue, ^{
				handler(status);
			});
		});
		return VMNET_SUCCESS;
	}
	dispatch_async(queue, ^{
		handler(status);
	});
	if (fake_vmnet.stop == STOP_TWICE) {
		dispatch_async(queue, ^{
			handler(status);
		});
	}
	return VMNET_SUCCESS;
}
