// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#ifndef COREFOUNDATION_COREFOUNDATION_H
#define COREFOUNDATION_COREFOUNDATION_H

#include <CoreFoundation/CFBase.h>
#include <CoreFoundation/CFString.h>

#endif /* COREFOUNDATION_COREFOUNDATION_H */
