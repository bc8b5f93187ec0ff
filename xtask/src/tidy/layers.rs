//! Each stage of the flow imports only from the left of it.

use super::{Finding, rust::product};

struct Layer {
    name: &'static str,
    imports: &'static [&'static str],
    why: &'static str,
}

/// From left to right. What is not here may not be a module of the crate's root.
const LAYERS: &[Layer] = &[
    Layer {
        name: "file",
        imports: &[],
        why: "bytes to disk, whatever they say",
    },
    Layer {
        name: "names",
        imports: &[],
        why: "tables of the kernel's own names",
    },
    Layer {
        name: "words",
        imports: &[],
        why: "words in a sentence, whatever they say",
    },
    Layer {
        name: "risk",
        imports: &[],
        why: "a table: how dangerous a call is, whoever asks",
    },
    Layer {
        name: "arguments",
        imports: &["names"],
        why: "a table: which arguments count, for those who note them and those who rule them",
    },
    Layer {
        name: "process_status",
        imports: &["names"],
        why: "fields of a text of the kernel's; opens nothing",
    },
    Layer {
        name: "schema",
        imports: &[],
        why: "texts that are published; knows no type",
    },
    Layer {
        name: "terminal",
        imports: &[],
        why: "bytes to where a person looks, whatever they say",
    },
    Layer {
        name: "cli",
        imports: &[],
        why: "types of what can be typed; does nothing",
    },
    Layer {
        name: "recording",
        imports: &["arguments", "file"],
        why: "the seam: facts, whoever writes or reads them",
    },
    Layer {
        name: "profile",
        imports: &["file", "names", "words"],
        why: "values, and compiling them by name",
    },
    Layer {
        name: "capabilities",
        imports: &["file", "names", "recording"],
        why: "values, with the recording's words for their evidence",
    },
    Layer {
        name: "kernel",
        imports: &["arguments", "names", "process_status"],
        why: "hands out raw facts; knows no file and no policy",
    },
    Layer {
        name: "target",
        imports: &[
            "capabilities",
            "cli",
            "names",
            "process_status",
            "profile",
            "recording",
            "terminal",
        ],
        why: "what is watched, and what it runs under; loads no BPF",
    },
    Layer {
        name: "collector",
        imports: &["arguments", "kernel", "names", "recording"],
        why: "raw facts become a recording; decides no policy",
    },
    Layer {
        name: "generator",
        imports: &[
            "arguments",
            "capabilities",
            "names",
            "profile",
            "recording",
            "risk",
            "words",
        ],
        why: "a pure function of recordings; opens nothing",
    },
    Layer {
        name: "explain",
        imports: &[
            "arguments",
            "capabilities",
            "generator",
            "names",
            "recording",
            "words",
        ],
        why: "a recording in words; a pure function of it",
    },
    Layer {
        name: "coverage",
        imports: &["generator", "recording"],
        why: "figures of a recording's runs; a pure function of it",
    },
    Layer {
        name: "diff",
        imports: &[
            "capabilities",
            "explain",
            "generator",
            "names",
            "profile",
            "recording",
            "risk",
            "words",
        ],
        why: "a pure function of two profiles or recordings; asks no engine and no kernel",
    },
    Layer {
        name: "lint",
        imports: &["generator", "names", "profile", "recording", "risk"],
        why: "a pure function of a profile's text; asks no engine and no kernel",
    },
    Layer {
        name: "verify",
        imports: &[
            "capabilities",
            "cli",
            "collector",
            "kernel",
            "names",
            "profile",
            "recording",
            "target",
        ],
        why: "runs what it is given; how that came about is not its business",
    },
    Layer {
        name: "harden",
        imports: &[
            "capabilities",
            "cli",
            "names",
            "process_status",
            "profile",
            "recording",
            "risk",
            "target",
            "verify",
            "words",
        ],
        why: "what to try and what came of it; runs nothing",
    },
    Layer {
        name: "output",
        imports: &[
            "capabilities",
            "cli",
            "coverage",
            "diff",
            "generator",
            "harden",
            "lint",
            "names",
            "profile",
            "recording",
            "risk",
            "words",
        ],
        why: "a pure function of what was generated or found",
    },
    Layer {
        name: "commands",
        imports: &[
            "capabilities",
            "cli",
            "collector",
            "coverage",
            "diff",
            "explain",
            "file",
            "generator",
            "harden",
            "kernel",
            "lint",
            "names",
            "output",
            "process_status",
            "profile",
            "recording",
            "schema",
            "target",
            "terminal",
            "verify",
            "words",
        ],
        why: "the verbs, where everything meets",
    },
];

