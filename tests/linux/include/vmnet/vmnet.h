// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * vmnet.framework as macOS 26 declares it, for Linux: names, types, values and
 * argument orders are Apple's, the comments are ours.
 * tests/linux/vmnet/README.md explains what each call does on Linux, and which
 * macOS it follows where reports differ.
 */

#ifndef VMNET_VMNET_H
#define VMNET_VMNET_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/cdefs.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <net/ethernet.h>
#include <netinet/in.h>

#include <CoreFoundation/CFBase.h>
#include <dispatch/dispatch.h>
#include <xpc/xpc.h>

__BEGIN_DECLS

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-extension"
#pragma clang assume_nonnull begin

/* Results of every call and of every completion handler. */
typedef enum : uint32_t {
	VMNET_SUCCESS = 1000,
	VMNET_FAILURE = 1001,
	/* Also: no entitlement, or the service cannot be reached. */
	VMNET_MEM_FAILURE = 1002,
	VMNET_INVALID_ARGUMENT = 1003,
	VMNET_SETUP_INCOMPLETE = 1004,
	VMNET_INVALID_ACCESS = 1005,
	VMNET_PACKET_TOO_BIG = 1006,
	VMNET_BUFFER_EXHAUSTED = 1007,
	VMNET_TOO_MANY_PACKETS = 1008,
	VMNET_SHARING_SERVICE_BUSY = 1009,
	VMNET_NOT_AUTHORIZED = 1010,
} vmnet_return_t;

typedef enum : uint32_t {
	VMNET_HOST_MODE = 1000,
	VMNET_SHARED_MODE = 1001,
	VMNET_BRIDGED_MODE = 1002,
} operating_modes_t;

typedef operating_modes_t vmnet_mode_t;

typedef enum : uint32_t {
	VMNET_INTERFACE_PACKETS_AVAILABLE = 1 << 0,
} interface_event_t;

/* One Ethernet frame.  vm_flags is 0. */
struct vmpktdesc {
	size_t vm_pkt_size;
	struct iovec *vm_pkt_iov;
	uint32_t vm_pkt_iovcnt;
	uint32_t vm_flags;
};

/* Ended by vmnet_stop_interface. */
typedef struct vmnet_interface *interface_ref;

/* Both are CoreFoundation objects: CFRetain, CFRelease. */
typedef struct vmnet_network *vmnet_network_ref;
typedef struct vmnet_network_configuration *vmnet_network_configuration_ref;

typedef void (^vmnet_start_interface_completion_handler_t)(
    vmnet_return_t status, xpc_object_t _Nullable interface_param);
typedef void (^vmnet_interface_completion_handler_t)(vmnet_return_t status);
typedef void (^vmnet_interface_event_callback_t)(
    interface_event_t event_mask, xpc_object_t event);
typedef void (^vmnet_interface_get_port_forwarding_rules_handler_t)(
    xpc_object_t _Nullable rules);
typedef void (^vmnet_interface_get_ip_port_forwarding_rules_handler_t)(
    xpc_object_t _Nullable rules);

/* Keys of interface descriptions, interface parameters and events. */
extern const char *const vmnet_allocate_mac_address_key;
extern const char *const vmnet_enable_checksum_offload_key;
extern const char *const vmnet_enable_isolation_key;
extern const char *const vmnet_enable_tso_key;
extern const char *const vmnet_enable_virtio_header_key;
extern const char *const vmnet_end_address_key;
extern const char *const vmnet_estimated_packets_available_key;
extern const char *const vmnet_host_ip_address_key;
extern const char *const vmnet_host_ipv6_address_key;
extern const char *const vmnet_host_subnet_mask_key;
extern const char *const vmnet_interface_id_key;
extern const char *const vmnet_mac_address_key;
extern const char *const vmnet_max_packet_size_key;
extern const char *const vmnet_mtu_key;
extern const char *const vmnet_nat66_prefix_key;
extern const char *const vmnet_nat66_prefix_length_key;
extern const char *const vmnet_network_identifier_key;
extern const char *const vmnet_operation_mode_key;
extern const char *const vmnet_read_max_packets_key;
extern const char *const vmnet_shared_interface_name_key;
extern const char *const vmnet_start_address_key;
extern const char *const vmnet_subnet_mask_key;
extern const char *const vmnet_write_max_packets_key;

/*
 * Network configuration. A setter that succeeds has only stored a value;
 * vmnet_network_create checks it.
 */

/* Everything enabled, subnet and prefix chosen by the system, MTU 1500. */
vmnet_network_configuration_ref _Nullable vmnet_network_configuration_create(
    vmnet_mode_t mode, vmnet_return_t *_Nullable status);

void vmnet_network_configuration_disable_nat44(
    vmnet_network_configuration_ref config);
void vmnet_network_configuration_disable_nat66(
    vmnet_network_configuration_ref config);
void vmnet_network_configuration_disable_dhcp(
    vmnet_network_configuration_ref config);
void vmnet_network_configuration_disable_dns_proxy(
    vmnet_network_configuration_ref config);
void vmnet_network_configuration_disable_router_advertisement(
    vmnet_network_configuration_ref config);

/* Shared mode only; the default is the interface of the default route. */
vmnet_return_t vmnet_network_configuration_set_external_interface(
    vmnet_network_configuration_ref config, const char *interface_name);

/* subnet_addr becomes the address of the host: pass the second address. */
vmnet_return_t vmnet_network_configuration_set_ipv4_subnet(
    vmnet_network_configuration_ref config, const struct in_addr *subnet_addr,
    const struct in_addr *subnet_mask);

