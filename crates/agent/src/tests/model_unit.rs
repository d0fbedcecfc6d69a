//! [`ModelUnit`] is one unit together with its model: the tests of a single unit call the model's
//! methods through it.

use std::collections::BTreeMap;
use std::time::Instant;

use charmwright_juju::{ActionId, UnitName};
use serde_json::{Map, Value};

use super::super::application::Application;
use super::super::unit_record::UnitRecord;
use super::super::{
    ActionRecord, CharmMeta, Error, Finished, HookExit, LogLine, Model, Next, NoticeInfo, Report,
    Resolve, Stream, ToolRequest, ToolStep, Unit,
};

/// The only unit of a model. A method unwraps the model's error if only an unknown unit makes it.
#[derive(Debug)]
pub(super) struct ModelUnit {
    pub(super) model: Model,
    pub(super) name: UnitName,
}

impl ModelUnit {
    fn unit(&self) -> Unit<'_> {
        self.model.unit(&self.name).unwrap()
    }

    pub(super) fn record(&self) -> &UnitRecord {
        self.model.record(&self.name).unwrap()
    }

    pub(super) fn application_mut(&mut self) -> &mut Application {
        self.model.application_mut(self.name.application().as_str()).unwrap()
    }

    pub(super) fn next(&mut self, now: Instant) -> Next {
        self.model.next(&self.name, now).unwrap()
    }

    pub(super) fn tool(&mut self, request: &ToolRequest) -> ToolStep {
        self.model.tool(&self.name, request)
    }

    pub(super) fn finish(
        &mut self,
        exit: &HookExit,
        now: Instant,
        stdout: &[u8],
        stderr: &[u8],
    ) -> Result<Finished, Error> {
        self.model.finish(&self.name, exit, now, stdout, stderr)
    }

    pub(super) fn hook_printed(&mut self, stream: Stream, line: &str) {
        self.model.hook_printed(&self.name, stream, line).unwrap();
    }

    pub(super) fn is_settled(&self, now: Instant) -> bool {
        self.unit().is_settled(now)
    }

    pub(super) fn report(&self) -> Report {
        self.model.report(&self.name).unwrap()
    }

    pub(super) fn is_leader(&self) -> bool {
        self.unit().is_leader()
    }

    pub(super) fn state(&self) -> &BTreeMap<String, String> {
        self.unit().state()
    }

    pub(super) fn config(&self) -> Map<String, Value> {
        self.unit().config()
    }

    pub(super) fn log(&self, position: u64) -> impl Iterator<Item = &LogLine> {
        self.unit().log(position)
    }

    pub(super) fn log_position(&self) -> u64 {
        self.unit().log_position()
    }

    pub(super) fn set_config(&mut self, key: &str, value: &str) -> Result<(), Error> {
        self.model.set_config(self.name.application().as_str(), key, value)
    }

    pub(super) fn reset_config(&mut self, key: &str) -> Result<(), Error> {
        self.model.reset_config(self.name.application().as_str(), key)
    }

    pub(super) fn set_leader(&mut self, leader: bool) {
        match leader {
            true => self.model.set_leader(&self.name).unwrap(),
            false => self.model.unset_leader(self.name.application().as_str()).unwrap(),
        }
    }

    pub(super) fn refresh(&mut self, meta: CharmMeta) {
        self.model.refresh(self.name.application().as_str(), meta).unwrap();
    }

    /// Refreshes the application to the charm that it has.
    pub(super) fn refresh_to_same(&mut self) {
        let meta = self.unit().meta().clone();
        self.refresh(meta);
    }

    pub(super) fn remove_unit(&mut self) {
        self.model.remove_unit(&self.name).unwrap();
    }

    pub(super) fn update_status(&mut self) {
        self.model.update_status(&self.name).unwrap();
    }

    pub(super) fn agent_restarted(&mut self) {
        self.model.agent_restarted(&self.name).unwrap();
    }

    pub(super) fn resolved(&mut self, how: Resolve) -> Result<(), Error> {
        self.model.resolved(&self.name, how)
    }

    pub(super) fn end_pod(&mut self) {
        self.model.end_pod(&self.name).unwrap();
    }

    pub(super) fn pod_started(&mut self) {
        self.model.pod_started(&self.name).unwrap();
    }

    pub(super) fn pebble_seen(&mut self, container: &str, boot_id: &str) -> Result<(), Error> {
        self.model.pebble_seen(&self.name, container, boot_id)
    }

    pub(super) fn pebble_down(&mut self, container: &str) -> Result<(), Error> {
        self.model.pebble_down(&self.name, container)
    }

    pub(super) fn pebble_poll_due(&mut self, container: &str) -> Result<(), Error> {
        self.model.pebble_poll_due(&self.name, container)
    }

    pub(super) fn check_failed(&mut self, container: &str, check: &str) -> Result<(), Error> {
        self.model.check_failed(&self.name, container, check)
    }

    pub(super) fn check_recovered(&mut self, container: &str, check: &str) -> Result<(), Error> {
        self.model.check_recovered(&self.name, container, check)
    }

    pub(super) fn custom_notice(
        &mut self,
        container: &str,
        notice: NoticeInfo,
    ) -> Result<(), Error> {
        self.model.custom_notice(&self.name, container, notice)
    }

    pub(super) fn run_action(
        &mut self,
        name: &str,
        params: &[(String, String)],
    ) -> Result<ActionId, Error> {
        self.model.run_action(&self.name, name, params)
    }

    pub(super) fn cancel_action(&mut self, id: &ActionId) -> Result<bool, Error> {
        self.model.cancel_action(&self.name, id)
    }

    pub(super) fn actions(&self) -> impl Iterator<Item = &ActionRecord> {
        self.unit().actions()
    }

    pub(super) fn action(&self, id: &ActionId) -> Option<&ActionRecord> {
        self.unit().action(id)
    }

    pub(super) fn running_action(&self) -> Option<&ActionId> {
        self.unit().running_action()
    }
}
