//! The image that is started: a program that ends at once, and what a runtime looks up in an image.

use std::io;

use tar::{Builder, EntryType, Header};

pub(super) const PROGRAM: &str = "/bin/floor";

const ADDRESS: u64 = 0x40_0000;
const HEADERS: u16 = 64 + 56;
/// `exit_group(0)`
const CODE: [u8; 9] = [
    0xb8, 231, 0, 0, 0, // mov eax, 231
    0x31, 0xff, // xor edi, edi
    0x0f, 0x05, // syscall
];

/// As `docker import` takes it.
pub(super) fn tar() -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(Vec::new());
    for folder in ["bin/", "etc/", "tmp/"] {
        add(&mut tar, folder, EntryType::Directory, 0o755, &[])?;
    }
    for (path, mode, content) in [
        ("bin/floor", 0o755, program().as_slice()),
        (
            "etc/passwd",
            0o644,
            b"root:x:0:0::/:\nnobody:x:65534:65534::/:\n",
        ),
        (
            "etc/group",
            0o644,
            b"root:x:0:\nnogroup:x:65534:\nmore:x:100:root,nobody\n",
        ),
    ] {
        add(&mut tar, path, EntryType::Regular, mode, content)?;
    }
    tar.into_inner()
}

fn add(
    tar: &mut Builder<Vec<u8>>,
    path: &str,
    kind: EntryType,
    mode: u32,
    content: &[u8],
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    tar.append_data(&mut header, path, content)
}

/// A static x86_64 program: the headers of elf(5), and the code. It has no start-up of its own that
/// could be taken for the runtime's.
fn program() -> Vec<u8> {
    let size = u64::from(HEADERS) + CODE.len() as u64;
    let mut elf = Vec::new();
    elf.extend(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"); // 64 bits, little endian
    elf.extend([2, 0, 62, 0, 1, 0, 0, 0]); // an executable for x86_64
    elf.extend((ADDRESS + u64::from(HEADERS)).to_le_bytes()); // where it begins
    elf.extend(64_u64.to_le_bytes()); // its segments: right behind
    elf.extend(0_u64.to_le_bytes()); // its sections: none
    elf.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    elf.extend([1, 0, 0, 0, 5, 0, 0, 0]); // a segment to load, readable and executable
    for word in [0, ADDRESS, ADDRESS, size, size, 0x1000] {
        elf.extend(word.to_le_bytes());
    }
    elf.extend(CODE);
    elf
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::{HEADERS, program};

    #[test]
    fn the_program_ends_at_once() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&program()).unwrap();
        let executable = std::fs::Permissions::from_mode(0o755);
        file.as_file().set_permissions(executable).unwrap();
        let path = file.into_temp_path();
        assert!(Command::new(&path).status().unwrap().success());
        assert_eq!(program().len(), usize::from(HEADERS) + 9);
    }
}
