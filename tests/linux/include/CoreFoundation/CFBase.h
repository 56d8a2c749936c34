// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The part of CoreFoundation that a vmnet program uses: reference counts.
 */

#ifndef COREFOUNDATION_CFBASE_H
#define COREFOUNDATION_CFBASE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/cdefs.h>

__BEGIN_DECLS

typedef unsigned char Boolean;
typedef long CFIndex;
typedef unsigned long CFTypeID;
typedef unsigned long CFOptionFlags;
typedef unsigned long CFHashCode;

typedef const void *CFTypeRef;
typedef const struct __CFAllocator *CFAllocatorRef;
typedef const struct __CFString *CFStringRef;

#define kCFAllocatorDefault ((CFAllocatorRef)0)

/* As on macOS, all of these abort on a NULL reference. */
CFTypeRef CFRetain(CFTypeRef cf);
void CFRelease(CFTypeRef cf);
CFIndex CFGetRetainCount(CFTypeRef cf);
CFTypeID CFGetTypeID(CFTypeRef cf);
Boolean CFEqual(CFTypeRef cf1, CFTypeRef cf2);

__END_DECLS

#endif /* COREFOUNDATION_CFBASE_H */
