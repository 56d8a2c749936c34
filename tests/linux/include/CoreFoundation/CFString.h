// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Strings in UTF-8, as far as a C program needs them to print text.
 */

#ifndef COREFOUNDATION_CFSTRING_H
#define COREFOUNDATION_CFSTRING_H

#include <CoreFoundation/CFBase.h>

__BEGIN_DECLS

typedef uint32_t CFStringEncoding;

enum {
	kCFStringEncodingASCII = 0x0600,
	kCFStringEncodingUTF8 = 0x08000100,
};

CFTypeID CFStringGetTypeID(void);

/* NULL if the encoding is not one of the above. */
CFStringRef CFStringCreateWithCString(
    CFAllocatorRef alloc, const char *string, CFStringEncoding encoding);

/* False when the buffer is too small. */
Boolean CFStringGetCString(
    CFStringRef string, char *buffer, CFIndex size, CFStringEncoding encoding);
const char *CFStringGetCStringPtr(
    CFStringRef string, CFStringEncoding encoding);

__END_DECLS

#endif /* COREFOUNDATION_CFSTRING_H */
