//! The calls that add, change and remove secrets. Those that grant them are in `secret_grant.rs`.
//!
//! Juju checks most of them only when it commits the hook, and a failed commit fails a hook that
//! exited with code 0. It also forgets some changes of a hook for the sake of others, without a
//! word (Juju 3.6 and 4.0, `internal/worker/uniter/runner/context/secrets.go`):
//!
//! - The removal of a secret, or of one revision of it, drops every earlier change and grant of
//!   that secret in the hook, and later a grant does not find the secret.
//! - A new content or option drops an earlier removal.
//! - A second grant in the same relation replaces the first.
//! - At the commit, all grants come before all revocations.
//!
//! So these calls ask first what the unit owns, and refuse a change that would be lost.

use zeroize::Zeroizing;

use crate::error::Error;
use crate::error_kind::ErrorKind;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::names::SecretId;
use crate::secret::{
    Change, Document, HookRecord, NewSecret, PrivateFile, SecretFields, SecretOptions, SecretRef,
    SecretRotation, SecretUpdate, Unfit,
};
use crate::tool_runner::{MAX_ARGUMENT, ToolCall};

use super::secret_read::check_label;

const ADD: &str = "secret-add";
const SET: &str = "secret-set";
const REMOVE: &str = "secret-remove";

const ADD_ATTEMPT: &str = "add a secret";

