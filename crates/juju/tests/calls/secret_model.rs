//! The calls about secrets against the model of Juju: one secret through several hooks.

use std::time::{Duration, Instant};

use charmwright_agent::{InProcessTools, Model, Resolve};
use charmwright_juju::{
    ErrorKind, HookTools, NewSecret, SecretBytes, SecretExpiry, SecretFields, SecretId,
    SecretOwner, SecretRotation, SecretText, SecretUpdate,
};

use super::{begin_hook, calls, in_hook, in_hook_as_leader};

/// Bytes that are no text, and a text that has the character which stands for them in JSON.
const BYTES: &[u8] = b"\xff\x00\xe2\x82(";
const ODD_TEXT: &str = "\u{fffd} \u{7f}\u{85}\u{2028}\u{1f600}\r\n";

fn content(password: &str) -> SecretFields {
    SecretFields::new()
        .with("password", &SecretText::from(password))
        .with("keystore", &SecretBytes::from(BYTES))
        .with("odd", &SecretText::from(ODD_TEXT))
}

fn password(fields: &SecretFields) -> String {
    assert_eq!(fields.get::<SecretBytes>("keystore").unwrap().expose(), BYTES);
    assert_eq!(fields.get::<SecretText>("odd").unwrap().expose(), ODD_TEXT);
    fields.get::<SecretText>("password").unwrap().expose().to_owned()
}

/// Ends the hook, which Juju commits, and begins another one.
fn next_hook(agent: &InProcessTools) -> HookTools {
    assert!(agent.finish(0, Instant::now()).unwrap().committed());
    agent.with_model(Model::update_status).unwrap();
    begin_hook(agent)
}

#[test]
fn a_secret_of_the_unit_lives_through_its_hooks() {
    let (agent, tools) = in_hook();
    let request = NewSecret::new(SecretOwner::Unit, content("one"))
        .label("token")
        .description("d")
        .rotation(SecretRotation::Daily)
        .expiry(SecretExpiry::after(Duration::from_secs(3600)));
    let id = tools.add_secret(&request).unwrap();
    // It is there in this hook already, under both names.
    assert_eq!(password(&tools.secret(&id).unwrap()), "one");
    assert_eq!(password(&tools.secret("token").unwrap()), "one");
    assert_eq!(tools.secret_id("token").unwrap().id(), id.id());
    assert!(tools.secret_ids().unwrap().iter().any(|known| known.id() == id.id()));
    let again = tools.add_secret(&request).unwrap_err();
    assert_eq!(again.kind(), &ErrorKind::Invalid, "{again}");

    let tools = next_hook(&agent);
    assert_eq!(password(&tools.refresh_secret("token").unwrap()), "one");
    let info = tools.secret_info("token").unwrap();
    assert_eq!((info.id().id(), info.revision()), (id.id(), 1));
    assert_eq!((info.label(), info.description()), (Some("token"), Some("d")));
    assert_eq!(info.rotation(), Some(SecretRotation::Daily));
    assert!(info.expires().is_some() && info.rotates().is_some());
    tools.set_secret(&id, &SecretUpdate::new().content(content("two"))).unwrap();
    // The unit goes on to track the first revision.
    assert_eq!(password(&tools.secret(&id).unwrap()), "one");
    assert_eq!(password(&tools.peek_secret(&id).unwrap()), "two");

    let tools = next_hook(&agent);
    assert_eq!(password(&tools.secret("token").unwrap()), "one");
    assert_eq!(password(&tools.refresh_secret("token").unwrap()), "two");
    assert_eq!(tools.secret_info(&id).unwrap().revision(), 2);
    assert!(tools.remove_secret_revision(&id, 1).unwrap());

    let tools = next_hook(&agent);
    assert_eq!(password(&tools.secret("token").unwrap()), "two");
    // Juju may send secret-remove again.
    tools.remove_secret_revision(&id, 1).unwrap();
    let tools = next_hook(&agent);
    assert!(tools.remove_secret(&id).unwrap() && !tools.remove_secret(&id).unwrap());

    let tools = next_hook(&agent);
    assert_eq!(tools.secret("token").unwrap_err().kind(), &ErrorKind::Gone);
    assert_eq!(tools.secret_id("token").unwrap_err().kind(), &ErrorKind::Gone);
    assert!(!tools.remove_secret(&id).unwrap());
    assert!(tools.secret_ids().unwrap().is_empty());
    // The label is free again.
    assert_ne!(tools.add_secret(&request).unwrap().id(), id.id());
    next_hook(&agent);
}

