//! What the kernel hands over, with names that a container chose in it.

use profiler::process_status::{capabilities, field, mask};
use profiler::recording::Text;
use proptest::prelude::*;

use super::config;

const STATUS: &str = "Name:\tnginx\nUmask:\t0022\nSigIgn:\t0000000000000003\nCapEff:\t0000020000200001\n\
                      NoNewPrivs:\t0\nSeccomp:\t2\nSeccomp_filters:\t1\n";

fn status() -> impl Strategy<Value = String> {
    let lines = any::<Vec<String>>().prop_map(|lines| lines.join("\n"));
    prop_oneof![
        any::<String>(),
        lines,
        (any::<prop::sample::Index>(), any::<String>()).prop_map(|(at, text)| {
            let (before, after) = STATUS.split_at(at.index(STATUS.len()));
            format!("{before}{text}{after}")
        }),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_process_status(status in status()) {
        for name in ["Name", "SigIgn", "CapEff", "Seccomp", ""] {
            if let Some(value) = field(&status, name) {
                prop_assert!(!value.contains('\n'));
            }
            let names = capabilities(&status, name);
            prop_assert_eq!(names.is_some(), mask(&status, name).is_some());
        }
    }

    #[test]
    fn a_name_or_a_command_line(bytes in any::<Vec<u8>>()) {
        if let Some(text) = Text::from_c_bytes(&bytes) {
            let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
            prop_assert_eq!(text.as_bytes(), &bytes[..end]);
            let json = serde_json::to_string(&text).expect("text is valid JSON");
            let again: Text = serde_json::from_str(&json).expect("it was written so");
            prop_assert_eq!(&again, &text);
            let shown = text.to_string();
            prop_assert!(!shown.contains(|c: char| c.is_control()), "{:?}", shown);
        }
    }
}
