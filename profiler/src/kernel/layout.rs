//! Resolves the running kernel's field offsets from its BTF.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

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

/// Of the kernel that runs now.
pub fn running() -> Result<KernelLayout, LayoutError> {
    const PATH: &str = "/sys/kernel/btf/vmlinux";
    // Mapped, not cached: some twelve lookups, so building an index of all types costs more. Older
    // kernels (6.12, for one) cannot map this file.
    let btf = Btf::from_file_with_backend(PATH, btf_rs::Backend::Mmap)
        .or_else(|_| Btf::from_file(PATH))?;
    let structures = Structures {
        btf,
        found: RefCell::default(),
    };
    let at = |structure, field| structures.bit(structure, field).map(|bits| bits / 8);
    Ok(KernelLayout {
        task_status: at("task_struct", "thread_info.status")?,
        task_seccomp_mode: at("task_struct", "seccomp.mode")?,
        task_pid: at("task_struct", "pid")?,
        task_tgid: at("task_struct", "tgid")?,
        task_real_cred: at("task_struct", "real_cred")?,
        task_atomic_flags: at("task_struct", "atomic_flags")?,
        task_mm: at("task_struct", "mm")?,
        task_nsproxy: at("task_struct", "nsproxy")?,
        nsproxy_mnt_ns: at("nsproxy", "mnt_ns")?,
        mnt_namespace_inum: at("mnt_namespace", "ns.inum")?,
        mm_arg_start: at("mm_struct", "arg_start")?,
        mm_arg_end: at("mm_struct", "arg_end")?,
        task_cgroups: at("task_struct", "cgroups")?,
        task_signal: at("task_struct", "signal")?,
        signal_live: at("signal_struct", "live")?,
        css_set_dfl_cgrp: at("css_set", "dfl_cgrp")?,
        cgroup_kn: at("cgroup", "kn")?,
        cgroup_root: at("cgroup", "root")?,
        cgroup_root_hierarchy_id: at("cgroup_root", "hierarchy_id")?,
        kernfs_node_id: at("kernfs_node", "id")?,
        // Renamed in 6.15.
        kernfs_node_parent: at("kernfs_node", "__parent")
            .or_else(|_| at("kernfs_node", "parent"))?,
        cred_user_ns: at("cred", "user_ns")?,
        cred_cap_bset: at("cred", "cap_bset")?,
        binprm_secureexec_bit: structures.bit("linux_binprm", "secureexec")?,
        binprm_filename: at("linux_binprm", "filename")?,
    })
}

/// Finding a name is a walk over all types, so each structure is looked for once.
struct Structures {
    btf: Btf,
    found: RefCell<HashMap<&'static str, Vec<Type>>>,
}

impl Structures {
    /// Where a field (`a.b` for one inside another) lies in the structure of that name, in bits.
    fn bit(&self, structure: &'static str, field: &'static str) -> Result<u32, LayoutError> {
        let mut found = self.found.borrow_mut();
        let candidates = match found.entry(structure) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.btf.resolve_types_by_name(structure)?),
        };
        for candidate in candidates {
            // Another, a forward declaration, say, may have the same name.
            if let Some(bits) = path(&self.btf, candidate.clone(), field)? {
                return Ok(bits);
            }
        }
        Err(LayoutError::NoField { structure, field })
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
        let layout = running().unwrap();
        // thread_info comes first (CONFIG_THREAD_INFO_IN_TASK), and its status after flags and
        // syscall_work.
        assert_eq!(layout.task_status, 16);
        assert_ne!(layout.task_seccomp_mode, 0);
        assert_eq!(layout.task_tgid, layout.task_pid + 4);
    }
}
