// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include "../corefoundation/cf-object.h"

#include <stdlib.h>
#include <string.h>

#include <CoreFoundation/CoreFoundation.h>

struct __CFString {
	struct cf_object object;
	char bytes[];
};

static bool string_equal(const void *one, const void *other)
{
	const struct __CFString *first = one;
	const struct __CFString *second = other;

	return strcmp(first->bytes, second->bytes) == 0;
}

static const struct cf_class string_class = {
	.name = "cf-string",
	.equal = string_equal,
};

static bool encoding_known(CFStringEncoding encoding)
{
	return encoding == kCFStringEncodingUTF8 ||
	    encoding == kCFStringEncodingASCII;
}

CFTypeID CFStringGetTypeID(void)
{
	return (CFTypeID)(uintptr_t)&string_class;
}

CFStringRef CFStringCreateWithCString(
    CFAllocatorRef alloc, const char *string, CFStringEncoding encoding)
{
	struct __CFString *result;
	size_t length = strlen(string);

	(void)alloc;
	if (!encoding_known(encoding)) {
		return NULL;
	}
	result = cf_object_create(&string_class, sizeof(*result) + length + 1);
	if (result != NULL) {
		memcpy(result->bytes, string, length + 1);
	}
	return result;
}

const char *CFStringGetCStringPtr(CFStringRef string, CFStringEncoding encoding)
{
	cf_object_check(string, &string_class, __func__);
	return encoding_known(encoding) ? string->bytes : NULL;
}

Boolean CFStringGetCString(
    CFStringRef string, char *buffer, CFIndex size, CFStringEncoding encoding)
{
	const char *bytes = CFStringGetCStringPtr(string, encoding);

	if (bytes == NULL || size <= 0 || strlen(bytes) >= (size_t)size) {
		return false;
	}
	memcpy(buffer, bytes, strlen(bytes) + 1);
	return true;
}
