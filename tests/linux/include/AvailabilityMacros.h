// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <AvailabilityMacros.h>: the SDK is that of macOS 26.2,
 * and so is the minimum unless -mmacosx-version-min says otherwise (cc defines
 * __ENVIRONMENT_MAC_OS_X_VERSION_MIN_REQUIRED__ for it).
 */

#ifndef STANDIN_AVAILABILITYMACROS_H
#define STANDIN_AVAILABILITYMACROS_H

#define MAC_OS_X_VERSION_10_15 101500
#define MAC_OS_X_VERSION_11_0 110000
#define MAC_OS_X_VERSION_12_0 120000
#define MAC_OS_X_VERSION_13_0 130000
#define MAC_OS_X_VERSION_14_0 140000
#define MAC_OS_X_VERSION_15_0 150000
#define MAC_OS_VERSION_11_0 110000
#define MAC_OS_VERSION_12_0 120000
#define MAC_OS_VERSION_13_0 130000
#define MAC_OS_VERSION_14_0 140000
#define MAC_OS_VERSION_15_0 150000
#define MAC_OS_VERSION_26_0 260000

#define __MAC_10_15 101500
#define __MAC_11_0 110000
#define __MAC_12_0 120000
#define __MAC_13_0 130000
#define __MAC_14_0 140000
#define __MAC_15_0 150000
#define __MAC_26_0 260000
#define __MAC_26_2 260200

#ifndef __ENVIRONMENT_MAC_OS_X_VERSION_MIN_REQUIRED__
#define __ENVIRONMENT_MAC_OS_X_VERSION_MIN_REQUIRED__ 260200
#endif
#define __MAC_OS_X_VERSION_MIN_REQUIRED                                        \
	__ENVIRONMENT_MAC_OS_X_VERSION_MIN_REQUIRED__
#define __MAC_OS_X_VERSION_MAX_ALLOWED 260200
#ifndef MAC_OS_X_VERSION_MAX_ALLOWED /* GNUstep has its own */

#define MAC_OS_X_VERSION_MIN_REQUIRED __MAC_OS_X_VERSION_MIN_REQUIRED
#define MAC_OS_X_VERSION_MAX_ALLOWED __MAC_OS_X_VERSION_MAX_ALLOWED
#endif

#endif
