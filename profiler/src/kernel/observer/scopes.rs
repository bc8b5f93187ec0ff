//! Which cgroups are watched, and how far each scope has come.

use std::collections::HashSet;

use profiler_common::{Boundary, Scope, ScopeState};

use super::maps::{map_error, remove_where};
use super::{Observer, ObserverError, ScopeId, boot_time_ns};
use crate::kernel::{BeganWith, ScopeFacts};

impl Observer {
    /// Watches a cgroup and all that will be made below it, from now on.
    pub fn watch(&mut self, cgroup: u64, boundary: Boundary) -> Result<ScopeId, ObserverError> {
        self.register(cgroup, boundary, false)
    }

    /// The same for one whose first program runs already: what joins from now on is an exec
    /// session. [`Observer::adopt`] takes in what is there.
    pub fn watch_running(
        &mut self,
        cgroup: u64,
        boundary: Boundary,
    ) -> Result<ScopeId, ObserverError> {
        self.register(cgroup, boundary, true)
    }

    /// A cgroup that lies below a watched one and was there before.
    pub fn watch_nested(&mut self, scope: ScopeId, cgroup: u64) -> Result<(), ObserverError> {
        self.maps
            .cgroups
            .insert(cgroup, scope.0, 0)
            .map_err(|source| map_error("CGROUP_TABLE", source))
    }

    /// Makes each cgroup that will be made in this one a scope of its own: [`Observer::scopes`]
    /// shows them.
    pub fn watch_children(&mut self, parent: u64, boundary: Boundary) -> Result<(), ObserverError> {
        self.maps
            .parents
            .insert(parent, boundary as u8, 0)
            .map_err(|source| map_error("PARENTS", source))
    }

    fn register(
        &mut self,
        cgroup: u64,
        boundary: Boundary,
        running: bool,
    ) -> Result<ScopeId, ObserverError> {
        let Ok(index) = self.maps.free_scopes.pop(0) else {
            return Err(ObserverError::NoScope(self.scopes.len()));
        };
        let mut scope = self.scopes.read(index);
        scope.cgroup = cgroup;
        scope.born_ns = boot_time_ns();
        scope.boundary = boundary as u8;
        scope.workload_began = running.into();
        scope.state = ScopeState::Watched as u8;
        // SAFETY: inside the mapping, and no cgroup leads to it yet.
        unsafe { self.scopes.at(index).write_volatile(scope) };
        self.maps
            .cgroups
            .insert(cgroup, index, 0)
            .map_err(|source| map_error("CGROUP_TABLE", source))?;
        Ok(ScopeId(index))
    }

    /// Every scope that is watched, those that have ended too, until they are released.
    pub fn scopes(&self) -> Vec<ScopeFacts> {
        (0..self.scopes.len())
            .filter(|&index| {
                // SAFETY: inside the mapping; one byte.
                let state = unsafe { (&raw const (*self.scopes.at(index)).state).read_volatile() };
                state == ScopeState::Watched as u8
            })
            .map(|index| scope_facts(ScopeId(index), &self.scopes.read(index)))
            .collect()
    }

    /// Takes a scope for one that nobody asked about: from now on nothing of it is kept.
    /// [`Observer::release`] it once it has ended.
    pub fn drop_scope(&mut self, scope: ScopeId) {
        // SAFETY: inside the mapping; one byte.
        unsafe {
            (&raw mut (*self.scopes.at(scope.0)).state).write_volatile(ScopeState::Dropped as u8);
        }
    }

    /// Of dropped scopes, those whose cgroup is gone.
    pub fn dropped_and_ended(&self) -> Vec<ScopeId> {
        (0..self.scopes.len())
            .filter(|&index| {
                let scope = self.scopes.at(index);
                // SAFETY: inside the mapping; single words.
                unsafe {
                    (&raw const (*scope).state).read_volatile() == ScopeState::Dropped as u8
                        && (&raw const (*scope).ended_ns).read_volatile() != 0
                }
            })
            .map(ScopeId)
            .collect()
    }

    /// Gives up scopes that have ended, so that others find room. Their facts are gone.
    pub fn release(&mut self, scopes: &[ScopeId]) -> Result<(), ObserverError> {
        let programs: HashSet<u32> = self.programs_of(scopes).into_keys().collect();
        remove_where("STRAY_CALLS", &mut self.maps.strays, |key| {
            programs.contains(&key.program)
        })?;
        remove_where("NOTED", &mut self.maps.noted, |key| {
            programs.contains(&key.program)
        })?;
        remove_where("COMBINATION_TABLE", &mut self.maps.combinations, |key| {
            programs.contains(&key.call.program)
        })?;
        remove_where("CAPABILITY_CHECKS", &mut self.maps.checks, |key| {
            programs.contains(&key.program)
        })?;
        remove_where("LOW_PORTS", &mut self.maps.low_ports, |key| {
            programs.contains(&key.program)
        })?;
        remove_where("DENIALS", &mut self.maps.denials, |key| {
            programs.contains(&key.program)
        })?;
        for index in programs {
            self.events.forget(index);
            let _ = self
                .maps
                .program_index
                .remove(&self.programs.read(index).key);
            self.programs.clear(index);
            let pushed = self.maps.free_programs.push(index, 0);
            pushed.map_err(|source| map_error("FREE_PROGRAMS", source))?;
        }
        let wanted: HashSet<u32> = scopes.iter().map(|scope| scope.0).collect();
        for index in 0..self.sessions.len() {
            let session = self.sessions.read(index);
            if wanted.contains(&session.scope) && self.maps.session_index.remove(&session).is_ok() {
                self.sessions.clear(index);
                let pushed = self.maps.free_sessions.push(index, 0);
                pushed.map_err(|source| map_error("FREE_SESSIONS", source))?;
            }
        }
        for scope in scopes {
            self.scopes.clear(scope.0);
            let pushed = self.maps.free_scopes.push(scope.0, 0);
            pushed.map_err(|source| map_error("FREE_SCOPES", source))?;
        }
        Ok(())
    }
}

fn scope_facts(id: ScopeId, scope: &Scope) -> ScopeFacts {
    let time = |ns: u64| (ns != 0).then_some(ns);
    let path = scope.path.split(|byte| *byte == 0).next();
    ScopeFacts {
        scope: id,
        path: path.unwrap_or_default().to_vec(),
        born_ns: scope.born_ns,
        began_ns: time(scope.began_ns),
        ended_ns: time(scope.ended_ns),
        began_with: time(scope.began_ns).map(|_| BeganWith {
            filtered: scope.filtered != 0,
            no_new_privileges: scope.no_new_privileges != 0,
            bounding_set: scope.bounding_set,
        }),
    }
}