impl HookTools {
    /// Adds a secret and returns its id. Juju stores the secret if the hook exits with code 0; else
    /// the id never exists. This hook can read the secret already.
    ///
    /// The content goes to Juju's agent by a file that only this user can read, in a folder of its
    /// own below the system's temporary folder ([`secret_folder`](Self::secret_folder)), and never
    /// in an argument. The file is removed when the tool has ended, in whatever way. If this
    /// process is killed meanwhile, the file stays, unreadable for other users.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Invalid`] if Juju does not accept a key ([`check_secret_key`]), a value is
    ///   empty, there is no key, an option is not valid, or a secret of this unit has the label.
    ///   Nothing was sent.
    /// - [`ErrorKind::TooLarge`] if a value, or all values together, have more than 1,000,000 bytes
    ///   in base64 (750,000 bytes as they are), or the file has more than 1,000,000 bytes, or an
    ///   option is longer than an argument may be (131,071 bytes). Nothing was sent.
    /// - [`ErrorKind::NotLeader`] if the application is to own the secret and this unit is not its
    ///   leader.
    /// - [`ErrorKind::Unavailable`] if this Juju has no secrets.
    /// - [`ErrorKind::System`] if the file cannot be written.
    /// - The tool failed in another way, or it did not print an id.
    ///
    /// [`check_secret_key`]: crate::check_secret_key
    pub fn add_secret(&self, request: &NewSecret) -> Result<SecretId, Error> {
        let document = document(ADD_ATTEMPT, ADD, &request.content)?;
        let call = ToolCall::new(ADD).arg(format!("--owner={}", request.owner.as_str()));
        let call = with_options(call, ADD_ATTEMPT, &request.options)?;
        let label = request.options.label.as_deref();
        let mut record = lock(&self.secrets);
        if let Some(label) = label {
            self.check_label_is_free(&mut record, ADD_ATTEMPT, ADD, label, None)?;
        }
        let output = self.send_content(ADD_ATTEMPT, call, &document)?;
        let id: SecretId = std::str::from_utf8(&output)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| {
                Error::output(ADD_ATTEMPT, ADD, "printed what is not the id of a secret")
            })?;
        record.added(&id, request.owner, label);
        Ok(id)
    }

    /// Changes the content or the options of a secret that this unit owns, or that its application
    /// owns if the unit is the leader. Juju applies the change if the hook exits with code 0. An
    /// update that changes nothing starts no tool.
    ///
    /// The content goes to Juju as that of [`add_secret`](Self::add_secret) does.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Gone`] if the unit does not own the secret (see
    ///   [`secret_info`](Self::secret_info)), or this hook removed it. Nothing was sent. Juju
    ///   itself would accept the call and fail the hook at its end.
    /// - [`ErrorKind::WrongContext`] if this hook removed a revision of the secret: Juju would drop
    ///   that removal. Nothing was sent.
    /// - The call fails as [`add_secret`](Self::add_secret) does.
    pub fn set_secret(&self, id: &SecretId, update: &SecretUpdate) -> Result<(), Error> {
        let attempt = format!("change the secret {id}");
        if update.is_empty() {
            return Ok(());
        }
        let document =
            update.content.as_ref().map(|content| document(&attempt, SET, content)).transpose()?;
        let call = with_options(ToolCall::new(SET).arg(id.as_str()), &attempt, &update.options)?;
        let mut record = lock(&self.secrets);
        self.check_changeable(&mut record, &attempt, SET, id)?;
        let label = update.options.label.as_deref();
        if let Some(label) = label {
            self.learn_label(&mut record, id)?;
            self.check_label_is_free(&mut record, &attempt, SET, label, Some(id))?;
        }
        match document {
            Some(document) => drop(self.send_content(&attempt, call, &document)?),
            None => self.execute(attempt, call)?,
        }
        record.set(id, label);
        Ok(())
    }

    /// Removes a secret with all its revisions. Juju removes it if the hook exits with code 0.
    /// Returns `true` if the removal was sent.
    ///
    /// A secret that the unit does not own, or no longer (see [`secret_info`](Self::secret_info)),
    /// is not an error: then nothing is sent. Juju itself would accept the call and fail the hook
    /// at its end. So the removal may be repeated. The label of the secret is free after the hook.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotLeader`] if the application owns the secret and this unit lost leadership
    ///   in this hook.
    /// - [`ErrorKind::WrongContext`] if this hook added the secret: Juju would remove what it does
    ///   not have and fail the hook at its end. Nothing was sent.
    /// - [`ErrorKind::Unavailable`] if this Juju has no secrets.
    /// - The tool failed in another way.
    pub fn remove_secret(&self, id: &SecretId) -> Result<bool, Error> {
        let attempt = format!("remove the secret {id}");
        let mut record = lock(&self.secrets);
        if record.change(id) == Some(Change::Created) {
            return Err(Error::not_sent(
                ErrorKind::WrongContext,
                attempt,
                REMOVE,
                "this hook added it, and Juju cannot remove it before the hook has ended",
            ));
        }
        // Juju 3.6 does not show a secret any more of which the hook removed a revision.
        let is_own =
            record.change(id) == Some(Change::RevisionRemoved) || self.is_own(&mut record, id)?;
        if !is_own {
            return Ok(false);
        }
        self.learn_label(&mut record, id)?;
        self.execute(attempt, ToolCall::new(REMOVE).arg(id.as_str()))?;
        record.removed(id);
        Ok(true)
    }

    /// Removes one revision of a secret, as the owner does after `secret-remove` or
    /// `secret-expired`. Juju removes it if the hook exits with code 0. Returns `true` if the
    /// removal was sent.
    ///
    /// A secret that the unit does not own, or no longer, is not an error, and neither is a
    /// revision that is gone or does not exist yet. So the removal may be repeated: Juju sends
    /// these events more than once. With its last revision the secret itself is removed (Juju 3.6).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Invalid`] if the revision is 0, which Juju takes for all of them. Nothing was
    ///   sent.
    /// - [`ErrorKind::WrongContext`] if this hook added, changed, granted or revoked the secret:
    ///   Juju would drop that change. Nothing was sent.
    /// - The call fails as [`remove_secret`](Self::remove_secret) does.
    pub fn remove_secret_revision(&self, id: &SecretId, revision: u64) -> Result<bool, Error> {
        let attempt = format!("remove revision {revision} of the secret {id}");
        if revision == 0 {
            let cause = "revisions are counted from 1, and Juju takes 0 for all of them";
            return Err(Error::refused(attempt, REMOVE, cause));
        }
        let mut record = lock(&self.secrets);
        match record.change(id) {
            Some(Change::Created | Change::Changed) => {
                return Err(Error::not_sent(
                    ErrorKind::WrongContext,
                    attempt,
                    REMOVE,
                    "this hook changed or granted the secret, and Juju would drop that for the \
                     removal; remove the revision in a hook that does not change the secret",
                ));
            }
            Some(Change::Removed) => return Ok(false),
            // The revisions are numbered, and this hook has seen the newest one.
            Some(Change::RevisionRemoved) => {}
            None => match self.own_secret(&mut record, SecretRef::Id(id))? {
                Some(info) if revision <= info.revision() => {}
                _ => return Ok(false),
            },
        }
        let call = ToolCall::new(REMOVE).arg(id.as_str()).arg(format!("--revision={revision}"));
        self.execute(attempt, call)?;
        record.revision_removed(id);
        Ok(true)
    }

    /// Returns `true` if this hook changed a secret that the application owns, as far as the calls
    /// of this hook know who owns it. Juju refuses these changes, and fails the hook, if the unit
    /// is no longer the leader when the hook ends.
    #[must_use]
    pub fn changes_application_secrets(&self) -> bool {
        lock(&self.secrets).needs_leader()
    }

    /// Runs a tool that reads the content from a private file, and removes the file.
    fn send_content(
        &self,
        attempt: &str,
        call: ToolCall<'_>,
        document: &Document<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let tool = call.tool;
        let folder = self.secret_folder.clone().unwrap_or_else(std::env::temp_dir);
        let file = PrivateFile::create(&folder, document.bytes()).map_err(|source| {
            let cause = format!(
                "the file for its content could not be written in {folder:?}; is it writable?"
            );
            Error::system(attempt.to_owned(), tool, cause, source)
        })?;
        let path = file.path().ok_or_else(|| {
            let cause = format!("the folder {folder:?} for its content is not UTF-8");
            Error::refused(attempt.to_owned(), tool, cause)
        })?;
        let call = call.arg(format!("--file={path}"));
        let result = self.query_text(attempt.to_owned(), &call);
        // The file is not needed any more, whatever the tool did.
        drop(file);
        result.map(Zeroizing::new).map_err(|error| {
            // No tool of Juju repeats the content, but it may be another program.
            if error.stderr().is_some_and(|stderr| document.has_part_in(stderr)) {
                error.without_stderr()
            } else {
                error
            }
        })
    }

    /// Returns `true` if this hook may change the secret as far as Juju has told it.
    pub(super) fn is_own(&self, record: &mut HookRecord, id: &SecretId) -> Result<bool, Error> {
        match record.change(id) {
            Some(Change::Removed) => Ok(false),
            // The earlier call has asked, or Juju has.
            Some(Change::Created | Change::Changed | Change::RevisionRemoved) => Ok(true),
            None => Ok(self.own_secret(record, SecretRef::Id(id))?.is_some()),
        }
    }

    /// Makes the record know the label of a secret before the hook gives it up. Juju frees the
    /// label only at the end of the commit, and does not show it any more until then.
    fn learn_label(&self, record: &mut HookRecord, id: &SecretId) -> Result<(), Error> {
        // The label of a secret that the hook added is known.
        if record.change(id) != Some(Change::Created) {
            self.own_secret(record, SecretRef::Id(id))?;
        }
        Ok(())
    }

    /// Checks that the unit owns a secret and that this hook has not removed any of it.
    fn check_changeable(
        &self,
        record: &mut HookRecord,
        attempt: &str,
        tool: &'static str,
        id: &SecretId,
    ) -> Result<(), Error> {
        check_not_removed(record, attempt, tool, id)?;
        if self.is_own(record, id)? {
            return Ok(());
        }
        Err(Error::not_sent(
            ErrorKind::Gone,
            attempt.to_owned(),
            tool,
            "this unit owns no such secret: it is removed, or is another's, or it is the \
             application's and this unit is not the leader",
        ))
    }

    /// Checks that no other secret of this unit or its application has the label. Juju itself would
    /// accept the call and fail the hook at its end.
    fn check_label_is_free(
        &self,
        record: &mut HookRecord,
        attempt: &str,
        tool: &'static str,
        label: &str,
        own: Option<&SecretId>,
    ) -> Result<(), Error> {
        let taken = match record.owner_of_label(label) {
            Some(id) => Some(id.clone()),
            None => self.own_secret(record, SecretRef::Label(label))?.map(|info| info.id().clone()),
        };
        let Some(taken) = taken.filter(|taken| own.is_none_or(|own| own.id() != taken.id())) else {
            return Ok(());
        };
        let since = match record.change(&taken) {
            Some(Change::Removed) => ", whose removal frees the label only after this hook",
            _ => "",
        };
        let cause = format!("the label {label:?} is taken by the secret {taken}{since}");
        Err(Error::refused(attempt.to_owned(), tool, cause))
    }
}

