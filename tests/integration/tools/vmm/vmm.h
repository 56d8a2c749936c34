// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * What the files of vmm share: numbers, a frame, and the actions with ARP and
 * ICMP.
 */

#ifndef VMM_H
#define VMM_H

#include <stddef.h>
#include <stdint.h>

#define FAILED 9

#define FRAME_MAX 65536
#define ETHERNET_SIZE 14

/* The last one that was received. */
extern uint8_t frame[FRAME_MAX];

uint16_t get16(const uint8_t *bytes);
void put16(uint8_t *bytes, unsigned value);
long number(const char *text);

/* Waits while the socket has no room. */
void send_all(int fd, const uint8_t *bytes, size_t size);
/* Into frame. 0: with MSG_DONTWAIT, nothing was there. */
size_t receive(int fd, int flags);

/* answer FD MAC ADDRESS */
void act_answer(char *arguments[]);
/* ping FD MAC ADDRESS PEER-MAC PEER */
void act_ping(char *arguments[]);

#endif
