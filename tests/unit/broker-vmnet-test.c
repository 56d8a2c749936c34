// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
// variants: asan tsan
// link: tests/unit/broker-vmnet.c tests/unit/broker-vmnet-config.c
// link: tests/unit/broker-vmnet-interface.c
//
// The vmnet of the broker's tests refuses what the stand-in's refuses.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "broker-vmnet.h"
#include "vmnet-stop.h"

/* Goal: an interface that has not started cannot be stopped. */
static void an_interface_that_has_not_started_cannot_be_stopped(void **state)
{
	vmnet_return_t status = 0;
	vmnet_network_configuration_ref config =
	    vmnet_network_configuration_create(VMNET_HOST_MODE, &status);
	vmnet_network_ref network = vmnet_network_create(config, &status);
	struct stop_answers answers;

	(void)state;
	fake_vmnet_reset();
	fake_vmnet.start = START_BADLY;
	answers = stop_too_early(network);
	assert_int_equal(answers.starting, VMNET_SETUP_INCOMPLETE);
	assert_int_equal(answers.failed, VMNET_INVALID_ARGUMENT);
	assert_int_equal(fake_vmnet_interfaces(), 0);
	CFRelease(network);
	CFRelease(config);
	assert_int_equal(fake_vmnet_networks(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_interface_that_has_not_started_cannot_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
