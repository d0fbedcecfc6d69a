//! The calls that grant and revoke secrets.
//!
//! `secret_write.rs` says what Juju loses among the changes of one hook.

use crate::error::Error;
use crate::error_kind::ErrorKind;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::names::{ApplicationName, RelationId, SecretId, UnitName};
use crate::secret::{Change, HookRecord, SecretAccess, SecretOwner, SecretRef};
use crate::tool_runner::ToolCall;

use super::secret_write::check_not_removed;

const GRANT: &str = "secret-grant";
const REVOKE: &str = "secret-revoke";

impl HookTools {
    /// Grants a secret to the remote application of a relation, or to one of its units. Juju grants
    /// it if the hook exits with code 0. The grant ends with the relation.
    ///
    /// On a peer relation the application itself is the grantee. Its units read a secret of the
    /// application without a grant, and Juju fails a hook that grants them one; Juju 4.0 takes no
    /// grant at all there. Juju takes none in a relation that is being removed either. This call
    /// knows both before, the latter in `relation-broken`, if it knows the hook
    /// ([`in_hook`](Self::in_hook)).
    ///
    /// A grant that Juju has stored, or that this hook made already, starts no `secret-grant`.
    ///
    /// Juju 3.6 takes a grant across models only from the side that offers, and only to a whole
    /// application. Any other one fails the hook at its end; this call does not know it before.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Gone`] if the unit does not own the secret (see
    ///   [`secret_info`](Self::secret_info)), or the relation is gone or breaks in this hook.
    /// - [`ErrorKind::NotLeader`] if the application owns the secret and this unit lost leadership
    ///   in this hook.
    /// - [`ErrorKind::Invalid`] if the grantee has the secret in another relation already, since
    ///   Juju keeps one relation for each grantee, or if Juju takes no such grant in the peer
    ///   relation. Juju would fail the hook at its end. Nothing was sent.
    /// - [`ErrorKind::WrongContext`] if this hook granted the secret in the same relation to
    ///   somebody else, revoked it there, or removed a revision of it: Juju would lose one of the
    ///   two. Nothing was sent.
    /// - [`ErrorKind::Unavailable`] if this Juju has no secrets.
    /// - The tool failed in another way, for instance because the unit is not of the remote
    ///   application.
    pub fn grant_secret(
        &self,
        id: &SecretId,
        relation: &RelationId,
        unit: Option<&UnitName>,
    ) -> Result<(), Error> {
        let attempt = format!("grant the secret {id} in the relation {relation}");
        let not_sent = |kind, cause| Err(Error::not_sent(kind, attempt.clone(), GRANT, cause));
        let mut record = lock(&self.secrets);
        if record.change(id) == Some(Change::Removed) {
            check_not_removed(&record, &attempt, GRANT, id)?;
        }
        if self.is_revoked(&record, &attempt, id, relation)? {
            return not_sent(
                ErrorKind::WrongContext,
                "this hook revoked it from that application, and Juju applies a hook's revocations \
                 last; grant it in a later hook",
            );
        }
        match (record.grant(id, relation), unit) {
            (None, _) => {}
            // Whoever is granted now has got it already.
            (Some(None), _) => return Ok(()),
            (Some(Some(granted)), Some(unit)) if granted == unit => return Ok(()),
            (Some(Some(_)), _) => {
                return not_sent(
                    ErrorKind::WrongContext,
                    "this hook granted it there to a unit, and Juju keeps one grant of a hook for \
                     each relation; grant it to the whole application, or to the second unit in a \
                     later hook",
                );
            }
        }
        match self.stored_grant(&mut record, &attempt, id, relation, unit)? {
            StoredGrant::None => {}
            // A charm that reconciles grants again what Juju has long stored. That is right also
            // after the removal of a revision, when Juju would not find the secret.
            StoredGrant::Here => return Ok(()),
            StoredGrant::InAnotherRelation => {
                return not_sent(
                    ErrorKind::Invalid,
                    "it is granted there by another relation, and Juju keeps one relation for each \
                     grantee; revoke that grant first, in an earlier hook, or add a secret for \
                     each relation",
                );
            }
        }
        check_not_removed(&record, &attempt, GRANT, id)?;
        if self.hook.as_ref().and_then(|hook| hook.breaking) == Some(relation.number()) {
            let cause = "the relation ends with this hook, and every grant in it";
            return not_sent(ErrorKind::Gone, cause);
        }
        if let Some(refusal) = self.peer_refusal(&record, id, relation) {
            return not_sent(ErrorKind::Invalid, refusal);
        }
        self.execute(attempt, in_relation(GRANT, id, relation, unit))?;
        record.granted(id, relation, unit.cloned());
        Ok(())
    }

    /// Revokes the grant of a secret to the remote application of a relation, or to one of its
    /// units. Juju revokes it if the hook exits with code 0. Returns `true` if the revocation was
    /// sent.
    ///
    /// There is nothing to revoke in a relation that is gone, of a secret that the unit does not
    /// own or no longer (see [`secret_info`](Self::secret_info)), or of a grant in another
    /// relation: then nothing is sent, and that is not an error.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotLeader`] if the application owns the secret and this unit lost leadership
    ///   in this hook.
    /// - [`ErrorKind::WrongContext`] if this hook removed a revision of the secret. Nothing was
    ///   sent.
    /// - [`ErrorKind::Unavailable`] if this Juju has no secrets.
    /// - The tool failed in another way.
    pub fn revoke_secret(
        &self,
        id: &SecretId,
        relation: &RelationId,
        unit: Option<&UnitName>,
    ) -> Result<bool, Error> {
        let attempt = format!("revoke the secret {id} in the relation {relation}");
        let mut record = lock(&self.secrets);
        if !self.is_own(&mut record, id)? {
            return Ok(false);
        }
        check_not_removed(&record, &attempt, REVOKE, id)?;
        // Juju revokes a secret from an application and not from a relation, so the call would end
        // the grant of another relation.
        match self.stored_grant(&mut record, &attempt, id, relation, unit) {
            Ok(StoredGrant::None | StoredGrant::Here) => {}
            Ok(StoredGrant::InAnotherRelation) => return Ok(false),
            // The grants of a relation end with it.
            Err(error) if error.kind() == &ErrorKind::Gone => return Ok(false),
            Err(error) => return Err(error),
        }
        match self.execute(attempt, in_relation(REVOKE, id, relation, unit)) {
            Ok(()) => {}
            Err(error) if error.kind() == &ErrorKind::Gone => return Ok(false),
            Err(error) => return Err(error),
        }
        record.revoked(id, relation);
        Ok(true)
    }

