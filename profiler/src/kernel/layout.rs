//! Resolves the running kernel's field offsets, and how it runs programs, from its BTF.

use btf_rs::{Btf, Type};
use profiler_common::KernelLayout;

#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("cannot read the kernel's BTF (/sys/kernel/btf/vmlinux): {0}")]
    Btf(#[from] btf_rs::Error),
    #[error(
        "this kernel's {structure} has no field {field}: it is newer or older than this profiler knows (6.1 to 7.3)"
    )]
    NoField {
        structure: &'static str,
        field: &'static str,
    },
}

pub struct Running {
    pub layout: KernelLayout,
    /// Whether programs at BTF tracepoints can be preempted.
    pub preempts_tracepoints: bool,
}

/// Guards them there (Linux 7.3; 6.18 switches preemption off)
/// (<https://lore.kernel.org/all/20251001144832.631770-20-paulmck@kernel.org/>).
const TRACEPOINTS_GUARD: &str = "tracepoint_srcu_srcu_data";

/// Of the kernel that runs now.
pub fn running() -> Result<Running, LayoutError> {
    const PATH: &str = "/sys/kernel/btf/vmlinux";
    // Mapped, not cached: ten lookups, so building an index of all types costs more. Older
    // kernels (6.12, for one) cannot map this file.
    let btf = Btf::from_file_with_backend(PATH, btf_rs::Backend::Mmap)
        .or_else(|_| Btf::from_file(PATH))?;
    let structure = |name| Structure::find(&btf, name);
    let task = structure("task_struct")?;
    let namespaces = structure("nsproxy")?;
    let memory = structure("mm_struct")?;
    let cgroup = structure("cgroup")?;
    let node = structure("kernfs_node")?;
    let credentials = structure("cred")?;
    let binprm = structure("linux_binprm")?;
    let layout = KernelLayout {
        task_status: task.offset("thread_info.status")?,
        task_seccomp_mode: task.offset("seccomp.mode")?,
        task_pid: task.offset("pid")?,
        task_tgid: task.offset("tgid")?,
        task_real_cred: task.offset("real_cred")?,
        task_atomic_flags: task.offset("atomic_flags")?,
        task_mm: task.offset("mm")?,
        task_nsproxy: task.offset("nsproxy")?,
        nsproxy_mnt_ns: namespaces.offset("mnt_ns")?,
        mnt_namespace_inum: structure("mnt_namespace")?.offset("ns.inum")?,
        mm_arg_start: memory.offset("arg_start")?,
        mm_arg_end: memory.offset("arg_end")?,
        task_cgroups: task.offset("cgroups")?,
        task_signal: task.offset("signal")?,
        signal_live: structure("signal_struct")?.offset("live")?,
        css_set_dfl_cgrp: structure("css_set")?.offset("dfl_cgrp")?,
        cgroup_kn: cgroup.offset("kn")?,
        cgroup_root: cgroup.offset("root")?,
        cgroup_root_hierarchy_id: structure("cgroup_root")?.offset("hierarchy_id")?,
        kernfs_node_id: node.offset("id")?,
        // Renamed in 6.15.
        kernfs_node_parent: node.offset("__parent").or_else(|_| node.offset("parent"))?,
        cred_user_ns: credentials.offset("user_ns")?,
        cred_cap_bset: credentials.offset("cap_bset")?,
        binprm_secureexec_bit: binprm.bit("secureexec")?,
        binprm_filename: binprm.offset("filename")?,
    };
    Ok(Running {
        layout,
        preempts_tracepoints: !btf.resolve_types_by_name(TRACEPOINTS_GUARD)?.is_empty(),
    })
}

/// Finding one is a walk over all types of the kernel.
struct Structure<'a> {
    btf: &'a Btf,
    name: &'static str,
    /// Another, a forward declaration, say, may have the same name.
    candidates: Vec<Type>,
}

impl<'a> Structure<'a> {
    fn find(btf: &'a Btf, name: &'static str) -> Result<Self, LayoutError> {
        Ok(Self {
            btf,
            name,
            candidates: btf.resolve_types_by_name(name)?,
        })
    }

    /// In bytes, of a field (`a.b` for one inside another).
    fn offset(&self, field: &'static str) -> Result<u32, LayoutError> {
        Ok(self.bit(field)? / 8)
    }

    /// The same in bits.
    fn bit(&self, field: &'static str) -> Result<u32, LayoutError> {
        for candidate in &self.candidates {
            if let Some(bits) = path(self.btf, candidate.clone(), field)? {
                return Ok(bits);
            }
        }
        Err(LayoutError::NoField {
            structure: self.name,
            field,
        })
    }
}

/// The field's offset in bits.
fn path(btf: &Btf, structure: Type, field: &str) -> Result<Option<u32>, LayoutError> {
    let mut bits = 0;
    let mut current = structure;
    for name in field.split('.') {
        let Some((at, next)) = member(btf, current, name)? else {
            return Ok(None);
        };
        bits += at;
        current = next;
    }
    Ok(Some(bits))
}

/// The member's offset in bits and its type, looked for in anonymous members too.
fn member(btf: &Btf, of: Type, name: &str) -> Result<Option<(u32, Type)>, LayoutError> {
    let (Type::Struct(holder) | Type::Union(holder)) = of else {
        return Ok(None);
    };
    for member in &holder.members {
        let bits = member.bit_offset();
        let member_name = btf.resolve_name(member)?;
        if member_name == name {
            return Ok(Some((bits, btf.resolve_chained_type(member)?)));
        }
        if member_name.is_empty()
            && let Some((inner, found)) =
                self::member(btf, btf.resolve_chained_type(member)?, name)?
        {
            return Ok(Some((bits + inner, found)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::running;

    #[test]
    fn the_running_kernel_has_every_field() {
        let layout = running().unwrap().layout;
        // thread_info comes first (CONFIG_THREAD_INFO_IN_TASK), and its status after flags and
        // syscall_work.
        assert_eq!(layout.task_status, 16);
        assert_ne!(layout.task_seccomp_mode, 0);
        assert_eq!(layout.task_tgid, layout.task_pid + 4);
    }
}
