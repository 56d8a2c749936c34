// SPDX-License-Identifier: Apache-2.0
// Copyright The vmnet-broker authors

/*
 * The part of Foundation that the Objective-C examples use, as Apple declares
 * it: names, types, generics, nullability. For a compiler that only checks.
 */

#ifndef CHECK_FOUNDATION_H
#define CHECK_FOUNDATION_H

#include <CoreFoundation/CoreFoundation.h>
#include <limits.h>
#include <objc/NSObject.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#define NS_ASSUME_NONNULL_BEGIN _Pragma("clang assume_nonnull begin")
#define NS_ASSUME_NONNULL_END _Pragma("clang assume_nonnull end")
#define NS_UNAVAILABLE __attribute__((unavailable))
#define NS_ENUM(type, name)                                                    \
	enum name : type name;                                                 \
	enum name : type
#define NS_OPTIONS(type, name) NS_ENUM(type, name)
#define NS_FORMAT_FUNCTION(text, first)                                        \
	__attribute__((format(__NSString__, text, first)))

static const NSInteger NSNotFound = NSIntegerMax;

typedef struct {
	unsigned long state;
	id __unsafe_unretained _Nullable *_Nullable itemsPtr;
	unsigned long *_Nullable mutationsPtr;
	unsigned long extra[5];
} NSFastEnumerationState;

typedef struct {
	NSUInteger location;
	NSUInteger length;
} NSRange;

static inline NSUInteger NSMaxRange(NSRange range)
{
	return range.location + range.length;
}

typedef struct {
	NSInteger majorVersion;
	NSInteger minorVersion;
	NSInteger patchVersion;
} NSOperatingSystemVersion;

NS_ASSUME_NONNULL_BEGIN

@protocol NSCopying
- (id)copyWithZone:(nullable struct _NSZone *)zone;
@end

@interface NSString : NSObject <NSCopying>
@property (readonly) NSUInteger length;
@property (nullable, readonly) const char *UTF8String;
@property (readonly) const char *fileSystemRepresentation;
+ (nullable instancetype)stringWithUTF8String:(const char *)text;
- (nullable instancetype)initWithUTF8String:(const char *)text;
- (instancetype)initWithFormat:(NSString *)format
		     arguments:(va_list)arguments NS_FORMAT_FUNCTION(1, 0);
- (NSRange)rangeOfString:(NSString *)text;
- (NSString *)substringFromIndex:(NSUInteger)from;
- (NSString *)substringToIndex:(NSUInteger)to;
- (NSString *)stringByAppendingString:(NSString *)text;
@end

/* What the compiler makes of @"text". */
@interface NSConstantString : NSString
@end

@interface NSURL : NSObject <NSCopying>
+ (NSURL *)fileURLWithPath:(NSString *)path;
@end

@interface NSError : NSObject <NSCopying>
@property (readonly, copy) NSString *localizedDescription;
@end

@interface NSArray<__covariant ObjectType> : NSObject <NSCopying>
@property (readonly) NSUInteger count;
+ (instancetype)array;
+ (instancetype)arrayWithObject:(ObjectType)object;
+ (nullable NSArray<ObjectType> *)arrayWithContentsOfFile:(NSString *)path;
- (ObjectType)objectAtIndex:(NSUInteger)index;
- (NSUInteger)indexOfObject:(ObjectType)object;
@property (nullable, nonatomic, readonly) ObjectType lastObject;
- (BOOL)writeToFile:(NSString *)path atomically:(BOOL)atomically;
- (NSUInteger)
    countByEnumeratingWithState:(NSFastEnumerationState *)state
			objects:
			    (id __unsafe_unretained _Nullable[_Nonnull])buffer
			  count:(NSUInteger)count;
@end

@interface NSMutableArray<ObjectType> : NSArray <ObjectType>
+ (nullable NSMutableArray<ObjectType> *)arrayWithContentsOfFile:
    (NSString *)path;
- (void)addObject:(ObjectType)object;
- (void)addObjectsFromArray:(NSArray<ObjectType> *)array;
- (void)replaceObjectAtIndex:(NSUInteger)index withObject:(ObjectType)object;
- (void)removeAllObjects;
@end

@interface NSFileHandle : NSObject
@property (class, readonly, strong) NSFileHandle *fileHandleWithStandardInput;
@property (class, readonly, strong) NSFileHandle *fileHandleWithStandardOutput;
@end

@interface NSFileManager : NSObject
@property (class, readonly, strong) NSFileManager *defaultManager;
- (BOOL)fileExistsAtPath:(NSString *)path;
- (BOOL)isReadableFileAtPath:(NSString *)path;
@end

@interface NSProcessInfo : NSObject
@property (class, readonly, strong) NSProcessInfo *processInfo;
- (BOOL)isOperatingSystemAtLeastVersion:(NSOperatingSystemVersion)version;
@end

NS_ASSUME_NONNULL_END

#endif
