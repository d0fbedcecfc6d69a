//! Hook tools that answer what a test says, and remember how they were called.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use super::{HookTools, Juju, ToolCall, ToolFailure};

/// The tool and its arguments, and what it read.
type Call = (Vec<String>, Option<String>);

type Answer = Result<Vec<u8>, ToolFailure>;

/// Answers are given tool by tool in order; a tool with none left prints nothing and succeeds.
#[derive(Default)]
pub(super) struct FakeTools {
    answers: Mutex<HashMap<&'static str, VecDeque<Answer>>>,
    calls: Mutex<Vec<Call>>,
}

impl FakeTools {
    pub(super) fn juju() -> (Arc<Self>, Juju) {
        let tools = Arc::new(Self::default());
        (Arc::clone(&tools), Juju::new(Box::new(tools)))
    }

    pub(super) fn answer(&self, tool: &'static str, output: impl AsRef<[u8]>) {
        self.answers
            .lock()
            .unwrap()
            .entry(tool)
            .or_default()
            .push_back(Ok(output.as_ref().to_vec()));
    }

    pub(super) fn fail(&self, tool: &'static str, failure: ToolFailure) {
        self.answers.lock().unwrap().entry(tool).or_default().push_back(Err(failure));
    }

    /// Every call so far: the tool, then its arguments.
    pub(super) fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().unwrap().iter().map(|(call, _)| call.clone()).collect()
    }

    /// What the calls that had input read, in order.
    pub(super) fn inputs(&self) -> Vec<String> {
        self.calls.lock().unwrap().iter().filter_map(|(_, input)| input.clone()).collect()
    }
}

impl HookTools for FakeTools {
    fn run(&self, call: &ToolCall<'_>) -> Answer {
        let argv = std::iter::once(call.tool.to_owned()).chain(call.args.iter().cloned()).collect();
        let input = call.stdin.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
        self.calls.lock().unwrap().push((argv, input));
        self.answers
            .lock()
            .unwrap()
            .get_mut(call.tool)
            .and_then(VecDeque::pop_front)
            .unwrap_or_else(|| Ok(Vec::new()))
    }

    fn has_tool(&self, tool: &str) -> bool {
        tool != "state-get"
    }
}
