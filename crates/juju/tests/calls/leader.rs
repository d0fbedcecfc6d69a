//! The calls about the application's leader.

use charmwright_juju::ErrorKind;

use super::{calls, exited, in_hook, in_hook_with};

#[test]
fn an_answer_is_remembered() {
    for leads in [true, false] {
        let (tools, juju) = in_hook_with(|settings| settings.leader(leads));
        assert_eq!(juju.is_leader().unwrap(), leads);
        assert_eq!(juju.is_leader().unwrap(), leads);
        assert_eq!(calls(&tools), [["is-leader", "--format=json"]]);
    }
}

#[test]
fn no_answer_is_an_error_and_not_a_no() {
    let (tools, juju) = in_hook();
    tools.fail_once("is-leader", exited("ERROR leadership status unknown: lease"));
    tools.answer_once("is-leader", "\"yes\"\n");
    tools.answer_once("is-leader", "");
    assert_eq!(juju.is_leader().unwrap_err().kind(), &ErrorKind::Failed { code: 1 });
    assert_eq!(juju.is_leader().unwrap_err().kind(), &ErrorKind::Output);
    assert_eq!(juju.is_leader().unwrap_err().kind(), &ErrorKind::Output);
    assert!(juju.is_leader().unwrap());
}
