// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What networks.json says of a network, in vmnet's words.
 */

#ifndef BACKEND_CONFIG_H
#define BACKEND_CONFIG_H

#include <vmnet/vmnet.h>

#include "config.h"

/*
 * Sets all but the mode and the subnet. What vmnet answers; if that is not
 * VMNET_SUCCESS, function is the name of the one that answered it.
 */
vmnet_return_t backend_config_apply(vmnet_network_configuration_ref config,
    const struct config_network *network, const char **function);

#endif
