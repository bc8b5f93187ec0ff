//! What a call costs, in instructions: times are no test, but what the verifier left of the
//! programs can be counted.
//!
//! `hot-path.json` holds the figures of one kernel. On that one they must be equal, so that a gain
//! is committed as well as a loss; others inline other helpers and may take a tenth more.

use std::collections::{BTreeMap, VecDeque};

use profiler::kernel::{Capacity, Observer, Watch};
use profiler_tests::bpf::{Instruction, loaded_programs, map_id};
use profiler_tests::{assert_root, file};
use serde::{Deserialize, Serialize};

const UPDATE: &str = "UPDATE_HOT_PATH";

#[derive(Debug, Serialize, Deserialize)]
struct Figures {
    about: String,
    /// Of the kernel, its first two numbers.
    kernel: String,
    /// By what is watched, then by program or way through one.
    watched: BTreeMap<String, BTreeMap<String, Cost>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cost {
    instructions: usize,
    /// Of helpers and of functions.
    calls: usize,
}

#[tokio::test]
async fn a_call_costs_what_is_committed() {
    assert_root();
    let path = file("live/hot-path.json");
    let committed: Figures = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let watched = [("calls", false), ("calls and refusals", true)];
    let found = Figures {
        about: committed.about,
        kernel: kernel(),
        watched: watched
            .map(|(name, denials)| (name.to_owned(), measure(denials)))
            .into(),
    };
    if std::env::var_os(UPDATE).is_some() {
        let mut text = serde_json::to_string_pretty(&found).unwrap();
        text.push('\n');
        std::fs::write(&path, text).unwrap();
        return;
    }
    for (watched, found_costs) in &found.watched {
        let costs = &committed.watched[watched];
        if found.kernel == committed.kernel {
            assert_eq!(
                found_costs, costs,
                "{watched}: see what became of it, then commit what {UPDATE}=1 makes of this test"
            );
            continue;
        }
        for (name, found) in found_costs {
            // Which capability hook there is differs.
            let Some(cost) = costs.get(name) else {
                continue;
            };
            assert!(
                found.instructions * 10 <= cost.instructions * 11 && found.calls <= cost.calls + 1,
                "{watched}, {name}: {found:?}, far more than {cost:?}"
            );
        }
    }
}

fn kernel() -> String {
    let release = nix::sys::utsname::uname().unwrap();
    let release = release.release().to_string_lossy().into_owned();
    release.split('.').take(2).collect::<Vec<_>>().join(".")
}

fn measure(denials: bool) -> BTreeMap<String, Cost> {
    let observer = Observer::load(Watch {
        denials,
        capacity: Capacity::Few,
    });
    let programs = loaded_programs();
    let [of_process, program, in_flight] =
        ["PROGRAM_OF", "PROGRAM_TABLE", "IN_FLIGHT"].map(|map| {
            let id = map_id(map).cast_signed();
            move |at: &[Instruction]| at[0].code == LOAD_CONSTANT && at[0].immediate == id
        });
    drop(observer.unwrap());

    let mut costs: BTreeMap<String, Cost> = BTreeMap::new();
    for program in &programs {
        let whole = program.instructions.iter().map(|one| cost(*one));
        let before = costs.remove(&program.name).unwrap_or_default();
        let sum = std::iter::once(before).chain(whole).sum();
        costs.insert(program.name.clone(), sum);
    }
    let in_no_scope: [Station<'_>; 2] = [&of_process, &is_word_check];
    let notes_call: [Station<'_>; 2] = [&in_flight, &is_word_store];
    let notes_call = if denials { &notes_call[..] } else { &[] };
    let is_seen: [Station<'_>; 2] = [&program, &is_seen_check];
    let is_known: [Station<'_>; 2] = [&program, &is_known_load];
    let mut way = |name: &str, tracepoint: &str, stations: &[&[Station<'_>]]| {
        let of_it = programs.iter().find(|program| program.name == tracepoint);
        let instructions = &of_it.expect("it is loaded").instructions;
        let cost = cheapest(instructions, &stations.concat());
        costs.insert(format!("{tracepoint}, {name}"), cost);
    };
    way("in no scope", "sys_enter", &[&in_no_scope]);
    let made_before = [&in_no_scope, notes_call, &is_seen];
    way("made before", "sys_enter", &made_before);
    let noted_before = [&in_no_scope, notes_call, &is_known[..]];
    way("noted before", "sys_enter", &noted_before);
    if denials {
        way("in no scope", "sys_exit", &[&in_no_scope]);
        way("not refused", "sys_exit", &[&in_no_scope, notes_call]);
    }
    costs
}

/// Operation codes
/// (<https://github.com/torvalds/linux/blob/v6.18/include/uapi/linux/bpf.h>).
const JUMP: u8 = 0x05;
const JUMP_32: u8 = 0x06;
const ALWAYS: u8 = 0x00;
const IF_EQUAL: u8 = 0x10;
const IF_NOT_EQUAL: u8 = 0x50;
const CALL: u8 = 0x80;
const EXIT: u8 = 0x90;
/// Two instructions long.
const LOAD_CONSTANT: u8 = 0x18;
const LOAD_BYTE: u8 = 0x71;
const LOAD_LONG: u8 = 0x79;
const LOAD_WORD: u8 = 0x61;
const STORE_WORD: u8 = 0x63;
/// The stack's.
const FRAME: u8 = 10;

fn is_jump(instruction: Instruction) -> bool {
    matches!(instruction.code & 0x07, JUMP | JUMP_32)
}

fn is_jump_of(instruction: Instruction, operation: u8) -> bool {
    is_jump(instruction) && instruction.code & 0xf0 == operation
}

fn cost(instruction: Instruction) -> Cost {
    Cost {
        instructions: 1,
        calls: usize::from(is_jump_of(instruction, CALL)),
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |sum, cost| Self {
            instructions: sum.instructions + cost.instructions,
            calls: sum.calls + cost.calls,
        })
    }
}

/// Loaded like this and compared at once with a constant.
fn is_check(at: &[Instruction], load: u8, constant: u8) -> bool {
    at.len() > 1
        && at[0].code == load
        && (is_jump_of(at[1], IF_EQUAL) || is_jump_of(at[1], IF_NOT_EQUAL))
        && at[1].immediate == i32::from(constant)
}

/// The call's byte says that nothing is new.
fn is_seen_check(at: &[Instruction]) -> bool {
    is_check(at, LOAD_BYTE, profiler_common::SEEN)
}

/// Of a value that was noted.
fn is_known_load(at: &[Instruction]) -> bool {
    const KNOWN: usize = std::mem::offset_of!(profiler_common::Program, known);
    at[0].code == LOAD_LONG && usize::try_from(at[0].offset) == Ok(KNOWN)
}

/// The process has a program, or none.
fn is_word_check(at: &[Instruction]) -> bool {
    is_check(at, LOAD_WORD, 0)
}

/// Elsewhere than on the stack.
fn is_word_store(at: &[Instruction]) -> bool {
    at[0].code == STORE_WORD && at[0].registers & 0x0f != FRAME
}

/// Tells whether the code that begins here is a station on the way.
type Station<'a> = &'a dyn Fn(&[Instruction]) -> bool;

/// The way from the entry to the end that takes the fewest instructions, by all stations in their
/// order.
fn cheapest(program: &[Instruction], stations: &[Station<'_>]) -> Cost {
    // Breadth first: each instruction is a step.
    let mut steps = BTreeMap::from([((0, 0), Cost::default())]);
    let mut next = VecDeque::from([(0, 0)]);
    while let Some((at, passed)) = next.pop_front() {
        let instruction = program[at];
        let own = cost(instruction);
        let so_far = steps[&(at, passed)];
        let sum = [so_far, own].into_iter().sum();
        let here = stations.get(passed);
        let passed_after = passed + usize::from(here.is_some_and(|is_it| is_it(&program[at..])));
        if is_jump_of(instruction, EXIT) {
            if passed_after == stations.len() {
                return sum;
            }
            continue;
        }
        for target in targets(program, at) {
            steps.entry((target, passed_after)).or_insert_with(|| {
                next.push_back((target, passed_after));
                sum
            });
        }
    }
    panic!(
        "no way through the program passes all {} stations: its code has changed",
        stations.len()
    );
}

/// Where it may go on.
fn targets(program: &[Instruction], at: usize) -> Vec<usize> {
    let instruction = program[at];
    let following = at + 1 + usize::from(instruction.code == LOAD_CONSTANT);
    if !is_jump(instruction) || is_jump_of(instruction, CALL) {
        return vec![following];
    }
    let is_far = instruction.code & 0x07 == JUMP_32;
    let distance = if is_jump_of(instruction, ALWAYS) && is_far {
        isize::try_from(instruction.immediate).expect("a program is not that long")
    } else {
        instruction.offset.into()
    };
    let jumped = following
        .checked_add_signed(distance)
        .expect("the verifier has followed every jump");
    if is_jump_of(instruction, ALWAYS) {
        vec![jumped]
    } else {
        vec![following, jumped]
    }
}