#[test]
fn a_secret_of_a_hook_that_fails_never_existed() {
    let (agent, tools) = in_hook();
    let request = NewSecret::new(SecretOwner::Application, content("one")).label("admin");
    tools.add_secret(&request).unwrap();
    assert!(!agent.finish(1, Instant::now()).unwrap().committed());
    agent.with_model(|model, unit| model.resolved(unit, Resolve::NoRetry)).unwrap();
    let tools = begin_hook(&agent);
    assert_eq!(tools.secret("admin").unwrap_err().kind(), &ErrorKind::Gone);
    tools.add_secret(&request).unwrap();
    next_hook(&agent);
}

#[test]
fn a_unit_that_does_not_lead_owns_no_secret_of_the_application() {
    let (agent, tools) = in_hook_as_leader(false);
    let request = NewSecret::new(SecretOwner::Application, content("one")).label("admin");
    let error = tools.add_secret(&request).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotLeader, "{error}");
    // One that it does not know is not its own.
    let other: SecretId = "secret:9m4e2mr0ui3e8a215n4g".parse().unwrap();
    assert_eq!(tools.secret(&other).unwrap_err().kind(), &ErrorKind::Gone);
    assert_eq!(tools.secret_info(&other).unwrap_err().kind(), &ErrorKind::Gone);
    let update = SecretUpdate::new().content(content("two"));
    assert_eq!(tools.set_secret(&other, &update).unwrap_err().kind(), &ErrorKind::Gone);
    assert!(!tools.remove_secret(&other).unwrap());
    // Nothing of it was sent, so the hook is committed.
    assert!(calls(&agent).iter().all(|call| call[0] != "secret-set" && call[0] != "secret-remove"));
    next_hook(&agent);
}

#[test]
fn a_secret_of_the_operator_is_granted_changed_revoked_and_removed() {
    let (agent, _) = in_hook();
    let add = |model: &mut Model| model.add_secret("tls", &[("password", "one")]);
    let id = agent.with_model(|model, _| add(model)).unwrap();
    let text = |content: &SecretFields| -> String {
        content.get::<SecretText>("password").unwrap().expose().to_owned()
    };
    let tools = next_hook(&agent);
    let error = tools.secret(&id).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Denied, "{error}");
    // It is no label of this unit, and no own secret.
    assert_eq!(tools.secret("tls").unwrap_err().kind(), &ErrorKind::Gone);
    assert_eq!(tools.secret_info(&id).unwrap_err().kind(), &ErrorKind::Gone);

    agent.with_model(|model, _| model.grant_secret("tls", "web")).unwrap();
    let tools = next_hook(&agent);
    assert_eq!(text(&tools.label_secret(&id, "mine").unwrap()), "one");
    let update = charmwright_agent::SecretUpdate::new().value("password", "two");
    agent.with_model(|model, _| model.update_secret("tls", update)).unwrap();
    let tools = next_hook(&agent);
    assert_eq!(text(&tools.secret("mine").unwrap()), "one");
    assert_eq!(text(&tools.peek_secret("mine").unwrap()), "two");

    // It is revoked between two calls of one hook: what was read stays, what was not is refused.
    assert_eq!(text(&tools.secret(&id).unwrap()), "one");
    agent.with_model(|model, _| model.revoke_secret("tls", "web")).unwrap();
    assert_eq!(text(&tools.secret(&id).unwrap()), "one");
    assert_eq!(tools.refresh_secret(&id).unwrap_err().kind(), &ErrorKind::Denied);
    agent.with_model(|model, _| model.remove_secret("tls", None)).unwrap();
    let error = tools.refresh_secret(&id).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Gone, "{error}");
    assert_eq!(tools.secret("other").unwrap_err().kind(), &ErrorKind::Gone);
    next_hook(&agent);
}
