//! What each run came to, kept in the folder until the whole is done: where `harden` was
//! interrupted, it goes on from there.
//!
//! It does the same again for the same answers, so the answers are all that is kept, each with what
//! was asked. They are never taken for another image, test, engine or kernel.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::RunOptions;
use crate::commands::record::sha256;
use crate::file;
use crate::recording::Text;

/// In the folder of the result.
const FOLDER: &str = "harden.progress";
const CONFIGURATION: &str = "configuration.json";

/// What the answers hold for, each by its name for people.
pub(super) type Configuration = BTreeMap<String, String>;

/// What a container was run with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    options: Vec<String>,
    /// SHA-256 of the profile that it was tried under; `None`: it was recorded.
    tried_under: Option<String>,
}

impl Asked {
    pub(super) fn recorded(options: &RunOptions) -> Self {
        Self {
            options: options.words(),
            tried_under: None,
        }
    }

    pub(super) fn tried(options: &RunOptions, seccomp: &str) -> Self {
        Self {
            tried_under: Some(sha256(seccomp)),
            ..Self::recorded(options)
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    asked: Asked,
    answer: Value,
    took: Duration,
}

pub(super) struct Answer<T> {
    pub(super) value: T,
    /// When it was asked, be that before.
    pub(super) took: Duration,
}

pub(super) struct Progress {
    folder: PathBuf,
    /// Of the run that was interrupted, in their order; each answers once.
    known: RefCell<Vec<Kept>>,
    written: Cell<usize>,
}

impl Progress {
    /// From the beginning, whatever an earlier run left in `folder`.
    pub(super) fn begin(folder: &Path, configuration: &Configuration) -> anyhow::Result<Self> {
        let progress = Self::empty(folder);
        progress.finish()?;
        fs::create_dir_all(&progress.folder)
            .with_context(|| format!("cannot make {}", progress.folder.display()))?;
        progress.write(CONFIGURATION, configuration)?;
        Ok(progress)
    }

    /// From what `folder` holds.
    pub(super) fn resume(folder: &Path, configuration: &Configuration) -> anyhow::Result<Self> {
        let progress = Self::empty(folder);
        let path = progress.folder.join(CONFIGURATION);
        if !path.exists() {
            bail!(
                "{} holds no run that was interrupted; begin one with -o {0}",
                folder.display()
            );
        }
        let was: Configuration = read(&path)?;
        let differs = configuration
            .iter()
            .find(|(name, value)| was.get(*name) != Some(value));
        if let Some((name, value)) = differs {
            bail!(
                "{} was begun with another {name}: {}, not {}; give it as it was, or begin anew with -o",
                folder.display(),
                Text::from(was.get(name).map_or("none", String::as_str)),
                Text::from(value.as_str()),
            );
        }
        let mut known = Vec::new();
        loop {
            let path = progress.folder.join(name(known.len()));
            if !path.exists() {
                break;
            }
            known.push(read(&path)?);
        }
        progress.written.set(known.len());
        progress.known.replace(known);
        Ok(progress)
    }

    fn empty(folder: &Path) -> Self {
        Self {
            folder: folder.join(FOLDER),
            known: RefCell::default(),
            written: Cell::default(),
        }
    }

    /// How many answers there are from before.
    pub(super) fn known(&self) -> usize {
        self.known.borrow().len()
    }

    /// The answer from before, or that of `ask`, which is kept.
    pub(super) async fn once<T: Serialize + DeserializeOwned>(
        &self,
        asked: Asked,
        ask: impl AsyncFnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<Answer<T>> {
        if let Some(kept) = self.take(&asked) {
            let value = serde_json::from_value(kept.answer)
                .with_context(|| format!("{} is damaged", self.folder.display()))?;
            let took = kept.took;
            return Ok(Answer { value, took });
        }
        let begun = Instant::now();
        let value = ask().await?;
        let took = begun.elapsed();
        let ordinal = self.written.replace(self.written.get() + 1);
        let kept = Kept {
            asked,
            answer: serde_json::to_value(&value)?,
            took,
        };
        self.write(&name(ordinal), &kept)?;
        Ok(Answer { value, took })
    }

    fn take(&self, asked: &Asked) -> Option<Kept> {
        let mut known = self.known.borrow_mut();
        let place = known.iter().position(|kept| kept.asked == *asked)?;
        Some(known.remove(place))
    }

    fn write(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let json = serde_json::to_vec(value)?;
        Ok(file::replace(&self.folder.join(name), &json)?)
    }

    /// There is nothing left to go on from.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }
}

fn name(ordinal: usize) -> String {
    format!("{ordinal:04}.json")
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let told = || format!("cannot go on from {}; begin anew with -o", path.display());
    let bytes = fs::read(path).with_context(told)?;
    serde_json::from_slice(&bytes).with_context(told)
}

#[cfg(test)]
mod tests {
    use super::{Asked, Configuration, Progress, RunOptions};
    use std::path::Path;
    use std::time::Duration;

    fn configuration(test: &str) -> Configuration {
        [("image", "sha256:ab"), ("test", test)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    async fn ask(progress: &Progress, asked: Asked, now: u32) -> u32 {
        let answer = progress.once(asked, async || Ok(now)).await.unwrap();
        answer.value
    }

    fn refusal(folder: &Path, test: &str) -> String {
        let resumed = Progress::resume(folder, &configuration(test));
        format!("{:#}", resumed.err().unwrap())
    }

    #[tokio::test]
    async fn what_was_answered_is_not_asked_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let recorded = || Asked::recorded(&RunOptions::default());
        let tried = |profile| Asked::tried(&RunOptions::default(), profile);
        let begun = Progress::begin(folder, &configuration("true")).unwrap();
        assert_eq!(ask(&begun, recorded(), 1).await, 1);
        assert_eq!(ask(&begun, tried("a"), 2).await, 2);
        assert_eq!(ask(&begun, recorded(), 3).await, 3);

        let resumed = Progress::resume(folder, &configuration("true")).unwrap();
        assert_eq!(resumed.known(), 3);
        assert_eq!(ask(&resumed, tried("a"), 9).await, 2);
        assert_eq!(ask(&resumed, tried("b"), 4).await, 4);
        // Each time something else may have been seen.
        assert_eq!(ask(&resumed, recorded(), 9).await, 1);
        assert_eq!(ask(&resumed, recorded(), 9).await, 3);
        assert_eq!(ask(&resumed, recorded(), 5).await, 5);

        let once_more = Progress::resume(folder, &configuration("true")).unwrap();
        assert_eq!(once_more.known(), 5);
        assert_eq!(ask(&once_more, tried("b"), 9).await, 4);
    }

    /// An estimate of the time left is made of it.
    #[tokio::test]
    async fn how_long_it_took_is_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let asked = || Asked::recorded(&RunOptions::default());
        let took = Duration::from_millis(30);
        let begun = Progress::begin(folder.path(), &configuration("true")).unwrap();
        let slow = begun.once(asked(), async || {
            tokio::time::sleep(took).await;
            Ok(1)
        });
        assert!(slow.await.unwrap().took >= took);
        let resumed = Progress::resume(folder.path(), &configuration("true")).unwrap();
        let known = resumed.once(asked(), async || Ok(2)).await.unwrap();
        assert!(known.value == 1 && known.took >= took);
    }

    #[test]
    fn another_configuration_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(refusal(folder, "true").contains("no run that was interrupted"));
        let begun = Progress::begin(folder, &configuration("true")).unwrap();
        let told = refusal(folder, "false");
        assert!(told.contains("another test: true, not false"), "{told}");
        std::fs::write(begun.folder.join("0000.json"), "{").unwrap();
        assert!(refusal(folder, "true").contains("0000.json"));
        begun.finish().unwrap();
        assert!(refusal(folder, "true").contains("no run that was interrupted"));
    }
}
