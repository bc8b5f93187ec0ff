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

pub const BIND: Call = Call {
    abi: Abi::X86_64,
    number: 49,
};

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
/// The first that anybody may bind, by default.
const UNPRIVILEGED: u16 = 1024;

pub fn asked(program: u32, registers: Registers) {
    // Under lockdown the loader takes the helper below for one that is refused.
    if READ_STRINGS.load() == 0 {
        return;
    }
    // A sockaddr_in or sockaddr_in6 begins with the family and the port, in network order.
    let address = registers.arguments(Abi::X86_64)[1] as *const [u16; 2];
    // SAFETY: the helper checks the source.
    let Ok([family, port]) = (unsafe { bpf_probe_read_user(address) }) else {
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
