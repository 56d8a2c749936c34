// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * An endpoint is the right to connect to a listener, in a form that can be sent
 * in a message.
 */

#ifndef STANDIN_XPC_ENDPOINT_H
#define STANDIN_XPC_ENDPOINT_H

__BEGIN_DECLS

/* connection: a listener made by xpc_connection_create(NULL, ...). */
XPC_EXPORT XPC_MALLOC XPC_RETURNS_RETAINED XPC_WARN_RESULT XPC_NONNULL1
    xpc_endpoint_t _Nonnull xpc_endpoint_create(
	xpc_connection_t _Nonnull connection);

__END_DECLS

#endif
