//! `--memory`, `--shm-size`, `--cpus`, `--ulimit`, `--sysctl`

use std::collections::HashMap;

use bollard::models::ResourcesUlimits;

use super::OptionError;

/// The names that the engine knows
/// (<https://github.com/docker/go-units/blob/v0.5.0/ulimit.go>).
const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// In bytes: a number and one of b, k, m, g, t, in powers of 1024.
pub(super) fn size(option: &'static str, value: &str) -> Result<i64, OptionError> {
    parse_size(value).ok_or_else(|| {
        OptionError::new(
            option,
            value,
            "it is not a size; write a number with b, k, m or g, as in 512m",
        )
    })
}

fn parse_size(value: &str) -> Option<i64> {
    let lower = value.to_ascii_lowercase();
    let unit_at = lower.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = lower.split_at(unit_at.unwrap_or(lower.len()));
    let unit = unit.strip_suffix('b').unwrap_or(unit);
    let shift = match unit.strip_suffix('i').unwrap_or(unit) {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    // In millionths, so that 1.5g is exact.
    let millionths = decimal(number, 6)?.checked_mul(1 << shift)?;
    i64::try_from(millionths / 1_000_000).ok()
}

/// In billionths of a processor.
pub(super) fn cpus(value: &str) -> Result<i64, OptionError> {
    decimal(value, 9)
        .and_then(|nano| i64::try_from(nano).ok())
        .ok_or_else(|| {
            OptionError::new(
                "--cpus",
                value,
                "it is not a number of processors, as in 1.5",
            )
        })
}

/// `12.5` at two places is 1250.
fn decimal(text: &str, places: usize) -> Option<u128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > places {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

pub(super) fn ulimits(options: &[String]) -> Result<Vec<ResourcesUlimits>, OptionError> {
    options
        .iter()
        .map(|option| {
            parse_ulimit(option).map_err(|reason| OptionError::new("--ulimit", option, reason))
        })
        .collect()
}

fn parse_ulimit(option: &str) -> Result<ResourcesUlimits, String> {
    let (name, limits) = option.split_once('=').ok_or("write NAME=SOFT[:HARD]")?;
    if !ULIMITS.contains(&name) {
        return Err(format!("there is no limit {name:?}"));
    }
    let limit = |text: &str| match text.parse::<i64>() {
        Ok(limit) if limit >= -1 => Ok(limit),
        _ => Err(format!("{text:?} is neither a number nor -1 (none)")),
    };
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let (soft, hard) = (limit(soft)?, limit(hard)?);
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err("the soft limit is above the hard one".into());
    }
    Ok(ResourcesUlimits {
        name: Some(name.to_owned()),
        soft: Some(soft),
        hard: Some(hard),
    })
}

pub(super) fn sysctls(options: &[String]) -> Result<HashMap<String, String>, OptionError> {
    options
        .iter()
        .map(|option| match option.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(OptionError::new("--sysctl", option, "write NAME=VALUE")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{cpus, size, sysctls, ulimits};

    #[test]
    fn sizes() {
        for (value, bytes) in [
            ("0", 0),
            ("77", 77),
            ("8b", 8),
            ("6k", 6 << 10),
            ("512m", 512 << 20),
            ("512MiB", 512 << 20),
            ("1.5g", 3 << 29),
            ("2TB", 2 << 40),
        ] {
            assert_eq!(size("--memory", value).unwrap(), bytes, "{value}");
        }
        for value in [
            "", "m", "-1", "1x", "1bb", "1 m", "1.m.5", "0x10", "1e3", "9999999t",
        ] {
            let error = size("--memory", value).unwrap_err().to_string();
            assert!(error.starts_with("--memory "), "{value}: {error}");
            assert!(error.contains("512m"), "{error}");
        }
    }

    #[test]
    fn processors() {
        assert_eq!(cpus("2").unwrap(), 2_000_000_000);
        assert_eq!(cpus("0.25").unwrap(), 250_000_000);
        for value in ["", "-1", "two", "1.0000000001", "."] {
            assert!(cpus(value).is_err(), "{value}");
        }
    }

    #[test]
    fn limits() {
        let all = ulimits(&["nofile=1024:2048".into(), "core=-1".into()]).unwrap();
        assert_eq!((all[0].soft, all[0].hard), (Some(1024), Some(2048)));
        assert_eq!((all[1].soft, all[1].hard), (Some(-1), Some(-1)));
        for (value, part) in [
            ("nofile", "NAME=SOFT"),
            ("files=1", "no limit \"files\""),
            ("nofile=x", "\"x\" is neither"),
            ("nofile=-2", "\"-2\" is neither"),
            ("nofile=2:1", "above the hard one"),
            ("nofile=-1:1", "above the hard one"),
        ] {
            let error = ulimits(&[value.into()]).unwrap_err().to_string();
            assert!(error.contains(part), "{value}: {error}");
        }
    }

    #[test]
    fn kernel_settings() {
        assert_eq!(sysctls(&["a.b=1=2".into()]).unwrap()["a.b"], "1=2");
        assert!(sysctls(&["a.b".into()]).is_err());
        assert!(sysctls(&["=1".into()]).is_err());
    }
}
