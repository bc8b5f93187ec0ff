//! `cargo xtask images`: the test images, made once from Debian's packages.
//!
//! A recipe is a folder under `tests/images`; its README tells the files. Knows no image by name,
//! and needs no registry.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::shell::{output, run, succeeds, workspace};

/// Changes when images are made in another way, so that all are made again.
const FORMAT: &str = "1";
const SCRATCH: &str = "scratch";

pub(crate) fn images() -> Result<()> {
    let recipes = workspace().join("tests/images");
    let cache = cache_folder()?;
    fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    // Several checkouts share the cache and the engine.
    let lock = File::create(cache.join("lock"))?;
    lock.lock()?;
    for name in names(&recipes)? {
        let recipe = Recipe::read(&recipes, &name)?;
        if recipe.config.is_some() {
            recipe.provide(&cache)?;
        }
    }
    Ok(())
}

/// Outside `target/`: a fresh clone and a `cargo clean` need not fetch Debian again.
fn cache_folder() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(base.join("profiler-tests"))
}

fn names(recipes: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(recipes)?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

struct Recipe {
    name: String,
    folder: PathBuf,
    from: Option<Box<Recipe>>,
    /// Of this recipe and of all that it starts from.
    hash: String,
    builds: bool,
    /// As an image configuration has it; none: only to start others from.
    config: Option<Value>,
}

impl Recipe {
    fn read(recipes: &Path, name: &str) -> Result<Self> {
        let folder = recipes.join(name);
        let from = fs::read_to_string(folder.join("from"))
            .with_context(|| format!("{} names no `from`", folder.display()))?;
        let from = match from.trim() {
            SCRATCH => None,
            other => Some(Box::new(Self::read(recipes, other)?)),
        };
        let parent = from.as_ref().map_or(FORMAT, |from| &from.hash);
        Ok(Self {
            name: name.to_owned(),
            hash: hash(parent, &files(&folder)?),
            builds: folder.join("build.sh").exists(),
            config: read_config(&folder.join("config.json"))?,
            folder,
            from,
        })
    }

    fn tag(&self, version: &str) -> String {
        format!("profiler-test/{}:{version}", self.name)
    }

    /// The engine has the image, tagged, when this returns.
    fn provide(&self, cache: &Path) -> Result<()> {
        let tag = self.tag(&self.hash);
        if !succeeds(Command::new("docker").args(["image", "inspect", &tag])) {
            let started = Instant::now();
            self.load(cache, &tag)?;
            eprintln!("images: {tag} in {:.1} s", started.elapsed().as_secs_f32());
        }
        run(Command::new("docker").args(["tag", &tag, &self.tag("latest")]))
    }

    /// Gives the engine the image in the form of `docker save`
    /// (<https://github.com/moby/moby/blob/v20.10.24/image/spec/v1.2.md#combined-image-json--filesystem-changeset-format>).
    fn load(&self, cache: &Path, tag: &str) -> Result<()> {
        let root = self.root_file_system(cache)?;
        let sum = output(Command::new("sha256sum").arg(&root))?;
        let layer = sum
            .split_whitespace()
            .next()
            .context("sha256sum says nothing")?;
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": self.config,
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
        });
        let manifest =
            json!([{ "Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"] }]);
        let folder = cache.join(format!("{}.loading", self.name));
        make_empty(&folder)?;
        fs::write(folder.join("config.json"), config.to_string())?;
        fs::write(folder.join("manifest.json"), manifest.to_string())?;
        fs::hard_link(&root, folder.join("layer.tar"))?;
        let image = folder.join("image.tar");
        run(Command::new("tar")
            .arg("-cf")
            .arg(&image)
            .arg("-C")
            .arg(&folder)
            .args(["manifest.json", "config.json", "layer.tar"]))?;
        output(
            Command::new("docker")
                .args(["load", "--quiet", "--input"])
                .arg(&image),
        )?;
        fs::remove_dir_all(&folder)?;
        Ok(())
    }

    /// The tar of it, made where the cache has none.
    fn root_file_system(&self, cache: &Path) -> Result<PathBuf> {
        if !self.builds {
            return match &self.from {
                Some(from) => from.root_file_system(cache),
                None => bail!("{} has neither `from` nor build.sh", self.folder.display()),
            };
        }
        let tar = cache.join(format!("{}-{}.tar", self.name, self.hash));
        if tar.exists() {
            return Ok(tar);
        }
        let root = cache.join(format!("{}.building", self.name));
        make_empty(&root)?;
        if let Some(from) = &self.from {
            let from = from.root_file_system(cache)?;
            run(Command::new("tar")
                .arg("-xpf")
                .arg(&from)
                .arg("-C")
                .arg(&root))?;
        }
        eprintln!("images: building {}", self.name);
        run(Command::new("./build.sh")
            .current_dir(&self.folder)
            .env("ROOT", &root))?;
        let partial = tar.with_extension("partial");
        run(Command::new("tar")
            .args(["--numeric-owner", "-cf"])
            .arg(&partial)
            .arg("-C")
            .arg(&root)
            .arg("."))?;
        fs::remove_dir_all(&root)?;
        remove_older(cache, &self.name)?;
        fs::rename(&partial, &tar)?;
        Ok(tar)
    }
}

fn read_config(path: &Path) -> Result<Option<Value>> {
    if !path.exists() {
        return Ok(None);
    }
    let config = serde_json::from_slice(&fs::read(path)?)
        .with_context(|| format!("{} is no JSON", path.display()))?;
    Ok(Some(config))
}

/// A folder that an interrupted run left behind is no start for this one.
fn make_empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(())
}

/// Tars of the same recipe as it was.
fn remove_older(cache: &Path, name: &str) -> Result<()> {
    for entry in fs::read_dir(cache)? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let older = stem
            .rsplit_once('-')
            .is_some_and(|(owner, _)| owner == name);
        if older && path.extension().is_some_and(|e| e == "tar") {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Name, whether it can be run, content; sorted by name.
fn files(folder: &Path) -> Result<Vec<(String, bool, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push((name, executable, fs::read(entry.path())?));
    }
    files.sort();
    Ok(files)
}

fn hash(parent: &str, files: &[(String, bool, Vec<u8>)]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(parent);
    for (name, executable, content) in files {
        // Lengths first, so that no two sets of files run together into the same bytes.
        hasher.update(format!("\n{name} {executable} {}\n", content.len()));
        hasher.update(content);
    }
    hasher.finalize()[..6]
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::hash;

    fn file(name: &str, executable: bool, content: &str) -> (String, bool, Vec<u8>) {
        (name.to_owned(), executable, content.as_bytes().to_vec())
    }

    #[test]
    fn a_recipe_changes_with_anything_it_is_made_of() {
        let base = hash("1", &[file("build.sh", true, "true")]);
        assert_eq!(base, hash("1", &[file("build.sh", true, "true")]));
        assert_eq!(base.len(), 12);
        for other in [
            hash("2", &[file("build.sh", true, "true")]),
            hash("1", &[file("build.sh", false, "true")]),
            hash("1", &[file("build.sh", true, "false")]),
            hash("1", &[file("from", true, "true")]),
            hash(
                "1",
                &[file("build.sh", true, "true"), file("from", false, "")],
            ),
        ] {
            assert_ne!(base, other);
        }
    }
}
