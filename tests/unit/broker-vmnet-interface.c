// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "broker-vmnet.h"

#include <Block.h>
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <CoreFoundation/CoreFoundation.h>

#include "broker-vmnet-object.h"

/* As in vmnet, an interface is starting until the handler is called. */
enum interface_state { ENDED, STARTING, RUNNING };

struct vmnet_interface {
	_Atomic enum interface_state state;
	vmnet_network_ref network; /* while it is running */
};

const char *const vmnet_enable_tso_key = "vmnet_enable_tso";
const char *const vmnet_enable_checksum_offload_key =
    "vmnet_enable_checksum_offload";

static atomic_int interfaces;

/* A slot is reused as late as possible, so that the use of a stopped interface
 * is noticed. */
static struct vmnet_interface all_interfaces[1024];
static atomic_uint next_interface;

/* The outstanding answers of START_SILENT and STOP_SILENT, oldest first. */
static pthread_mutex_t owed_lock = PTHREAD_MUTEX_INITIALIZER;
static dispatch_block_t owed[64];
static size_t owed_count;

int fake_vmnet_interfaces(void)
{
	return interfaces;
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

/* interface NULL: there is none, or its start was answered before. */
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

	if (fake_fault(__func__, NULL) || fake_vmnet.start == START_NULL) {
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
	if (fake_fault(__func__, &status)) {
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
