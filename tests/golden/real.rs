//! What real containers come to with each main option, from what `cargo xtask recordings` recorded
//! of the test images.

use profiler::generator::{ArgumentRules, Kind, Options, Portable, Refusal};

use super::{REAL, deploying, formats};

const NGINX: &str = "real/nginx";
const SCRIPT: &str = "real/script";

#[test]
fn arguments_of_each_level() {
    for (level, arguments) in [
        ("off", ArgumentRules::Off),
        ("safe", ArgumentRules::Safe),
        ("all", ArgumentRules::All),
    ] {
        for name in REAL {
            let options = Options {
                arguments,
                ..Options::default()
            };
            formats::assert_profile_with(&format!("{name}-args-{level}"), &[name], options);
        }
    }
}

#[test]
fn capabilities() {
    for name in REAL {
        formats::assert_capabilities(name, &[name]);
    }
}

#[test]
fn each_format() {
    deploying::assert_formats(NGINX, &deploying::hardening(NGINX));
}

#[test]
fn each_refusal() {
    for (action, refusal) in [
        ("kill", Refusal::Kill),
        ("trap", Refusal::Trap),
        ("log", Refusal::Log),
        ("log-all", Refusal::LogAll),
    ] {
        let options = Options {
            // Whatever is allowed is the same.
            arguments: ArgumentRules::Off,
            refusal: Some(refusal),
            ..Options::default()
        };
        formats::assert_profile_with(&format!("{SCRIPT}-{action}"), &[SCRIPT], options);
    }
}

#[test]
fn wherever_it_is_carried() {
    let portable = Portable {
        kinds: &[Kind::Libc, Kind::Kernel, Kind::Arch],
        architectures: &[],
    };
    let options = Options {
        portable,
        ..Options::default()
    };
    formats::assert_profile_with(&format!("{NGINX}-portable"), &[NGINX], options);
}