    /// Returns the reason for which Juju would fail the hook for this grant, if it is one in the
    /// peer relation (Juju 3.6 `state/secrets.go`, 4.0 `domain/secret/service`).
    fn peer_refusal(
        &self,
        record: &HookRecord,
        id: &SecretId,
        relation: &RelationId,
    ) -> Option<&'static str> {
        let hook = self.hook.as_ref()?;
        let is_refused = match record.owner(id) {
            Some(SecretOwner::Application) => true,
            _ => hook.version.as_ref().is_some_and(|version| version.major() >= 4),
        };
        if !is_refused {
            return None;
        }
        // If Juju cannot say where the relation leads, the grant itself meets that.
        let grantee = self.relation_app(relation).ok()??;
        (grantee == hook.application).then_some(
            "Juju takes no such grant in a peer relation; every unit reads a secret that its \
             application owns without one",
        )
    }

    /// Returns `true` if this hook revoked the secret from the remote application of the relation
    /// or from one of its units, in this relation or in another.
    fn is_revoked(
        &self,
        record: &HookRecord,
        attempt: &str,
        id: &SecretId,
        relation: &RelationId,
    ) -> Result<bool, Error> {
        for revoked in record.revoked_in(id) {
            if revoked.number() == relation.number()
                || self.grantee_application(attempt, &revoked)?
                    == self.grantee_application(attempt, relation)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Looks for a grant to the same application or unit, among those that Juju has stored and
    /// those that this hook made in other relations.
    fn stored_grant(
        &self,
        record: &mut HookRecord,
        attempt: &str,
        id: &SecretId,
        relation: &RelationId,
        unit: Option<&UnitName>,
    ) -> Result<StoredGrant, Error> {
        // A secret that the hook added has no stored grant.
        let info = match record.change(id) {
            Some(Change::Created | Change::Removed) => None,
            _ => self.own_secret(record, SecretRef::Id(id))?,
        };
        let access = info.as_ref().map_or(&[][..], |info| info.access());
        let other_grants = record.grants_in_other_relations(id, relation);
        // The relation's number alone does not tell its endpoint, and most secrets are granted
        // once.
        let Some(endpoint) = relation.endpoint() else { return Ok(StoredGrant::None) };
        if access.is_empty() && other_grants.is_empty() {
            return Ok(StoredGrant::None);
        }
        let app = self.grantee_application(attempt, relation)?;
        // Juju names them by its tags: `application-pg`, `unit-pg-0`, `relation-web.db#pg.server`.
        let whole = format!("application-{app}");
        let grantee = unit.map_or_else(|| whole.clone(), unit_tag);
        let side = format!(".{endpoint}");
        let is_here = |access: &SecretAccess| {
            access.scope().split('#').any(|end| end.ends_with(side.as_str()))
        };
        // A unit needs no grant of its own if its application has one.
        let mut here = access.iter().filter(|access| is_here(access));
        if here.any(|access| access.target() == whole || access.target() == grantee) {
            return Ok(StoredGrant::Here);
        }
        let mut elsewhere = access.iter().filter(|access| !is_here(access));
        if elsewhere.any(|access| access.target() == grantee) {
            return Ok(StoredGrant::InAnotherRelation);
        }
        for (other, granted) in other_grants {
            let granted = match granted {
                Some(unit) => unit_tag(&unit),
                None => format!("application-{}", self.grantee_application(attempt, &other)?),
            };
            if granted == grantee {
                return Ok(StoredGrant::InAnotherRelation);
            }
        }
        Ok(StoredGrant::None)
    }

    /// Returns the application that a grant in a relation is for: the remote one, which is the own
    /// one on a peer relation.
    fn grantee_application(
        &self,
        attempt: &str,
        relation: &RelationId,
    ) -> Result<ApplicationName, Error> {
        self.relation_app(relation)?.ok_or_else(|| {
            let cause = format!("Juju does not name the application that {relation} leads to");
            Error::not_sent(ErrorKind::WrongContext, attempt.to_owned(), GRANT, cause)
        })
    }
}

/// A grant that the grantee has without the call.
enum StoredGrant {
    /// It has none.
    None,
    /// It has one in the same relation.
    Here,
    /// It has one in another relation.
    InAnotherRelation,
}

/// Returns Juju's tag of a unit.
fn unit_tag(unit: &UnitName) -> String {
    format!("unit-{}-{}", unit.application(), unit.number())
}

/// Makes the call that grants or revokes a secret in a relation.
fn in_relation<'a>(
    tool: &'static str,
    id: &SecretId,
    relation: &RelationId,
    unit: Option<&UnitName>,
) -> ToolCall<'a> {
    // The relation is always named: in the hook of another relation Juju would take that one.
    let call = ToolCall::new(tool).arg(id.as_str()).arg(format!("--relation={relation}"));
    match unit {
        Some(unit) => call.arg(format!("--unit={unit}")),
        None => call,
    }
}
