//! The executables of the checkout, run by hand with foreign hook tools on PATH.

use std::path::Path;

use crate::unit::{CHARM, Unit};

#[test]
fn dispatch_and_hooks_of_the_checkout_run_by_hand_and_set_the_status() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = Path::new(CHARM).ancestors().nth(2).unwrap();
    let expected = ["waiting -- waiting for Pebble in \"workload\""];
    let mut unit = Unit::new();
    unit.set("CARGO_TARGET_DIR", target);

    let ran = unit.run_program(&checkout.join("dispatch"));
    ran.ends(0, &[]);
    assert_eq!(ran.statuses(), expected);

    // By its link's name alone, and by what an agent says beside it.
    unit.unset("JUJU_DISPATCH_PATH");
    for named in [false, true] {
        if named {
            unit.set("JUJU_HOOK_NAME", "update-status");
        }
        let ran = unit.run_program(&checkout.join("hooks/update-status"));
        ran.ends(0, &[]);
        assert_eq!(ran.statuses(), expected);
    }

    unit.unset("JUJU_HOOK_NAME");
    unit.run_program(&checkout.join("dispatch"))
        .ends(2, &["cannot tell which event this is"]);
}
