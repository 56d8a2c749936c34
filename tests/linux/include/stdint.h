// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The 64-bit types are `long long` on macOS, which affects formats: %llu is
 * correct there, and %lu is not. (In C++ the types are part of mangled names in
 * the library, and are not changed.)
 */

#include_next <stdint.h>

#if defined(__APPLE__) && !defined(__cplusplus) && !defined(STANDIN_STDINT_H)
#define STANDIN_STDINT_H

typedef long long standin_int64_t;
typedef unsigned long long standin_uint64_t;

#define int64_t standin_int64_t
#define uint64_t standin_uint64_t

#undef INT64_C
#undef UINT64_C
#undef INT64_MIN
#undef INT64_MAX
#undef UINT64_MAX
#define INT64_C(value) value##LL
#define UINT64_C(value) value##ULL
#define INT64_MIN (-INT64_MAX - 1)
#define INT64_MAX 9223372036854775807LL
#define UINT64_MAX 18446744073709551615ULL

#endif
