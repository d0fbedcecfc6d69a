//! What charms do in their hooks: they call hook tools on what they may and may not use.

use std::collections::BTreeMap;

use charmwright_agent::{HookKind, HookRun, RelationReport, Report, SecretId, UnitName};
use charmwright_juju::{ToolCall, ToolError};

use super::bags::may_read;
use super::charms::APPLICATIONS;
use super::owed::Bag;
use super::step::Call;
use super::world::{Secret, World, pick, without_jujus};

impl World {
    /// Calls a hook tool as the charm of a unit.
    pub fn call(&mut self, unit: &UnitName, call: &Call) {
        let report = self.report(unit);
        let relation = |number: usize| pick(&report.relations, number);
        match call {
            Call::SetUnit { relation: number, key } => {
                if let Some(relation) = relation(*number) {
                    self.set(unit, relation, *key, false);
                }
            }
            Call::SetApplication { relation: number, key } => {
                if let Some(relation) = relation(*number) {
                    self.set(unit, relation, *key, true);
                }
            }
            Call::Delete { relation: number, key, is_application } => {
                if let Some(relation) = relation(*number) {
                    let _ = self.set_key(unit, relation, *key, "", *is_application);
                }
            }
            Call::Read { relation: number, whose } => {
                if let Some(relation) = relation(*number) {
                    self.read(unit, &report, relation, *whose);
                }
            }
            Call::AddSecret { is_application, is_rotated } => {
                self.add_secret(unit, *is_application, *is_rotated);
            }
            Call::SetSecret(number) => {
                if let Some((id, owner, place)) = self.secret(*number) {
                    self.set_secret(unit, &id, &owner, &place);
                }
            }
            Call::GrantSecret { secret, relation: number } => {
                if let Some(((id, ..), relation)) = self.secret(*secret).zip(relation(*number)) {
                    let grant = ToolCall::new("secret-grant")
                        .arg(&id)
                        .arg(format!("--relation={}", relation.id));
                    if self.tool(unit, &grant).is_ok() {
                        let grantee = relation.remote_app.clone();
                        let secret = self.secrets.iter_mut().find(|secret| secret.id == id);
                        secret.unwrap().grantees.insert(grantee);
                    }
                }
            }
            Call::RevokeSecret { secret, relation: number } => {
                if let Some(((id, ..), relation)) = self.secret(*secret).zip(relation(*number)) {
                    let revoke = ToolCall::new("secret-revoke")
                        .arg(id)
                        .arg(format!("--relation={}", relation.id));
                    if self.tool(unit, &revoke).is_ok() {
                        self.revoke_all();
                    }
                }
            }
            Call::RemoveSecret(number) => {
                if let Some((id, ..)) = self.secret(*number) {
                    let _ = self.tool(unit, &ToolCall::new("secret-remove").arg(id));
                }
            }
            Call::ReadSecret { secret, refresh } => self.read_secret(unit, *secret, *refresh),
            Call::AddStorage(name) => {
                let _ = self.tool(unit, &ToolCall::new("storage-add").arg(*name));
            }
            Call::ReadStorage(number) => self.read_storage(unit, *number),
            Call::SetState => {
                let _ = self.tool(unit, &ToolCall::new("state-set").arg("key=value"));
            }
            Call::OpenPort => {
                let _ = self.tool(unit, &ToolCall::new("open-port").arg("80/tcp"));
            }
        }
    }

    fn set(&mut self, unit: &UnitName, relation: &RelationReport, key: u8, is_application: bool) {
        let own = if is_application { unit.application().to_string() } else { unit.to_string() };
        let value = self.values.make(&own, &relation.id.to_string());
        if self.set_key(unit, relation, key, &value, is_application).is_ok() {
            self.values.write(unit, value);
        }
    }

    fn set_key(
        &self,
        unit: &UnitName,
        relation: &RelationReport,
        key: u8,
        value: &str,
        is_application: bool,
    ) -> Result<Vec<u8>, ToolError> {
        let mut set = ToolCall::new("relation-set").arg("-r").arg(relation.id.to_string());
        if is_application {
            set = set.arg("--app");
        }
        self.tool(unit, &set.arg(format!("k{key}={value}")))
    }

