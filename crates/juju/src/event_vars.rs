//! The variables that tell of the event, in parts by the kind of hook.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::env::HookEnv;
use super::error::Error;
use super::names::{
    ActionId, ActionName, ApplicationName, CheckName, ContainerName, RelationId, SecretId,
    StorageId, UnitName,
};

/// The variables that tell of an event other than an action's, in order.
const EVENT_VARIABLES: [&str; 16] = [
    "JUJU_DEPARTING_UNIT",
    "JUJU_NOTICE_ID",
    "JUJU_NOTICE_KEY",
    "JUJU_NOTICE_TYPE",
    "JUJU_PEBBLE_CHECK_NAME",
    "JUJU_RELATION",
    "JUJU_RELATION_ID",
    "JUJU_REMOTE_APP",
    "JUJU_REMOTE_UNIT",
    "JUJU_SECRET_ID",
    "JUJU_SECRET_LABEL",
    "JUJU_SECRET_REVISION",
    "JUJU_STORAGE_ID",
    "JUJU_STORAGE_KIND",
    "JUJU_STORAGE_LOCATION",
    "JUJU_WORKLOAD_NAME",
];

/// The notice of a `pebble-custom-notice` hook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoticeVars {
    /// Pebble's id of the notice (`JUJU_NOTICE_ID`), as it is written: what may be one is for a
    /// client of Pebble to say.
    pub id: String,
    /// The notice's type, `custom` (`JUJU_NOTICE_TYPE`).
    pub kind: String,
    /// The notice's key, such as `example.com/done` (`JUJU_NOTICE_KEY`).
    pub key: String,
}

/// The relation of a relation hook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelationVars {
    /// This unit's endpoint (`JUJU_RELATION`).
    pub endpoint: Option<String>,
    /// The relation's id (`JUJU_RELATION_ID`).
    pub id: Option<RelationId>,
    /// The application at the other end (`JUJU_REMOTE_APP`). A `relation-broken` may come without
    /// it.
    pub remote_app: Option<ApplicationName>,
    /// The unit at the other end (`JUJU_REMOTE_UNIT`); absent in created and broken, and where the
    /// application's data changed.
    pub remote_unit: Option<UnitName>,
    /// `relation-departed`: the unit that leaves, which may be this one (`JUJU_DEPARTING_UNIT`).
    pub departing_unit: Option<UnitName>,
}

/// The secret of a secret hook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretVars {
    /// The secret's id (`JUJU_SECRET_ID`).
    pub id: Option<SecretId>,
    /// The secret's label, where it has one (`JUJU_SECRET_LABEL`).
    pub label: Option<String>,
    /// `secret-remove` and `secret-expired`: the revision (`JUJU_SECRET_REVISION`).
    pub revision: Option<u64>,
}

/// The storage of a storage hook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageVars {
    /// The instance (`JUJU_STORAGE_ID`).
    pub id: Option<StorageId>,
    /// `filesystem` or `block` (`JUJU_STORAGE_KIND`); absent while it is not provisioned.
    pub kind: Option<String>,
    /// The path at which it is mounted, or the device (`JUJU_STORAGE_LOCATION`); absent while it is
    /// not provisioned.
    pub location: Option<PathBuf>,
}

impl HookEnv {
    /// Actions: the action's name (`JUJU_ACTION_NAME`).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn action_name(&self) -> Result<Option<ActionName>, Error> {
        self.vars.parsed("JUJU_ACTION_NAME")
    }

    /// Actions: the identity of this run (`JUJU_ACTION_UUID`).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn action_id(&self) -> Result<Option<ActionId>, Error> {
        self.vars.parsed("JUJU_ACTION_UUID")
    }

    /// Actions: Juju's tag of this run, such as `action-12` (`JUJU_ACTION_TAG`).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn action_tag(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_ACTION_TAG")
    }

    /// Workload hooks: the container (`JUJU_WORKLOAD_NAME`).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn workload_name(&self) -> Result<Option<ContainerName>, Error> {
        self.vars.parsed("JUJU_WORKLOAD_NAME")
    }

    /// `pebble-check-failed` and `-recovered`: the check (`JUJU_PEBBLE_CHECK_NAME`).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn check_name(&self) -> Result<Option<CheckName>, Error> {
        self.vars.parsed("JUJU_PEBBLE_CHECK_NAME")
    }

    /// `pebble-custom-notice`: the notice; `None` unless the environment has all of it.
    ///
    /// # Errors
    ///
    /// One of the variables is not UTF-8.
    pub fn notice(&self) -> Result<Option<NoticeVars>, Error> {
        let id = self.owned_text("JUJU_NOTICE_ID")?;
        let kind = self.owned_text("JUJU_NOTICE_TYPE")?;
        let key = self.owned_text("JUJU_NOTICE_KEY")?;
        let (Some(id), Some(kind), Some(key)) = (id, kind, key) else { return Ok(None) };
        Ok(Some(NoticeVars { id, kind, key }))
    }

    /// Relation hooks: the relation.
    ///
    /// # Errors
    ///
    /// One of the variables is malformed.
    pub fn relation(&self) -> Result<RelationVars, Error> {
        Ok(RelationVars {
            endpoint: self.owned_text("JUJU_RELATION")?,
            id: self.vars.parsed("JUJU_RELATION_ID")?,
            remote_app: self.vars.parsed("JUJU_REMOTE_APP")?,
            remote_unit: self.vars.parsed("JUJU_REMOTE_UNIT")?,
            departing_unit: self.vars.parsed("JUJU_DEPARTING_UNIT")?,
        })
    }

    /// Secret hooks: the secret.
    ///
    /// # Errors
    ///
    /// One of the variables is malformed.
    pub fn secret(&self) -> Result<SecretVars, Error> {
        Ok(SecretVars {
            id: self.vars.parsed("JUJU_SECRET_ID")?,
            label: self.owned_text("JUJU_SECRET_LABEL")?,
            revision: self.vars.parsed("JUJU_SECRET_REVISION")?,
        })
    }

    /// Storage hooks: the storage.
    ///
    /// # Errors
    ///
    /// One of the variables is malformed.
    pub fn storage(&self) -> Result<StorageVars, Error> {
        Ok(StorageVars {
            id: self.vars.parsed("JUJU_STORAGE_ID")?,
            kind: self.owned_text("JUJU_STORAGE_KIND")?,
            location: self.vars.raw("JUJU_STORAGE_LOCATION").map(PathBuf::from),
        })
    }

    /// All that is said of an event other than an action's, by the variable that says it and as it
    /// is written: for a hook of a kind that has no part here. What is not UTF-8 is left out.
    #[must_use]
    pub fn event_variables(&self) -> BTreeMap<&'static str, &str> {
        EVENT_VARIABLES
            .into_iter()
            .filter_map(|name| Some((name, self.vars.raw(name)?.to_str()?)))
            .collect()
    }

    fn owned_text(&self, name: &'static str) -> Result<Option<String>, Error> {
        Ok(self.vars.text(name)?.map(str::to_owned))
    }
}
