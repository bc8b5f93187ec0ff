//! Which calls other architectures than ours have: those that a profile can be made for besides.

use profiler_common::Abi;

use super::number;

/// Of arm, past the table of the crate
/// (<https://github.com/torvalds/linux/blob/v6.18/arch/arm/include/uapi/asm/unistd.h>).
const ARM_PRIVATE: [&str; 6] = [
    "breakpoint",
    "cacheflush",
    "get_tls",
    "set_tls",
    "usr26",
    "usr32",
];

/// 64-bit time of 32-bit architectures; the crate has these numbers everywhere
/// (<https://github.com/torvalds/linux/blob/v6.18/scripts/syscall.tbl>).
const TIME64: std::ops::RangeInclusive<i32> = 403..=423;

/// Whether the architecture, as seccomp names it, has a call of the name.
pub fn exists(architecture: &str, name: &str) -> bool {
    match architecture {
        "SCMP_ARCH_X86_64" => number(Abi::X86_64, name).is_some(),
        "SCMP_ARCH_X86" => number(Abi::I386, name).is_some(),
        "SCMP_ARCH_X32" => number(Abi::X32, name).is_some(),
        "SCMP_ARCH_AARCH64" => {
            // The crate spells it as one of the kernel's tables does, and not as libseccomp.
            let name = if name == "newfstatat" {
                "fstatat"
            } else {
                name
            };
            let call = name.parse::<syscalls::aarch64::Sysno>();
            call.is_ok_and(|call| !TIME64.contains(&call.id()))
        }
        "SCMP_ARCH_ARM" => {
            ARM_PRIVATE.contains(&name) || name.parse::<syscalls::arm::Sysno>().is_ok()
        }
        "SCMP_ARCH_PPC64LE" => {
            let call = name.parse::<syscalls::powerpc64::Sysno>();
            call.is_ok_and(|call| !TIME64.contains(&call.id()))
        }
        "SCMP_ARCH_RISCV64" => {
            let call = name.parse::<syscalls::riscv64::Sysno>();
            call.is_ok_and(|call| !TIME64.contains(&call.id()))
        }
        _ => false,
    }
}
