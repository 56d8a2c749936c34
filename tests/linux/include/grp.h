// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/* macOS has getgrouplist() with int for group ids, in <unistd.h>. */

#ifndef STANDIN_GRP_H
#define STANDIN_GRP_H

#define getgrouplist standin_getgrouplist_of_linux
#include_next <grp.h>
#undef getgrouplist

int getgrouplist(const char *name, int group, int *groups, int *count);

#endif
