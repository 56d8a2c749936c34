// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <Availability.h>: macOS 26, everything available.
 */

#ifndef STANDIN_AVAILABILITY_H
#define STANDIN_AVAILABILITY_H

#include <AvailabilityMacros.h>
#include <os/availability.h>

#define __API_AVAILABLE(...)
#define __API_UNAVAILABLE(...)
#define __API_DEPRECATED(...)
#define __API_DEPRECATED_WITH_REPLACEMENT(...)
#define __OSX_AVAILABLE(...)
#define __OSX_AVAILABLE_STARTING(...)
#define __OSX_AVAILABLE_BUT_DEPRECATED(...)
#define __OSX_DEPRECATED(...)
#define __IOS_AVAILABLE(...)
#define __IOS_PROHIBITED
#define __TVOS_AVAILABLE(...)
#define __TVOS_PROHIBITED
#define __WATCHOS_AVAILABLE(...)
#define __WATCHOS_PROHIBITED

#endif