vmnet_return_t vmnet_network_configuration_set_ipv6_prefix(
    vmnet_network_configuration_ref config, const struct in6_addr *prefix,
    uint8_t len);

vmnet_return_t vmnet_network_configuration_set_mtu(
    vmnet_network_configuration_ref config, uint32_t mtu);

/* Ports in host byte order; a struct in_addr or in6_addr by the family. */
vmnet_return_t vmnet_network_configuration_add_port_forwarding_rule(
    vmnet_network_configuration_ref config, uint8_t protocol,
    sa_family_t address_family, uint16_t internal_port, uint16_t external_port,
    const void *internal_address);

vmnet_return_t vmnet_network_configuration_add_dhcp_reservation(
    vmnet_network_configuration_ref config, const ether_addr_t *client,
    const struct in_addr *reservation);

/*
 * Networks.
 */

/* Blocks. The caller's process owns the network; it dies with the owner. */
vmnet_network_ref _Nullable vmnet_network_create(
    vmnet_network_configuration_ref config, vmnet_return_t *_Nullable status);

/* A dictionary that any process may turn into a reference; xpc_release it. */
xpc_object_t _Nullable vmnet_network_copy_serialization(
    vmnet_network_ref network, vmnet_return_t *_Nullable status);

/* Does not check whether the network still exists. The caller does not own the
 * network. */
vmnet_network_ref _Nullable vmnet_network_create_with_serialization(
    xpc_object_t network, vmnet_return_t *_Nullable status);

/* The address of the host, not of the network; mask it. */
void vmnet_network_get_ipv4_subnet(
    vmnet_network_ref network, struct in_addr *subnet, struct in_addr *mask);

void vmnet_network_get_ipv6_prefix(
    vmnet_network_ref network, struct in6_addr *prefix, uint8_t *prefix_len);

/*
 * Interfaces.
 */

/* NULL: refused, the handler will not run. Otherwise it will, once. */
interface_ref _Nullable vmnet_interface_start_with_network(
    vmnet_network_ref network, xpc_object_t interface_desc,
    dispatch_queue_t queue, vmnet_start_interface_completion_handler_t handler);

/* The older way: host, shared or bridged mode, no network object. */
interface_ref _Nullable vmnet_start_interface(xpc_object_t interface_desc,
    dispatch_queue_t queue, vmnet_start_interface_completion_handler_t handler);

vmnet_return_t vmnet_stop_interface(interface_ref interface,
    dispatch_queue_t queue, vmnet_interface_completion_handler_t handler);

/* NULL for queue and callback removes the callback. */
vmnet_return_t vmnet_interface_set_event_callback(interface_ref interface,
    interface_event_t event_mask, dispatch_queue_t _Nullable queue,
    vmnet_interface_event_callback_t _Nullable callback);

/* pktcnt: in, how many descriptors; out, how many frames were moved. */
vmnet_return_t vmnet_read(
    interface_ref interface, struct vmpktdesc *packets, int *pktcnt);
vmnet_return_t vmnet_write(
    interface_ref interface, struct vmpktdesc *packets, int *pktcnt);

/* Names of the interfaces that bridged mode could use. */
xpc_object_t _Nullable vmnet_copy_shared_interface_list(void);

/*
 * Port forwarding of one interface in shared mode, not for interfaces on a
 * network object. Ports in host byte order.
 */
vmnet_return_t vmnet_interface_add_ip_port_forwarding_rule(
    interface_ref interface, uint8_t protocol, uint16_t external_port,
    uint8_t address_family, const void *internal_address,
    uint16_t internal_port,
    vmnet_interface_completion_handler_t _Nullable handler);
vmnet_return_t vmnet_interface_remove_ip_port_forwarding_rule(
    interface_ref interface, uint8_t protocol, uint16_t external_port,
    uint8_t address_family,
    vmnet_interface_completion_handler_t _Nullable handler);
vmnet_return_t vmnet_interface_get_ip_port_forwarding_rules(
    interface_ref interface, uint8_t address_family,
    vmnet_interface_get_ip_port_forwarding_rules_handler_t handler);
vmnet_return_t vmnet_ip_port_forwarding_rule_get_details(xpc_object_t rule,
    uint8_t *protocol, uint16_t *external_port, uint8_t address_family,
    void *internal_address, uint16_t *internal_port);

/* The same for IPv4 alone, deprecated by Apple. */
vmnet_return_t vmnet_interface_add_port_forwarding_rule(interface_ref interface,
    uint8_t protocol, uint16_t external_port, struct in_addr internal_address,
    uint16_t internal_port,
    vmnet_interface_completion_handler_t _Nullable handler);
vmnet_return_t vmnet_interface_remove_port_forwarding_rule(
    interface_ref interface, uint8_t protocol, uint16_t external_port,
    vmnet_interface_completion_handler_t _Nullable handler);
vmnet_return_t vmnet_interface_get_port_forwarding_rules(
    interface_ref interface,
    vmnet_interface_get_port_forwarding_rules_handler_t handler);
vmnet_return_t vmnet_port_forwarding_rule_get_details(xpc_object_t rule,
    uint8_t *protocol, uint16_t *external_port,
    struct in_addr *internal_address, uint16_t *internal_port);

#pragma clang assume_nonnull end
#pragma clang diagnostic pop

__END_DECLS

#endif /* VMNET_VMNET_H */