    /// Reads the databag of any unit or application, whether the unit may or not.
    fn read(&mut self, unit: &UnitName, report: &Report, relation: &RelationReport, whose: usize) {
        // Those of the relation come twice, because most of the others are refused.
        let remote = self.with(|model| model.units_of(&relation.remote_app)).unwrap_or_default();
        let related = remote.iter().map(ToString::to_string).chain([relation.remote_app.clone()]);
        let everybody = self.units().into_iter().map(|unit| unit.to_string());
        let everybody = everybody.chain(APPLICATIONS.map(str::to_owned));
        let all: Vec<String> = related.clone().chain(related).chain(everybody).collect();
        let Some(owner) = pick(&all, whose) else { return };
        let mut get = ToolCall::new("relation-get").arg("--format=json");
        get = get.arg("-r").arg(relation.id.to_string());
        if !owner.contains('/') {
            get = get.arg("--app");
        }
        let Ok(output) = self.tool(unit, &get.arg("-").arg(owner)) else { return };
        let bag: Option<Bag> = serde_json::from_slice(&output).unwrap();
        for (key, value) in without_jujus(bag.unwrap_or_default()) {
            assert!(
                may_read(unit, report.leader, relation, owner),
                "{unit} reads {key} of {owner} in relation {}",
                relation.id
            );
            self.values.check(unit, owner, &relation.id.to_string(), &value);
            self.reads += 1;
        }
    }

    fn add_secret(&mut self, unit: &UnitName, is_application: bool, is_rotated: bool) {
        let owner = if is_application { unit.application().to_string() } else { unit.to_string() };
        let place = format!("secret-{}", self.secrets.len());
        let value = self.values.make(&owner, &place);
        let mut add = ToolCall::new("secret-add").arg(format!("key={value}"));
        add = add.arg(if is_application { "--owner=application" } else { "--owner=unit" });
        if is_rotated {
            add = add.arg("--rotate=daily");
        }
        if let Ok(output) = self.tool(unit, &add) {
            let id: SecretId = String::from_utf8(output).unwrap().trim().parse().unwrap();
            self.values.write(unit, value);
            self.secrets.push(Secret::new(id.id(), owner, place));
        }
    }

    /// Does what a charm does in a secret-rotate that is running. Without it Juju tells the unit
    /// again every five minutes.
    pub(super) fn rotate(&mut self, unit: &UnitName) {
        let Some(HookKind::SecretRotate(hook)) = self.running.get(unit).map(HookRun::kind) else {
            return;
        };
        let secret = self.secrets.iter().find(|secret| secret.id == hook.id && !secret.is_taken);
        if let Some((owner, place)) = secret.map(|own| (own.owner.clone(), own.place.clone())) {
            let id = hook.id.clone();
            self.set_secret(unit, &id, &owner, &place);
        }
    }

    fn set_secret(&mut self, unit: &UnitName, id: &str, owner: &str, place: &str) {
        let value = self.values.make(owner, place);
        let set = ToolCall::new("secret-set").arg(id).arg(format!("key={value}"));
        if self.tool(unit, &set).is_ok() {
            self.values.write(unit, value);
        }
    }

    fn read_secret(&mut self, unit: &UnitName, number: usize, refresh: bool) {
        let Some(secret) = pick(&self.secrets, number) else { return };
        let mut get = ToolCall::new("secret-get").arg(&secret.id).arg("--format=json");
        if refresh {
            get = get.arg("--refresh");
        }
        let Ok(output) = self.tool(unit, &get) else { return };
        let content: BTreeMap<String, String> = serde_json::from_slice(&output).unwrap();
        let own = unit.application().as_str();
        assert!(
            secret.owner == own
                || secret.owner == unit.to_string()
                || secret.grantees.contains(own)
                // Juju takes a new content from anybody until the commit, and shows it to them.
                || self.values.is_pending(unit, &content["key"]),
            "{unit} reads a secret of {}, granted to {:?}",
            secret.owner,
            secret.grantees
        );
        let owner = secret.owner.split(' ').next().unwrap();
        self.values.check(unit, owner, &secret.place, &content["key"]);
        self.reads += 1;
    }

    /// Returns the id, the owner and the place of a secret of a charm.
    fn secret(&self, number: usize) -> Option<(String, String, String)> {
        let owned = self.secrets.iter().filter(|secret| !secret.owner.starts_with("model "));
        let owned: Vec<&Secret> = owned.collect();
        let secret = pick(&owned, number)?;
        Some((secret.id.clone(), secret.owner.clone(), secret.place.clone()))
    }
}
