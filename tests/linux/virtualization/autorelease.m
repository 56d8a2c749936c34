// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* As on macOS, dispatch runs work of Objective-C inside an autorelease pool. */

#import <Foundation/Foundation.h>

extern void *(*_dispatch_begin_NSAutoReleasePool)(void);
extern void (*_dispatch_end_NSAutoReleasePool)(void *pool);

static void *begin(void)
{
	return [[NSAutoreleasePool alloc] init];
}

static void end(void *pool)
{
	[(NSAutoreleasePool *)pool drain];
}

__attribute__((constructor)) static void install(void)
{
	_dispatch_begin_NSAutoReleasePool = begin;
	_dispatch_end_NSAutoReleasePool = end;
}
