//! What bears on privileges: the kernel's capability checks, low ports, execs that gained some.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Caller;

/// The kernel's capability checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The hook that saw the checks, or several after a merge, with commas; `null`: in at least
    /// one run capabilities were not observed, and what is not in the list may be needed still.
    pub observed_by: Option<String>,
    /// Whether the kernel counts the checks that it did not show the hook: they are in
    /// [`Losses::capability_checks`](super::Losses::capability_checks) then. `false`: in at least one
    /// run it does not (kprobes before Linux 6.7), and one may be missing without a word.
    #[serde(default)]
    pub unshown_counted: bool,
    pub checks: Vec<CapabilityCheck>,
    /// Internet ports below 1024 that were bound, ascending: an engine may have made them free to
    /// all (`net.ipv4.ip_unprivileged_port_start`), and CAP_NET_BIND_SERVICE was not asked for then;
    /// `null`: in at least one run nobody could look (under lockdown=confidentiality, say).
    #[serde(default)]
    pub low_ports: Option<Vec<LowPort>>,
}

/// A port below 1024, and who bound it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LowPort {
    pub port: u16,
    pub callers: Vec<Caller>,
}

/// An exec whose program came to run with more privileges than its caller had (`bprm->secureexec`:
/// <https://github.com/torvalds/linux/blob/v6.12/security/commoncap.c>). The caller is the program
/// as it runs then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gain {
    pub caller: Caller,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilityCheck {
    /// With `CAP_`; a number without a name is kept in decimal.
    pub capability: String,
    pub granted: bool,
    /// The call in flight; absent where there was none.
    pub syscall: Option<String>,
    pub architecture: String,
    /// Asked about the namespace that the task's credentials live in.
    pub own_namespace: bool,
    /// Asked of the task's own credentials, not of borrowed ones.
    pub own_credentials: bool,
    /// Asked without a word to the audit log (`CAP_OPT_NOAUDIT`), which is no sign that it can be
    /// done without; `null` where the hook does not see it.
    #[serde(default)]
    pub no_audit: Option<bool>,
    /// Kernel functions from the asker outwards (the capability machinery itself left out);
    /// empty where kernel symbols could not be read.
    pub stack: Vec<String>,
    pub callers: Vec<Caller>,
}
