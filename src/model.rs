//! What a unit knows about its model: its name and its cloud, and the units and relations that there
//! are to be.

use std::convert::Infallible;
use std::sync::Arc;

use crate::declaration::Declaration;
use crate::hook::Hook;
use crate::juju::{self, CloudSpec, ErrorKind, GoalState};
use crate::stop::{Result, Stop};
use crate::unit::Unit;

/// Facts about the model that a unit is in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelInfo {
    /// The name that the model's owner gave it, such as `staging`. Another owner's model may have
    /// the same one.
    pub name: String,
    /// The UUID of the model, which no other model has.
    pub uuid: String,
    /// `true` if the model is on Kubernetes, and `false` if its units run on machines.
    pub is_on_kubernetes: bool,
}

impl Unit {
    /// Returns facts about the model. They are in the hook's environment, and no hook tool is
    /// asked.
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable if the environment has no name or no UUID.
    pub fn model(&self) -> Result<ModelInfo, juju::Error> {
        let env = self.env();
        let text = |value: Option<&str>, variable| {
            let missing = || juju::Error::missing_variable(variable);
            value.map(str::to_owned).ok_or_else(missing)
        };
        Ok(ModelInfo {
            name: text(env.model_name()?, "JUJU_MODEL_NAME")?,
            uuid: text(env.model_uuid()?, "JUJU_MODEL_UUID")?,
            is_on_kubernetes: self.is_on_kubernetes()?,
        })
    }

    /// Returns `true` if the unit runs on Kubernetes, and `false` on a machine. No hook tool is
    /// asked.
    ///
    /// # Errors
    ///
    /// Returns an error if the variable of the machine's id is malformed.
    pub fn is_on_kubernetes(&self) -> Result<bool, juju::Error> {
        // Juju sets the machine's id on machines only (2.9 to 4.1).
        Ok(self.env().machine_id()?.is_none())
    }

