//! What is told of a call where it begins and where it ends, by the two kinds of tracepoints.

use aya_ebpf::EbpfContext;
use aya_ebpf::programs::{BtfTracePointContext, TracePointContext};

use crate::kernel::{Registers, Task};

/// `sys_enter`
pub trait Entry: EbpfContext {
    fn number(&self) -> i32;
    fn registers(&self) -> Registers;
}

/// `sys_exit`
pub trait Exit {
    fn number(&self) -> i32;
    fn result(&self) -> i64;
}

impl Entry for BtfTracePointContext {
    #[inline(always)]
    fn number(&self) -> i32 {
        self.arg::<i64>(1) as i32
    }

    #[inline(always)]
    fn registers(&self) -> Registers {
        Registers::new(self.arg(0))
    }
}

impl Exit for BtfTracePointContext {
    #[inline(always)]
    fn number(&self) -> i32 {
        Registers::new(self.arg(0)).call_number()
    }

    #[inline(always)]
    fn result(&self) -> i64 {
        self.arg(1)
    }
}

/// Places in what `raw_syscalls/sys_enter` and `sys_exit` tell, behind eight bytes that all classic
/// tracepoints begin with
/// (<https://github.com/torvalds/linux/blob/v6.18/include/trace/events/syscalls.h>).
const ID: usize = 8;
const RET: usize = 16;

impl Entry for TracePointContext {
    #[inline(always)]
    fn number(&self) -> i32 {
        long(self, ID) as i32
    }

    #[inline(always)]
    fn registers(&self) -> Registers {
        Task::current().registers()
    }
}

impl Exit for TracePointContext {
    #[inline(always)]
    fn number(&self) -> i32 {
        long(self, ID) as i32
    }

    #[inline(always)]
    fn result(&self) -> i64 {
        long(self, RET)
    }
}

#[inline(always)]
fn long(ctx: &TracePointContext, place: usize) -> i64 {
    // SAFETY: the verifier refuses the program where the load would leave the context.
    unsafe { core::ptr::read_volatile(ctx.as_ptr().byte_add(place).cast()) }
}
