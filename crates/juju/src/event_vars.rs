//! The environment variables that describe the event of a hook, one struct for each kind of hook.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::env::HookEnv;
use super::error::Error;
use super::names::{
    ActionId, ActionName, ApplicationName, CheckName, ContainerName, EndpointName, RelationId,
    SecretId, StorageId, UnitName,
};
use super::storage_kind::StorageKind;

/// The variables that describe an event, actions aside, in alphabetical order.
const EVENT_VARIABLES: [&str; 18] = [
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
    "JUJU_TARGET_BASE",
    "JUJU_TARGET_SERIES",
    "JUJU_WORKLOAD_NAME",
];

/// The variables of a `pebble-custom-notice` hook, which describe one Pebble notice.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoticeVars {
    /// The id that Pebble gave the notice (`JUJU_NOTICE_ID`). It is not parsed here, because its
    /// format is Pebble's.
    pub id: String,
    /// The type of the notice, `custom` (`JUJU_NOTICE_TYPE`).
    pub kind: String,
    /// The key of the notice, such as `example.com/done` (`JUJU_NOTICE_KEY`).
    pub key: String,
}

/// The variables of a relation hook, which describe the relation and the remote side.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RelationVars {
    /// The name of this unit's endpoint (`JUJU_RELATION`).
    pub endpoint: Option<EndpointName>,
    /// The id of the relation (`JUJU_RELATION_ID`).
    pub id: Option<RelationId>,
    /// The remote application (`JUJU_REMOTE_APP`). It may be absent in `relation-broken`.
    pub remote_app: Option<ApplicationName>,
    /// The remote unit (`JUJU_REMOTE_UNIT`). It is absent in `relation-created` and
    /// `relation-broken`, and in a `relation-changed` of the application's databag.
    pub remote_unit: Option<UnitName>,
    /// The unit that leaves the relation, which may be this unit (`JUJU_DEPARTING_UNIT`). It is set
    /// in `relation-departed` only.
    pub departing_unit: Option<UnitName>,
}

/// The variables of a secret hook, which describe the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretVars {
    /// The id of the secret (`JUJU_SECRET_ID`).
    pub id: Option<SecretId>,
    /// The label of the secret (`JUJU_SECRET_LABEL`). It is absent if the secret has no label.
    pub label: Option<String>,
    /// The revision of the secret (`JUJU_SECRET_REVISION`). It is set in `secret-remove` and
    /// `secret-expired` only.
    pub revision: Option<u64>,
}

/// The variables of a storage hook, which describe one storage instance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StorageVars {
    /// The id of the storage instance (`JUJU_STORAGE_ID`). It is absent while the storage is not
    /// provisioned.
    pub id: Option<StorageId>,
    /// The kind of the storage (`JUJU_STORAGE_KIND`). It is absent while the storage is not
    /// provisioned.
    pub kind: Option<StorageKind>,
    /// The mount point of a filesystem, or the path of a block device (`JUJU_STORAGE_LOCATION`). It
    /// is absent while the storage is not provisioned.
    pub location: Option<PathBuf>,
}

impl HookEnv {
    /// Returns the name of the action (`JUJU_ACTION_NAME`); `None` outside an action.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn action_name(&self) -> Result<Option<ActionName>, Error> {
        self.vars.parsed("JUJU_ACTION_NAME")
    }

    /// Returns the id of this run of the action (`JUJU_ACTION_UUID`); `None` outside an action.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn action_id(&self) -> Result<Option<ActionId>, Error> {
        self.vars.parsed("JUJU_ACTION_UUID")
    }

    /// Returns Juju's tag of this run of the action, such as `action-12` (`JUJU_ACTION_TAG`);
    /// `None` outside an action.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn action_tag(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_ACTION_TAG")
    }

    /// Returns the container of a workload hook (`JUJU_WORKLOAD_NAME`); `None` in other hooks.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn workload_name(&self) -> Result<Option<ContainerName>, Error> {
        self.vars.parsed("JUJU_WORKLOAD_NAME")
    }

    /// Returns the check of a `pebble-check-failed` or `pebble-check-recovered` hook
    /// (`JUJU_PEBBLE_CHECK_NAME`); `None` in other hooks.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn check_name(&self) -> Result<Option<CheckName>, Error> {
        self.vars.parsed("JUJU_PEBBLE_CHECK_NAME")
    }

    /// Returns the notice of a `pebble-custom-notice` hook; `None` if any of its three variables is
    /// absent.
    ///
    /// # Errors
    ///
    /// One of the values is not UTF-8.
    pub fn notice(&self) -> Result<Option<NoticeVars>, Error> {
        let id = self.owned_text("JUJU_NOTICE_ID")?;
        let kind = self.owned_text("JUJU_NOTICE_TYPE")?;
        let key = self.owned_text("JUJU_NOTICE_KEY")?;
        let (Some(id), Some(kind), Some(key)) = (id, kind, key) else { return Ok(None) };
        Ok(Some(NoticeVars { id, kind, key }))
    }

    /// Returns the relation of a relation hook. In other hooks every field is `None`.
    ///
    /// # Errors
    ///
    /// One of the variables is malformed.
    pub fn relation(&self) -> Result<RelationVars, Error> {
        Ok(RelationVars {
            endpoint: self.vars.parsed("JUJU_RELATION")?,
            id: self.vars.parsed("JUJU_RELATION_ID")?,
            remote_app: self.vars.parsed("JUJU_REMOTE_APP")?,
            remote_unit: self.vars.parsed("JUJU_REMOTE_UNIT")?,
            departing_unit: self.vars.parsed("JUJU_DEPARTING_UNIT")?,
        })
    }

    /// Returns the secret of a secret hook. In other hooks every field is `None`.
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

    /// Returns the storage instance of a storage hook. In other hooks every field is `None`.
    ///
    /// # Errors
    ///
    /// One of the variables is malformed.
    pub fn storage(&self) -> Result<StorageVars, Error> {
        Ok(StorageVars {
            id: self.vars.parsed("JUJU_STORAGE_ID")?,
            kind: self.vars.parsed("JUJU_STORAGE_KIND")?,
            // A path need not be UTF-8, so this variable cannot be malformed.
            location: self.vars.raw("JUJU_STORAGE_LOCATION").map(PathBuf::from),
        })
    }

    /// Returns the variables that describe the event, each with its value as it is written.
    ///
    /// It serves a hook whose kind this crate does not know, such as one of a newer Juju. The
    /// variables of actions are not among them, and a value that is not UTF-8 is left out.
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
