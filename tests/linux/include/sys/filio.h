// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

#include <sys/ioctl.h>
