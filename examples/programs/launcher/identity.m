// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * launcher: the MAC addresses of the VM.
 *
 * They come from mac=, from the file --identity, or are random. The DHCP leases
 * of a guest depend on its MAC addresses.
 */

#import "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

VZMACAddress *parseMACAddress(NSString *text)
{
	VZMACAddress *address = [[VZMACAddress alloc] initWithString:text];

	return address != nil && [address isUnicastAddress] ? address : nil;
}

/* Reserves the file --identity for this process until it ends in any way. A
 * file beside it is locked, because the file itself is replaced when it is
 * written. */
static void lockIdentity(void)
{
	NSString *path = [options.identity stringByAppendingString:@".lock"];
	int fd = open([path fileSystemRepresentation],
	    O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		return; /* never closed */
	}
	if (fd >= 0 && errno == EWOULDBLOCK) {
		fail(@"%@ is in use by another VM, which has these MAC "
		     @"addresses: stop that VM, or choose another file",
		    options.identity);
	}
	fail(@"cannot lock %@: %s", path, strerror(errno));
}

/* The addresses in the file --identity, as text. */
static NSMutableArray *readIdentity(void)
{
	if (options.identity == nil ||
	    ![[NSFileManager defaultManager]
		fileExistsAtPath:options.identity]) {
		return [NSMutableArray array];
	}
	/* Nil, without objects, if there is no list in the file. */
	NSMutableArray *addresses =
	    [NSMutableArray arrayWithContentsOfFile:options.identity];
	for (id text in addresses) {
		if (![text isKindOfClass:[NSString class]] ||
		    parseMACAddress(text) == nil) {
			[addresses removeAllObjects];
			break;
		}
	}
	if ([addresses count] == 0) {
		fail(
		    @"%@: contains no MAC addresses; remove it to get new ones",
		    options.identity);
	}
	return addresses;
}

static void writeIdentity(NSArray *addresses)
{
	if (options.identity != nil && [addresses count] > 0 &&
	    ![addresses writeToFile:options.identity atomically:YES]) {
		fail(@"cannot write %@", options.identity);
	}
}

NSArray *chooseAddresses(void)
{
	NSMutableArray *addresses = [NSMutableArray array];

	if (options.identity != nil) {
		lockIdentity();
	}
	/* If there are more addresses than networks, the others stay in the
	 * file. */
	NSMutableArray *kept = readIdentity();
	for (NSUInteger i = 0; i < [options.networks count]; i++) {
		NSString *given = [options.addresses objectAtIndex:i];
		VZMACAddress *address =
		    [VZMACAddress randomLocallyAdministeredAddress];
		if ([given length] > 0) {
			address = parseMACAddress(given);
		} else if (i < [kept count]) {
			address = parseMACAddress([kept objectAtIndex:i]);
		}
		[addresses addObject:address];
		if (i < [kept count]) {
			[kept replaceObjectAtIndex:i
					withObject:[address string]];
		} else {
			[kept addObject:[address string]];
		}
	}
	writeIdentity(kept);
	return addresses;
}
