// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "vmnet-interface-fixture.h"

#include <net/if.h>

static const char *unable; /* why this machine cannot run these tests */

void fixture_enter(void)
{
	unable = fixture_namespace();
	if (unable != NULL) {
		printf("# skip: %s\n", unable);
	}
}

int fixture_setup_with(const char *const *options)
{
	if (unable == NULL) {
		fixture_start(options);
	}
	return 0;
}

int fixture_setup(void **state)
{
	(void)state;
	return fixture_setup_with(NULL);
}

int fixture_teardown(void **state)
{
	(void)state;
	if (unable == NULL) {
		fixture_stop();
	}
	return 0;
}

void need_namespace(void)
{
	if (unable != NULL) {
		skip();
	}
}

void run_scenario(void (*scenario)(void))
{
	need_namespace();
	assert_true(fixture_run(scenario));
}

void run_scenario_as_user(void (*scenario)(void))
{
	need_namespace();
	assert_true(fixture_run_user(scenario));
}

xpc_object_t legacy_description(operating_modes_t mode)
{
	xpc_object_t description = xpc_dictionary_create(NULL, NULL, 0);

	xpc_dictionary_set_uint64(description, vmnet_operation_mode_key, mode);
	return description;
}

bool link_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

vmnet_network_ref network_make(vmnet_mode_t mode, const char *subnet)
{
	vmnet_network_ref network = fixture_network(mode, subnet, NULL);

	CHECK_TRUE(network != NULL);
	return network;
}

vmnet_return_t read_packets(struct guest *guest, size_t size, int count)
{
	uint8_t buffer[1514];
	struct iovec iov = { buffer, size };
	struct vmpktdesc packets[257];

	for (int i = 0; i < 257; i++) {
		packets[i] = (struct vmpktdesc){ size, &iov, 1, 0 };
	}
	return vmnet_read(guest->interface, packets, &count);
}
