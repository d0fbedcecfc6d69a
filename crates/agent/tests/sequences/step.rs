//! The steps of a sequence, and the strategy that makes them.
//!
//! A step names units, relations and secrets by a number that is taken modulo what there is, so
//! that most steps do something and a shorter sequence means the same.

use proptest::prelude::*;
use proptest::sample::select;

use super::charms::{APPLICATIONS, PAIRS, STORAGES};

/// One thing that an operator, a charm, or the world does.
#[derive(Debug, Clone)]
pub enum Step {
    Deploy(&'static str, u32),
    AddUnit(&'static str),
    RemoveUnit(usize),
    RemoveApplication(&'static str),
    Integrate((&'static str, &'static str)),
    RemoveRelation((&'static str, &'static str)),
    SetConfig(&'static str, i64),
    Lead(usize),
    Refresh(&'static str),
    RunAction(usize),
    Resolved {
        unit: usize,
        retries: bool,
    },
    AgentRestarted(usize),
    PodLost(usize),
    AddUserSecret(u8),
    UpdateUserSecret(u8),
    GrantUserSecret(u8, &'static str),
    RevokeUserSecret(u8, &'static str),
    RemoveUserSecret(u8),
    /// An application without a charm writes to a databag.
    WriteRemote {
        relation: usize,
        unit: Option<usize>,
        key: u8,
    },
    AddStorage(usize, &'static str),
    AttachStorage {
        unit: usize,
        instance: usize,
    },
    DetachStorage(usize),
    RemoveStorage(usize),
    UpdateStatus(usize),
    /// Time passes, in seconds.
    Wait(u64),
    /// The next hook of a unit runs, from its beginning to its end.
    Hook {
        unit: usize,
        calls: Vec<Call>,
        code: i32,
    },
    /// The next hook of a unit begins.
    Begin(usize),
    /// The charm calls a hook tool in one of the hooks that run.
    Call(usize, Call),
    /// One of the hooks that run ends with this exit code.
    Finish(usize, i32),
    /// Hooks run and succeed until none is due, unless one is running.
    Settle,
}

/// What a charm does in a hook.
#[derive(Debug, Clone)]
pub enum Call {
    SetUnit {
        relation: usize,
        key: u8,
    },
    SetApplication {
        relation: usize,
        key: u8,
    },
    Delete {
        relation: usize,
        key: u8,
        is_application: bool,
    },
    /// Reads the databag of anybody.
    Read {
        relation: usize,
        whose: usize,
    },
    AddSecret {
        is_application: bool,
        is_rotated: bool,
    },
    SetSecret(usize),
    GrantSecret {
        secret: usize,
        relation: usize,
    },
    RevokeSecret {
        secret: usize,
        relation: usize,
    },
    RemoveSecret(usize),
    /// Reads any secret of the model.
    ReadSecret {
        secret: usize,
        refresh: bool,
    },
    AddStorage(&'static str),
    /// Reads any storage instance of the model.
    ReadStorage(usize),
    SetState,
    OpenPort,
}

/// Makes sequences of up to so many steps, which begin with a model in which something happens.
pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let web_and_pg = [Step::Deploy("web", 2), Step::Deploy("pg", 2)];
    let all = APPLICATIONS.map(|name| Step::Deploy(name, 2));
    let begin = select(vec![
        vec![],
        related(&web_and_pg, &PAIRS[..1]),
        [&related(&web_and_pg, &PAIRS[..1])[..], &[Step::Settle]].concat(),
        [&related(&all, &PAIRS)[..], &[Step::Settle]].concat(),
    ]);
    (begin, prop::collection::vec(step(), 0..most)).prop_map(|(mut steps, more)| {
        steps.extend(more);
        steps
    })
}

/// Returns the steps that deploy applications and integrate these pairs.
fn related(deployed: &[Step], pairs: &[(&'static str, &'static str)]) -> Vec<Step> {
    let integrated = pairs.iter().map(|pair| Step::Integrate(*pair));
    deployed.iter().cloned().chain(integrated).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let unit = || 0..8_usize;
    let secret = || 0..3_u8;
    let application = || select(&APPLICATIONS[..]);
    let pair = || select(&PAIRS[..]);
    prop_oneof![
        40 => (unit(), prop::collection::vec(call(), 0..8), exit_code())
            .prop_map(|(unit, calls, code)| Step::Hook { unit, calls, code }),
        15 => unit().prop_map(Step::Begin),
        30 => (unit(), call()).prop_map(|(unit, call)| Step::Call(unit, call)),
        15 => (unit(), exit_code()).prop_map(|(unit, code)| Step::Finish(unit, code)),
        6 => Just(Step::Settle),
        4 => select(vec![1, 5, 60, 300, 90_000]).prop_map(Step::Wait),
        3 => (application(), 0..3_u32).prop_map(|(name, units)| Step::Deploy(name, units)),
        3 => application().prop_map(Step::AddUnit),
        2 => unit().prop_map(Step::RemoveUnit),
        1 => application().prop_map(Step::RemoveApplication),
        5 => pair().prop_map(Step::Integrate),
        1 => pair().prop_map(Step::RemoveRelation),
        2 => (application(), 0..3_i64).prop_map(|(name, port)| Step::SetConfig(name, port)),
        2 => unit().prop_map(Step::Lead),
        1 => application().prop_map(Step::Refresh),
        1 => unit().prop_map(Step::RunAction),
        2 => (unit(), any::<bool>())
            .prop_map(|(unit, retries)| Step::Resolved { unit, retries }),
        1 => unit().prop_map(Step::AgentRestarted),
        1 => unit().prop_map(Step::PodLost),
        1 => secret().prop_map(Step::AddUserSecret),
        2 => secret().prop_map(Step::UpdateUserSecret),
        2 => (secret(), application()).prop_map(|(id, name)| Step::GrantUserSecret(id, name)),
        1 => (secret(), application()).prop_map(|(id, name)| Step::RevokeUserSecret(id, name)),
        1 => secret().prop_map(Step::RemoveUserSecret),
        3 => (0..4_usize, prop::option::of(unit()), 0..3_u8).prop_map(|(relation, unit, key)| {
            Step::WriteRemote { relation, unit, key }
        }),
        2 => (unit(), storage()).prop_map(|(unit, name)| Step::AddStorage(unit, name)),
        2 => (unit(), 0..8_usize)
            .prop_map(|(unit, instance)| Step::AttachStorage { unit, instance }),
        3 => (0..8_usize).prop_map(Step::DetachStorage),
        1 => (0..8_usize).prop_map(Step::RemoveStorage),
        1 => unit().prop_map(Step::UpdateStatus),
    ]
}

/// Makes the exit code of a hook, which mostly succeeds.
fn exit_code() -> impl Strategy<Value = i32> {
    select(vec![0, 0, 0, 0, 0, 0, 0, 1])
}

fn storage() -> impl Strategy<Value = &'static str> {
    select(&STORAGES[..])
}

fn call() -> impl Strategy<Value = Call> {
    let relation = || 0..4_usize;
    let secret = || 0..6_usize;
    let key = || 0..3_u8;
    prop_oneof![
        8 => (relation(), key()).prop_map(|(relation, key)| Call::SetUnit { relation, key }),
        8 => (relation(), key()).prop_map(|(relation, key)| Call::SetApplication { relation, key }),
        2 => (relation(), key(), any::<bool>()).prop_map(|(relation, key, is_application)| {
            Call::Delete { relation, key, is_application }
        }),
        20 => (relation(), 0..24_usize)
            .prop_map(|(relation, whose)| Call::Read { relation, whose }),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(is_application, is_rotated)| {
            Call::AddSecret { is_application, is_rotated }
        }),
        2 => secret().prop_map(Call::SetSecret),
        3 => (secret(), relation())
            .prop_map(|(secret, relation)| Call::GrantSecret { secret, relation }),
        1 => (secret(), relation())
            .prop_map(|(secret, relation)| Call::RevokeSecret { secret, relation }),
        1 => secret().prop_map(Call::RemoveSecret),
        5 => (secret(), any::<bool>())
            .prop_map(|(secret, refresh)| Call::ReadSecret { secret, refresh }),
        1 => storage().prop_map(Call::AddStorage),
        3 => (0..8_usize).prop_map(Call::ReadStorage),
        1 => Just(Call::SetState),
        1 => Just(Call::OpenPort),
    ]
}
