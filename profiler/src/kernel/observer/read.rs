//! What was seen, out of the maps.

use std::collections::{HashMap, HashSet};

use profiler_common::{Abi, Phase};

use super::maps::map_error;
use super::{Observer, ObserverError, ScopeId};
use crate::kernel::{
    CapabilitySighting, DenialSighting, Facts, ProgramFacts, SeenCall, SessionFacts,
};

impl Observer {
    /// All that was seen of one scope so far.
    pub fn facts(&self, scope: ScopeId) -> Result<Facts, ObserverError> {
        let mut facts = self.facts_of(&[scope])?;
        Ok(facts.remove(&scope).unwrap_or_default())
    }

    /// The same of several, in one pass over the maps.
    pub fn facts_of(&self, scopes: &[ScopeId]) -> Result<HashMap<ScopeId, Facts>, ObserverError> {
        let losses = self.losses()?;
        let empty = || Facts {
            losses,
            ..Facts::default()
        };
        let mut found: HashMap<ScopeId, Facts> =
            scopes.iter().map(|scope| (*scope, empty())).collect();
        let mut programs = self.programs_of(scopes);
        for stray in self.maps.strays.keys() {
            let stray = stray.map_err(|source| map_error("STRAY_CALLS", source))?;
            if let Some((_, program)) = programs.get_mut(&stray.program)
                && let Some(abi) = Abi::from_index(stray.abi)
            {
                program.calls.push(SeenCall {
                    abi,
                    number: stray.number,
                });
            }
        }
        for (program, arguments) in self.maps.arguments()? {
            if let Some((_, program)) = programs.get_mut(&program) {
                program.arguments = arguments;
            }
        }
        for entry in &self.maps.checks {
            let (key, seen) = entry.map_err(|source| map_error("CAPABILITY_CHECKS", source))?;
            if let Some((_, program)) = programs.get_mut(&key.program) {
                program.capabilities.push(CapabilitySighting { key, seen });
            }
        }
        for entry in &self.maps.denials {
            let (key, seen) = entry.map_err(|source| map_error("DENIALS", source))?;
            if let Some((_, program)) = programs.get_mut(&key.program) {
                program.denials.push(DenialSighting { key, seen });
            }
        }
        for entry in self.maps.low_ports.keys() {
            let entry = entry.map_err(|source| map_error("LOW_PORTS", source))?;
            if let Some((_, program)) = programs.get_mut(&entry.program) {
                program.low_ports.push(entry.port);
            }
        }
        let mut programs: Vec<_> = programs.into_iter().collect();
        programs.sort_unstable_by_key(|(index, _)| *index);
        for (_, (scope, program)) in programs {
            if let Some(facts) = found.get_mut(&scope) {
                facts.programs.push(program);
            }
        }
        for index in 0..self.sessions.len() {
            let session = self.sessions.read(index);
            if let Some(facts) = found.get_mut(&ScopeId(session.scope)) {
                facts.sessions.push(SessionFacts {
                    id: index + 1,
                    argv: session.argv[..(session.len as usize).min(session.argv.len())].to_vec(),
                });
            }
        }
        Ok(found)
    }

    pub(super) fn programs_of(&self, scopes: &[ScopeId]) -> HashMap<u32, (ScopeId, ProgramFacts)> {
        let wanted: HashSet<ScopeId> = scopes.iter().copied().collect();
        let mut found = HashMap::new();
        for index in 0..self.programs.len() {
            // SAFETY: inside the mapping; volatile, as the kernel may write it meanwhile: one that
            // turns up now is read now or the next time.
            let key = unsafe { (&raw const (*self.programs.at(index)).key).read_volatile() };
            let scope = ScopeId(key.scope);
            if !wanted.contains(&scope) {
                continue;
            }
            let Some(phase) = Phase::from_index(key.phase) else {
                continue;
            };
            let facts = ProgramFacts {
                phase,
                session: (key.session != 0).then_some(key.session),
                exe: key.exe.to_vec(),
                calls: self.calls(index),
                first_seen: self.events.of_program(index),
                arguments: Vec::new(),
                capabilities: Vec::new(),
                gained: self.gained(index),
                low_ports: Vec::new(),
                denials: Vec::new(),
            };
            found.insert(index, (scope, facts));
        }
        found
    }

    fn gained(&self, program: u32) -> bool {
        // SAFETY: inside the mapping; one byte.
        unsafe { (&raw const (*self.programs.at(program)).gained).read_volatile() != 0 }
    }

    fn calls(&self, program: u32) -> Vec<SeenCall> {
        let seen = self.programs.read(program).seen;
        let mut calls = Vec::new();
        for abi in Abi::ALL {
            calls.extend(
                (0..)
                    .zip(&seen[abi as usize])
                    .filter(|(_, seen)| **seen != 0)
                    .map(|(number, _)| SeenCall { abi, number }),
            );
        }
        calls
    }
}
