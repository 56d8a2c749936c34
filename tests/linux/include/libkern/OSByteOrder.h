// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The Linux stand-in's <libkern/OSByteOrder.h>, for little-endian machines, as
 * all Macs are.
 */

#ifndef STANDIN_LIBKERN_OSBYTEORDER_H
#define STANDIN_LIBKERN_OSBYTEORDER_H

#include <libkern/OSTypes.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "no Mac is big-endian"
#endif

#define OSSwapInt16(x) __builtin_bswap16(x)
#define OSSwapInt32(x) __builtin_bswap32(x)
#define OSSwapInt64(x) __builtin_bswap64(x)
#define OSSwapConstInt16(x) ((uint16_t)__builtin_bswap16(x))
#define OSSwapConstInt32(x) ((uint32_t)__builtin_bswap32(x))
#define OSSwapConstInt64(x) ((uint64_t)__builtin_bswap64(x))

#define OSSwapHostToBigInt16(x) ((uint16_t)__builtin_bswap16(x))
#define OSSwapHostToBigInt32(x) ((uint32_t)__builtin_bswap32(x))
#define OSSwapHostToBigInt64(x) ((uint64_t)__builtin_bswap64(x))
#define OSSwapHostToBigConstInt16(x) OSSwapHostToBigInt16(x)
#define OSSwapHostToBigConstInt32(x) OSSwapHostToBigInt32(x)
#define OSSwapHostToBigConstInt64(x) OSSwapHostToBigInt64(x)
#define OSSwapBigToHostInt16(x) OSSwapHostToBigInt16(x)
#define OSSwapBigToHostInt32(x) OSSwapHostToBigInt32(x)
#define OSSwapBigToHostInt64(x) OSSwapHostToBigInt64(x)
#define OSSwapBigToHostConstInt16(x) OSSwapHostToBigInt16(x)
#define OSSwapBigToHostConstInt32(x) OSSwapHostToBigInt32(x)
#define OSSwapBigToHostConstInt64(x) OSSwapHostToBigInt64(x)

#define OSSwapHostToLittleInt16(x) ((uint16_t)(x))
#define OSSwapHostToLittleInt32(x) ((uint32_t)(x))
#define OSSwapHostToLittleInt64(x) ((uint64_t)(x))
#define OSSwapHostToLittleConstInt16(x) ((uint16_t)(x))
#define OSSwapHostToLittleConstInt32(x) ((uint32_t)(x))
#define OSSwapHostToLittleConstInt64(x) ((uint64_t)(x))
#define OSSwapLittleToHostInt16(x) ((uint16_t)(x))
#define OSSwapLittleToHostInt32(x) ((uint32_t)(x))
#define OSSwapLittleToHostInt64(x) ((uint64_t)(x))
#define OSSwapLittleToHostConstInt16(x) ((uint16_t)(x))
#define OSSwapLittleToHostConstInt32(x) ((uint32_t)(x))
#define OSSwapLittleToHostConstInt64(x) ((uint64_t)(x))

#define OSReadBigInt16(base, offset)                                           \
	OSSwapInt16(OSReadLittleInt16(base, offset))
#define OSReadBigInt32(base, offset)                                           \
	OSSwapInt32(OSReadLittleInt32(base, offset))
#define OSReadBigInt64(base, offset)                                           \
	OSSwapInt64(OSReadLittleInt64(base, offset))
#define OSWriteBigInt16(base, offset, data)                                    \
	OSWriteLittleInt16(base, offset, OSSwapInt16(data))
#define OSWriteBigInt32(base, offset, data)                                    \
	OSWriteLittleInt32(base, offset, OSSwapInt32(data))
#define OSWriteBigInt64(base, offset, data)                                    \
	OSWriteLittleInt64(base, offset, OSSwapInt64(data))

#define STANDIN_BYTE_ORDER(bits)                                               \
	static __inline__ uint##bits##_t OSReadLittleInt##bits(                \
	    const volatile void *base, uintptr_t offset)                       \
	{                                                                      \
		uint##bits##_t value;                                          \
                                                                               \
		__builtin_memcpy(&value,                                       \
		    (const char *)(uintptr_t)base + offset, sizeof(value));    \
		return value;                                                  \
	}                                                                      \
	static __inline__ void OSWriteLittleInt##bits(                         \
	    volatile void *base, uintptr_t offset, uint##bits##_t data)        \
	{                                                                      \
		__builtin_memcpy(                                              \
		    (char *)(uintptr_t)base + offset, &data, sizeof(data));    \
	}

STANDIN_BYTE_ORDER(16)
STANDIN_BYTE_ORDER(32)
STANDIN_BYTE_ORDER(64)

#undef STANDIN_BYTE_ORDER

#endif
