//! These cases send signals to services.

use charmwright_pebble::{ErrorKind, Service, Signal};

use super::pebble::{Pebble, add, assert_refused, sleeper, until};
use super::raw::post;

pub(crate) async fn reach_the_main_process(pebble: &impl Pebble) {
    let client = pebble.client();
    let file = pebble.folder().join("signals");
    let script = format!("trap 'echo hup >> {}' HUP; while :; do sleep 0.02; done", file.display());
    add(&client, [("web", Service::new().command(format!("/bin/sh -c \"{script}\"")))]).await;
    client.start(["web"]).await.unwrap();
    client.signal(&Signal::HUP, ["web"]).await.unwrap();
    let read = async || std::fs::read_to_string(&file).unwrap_or_default();
    until(read, |text| text == "hup\n").await;
}

pub(crate) async fn that_cannot_be_sent_are_refused(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("on", sleeper()), ("off", sleeper())]).await;
    client.start(["on"]).await.unwrap();
    assert_refused(client.signal(&Signal::HUP, ["off"]).await, 500, "\"off\"");
    assert_refused(client.signal(&"SIGNONE".parse().unwrap(), ["on"]).await, 500, "SIGNONE");
    // Trap: the request fails, but the services that run have got the signal.
    let error = client.signal(&Signal::TERM, ["off", "on"]).await.unwrap_err();
    assert!(error.may_have_acted(), "{error}");
    let gone = async || client.services(["on"]).await.unwrap();
    until(gone, |services| *services[0].current() != charmwright_pebble::ServiceStatus::Active)
        .await;
    assert_eq!(
        *client.signal(&Signal::HUP, [""; 0]).await.unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
    assert_eq!(post(pebble, "/v1/signals", r#"{"signal":"SIGHUP","services":[]}"#).status, 400);
    let short = post(pebble, "/v1/signals", r#"{"signal":"HUP","services":["on"]}"#);
    assert_eq!(short.status, 500, "{}", short.error_message());
}