/// `module` is the file's path below `profiler/src`.
pub(super) fn check(module: &str, content: &str) -> Vec<Finding> {
    let path = module.trim_end_matches(".rs").trim_end_matches("/mod");
    // The crate's root only names the modules.
    if matches!(path, "lib" | "main") {
        return Vec::new();
    }
    let own = path.split('/').next().unwrap_or(path);
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == own) else {
        let message =
            format!("`{own}` has no place in the flow yet: give it one in xtask's layers");
        return vec![Finding::new(1, message)];
    };
    let depth = path.split('/').count();
    let mut findings = Vec::new();
    for (line, import) in imports(&code(product(content)), depth) {
        let known = LAYERS.iter().any(|layer| layer.name == import);
        if known && import != own && !layer.imports.contains(&import.as_str()) {
            let why = layer.why;
            let message = format!("`{own}` may not import from `{import}`: {why}");
            findings.push(Finding::new(line, message));
        }
    }
    findings
}

/// Without what follows `//`, lines kept.
fn code(content: &str) -> String {
    content
        .lines()
        .map(|line| line.split("//").next().unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Names that follow the crate's root in paths, with their lines: `crate::a`, `crate::{a, b::c}`,
/// and `super::` as often as the file lies deep.
fn imports(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in code.match_indices(&root) {
            let longer_path =
                code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
            if longer_path {
                continue;
            }
            let line = code[..at].lines().count().max(1);
            let names = names_after(&code[at + root.len()..]);
            found.extend(names.into_iter().map(|name| (line, name)));
        }
    }
    found.sort();
    found
}

/// The first name of a path, or of each path in a pair of braces.
fn names_after(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![first_name(rest)];
    };
    let mut names = Vec::new();
    let (mut level, mut start) = (0, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => level += 1,
            '}' if level > 0 => level -= 1,
            ',' | '}' if level == 0 => {
                names.push(first_name(group[start..at].trim_start()));
                start = at + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first_name(path: &str) -> String {
    path.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{LAYERS, check, imports};

    fn names(code: &str, depth: usize) -> Vec<String> {
        imports(code, depth)
            .into_iter()
            .map(|(_, name)| name)
            .collect()
    }

    #[test]
    fn paths_to_the_root_are_read() {
        assert_eq!(names("use crate::kernel::Probe;", 1), ["kernel"]);
        assert_eq!(names("fn a() -> crate::names::X {}", 1), ["names"]);
        assert_eq!(
            names(
                "use crate::{\n    cli::{A, B},\n    names,\n    target::C,\n};",
                1
            ),
            ["cli", "names", "target"]
        );
        assert_eq!(names("use super::generator::X;", 1), ["generator"]);
        assert_eq!(names("use super::generator::X;", 2), Vec::<String>::new());
        assert_eq!(names("use super::super::generator::X;", 2), ["generator"]);
        assert_eq!(names("use othercrate::kernel;", 1), Vec::<String>::new());
    }

    #[test]
    fn only_the_left_may_be_imported() {
        assert_eq!(
            check(
                "generator/mod.rs",
                "//! A.\nuse crate::recording::Recording;\n"
            ),
            []
        );
        let findings = check("generator/rules.rs", "//! A.\n\nuse crate::kernel::Load;\n");
        assert_eq!(findings[0].line, 3);
        assert_eq!(check("recording/file.rs", "use super::FORMAT;\n"), []);
        assert_eq!(
            check("recording/file.rs", "use super::super::kernel::X;\n").len(),
            1
        );
        assert_eq!(check("recording.rs", "// use crate::kernel::X;\n"), []);
        assert_eq!(check("lib.rs", "pub use crate::kernel::X;\n"), []);
        assert_eq!(check("novelty.rs", "//! A.\n").len(), 1);
    }

    #[test]
    fn unit_tests_may_use_what_they_like() {
        let content = "//! A.\n\n#[cfg(test)]\nmod tests {\n    use crate::output::X;\n}\n";
        assert_eq!(check("names.rs", content), []);
    }

    #[test]
    fn the_table_has_no_way_back() {
        for (index, layer) in LAYERS.iter().enumerate() {
            for import in layer.imports {
                let position = LAYERS.iter().position(|other| other.name == *import);
                let position = position.unwrap_or_else(|| panic!("{import} is no layer"));
                let name = layer.name;
                assert!(position < index, "{name} imports {import} from its right");
            }
        }
    }
}
