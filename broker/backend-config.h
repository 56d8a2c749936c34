// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * Applies a network's options from networks.json to a vmnet configuration.
 */

#ifndef BACKEND_CONFIG_H
#define BACKEND_CONFIG_H

#include <vmnet/vmnet.h>

#include "config.h"

/*
 * Sets everything except the mode and the subnet. Returns vmnet's status; if it
 * is not VMNET_SUCCESS, function is the name of the vmnet function that failed.
 */
vmnet_return_t backend_config_apply(vmnet_network_configuration_ref config,
    const struct config_network *network, const char **function);

#endif
