// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors
//
// compiler: clang -fblocks -D_GNU_SOURCE= -Wno-unused-parameter
// compiler: -isystem tests/linux/include -isystem /usr/include/bsd
// link: tests/linux/xpc/*.c build/linux/asan/obj/tests/linux/dispatch/*.o
// link: build/linux/asan/obj/tests/linux/os/*.o build/linux/asan/obj/tests/linux/fault/*.o
// link: build/linux/asan/obj/tests/linux/compat/sysctl-names.o
// flags: -DLIBBSD_OVERLAY
// libs: -lBlocksRuntime -lbsd -luuid -lpthread

/*
 * libFuzzer on the stand-in's decoder of messages. A decoded object is copied,
 * described, hashed and compared; without descriptors, it is also encoded and
 * decoded again, and must give the same bytes. No object may leak. The first
 * byte is the number of descriptors in the message. libSystem does not export
 * the decoder, so its sources are compiled in.
 */

#include <standin.h>

#include "../linux/xpc/object.h"
#include "../linux/xpc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition) {
		__builtin_trap();
	}
}

static void walk(xpc_object_t object)
{
	xpc_object_t copy = xpc_copy(object);
	char *text = xpc_copy_description(object);

	require(xpc_hash(copy) == xpc_hash(object));
	/* A descriptor is equal only to itself, and NAN is equal to nothing. */
	(void)xpc_equal(copy, object);
	free(text);
	xpc_release(copy);
}

/* Encodes and decodes the object again, unless it contains descriptors. */
static void again(xpc_object_t object)
{
	struct xframe *frame = xwire_encode(object, XWIRE_MESSAGE, 0);
	struct xframe *second = NULL;
	xpc_object_t decoded = NULL;

	if (frame->descriptor_count == 0) {
		decoded =
		    xwire_decode(frame->bytes + sizeof(struct xwire_header),
			frame->length - sizeof(struct xwire_header), NULL, 0);
		require(decoded != NULL);
		second = xwire_encode(decoded, XWIRE_MESSAGE, 0);
		require(second->length == frame->length);
		require(
		    memcmp(second->bytes, frame->bytes, frame->length) == 0);
		xframe_destroy(second);
		xpc_release(decoded);
	}
	xframe_destroy(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int descriptors[4];
	size_t count, i;
	xpc_object_t object;

	if (size == 0) {
		return 0;
	}
	count = data[0] % 5;
	for (i = 0; i < count; i++) {
		descriptors[i] = dup(2);
		require(descriptors[i] >= 0);
	}
	object = xwire_decode(data + 1, size - 1, descriptors, count);
	if (object != NULL) {
		walk(object);
		again(object);
		xpc_release(object);
	}
	require(standin_objects_alive(NULL) == 0);
	return 0;
}
