// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <net/route.h>: the table of routes, as sysctl(3) lists
 * it. See route(4).
 */

#ifndef STANDIN_NET_ROUTE_H
#define STANDIN_NET_ROUTE_H

#include <stdint.h>
#include <sys/types.h>

#define RTM_VERSION 5
#define RTM_GET 0x4

#define RTF_UP 0x1
#define RTF_GATEWAY 0x2
#define RTF_HOST 0x4
#define RTF_LLINFO 0x400
#define RTF_STATIC 0x800
#define RTF_WASCLONED 0x20000

#define RTA_DST 0x1
#define RTA_GATEWAY 0x2
#define RTA_NETMASK 0x4

#define RTAX_DST 0
#define RTAX_GATEWAY 1
#define RTAX_NETMASK 2
#define RTAX_MAX 8

struct rt_metrics {
	uint32_t rmx_locks;
	uint32_t rmx_mtu;
	uint32_t rmx_hopcount;
	int32_t rmx_expire;
	uint32_t rmx_recvpipe;
	uint32_t rmx_sendpipe;
	uint32_t rmx_ssthresh;
	uint32_t rmx_rtt;
	uint32_t rmx_rttvar;
	uint32_t rmx_pksent;
	uint32_t rmx_state;
	uint32_t rmx_filler[3];
};

struct rt_msghdr {
	u_short rtm_msglen;
	u_char rtm_version;
	u_char rtm_type;
	u_short rtm_index;
	int rtm_flags;
	int rtm_addrs;
	pid_t rtm_pid;
	int rtm_seq;
	int rtm_errno;
	int rtm_use;
	uint32_t rtm_inits;
	struct rt_metrics rtm_rmx;
};

#endif