    /// Returns the units that the application is to have, and what it is to be related to, whether
    /// or not they are there yet.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn goal_state(&self) -> Result<Arc<GoalState>, juju::Error> {
        self.context.tools.goal_state()
    }

    /// Returns the number of units that the application is to have: those that the operator has
    /// asked for, without the ones that are being removed.
    ///
    /// A charm that forms a cluster knows by it how many members to wait for.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn planned_units(&self) -> Result<usize, juju::Error> {
        Ok(self.goal_state()?.planned_units())
    }

    /// Returns the cloud that the model is on, with its credential. It is read anew by each call,
    /// and the values of the credential do not print.
    ///
    /// # Errors
    ///
    /// - *Not ready* (Blocked) if the operator does not trust the application; the reason has the
    ///   command. Juju sends `config-changed` when that changes.
    /// - An error if the hook tool fails, for instance because Juju is older than 3.6.10 on
    ///   Kubernetes.
    pub fn cloud_spec(&self) -> Result<CloudSpec> {
        match self.context.tools.cloud_spec() {
            Ok(cloud) => Ok(cloud),
            Err(error) if error.kind() == &ErrorKind::Denied => {
                let scope = if self.is_on_kubernetes()? { " --scope=cluster" } else { "" };
                let application = self.application();
                Err(Stop::blocked(format!(
                    "the charm needs the cloud's credential: juju trust {application}{scope}"
                )))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl<D: Declaration> Hook<D> {
    /// Reboots the unit's machine after this hook, if the hook succeeds. Juju runs `start` after
    /// the reboot.
    ///
    /// # Errors
    ///
    /// Returns an error on Kubernetes, in an action, and if the hook tool fails.
    pub fn reboot(&self) -> Result {
        self.check_has_machine()?;
        Ok(self.tools().reboot()?)
    }

    /// Reboots the unit's machine at once. The agent kills this process, so nothing after the call
    /// runs; what the hook has written so far is dropped, and the hook runs again after the reboot.
    ///
    /// ```
    /// use charmwright::{Declaration, Hook, Result};
    ///
    /// fn load_kernel<D: Declaration>(hook: &Hook<D>, is_loaded: bool) -> Result {
    ///     if !is_loaded {
    ///         hook.reboot_now()?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// It always returns one, so that the handler ends: on Kubernetes, in an action and if the hook
    /// tool fails, the reason why there is no reboot; else one that says that the machine reboots,
    /// which nobody reads, except where no agent kills the process, as in a test.
    pub fn reboot_now(&self) -> Result<Infallible> {
        self.check_has_machine()?;
        self.tools().reboot_now()?;
        Err(Stop::failed("cannot go on: the machine reboots, and the hook runs again after that"))
    }

    fn check_has_machine(&self) -> Result {
        if self.is_on_kubernetes()? {
            return Err(Stop::failed("cannot reboot: a unit on Kubernetes has no machine"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Hook;
    use crate::played_juju::{Answer, run};

    const ON_MACHINE: &[(&str, &str)] = &[("JUJU_MACHINE_ID", "0/lxd/1")];

    fn no_tool(_: &str, _: &str) -> Answer {
        Err("not played".to_owned())
    }

    #[test]
    fn the_facts_are_in_the_environment() {
        let named = [
            ("JUJU_MODEL_NAME", "staging"),
            ("JUJU_MODEL_UUID", "deadbeef"),
            ("JUJU_MACHINE_ID", ""),
        ];
        let ran = run("config-changed", &named, no_tool, |hook| {
            let model = hook.model()?;
            assert_eq!((model.name.as_str(), model.uuid.as_str()), ("staging", "deadbeef"));
            assert!(model.is_on_kubernetes);
            Ok(())
        });
        assert_eq!((ran.report.exit_code(), ran.calls.len()), (0, 0), "{ran:?}");
        let ran = run("config-changed", ON_MACHINE, no_tool, |hook| {
            assert!(!hook.is_on_kubernetes()?);
            hook.model()?;
            panic!("it goes on without a name")
        });
        assert!(ran.report.exit_code() != 0 && ran.calls.is_empty(), "{ran:?}");
    }

    #[test]
    fn planned_units_are_those_that_stay() {
        let goals = |_: &str, _: &str| {
            Ok(r#"{"units":{"web/0":{"status":"active"},"web/1":{"status":"dying"},
                "web/2":{"status":"allocating"}}}"#
                .to_owned())
        };
        let ran = run("config-changed", &[], goals, |hook| {
            assert_eq!((hook.planned_units()?, hook.view().planned_units()?), (2, 2));
            assert_eq!(hook.goal_state()?.units().len(), 3);
            Ok(())
        });
        assert_eq!((ran.report.exit_code(), ran.calls.len()), (0, 1), "{ran:?}");
    }

    #[test]
    fn a_credential_without_trust_is_not_ready() {
        let denied =
            |_: &str, _: &str| Err("cannot access cloud credentials: permission denied".to_owned());
        for (variables, command) in
            [(&[][..], "juju trust web --scope=cluster"), (ON_MACHINE, "juju trust web")]
        {
            let ran = run("config-changed", variables, denied, |hook| hook.cloud_spec().map(drop));
            let status = format!("blocked: the charm needs the cloud's credential: {command}");
            assert_eq!((ran.report.exit_code(), ran.status()), (0, status));
        }
        let other =
            |_: &str, _: &str| Err("cannot access cloud credentials: no such API".to_owned());
        let ran = run("config-changed", &[], other, |hook| hook.cloud_spec().map(drop));
        assert_eq!(ran.report.exit_code(), 1, "{ran:?}");
        let cloud = |_: &str, _: &str| {
            Ok(r#"{"type":"lxd","credential":{"attrs":{"key":"hunter2"}}}"#.to_owned())
        };
        let ran = run("config-changed", &[], cloud, |hook| {
            let cloud = hook.cloud_spec()?;
            assert_eq!(
                cloud.credential().and_then(|it| it.get("key")).unwrap().expose(),
                "hunter2"
            );
            Ok(())
        });
        assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
        assert!(!format!("{ran:?}").contains("hunter2"));
    }

    #[test]
    fn a_machine_reboots_after_the_hook_or_at_once() {
        let takes_all = |_: &str, _: &str| Ok(String::new());
        let ran = run("config-changed", ON_MACHINE, takes_all, Hook::reboot);
        assert_eq!((ran.report.exit_code(), ran.calls), (0, vec!["juju-reboot".to_owned()]));
        let ran = run("config-changed", ON_MACHINE, takes_all, |hook| {
            hook.reboot_now()?;
            Ok(())
        });
        assert_eq!((ran.report.exit_code(), ran.calls), (1, vec!["juju-reboot --now".to_owned()]));
        for now in [false, true] {
            let ran = run("config-changed", &[], takes_all, |hook| {
                if now { hook.reboot_now().map(drop) } else { hook.reboot() }
            });
            assert!(ran.report.exit_code() == 1 && ran.calls.is_empty(), "{ran:?}");
        }
    }
}
