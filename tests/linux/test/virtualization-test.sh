#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright The vmnet-broker authors
#
# The stand-in's Virtualization.framework is as strict as Apple's headers: what
# they forbid does not compile here. (tests/macos/check compiles the examples
# with ARC and as for a Mac.)

# shellcheck disable=SC2317 # called by check

set -u
cd "$(dirname "$0")/../../.." || exit

. tests/tap.sh

# compile STATEMENT: of a program's main.
compile() {
    cat >"$tmp/prog.m" <<END
#import <Virtualization/Virtualization.h>
int main(void)
{
	vmnet_network_ref network = NULL;
	VZVirtualMachineConfiguration *vm =
	    [[VZVirtualMachineConfiguration alloc] init];
	@autoreleasepool {
		$1
	}
	return vm == nil || network != NULL;
}
END
    tests/linux/cc -Wall -Wextra -Werror -o "$tmp/prog" "$tmp/prog.m" \
        -framework Foundation -framework Virtualization -framework vmnet \
        -framework CoreFoundation
}

# refused PATTERN STATEMENT
refused() {
    if compile "$2" >"$tmp/out" 2>&1; then
        echo "not refused: $2"
        return 1
    fi
    grep -qE "error: $1" "$tmp/out" && return
    cat "$tmp/out"
    return 1
}

# Goal: only the classes below these have objects that a program makes.
abstract() {
    for class in PlatformConfiguration BootLoader NetworkDeviceAttachment \
        NetworkDeviceConfiguration SerialPortAttachment SerialPortConfiguration \
        StorageDeviceAttachment StorageDeviceConfiguration \
        EntropyDeviceConfiguration NetworkDevice VirtualMachine MACAddress \
        LinuxBootLoader EFIVariableStore VmnetNetworkDeviceAttachment \
        FileHandleSerialPortAttachment DiskImageStorageDeviceAttachment \
        VirtioBlockDeviceConfiguration; do
        refused "'init' is unavailable" "(void)[[VZ$class alloc] init];" &&
            refused "'new' is unavailable" "(void)[VZ$class new];" || return 1
    done
}

# Goal: nor at run time, where the compiler does not see the class.
abstract_at_run_time() {
    for class in PlatformConfiguration BootLoader NetworkDeviceAttachment \
        NetworkDeviceConfiguration SerialPortAttachment SerialPortConfiguration \
        StorageDeviceAttachment StorageDeviceConfiguration \
        EntropyDeviceConfiguration; do
        echo "names[count++] = @\"VZ$class\";"
    done >"$tmp/names"
    compile "NSString *names[16];
        int count = 0, raised = 0;
        $(cat "$tmp/names")
        for (int i = 0; i < count; i++) {
            @try {
                id object = [NSClassFromString(names[i]) alloc];
                [object performSelector:@selector(init)];
            } @catch (NSException *exception) {
                raised++;
            }
        }
        printf(\"%d of %d\\n\", raised, count);" || return 1
    "$tmp/prog" | tee "$tmp/out"
    grep -qx '9 of 9' "$tmp/out"
}

# Goal: what may be nil, and what not.
nullability() {
    for statement in \
        '(void)[[VZVmnetNetworkDeviceAttachment alloc] initWithNetwork:NULL];' \
        '(void)[[VZMACAddress alloc] initWithString:nil];' \
        '(void)[[VZLinuxBootLoader alloc] initWithKernelURL:nil];' \
        'vm.platform = nil;' 'vm.networkDevices = nil;' \
        '(void)[[VZVirtualMachine alloc] initWithConfiguration:nil];'; do
        refused 'null passed to a callee that requires a non-null' \
            "$statement" || return 1
    done
    compile 'vm.bootLoader = nil; (void)[vm validateWithError:NULL];
        (void)[[VZFileHandleSerialPortAttachment alloc]
            initWithFileHandleForReading:nil fileHandleForWriting:nil];' ||
        return 1
    # The functions of vmnet, whose header is C.
    for call in 'vmnet_ip_port_forwarding_rule_get_details(rule, NULL, &port,
            AF_INET, &to, &port)' \
        'vmnet_ip_port_forwarding_rule_get_details(rule, &byte, &port,
            AF_INET, NULL, &port)' \
        'vmnet_port_forwarding_rule_get_details(rule, &byte, NULL, &to, &port)' \
        'vmnet_port_forwarding_rule_get_details(rule, &byte, &port, &to, NULL)'
    do
        refused 'null passed to a callee' "xpc_object_t rule = xpc_null_create();
            struct in_addr to; uint8_t byte = 0; uint16_t port = 0;
            (void)byte; (void)port; (void)to; (void)$call;" || return 1
    done
}

# Goal: types of elements are checked, and properties that cannot be set.
types() {
    refused 'incompatible pointer types' \
        'vm.networkDevices = [NSArray<VZBootLoader *> array];' &&
        refused 'assignment to readonly property' \
            'VZVirtioBlockDeviceConfiguration *disk = nil;
            disk.attachment = nil;' &&
        refused '.* may not respond to' '(void)[[VZStorageDeviceConfiguration alloc]
            initWithAttachment:nil];'
}

# Goal: Apple's keeps the platform itself, not a copy, and has one from the start.
platform() {
    compile 'VZGenericPlatformConfiguration *platform =
            [[VZGenericPlatformConfiguration alloc] init];
        BOOL first = [vm.platform
            isKindOfClass:[VZGenericPlatformConfiguration class]];
        vm.platform = platform;
        printf("%d %d\n", first, vm.platform == platform);' || return 1
    [ "$("$tmp/prog")" = "1 1" ] && grep -q \
        '@property (strong) VZPlatformConfiguration \*platform;' \
        tests/linux/include/Virtualization/Virtualization.h
}

# Goal: Apple's codes, as far as their numbers are known.
codes() {
    compile 'printf("%d %d %d %d %d %d %d\n", (int)VZErrorInternal,
        (int)VZErrorInvalidVirtualMachineConfiguration,
        (int)VZErrorInvalidVirtualMachineState,
        (int)VZErrorInvalidVirtualMachineStateTransition,
        (int)VZErrorInvalidDiskImage,
        (int)VZErrorVirtualMachineLimitExceeded,
        (int)VZErrorNetworkError);' || return 1
    [ "$("$tmp/prog")" = "1 2 3 4 5 6 7" ]
}

plan 6
check "Virtualization: base classes have no init" abstract
check "Virtualization: base classes raise at run time" abstract_at_run_time
check "Virtualization and vmnet: what may be nil" nullability
check "Virtualization: types of elements" types
check "Virtualization: the platform" platform
check "Virtualization: the codes of errors" codes
finish
