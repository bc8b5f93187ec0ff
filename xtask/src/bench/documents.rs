//! What was measured, as documents: beside the results, and where it is asked for in the
//! repository's own.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::figures::Table;
use super::{Bench, markdown, plot};
use crate::shell::{output, workspace};

/// What is between them is ours.
const BEGIN: &str = "<!-- made by `cargo xtask bench --write-docs` -->";
const END: &str = "<!-- end of what was made -->";

/// All tables go to the first, these to the other.
const PERFORMANCE: &str = "docs/performance.md";
const README: (&str, [&str; 3]) = ("README.md", ["call-getppid", "redis", "nginx"]);

/// Of this table there is a picture.
const PICTURED: &str = "call-getppid";
const PICTURE: &str = "docs/performance.svg";

/// `into_repository` is for all tables, as what stands there is replaced.
pub(super) fn write(bench: &Bench, tables: &[Table], into_repository: bool) -> Result<()> {
    let machine = machine(bench)?;
    let all = page(&machine, tables.iter(), "###");
    let results = bench.folder.join("bench.md");
    fs::write(&results, &all).with_context(|| results.display().to_string())?;
    print!("{all}");
    let picture = tables.iter().find(|table| table.id == PICTURED);
    let picture = picture.map(plot::added);
    if let Some(picture) = &picture {
        fs::write(bench.folder.join("bench.svg"), picture)?;
    }
    if into_repository {
        let (readme, few) = README;
        let few = tables.iter().filter(|table| few.contains(&table.id));
        replace(readme, &page(&machine, few, "####"))?;
        replace(PERFORMANCE, &all)?;
        fs::write(workspace().join(PICTURE), picture.unwrap_or_default())?;
    }
    eprintln!("bench: wrote {}", bench.folder.display());
    Ok(())
}

fn page<'a>(machine: &str, tables: impl Iterator<Item = &'a Table>, level: &str) -> String {
    let tables = tables.map(|table| markdown::table(table, level));
    std::iter::once(format!("{machine}\n"))
        .chain(tables)
        .collect::<Vec<_>>()
        .join("\n")
}

fn machine(bench: &Bench) -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1))
        .unwrap_or("a processor without a name");
    let cores = cpus
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let kernel = output(Command::new("uname").arg("-r"))?;
    let commit = output(Command::new("git").current_dir(workspace()).args([
        "log",
        "-1",
        "--format=%h of %cs",
    ]))?;
    let quick = if bench.quick { " --quick" } else { "" };
    Ok(format!(
        "Measured by `cargo xtask bench{quick}` at commit {commit}, on {cores} cores of {model}, Linux \
         {kernel}. Medians and quartiles of rounds in which all variants take turns; what is compared is \
         compared within each round."
    ))
}

fn replace(file: &str, text: &str) -> Result<()> {
    let path = workspace().join(file);
    let old = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let new = replaced(&old, text)
        .with_context(|| format!("{file} has no place for it: {BEGIN:?} and {END:?}"))?;
    fs::write(&path, new).with_context(|| path.display().to_string())
}

fn replaced(old: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, PERFORMANCE, README, replaced};
    use crate::shell::workspace;

    #[test]
    fn only_what_is_ours_is_replaced() {
        let old = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = replaced(&old, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(replaced("nothing", "new"), None);
    }

    #[test]
    fn the_documents_have_a_place_for_it() {
        for file in [PERFORMANCE, README.0] {
            let text = std::fs::read_to_string(workspace().join(file)).unwrap();
            assert!(replaced(&text, "").is_some(), "{file}");
        }
    }
}
