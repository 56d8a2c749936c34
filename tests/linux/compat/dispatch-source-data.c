// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Sources that the program itself feeds, and the one that never fires: memory
 * pressure.
 */

#include "../dispatch/dispatch-source.h"

static bool data_check(uintptr_t handle, uintptr_t mask)
{
	return handle == 0;
}

static void data_arm(struct dispatch_source_s *source)
{
}

static void data_disarm(struct dispatch_source_s *source)
{
	source_disarmed(source);
}

const struct dispatch_source_type_s _dispatch_source_type_data_add = {
	.name = "data-add",
	.merge = SOURCE_ADD,
	.check = data_check,
	.arm = data_arm,
	.disarm = data_disarm,
};

const struct dispatch_source_type_s _dispatch_source_type_data_or = {
	.name = "data-or",
	.merge = SOURCE_OR,
	.check = data_check,
	.arm = data_arm,
	.disarm = data_disarm,
};

const struct dispatch_source_type_s _dispatch_source_type_data_replace = {
	.name = "data-replace",
	.merge = SOURCE_REPLACE,
	.zero = true,
	.check = data_check,
	.arm = data_arm,
	.disarm = data_disarm,
};

const struct dispatch_source_type_s _dispatch_source_type_memorypressure = {
	.name = "memorypressure",
	.merge = SOURCE_OR,
	.arm = data_arm,
	.disarm = data_disarm,
};

void dispatch_source_merge_data(dispatch_source_t source, uintptr_t value)
{
	if (source->type->check != data_check) {
		system_fatal("LIBDISPATCH: dispatch_source_merge_data: source "
			     "of type %s",
		    source->type->name);
	}
	/* Adding 0 causes no event. */
	if (value != 0 || source->type->merge == SOURCE_REPLACE) {
		source_merge(source, value);
	}
}
