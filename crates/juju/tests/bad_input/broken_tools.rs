//! Breaks the tool of every call in every way.

use std::error::Error as _;

use charmwright_juju::{Error, ErrorKind};

use crate::call::{CALLS, Call, PLANTED, Reads, WORKING};
use crate::faults::{FAULTS, Fault, HANGING, MAP_OF_NUMBERS, Tool, script};
use crate::tools::Tools;

/// The longest text of an error: 1 KiB of standard error, and what was attempted.
const MAX_TEXT: usize = 1500;

/// Returns a folder with the scripts of all tools, working and broken.
fn tools() -> Tools {
    let tools = Tools::new();
    for (tool, working) in WORKING {
        tools.add_script(&format!("working-{tool}"), working);
        tools.set(tool, &format!("working-{tool}"));
    }
    for fault in FAULTS.iter().chain([&HANGING]) {
        if let Tool::Script(text) = fault.tool {
            tools.add_script(fault.name, &script(text));
        }
    }
    tools
}

fn break_tool(tools: &Tools, call: &Call, fault: &Fault) {
    match fault.tool {
        Tool::Script(_) => tools.set(call.tool, fault.name),
        Tool::Missing => tools.remove(call.tool),
        Tool::Directory => tools.set(call.tool, "."),
        Tool::Dangling => tools.set(call.tool, "no such program"),
    }
}

/// Checks the error of a call whose tool has this fault.
fn check(error: &Error, call: &Call, fault: &Fault, case: &str) {
    let text = error.to_string();
    assert_eq!(error.kind(), &fault.kind, "{case}: {text}");
    assert_eq!(error.tool(), Some(call.tool), "{case}: {text}");
    assert!(text.starts_with("cannot "), "{case}: {text}");
    for part in [call.tool, call.subject, fault.text] {
        assert!(text.contains(part), "{case}: {part} is not in: {text}");
    }
    assert!(text.len() < MAX_TEXT && !text.contains('\n'), "{case}: {text}");
    let shown = format!("{text} {error:?} {:?} {:?}", error.stderr(), error.source());
    assert!(!shown.contains(PLANTED), "{case}: {shown}");
}

fn run(tools: &Tools, call: &Call, fault: &Fault) {
    let case = format!("{}, {}", call.name, fault.name);
    break_tool(tools, call, fault);
    let hanging = (fault.kind == ErrorKind::Deadline).then_some(call.tool);
    let hook_tools = tools.hook_tools(hanging);
    match (call.run)(&hook_tools) {
        Ok(()) => {
            let may_go_well = match call.reads {
                Reads::Nothing => fault.only_output,
                Reads::AnyMap => fault.name == MAP_OF_NUMBERS,
                Reads::Answer => false,
            };
            assert!(may_go_well, "{case}: it went well");
        }
        Err(error) => check(&error, call, fault, &case),
    }
    tools.check_private_folder(&case);
    tools.set(call.tool, &format!("working-{}", call.tool));
    if hanging.is_some() {
        return;
    }
    // An error is not remembered: once the tool works, the same hook goes on.
    if let Err(error) = (call.run)(&hook_tools) {
        panic!("{case}: the tool works again: {error}");
    }
    tools.check_private_folder(&case);
}

#[test]
fn a_call_whose_tool_fails_is_a_clear_error_and_may_be_repeated() {
    let tools = tools();
    for call in CALLS {
        for fault in FAULTS {
            run(&tools, call, fault);
        }
    }
}

#[test]
fn a_call_whose_tool_hangs_ends_at_the_deadline() {
    let tools = tools();
    for call in CALLS {
        run(&tools, call, &HANGING);
    }
}