/// Checks that this hook has removed neither the secret nor a revision of it.
pub(super) fn check_not_removed(
    record: &HookRecord,
    attempt: &str,
    tool: &'static str,
    id: &SecretId,
) -> Result<(), Error> {
    let (kind, cause) = match record.change(id) {
        Some(Change::Removed) => (ErrorKind::Gone, "this hook removed it"),
        Some(Change::RevisionRemoved) => (
            ErrorKind::WrongContext,
            "this hook removed a revision of it, and Juju keeps only one of the two; do one of \
             them in a later hook",
        ),
        Some(Change::Created | Change::Changed) | None => return Ok(()),
    };
    Err(Error::not_sent(kind, attempt.to_owned(), tool, cause))
}

/// Checks a content and writes it as Juju reads it.
fn document<'a>(
    attempt: &str,
    tool: &'static str,
    content: &'a SecretFields,
) -> Result<Document<'a>, Error> {
    Document::new(content).map_err(|unfit| match unfit {
        Unfit::Invalid(cause) => Error::refused(attempt.to_owned(), tool, cause),
        Unfit::TooLarge { what, size, limit } => {
            Error::too_large(attempt.to_owned(), tool, &what, size, limit)
        }
    })
}

/// Adds the options to a call. Each is one argument with its name, because a value may start with
/// `-`.
fn with_options<'a>(
    mut call: ToolCall<'a>,
    attempt: &str,
    options: &SecretOptions,
) -> Result<ToolCall<'a>, Error> {
    let tool = call.tool;
    let expiry = match options.expiry {
        Some(expiry) => Some(
            expiry
                .to_argument()
                .map_err(|cause| Error::refused(attempt.to_owned(), tool, cause))?,
        ),
        None => None,
    };
    if let Some(label) = &options.label {
        check_label(attempt, tool, label)?;
    }
    if options.description.as_deref() == Some("") {
        // Juju takes an empty description for none, so the old one would stay (measured 3.6).
        return Err(Error::refused(attempt.to_owned(), tool, "the description is empty"));
    }
    for (option, what, value) in [
        ("--label", "the label", options.label.as_deref()),
        ("--description", "the description", options.description.as_deref()),
        ("--expire", "the expiry", expiry.as_deref()),
        ("--rotate", "the rotation", options.rotation.map(SecretRotation::as_str)),
    ] {
        let Some(value) = value else { continue };
        let limit = MAX_ARGUMENT - option.len() - 1;
        if value.len() > limit {
            return Err(Error::too_large(attempt.to_owned(), tool, what, value.len(), limit));
        }
        call = call.arg(format!("{option}={value}"));
    }
    Ok(call)
}
