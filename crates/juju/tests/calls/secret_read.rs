//! Tests of the calls that read secrets.

use charmwright_juju::{ErrorKind, SecretBytes, SecretId, SecretOwner, SecretText, ToolError};

use super::scripted::{Scripted, fails, prints};
use super::{in_hook, in_hook_of};

const ID: &str = "9m4e2mr0ui3e8a215n4g";

fn id() -> SecretId {
    format!("secret:{ID}").parse().unwrap()
}

#[test]
fn each_way_of_reading_is_a_call_of_its_own_and_is_cached() {
    let hook = Scripted::new([
        prints(r#"{"password":"one"}"#),
        prints(r#"{"password":"two"}"#),
        prints(r#"{"password":"three"}"#),
    ]);
    let password = |fields: &charmwright_juju::SecretFields| {
        fields.get::<SecretText>("password").unwrap().expose().to_owned()
    };
    for _ in 0..2 {
        assert_eq!(password(&hook.tools.secret(&id()).unwrap()), "one");
        assert_eq!(password(&hook.tools.peek_secret(&id()).unwrap()), "two");
    }
    for _ in 0..2 {
        assert_eq!(password(&hook.tools.refresh_secret(&id()).unwrap()), "three");
        // The unit tracks the newest revision now. Another spelling of the id is the same secret.
        let spelled = format!("secret://0f3c/{ID}").parse::<SecretId>().unwrap();
        assert_eq!(password(&hook.tools.secret(&spelled).unwrap()), "three");
        assert_eq!(password(&hook.tools.peek_secret(&id()).unwrap()), "three");
    }
    assert_eq!(
        hook.take_calls(),
        [
            format!("secret-get secret:{ID} --format=json"),
            format!("secret-get secret:{ID} --peek --format=json"),
            format!("secret-get secret:{ID} --refresh --format=json"),
        ]
    );
    hook.check_is_done();
}

#[test]
fn a_label_names_a_secret_too_and_may_look_like_an_option() {
    let hook = Scripted::new([prints(r#"{"abc":"x"}"#), fails("consumer label \"b\" not found")]);
    hook.tools.secret("--peek").unwrap();
    assert_eq!(hook.tools.secret("b").unwrap_err().kind(), &ErrorKind::Gone);
    assert_eq!(
        hook.take_calls(),
        ["secret-get --label=--peek --format=json", "secret-get --label=b --format=json"]
    );
    assert_eq!(hook.tools.secret("").unwrap_err().kind(), &ErrorKind::Invalid);
    assert_eq!(hook.tools.secret("a\0b").unwrap_err().kind(), &ErrorKind::Invalid);
    hook.check_is_done();
}

#[test]
fn bytes_that_are_not_text_are_read_exactly_by_id() {
    // The value of `text` has U+FFFD as a character, so it is read twice as well.
    let hook = Scripted::new([
        prints("{\"bytes\":\"\u{fffd}\u{fffd}\",\"plain\":\"p\",\"text\":\"\u{fffd}\"}"),
        prints("\"//4=\"\n"),
        prints("\"77+9\"\n"),
    ]);
    let content = hook.tools.peek_secret(&id()).unwrap();
    assert_eq!(content.get::<SecretBytes>("bytes").unwrap().expose(), [0xff, 0xfe]);
    assert_eq!(content.get::<SecretText>("text").unwrap().expose(), "\u{fffd}");
    assert_eq!(content.get::<SecretText>("plain").unwrap().expose(), "p");
    assert_eq!(
        hook.take_calls(),
        [
            format!("secret-get secret:{ID} --peek --format=json"),
            format!("secret-get secret:{ID} --peek bytes#base64 --format=json"),
            format!("secret-get secret:{ID} --peek text#base64 --format=json"),
        ]
    );
    hook.check_is_done();
}

#[test]
fn bytes_that_are_not_text_are_read_exactly_by_label() {
    let hook = Scripted::new([
        prints("{\"bytes\":\"\u{fffd}\u{fffd}\",\"text\":\"\u{fffd}\"}"),
        prints("bytes: !!binary //4=\ntext: \u{fffd}\n"),
    ]);
    let content = hook.tools.refresh_secret("mine").unwrap();
    assert_eq!(content.get::<SecretBytes>("bytes").unwrap().expose(), [0xff, 0xfe]);
    assert_eq!(content.get::<SecretText>("text").unwrap().expose(), "\u{fffd}");
    assert_eq!(
        hook.take_calls(),
        [
            "secret-get --label=mine --refresh --format=json",
            "secret-get --label=mine --refresh --format=yaml",
        ]
    );
    hook.check_is_done();
}

#[test]
fn values_of_two_revisions_are_never_mixed() {
    // The secret gets another revision between the two calls of the first attempt.
    let hook = Scripted::new([
        prints("{\"bytes\":\"a\u{fffd}\",\"text\":\"old\"}"),
        prints("\"Yv8=\""),
        prints("{\"bytes\":\"b\u{fffd}\",\"text\":\"new\"}"),
        prints("\"Yv8=\""),
    ]);
    let content = hook.tools.peek_secret(&id()).unwrap();
    assert_eq!(content.get::<SecretBytes>("bytes").unwrap().expose(), b"b\xff");
    assert_eq!(content.get::<SecretText>("text").unwrap().expose(), "new");
    hook.check_is_done();

    let changing = [prints("{\"bytes\":\"a\u{fffd}\"}"), prints("\"Yv8=\"")];
    let hook = Scripted::new(
        (0..3).flat_map(|_| changing.iter().map(|answer| prints(answer.as_ref().unwrap().clone()))),
    );
    assert_eq!(hook.tools.peek_secret(&id()).unwrap_err().kind(), &ErrorKind::Output);
    hook.check_is_done();
}

#[test]
fn garbage_is_an_error_that_quotes_nothing() {
    for output in [
        "",
        "planted-content",
        "{\"abc\":7,\"planted\":\"planted-content\"}",
        "{\"abc\":\"planted-content\"",
        "[\"planted-content\"]",
        "null",
    ] {
        let hook = Scripted::new([prints(output)]);
        let error = hook.tools.secret(&id()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Output, "{output}");
        assert!(!format!("{error} {error:?}").contains("planted-"), "{error}");
    }
    for exact in ["7", "\"planted!\"", "{}", ""] {
        let hook = Scripted::new([prints("{\"abc\":\"\u{fffd}\"}"), prints(exact)]);
        let error = hook.tools.secret(&id()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Output, "{exact}");
        assert!(!error.to_string().contains("planted"), "{error}");
    }
    let hook = Scripted::new([prints("{\"abc\":\"\u{fffd}\"}"), prints("abc: \"planted-content")]);
    let error = hook.tools.secret("label").unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Output);
    assert!(!error.to_string().contains("planted"), "{error}");
}

#[test]
fn a_failed_read_has_its_kind_and_is_not_cached() {
    let not_found = format!("secret \"secret:{ID}\" not found");
    let hook = Scripted::new([
        fails("permission denied"),
        fails(&not_found),
        fails("getting content from backend: permission denied"),
        Err(ToolError::Exited { code: 2, stderr: format!("ERROR secret URI \"{ID}\" not valid") }),
        Err(ToolError::NotFound),
        fails("bad request: unknown command: secret-get"),
        prints("{\"abc\":\"x\"}"),
    ]);
    for kind in [
        ErrorKind::Denied,
        ErrorKind::Gone,
        ErrorKind::Denied,
        ErrorKind::Invalid,
        ErrorKind::Unavailable,
        ErrorKind::Unavailable,
    ] {
        let error = hook.tools.secret(&id()).unwrap_err();
        assert_eq!(error.kind(), &kind, "{error}");
        assert!(error.to_string().starts_with("cannot read the secret secret:9m4"), "{error}");
        if kind == ErrorKind::Unavailable {
            assert!(error.to_string().contains("3.0.3"), "{error}");
        }
    }
    hook.tools.secret(&id()).unwrap();
    hook.check_is_done();
}

#[test]
fn a_label_is_given_by_the_id_and_may_not_be_taken() {
    let other = "9m4e2mr0ui3e8a215n50";
    let hook = Scripted::new([
        prints("{\"abc\":\"x\"}"),
        prints(format!("{{\"{other}\":{{\"revision\":1,\"label\":\"mine\",\"owner\":\"unit\"}}}}")),
    ]);
    hook.tools.label_secret(&id(), "db").unwrap();
    hook.tools.secret(&id()).unwrap();
    hook.tools.secret_info(&other.parse::<SecretId>().unwrap()).unwrap();
    assert_eq!(hook.tools.label_secret(&id(), "mine").unwrap_err().kind(), &ErrorKind::Invalid);
    assert_eq!(hook.tools.label_secret(&id(), "").unwrap_err().kind(), &ErrorKind::Invalid);
    assert_eq!(
        hook.take_calls(),
        [
            format!("secret-get secret:{ID} --label=db --format=json"),
            format!("secret-info-get --format=json {other}"),
        ]
    );
    hook.check_is_done();
}

#[test]
fn the_properties_are_cached_under_id_and_label() {
    const OTHER: &str = "9m4e2mr0ui3e8a215n50";
    let printed =
        format!("{{\"{ID}\":{{\"revision\":2,\"label\":\"admin\",\"owner\":\"application\"}}}}");
    let hook = Scripted::new([prints(printed), fails(&format!("secret \"{OTHER}\" not found"))]);
    let info = hook.tools.secret_info("admin").unwrap();
    assert_eq!((info.revision(), info.owner()), (2, SecretOwner::Application));
    assert_eq!(hook.tools.secret_info(&id()).unwrap(), info);
    assert_eq!(hook.tools.secret_info("admin").unwrap(), info);
    let foreign: SecretId = OTHER.parse().unwrap();
    for _ in 0..2 {
        assert_eq!(hook.tools.secret_info(&foreign).unwrap_err().kind(), &ErrorKind::Gone);
    }
    assert_eq!(
        hook.take_calls(),
        [
            "secret-info-get --format=json --label=admin".to_owned(),
            format!("secret-info-get --format=json {OTHER}")
        ]
    );
    hook.check_is_done();
}

#[test]
fn the_ids_are_cached_and_an_empty_list_is_null() {
    let hook = Scripted::new([prints(format!("[\"{ID}\"]"))]);
    for _ in 0..2 {
        let ids = hook.tools.secret_ids().unwrap();
        assert_eq!(ids.iter().map(SecretId::as_str).collect::<Vec<_>>(), [format!("secret:{ID}")]);
    }
    hook.check_is_done();
    let hook = Scripted::new([prints("null\n")]);
    assert!(hook.tools.secret_ids().unwrap().is_empty());
}

#[test]
fn a_unit_without_secrets_has_none_in_juju_s_words() {
    // These texts come from the model of Juju and not from a script.
    let (_, hook_tools) = in_hook();
    assert!(hook_tools.secret_ids().unwrap().is_empty());
    assert_eq!(hook_tools.secret(&id()).unwrap_err().kind(), &ErrorKind::Gone);
    assert_eq!(hook_tools.secret("label").unwrap_err().kind(), &ErrorKind::Gone);
    assert_eq!(hook_tools.secret_info(&id()).unwrap_err().kind(), &ErrorKind::Gone);
    assert_eq!(hook_tools.secret_info("label").unwrap_err().kind(), &ErrorKind::Gone);
    let (_, hook_tools) = in_hook_of("2.9.52".parse().unwrap(), true);
    let error = hook_tools.secret(&id()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unavailable);
    assert!(error.to_string().contains("3.0.3"), "{error}");
}
