// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* GNUstep's Foundation, and additions that Apple's has. */

#ifndef STANDIN_FOUNDATION_FOUNDATION_H
#define STANDIN_FOUNDATION_FOUNDATION_H

#include_next <Foundation/Foundation.h>

/* GNUstep does not define its effect. The framework may use what programs may
 * not. */

#undef NS_UNAVAILABLE
#ifdef STANDIN_VIRTUALIZATION
#define NS_UNAVAILABLE
#else
#define NS_UNAVAILABLE __attribute__((unavailable))
#endif

typedef struct {
	NSInteger majorVersion;
	NSInteger minorVersion;
	NSInteger patchVersion;
} NSOperatingSystemVersion;

/* The stand-in reports macOS 26.4; STANDIN_MACOS=26.1 changes that. */
@interface NSProcessInfo (StandinVersion)
- (BOOL)isOperatingSystemAtLeastVersion:(NSOperatingSystemVersion)version;
@end

#endif
