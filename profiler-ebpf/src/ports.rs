//! Ports below 1024 that programs ask for: whether that needs a capability is up to a setting of
//! the network namespace, so the capability check alone does not tell.

use aya_ebpf::helpers::bpf_probe_read_user;
use aya_ebpf::macros::map;
use aya_ebpf::maps::HashMap;
use profiler_common::{Abi, Loss, LowPort};

use crate::kernel::{Call, Registers};
use crate::loss;
use crate::process::READ_STRINGS;

#[map]
static LOW_PORTS: HashMap<LowPort, u8> = HashMap::with_max_entries(4096, 0);

/// `socketcall`'s first argument for bind
/// (<https://elixir.bootlin.com/linux/v6.18/source/include/uapi/linux/net.h#L27>).
const SYS_BIND: u32 = 2;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
/// The first that anybody may bind, by default.
const UNPRIVILEGED: u16 = 1024;

/// bind, or i386's socketcall, which is bind among others.
#[inline(always)]
pub const fn may_bind(call: Call) -> bool {
    matches!(
        (call.abi, call.number),
        (Abi::X86_64 | Abi::X32, 49) | (Abi::I386, 102 | 361)
    )
}

pub fn asked(program: u32, call: Call, registers: Registers) {
    // Under lockdown the loader takes the helper below for one that is refused.
    if READ_STRINGS.load() == 0 {
        return;
    }
    // A sockaddr_in or sockaddr_in6 begins with the family and the port, in network order.
    let Some([family, port]) = address(call, registers).and_then(read::<[u16; 2]>) else {
        return;
    };
    let port = u16::from_be(port);
    if (family != AF_INET && family != AF_INET6) || port == 0 || port >= UNPRIVILEGED {
        return;
    }
    let key = LowPort {
        program,
        port,
        reserved: [0; 2],
    };
    if LOW_PORTS.insert(&key, 1, 0).is_err() {
        loss::count(Loss::LowPorts);
    }
}

/// Where what a call binds lies, if it does bind. Of i386's registers the upper halves are rubbish.
#[inline(always)]
fn address(call: Call, registers: Registers) -> Option<u64> {
    let [first, second, ..] = registers.arguments(call.abi);
    match (call.abi, call.number) {
        (Abi::X86_64 | Abi::X32, _) => Some(second),
        (Abi::I386, 361) => Some(low_half(second)),
        (Abi::I386, _) if first as u32 == SYS_BIND => {
            let [_, second] = read::<[u32; 2]>(low_half(second))?;
            Some(second.into())
        }
        (Abi::I386, _) => None,
    }
}

#[inline(always)]
fn low_half(register: u64) -> u64 {
    (register as u32).into()
}

/// From the memory of the process.
#[inline(always)]
fn read<T>(address: u64) -> Option<T> {
    // SAFETY: the helper checks the source.
    unsafe { bpf_probe_read_user(address as *const T) }.ok()
}
