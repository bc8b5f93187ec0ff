//! Where libseccomp's program answers otherwise than the profile says.
//!
//! libseccomp up to 2.6.1 shares the ends of rules among calls, and loads an argument again only for
//! the first that gets there
//! (<https://github.com/seccomp/libseccomp/blob/v2.5.4/src/gen_bpf.c#L2122>). A call that fails one
//! rule by its second argument may then be let through by another, which takes that for the first.
//! It depends on all calls that have rules, and no order of theirs prevents it; so the program is
//! asked where it matters: what meets a rule, but for one argument, which has any value that the
//! call's rules know of, or one beside it.

use std::collections::BTreeSet;
use std::fmt;

use profiler_common::Abi;

use super::evaluate::Evaluator;
use super::interpret::{Fault, SeccompData, interpret};
use super::{Comparison, NATIVE, Operator, Profile};
use crate::names;

/// One call of many that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    pub call: String,
    /// As many as are compared.
    pub arguments: Vec<u64>,
    /// Or refused, where the profile lets it through.
    pub is_let_through: bool,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call, arguments, ..
        } = self;
        let arguments: Vec<String> = arguments.iter().map(u64::to_string).collect();
        let arguments = arguments.join(", ");
        let (done, said) = if self.is_let_through {
            ("lets", "through, which its rules do not")
        } else {
            ("does not let", "through, which its rules do")
        };
        write!(f, "{done} {call}({arguments}) {said}")
    }
}

/// At most one a call. `program`: as `profile` was compiled.
pub fn deviations(
    profile: &Profile,
    evaluator: &Evaluator,
    program: &[libc::sock_filter],
) -> Result<Vec<Deviation>, Fault> {
    let abis = || {
        let listed = |name| name == NATIVE || profile.architectures.iter().any(|own| own == name);
        Abi::ALL
            .into_iter()
            .filter(move |&abi| listed(names::architecture(abi)))
    };
    let rules = || profile.syscalls.iter().filter(|rule| !rule.args.is_empty());
    let calls: BTreeSet<&String> = rules().flat_map(|rule| &rule.names).collect();
    let mut found = Vec::new();
    for call in calls {
        let own = rules().filter(|rule| rule.names.contains(call));
        let own: Vec<&[Comparison]> = own.map(|rule| &rule.args[..]).collect();
        let numbers = abis().filter_map(|abi| Some((abi, names::number(abi, call)?)));
        let mut datas = numbers.flat_map(|(abi, number)| {
            points(&own)
                .into_iter()
                .map(move |arguments| SeccompData::new(abi, number, arguments))
        });
        let deviating = datas.find_map(|data| {
            let said = evaluator.answer(&data);
            match interpret(program, &data) {
                Ok(answer) if answer == said.value() => None,
                other => Some(other.map(|_| (said, data.arguments))),
            }
        });
        if let Some(deviating) = deviating {
            let (said, arguments) = deviating?;
            found.push(Deviation {
                call: call.clone(),
                arguments: arguments[..=last(&own)].to_vec(),
                is_let_through: !said.permits(),
            });
        }
    }
    Ok(found)
}

/// Of the call's arguments that are compared.
fn last(rules: &[&[Comparison]]) -> usize {
    let indices = rules.iter().copied().flatten().map(index);
    indices.max().unwrap_or(0)
}

fn index(comparison: &Comparison) -> usize {
    usize::try_from(comparison.index).expect("libseccomp took it for an argument")
}

fn points(rules: &[&[Comparison]]) -> BTreeSet<[u64; 6]> {
    let all = || rules.iter().copied().flatten();
    let values: BTreeSet<u64> = all().flat_map(around).collect();
    let indices: BTreeSet<usize> = all().map(index).collect();
    let mut points = BTreeSet::new();
    for rule in rules {
        let mut met = [0; 6];
        for comparison in *rule {
            met[index(comparison)] = meeting(comparison);
        }
        for &index in &indices {
            for &value in &values {
                let mut point = met;
                point[index] = value;
                points.insert(point);
            }
        }
    }
    points
}

fn meeting(comparison: &Comparison) -> u64 {
    let value = comparison.value;
    match comparison.op {
        Operator::MaskedEqual => comparison.value_two,
        Operator::Equal | Operator::LessOrEqual | Operator::GreaterOrEqual => value,
        Operator::NotEqual | Operator::Greater => value.wrapping_add(1),
        Operator::Less => value.wrapping_sub(1),
    }
}

/// With one that differs in a bit that counts.
fn around(comparison: &Comparison) -> [u64; 4] {
    let (mask, value) = match comparison.op {
        Operator::MaskedEqual => (comparison.value, comparison.value_two),
        _ => (u64::MAX, comparison.value),
    };
    let lowest_bit = mask & mask.wrapping_neg();
    [
        value,
        value ^ lowest_bit,
        value.wrapping_sub(1),
        value.wrapping_add(1),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Deviation, deviations};
    use crate::profile::compile::compile;
    use crate::profile::evaluate::Evaluator;
    use crate::profile::{Profile, Runtime};

    /// Each call with what its first arguments are, in each of its rules.
    fn profile(rules: &[(&str, &[u32])]) -> Profile {
        let rules: Vec<_> = rules
            .iter()
            .map(|(name, values)| {
                let args: Vec<_> = (0..)
                    .zip(*values)
                    .map(|(index, value): (u32, _)| {
                        serde_json::json!({"index": index, "value": u32::MAX, "valueTwo": value,
                                           "op": "SCMP_CMP_MASKED_EQ"})
                    })
                    .collect();
                serde_json::json!({"names": [name], "action": "SCMP_ACT_ALLOW", "args": args})
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": rules,
        }))
        .unwrap()
    }

    /// `program`: what another profile was compiled to.
    fn found(profile: &Profile, program: &Profile) -> Vec<Deviation> {
        let evaluator = Evaluator::new(profile, Runtime::Runc1_1).unwrap();
        let program = compile(program).unwrap().program;
        deviations(profile, &evaluator, &program).unwrap()
    }

    fn deviation(call: &str, arguments: &[u64], is_let_through: bool) -> Deviation {
        Deviation {
            call: call.to_owned(),
            arguments: arguments.to_vec(),
            is_let_through,
        }
    }

    #[test]
    fn what_another_profile_lets_through_is_found() {
        let narrow = profile(&[("read", &[]), ("socket", &[1]), ("prctl", &[4, 7])]);
        let wide = profile(&[("read", &[]), ("socket", &[1]), ("prctl", &[4])]);
        assert_eq!(found(&narrow, &narrow), []);
        assert_eq!(found(&wide, &wide), []);
        assert_eq!(found(&narrow, &wide), [deviation("prctl", &[4, 3], true)]);
        assert_eq!(found(&wide, &narrow), [deviation("prctl", &[4], false)]);
    }

    /// In libseccomp 2.5.4 and up to 2.6.1 at least.
    #[test]
    fn the_end_of_a_rule_that_two_calls_share_is_found() {
        let seccomp: [(&str, &[u32]); 2] = [("seccomp", &[1]), ("seccomp", &[2, 0])];
        let bpf: [(&str, &[u32]); 4] = [
            ("bpf", &[1]),
            ("bpf", &[2]),
            ("bpf", &[6]),
            ("bpf", &[0xff]),
        ];
        let alone = profile(&seccomp);
        assert_eq!(found(&alone, &alone), []);
        let both = profile(&[&seccomp[..], &bpf].concat());
        let found = found(&both, &both);
        assert_eq!(found, [deviation("seccomp", &[2, 1], true)]);
        assert_eq!(
            found[0].to_string(),
            "lets seccomp(2, 1) through, which its rules do not"
        );
    }
}
