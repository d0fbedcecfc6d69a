//! This module parses the config, whose options `config.yaml` declares.
//!
//! Most options have a type that holds no wrong value, and [`Config::validate`] checks the rest. So
//! the other modules check nothing. No message repeats a value: it may be a password in the wrong
//! option, and many people can read statuses and logs.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use charmwright::Error;
use charmwright::pebble::Service;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::health_check::HealthCheck;

/// The operator's config.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    /// The command that runs the workload.
    pub command: Command,
    /// The environment variables of the workload.
    #[serde(default)]
    pub environment: Environment,
    /// The working directory of the command. Without it the command runs in Pebble's own.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub working_dir: Option<String>,
    /// The user that runs the command. Without it that is Pebble's own user.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub user: Option<String>,
    /// The group that runs the command. Without it that is the user's own group.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub group: Option<String>,
    /// The TCP port on which the workload listens, if it has one.
    #[serde(default, deserialize_with = "none_if_zero")]
    pub port: Option<u16>,
    /// The health check of the workload, if it has one.
    #[serde(default, deserialize_with = "none_if_empty")]
    pub health_check: Option<HealthCheck>,
}

impl Config {
    /// Checks what the types of the options do not check, and what concerns more than one option.
    ///
    /// # Errors
    ///
    /// It fails if `working-dir`, `user` or `group` holds a NUL, if `group` is set without `user`,
    /// if `working-dir` is not absolute, and if `health-check` needs a port and `port` is not set.
    /// The error names the option, so the unit is Blocked with that name.
    pub fn validate(&self) -> Result<(), Error> {
        let wrong = |option: &str, why: &str| Err(Error::config(option, why));
        for (option, value) in
            [("working-dir", &self.working_dir), ("user", &self.user), ("group", &self.group)]
        {
            if value.as_ref().is_some_and(|text| text.contains('\0')) {
                return wrong(option, "must not hold a NUL, which ends a text for the system");
            }
        }
        if self.group.is_some() && self.user.is_none() {
            return wrong("group", "needs the option user as well: Pebble takes no group alone");
        }
        if self.working_dir.as_ref().is_some_and(|dir| !dir.starts_with('/')) {
            return wrong("working-dir", "must be an absolute path, one that starts with /");
        }
        if self.port.is_none() && self.health_check.as_ref().is_some_and(HealthCheck::needs_port) {
            let why = "needs the option port: it is what an http or tcp check connects to";
            return wrong("health-check", why);
        }
        Ok(())
    }
}

/// Reads an option whose empty text means that it is not set: that is its default in `config.yaml`,
/// so Juju gives it to a charm whose operator has set nothing.
fn none_if_empty<'de, D, T>(option: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = String::deserialize(option)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Reads a port, of which 0 means that there is none.
fn none_if_zero<'de, D: Deserializer<'de>>(option: D) -> Result<Option<u16>, D::Error> {
    // Juju's int has 64 bits. Serde's own error for a number that is no `u16` would repeat it.
    match u16::try_from(i64::deserialize(option)?) {
        Ok(port) => Ok((port != 0).then_some(port)),
        Err(_) => Err(D::Error::custom("must be a port from 1 to 65535, or 0 for none")),
    }
}

/// A command that Pebble can split into words: it has at least one, and its quotes are closed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Command(String);

impl Command {
    /// Returns the command as the operator has written it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Command {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            return Err("is empty; set it to the command that runs the workload".to_owned());
        }
        match Service::validate_command(&text) {
            Ok(()) => Ok(Self(text)),
            Err(refused) => Err(format!("cannot be run: {}", refused.why())),
        }
    }
}

/// The environment variables, which the operator gives as a YAML map of names to plain values.
/// `Debug` shows only the names, since a value may be a password.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Returns each variable with its value, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns `true` if the operator has set this variable.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl TryFrom<String> for Environment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        // The message gives the place of a mistake and no text: what the parser takes for a name
        // may be a value in the wrong place, and either may be secret.
        let variables: BTreeMap<String, String> =
            serde_saphyr::from_str(&text).map_err(|error| {
                let what = match error.without_snippet() {
                    serde_saphyr::Error::DuplicateMappingKey { .. } => {
                        "a name is given twice, the second time"
                    }
                    _ => "wrong",
                };
                let place = error.location().map_or_else(String::new, |place| {
                    format!(" ({what} at line {}, column {})", place.line(), place.column())
                });
                format!(
                    "must be a YAML map of names to plain values, such as {{LOG_LEVEL: \
                     debug}}{place}"
                )
            })?;
        // The system passes variables as texts `NAME=value` that end with a NUL (environ(7)).
        let is_refused = |name: &str, value: &str| {
            name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
        };
        if variables.iter().any(|(name, value)| is_refused(name, value)) {
            return Err(
                "a name must not be empty or hold '=', and neither name nor value may hold a NUL"
                    .to_owned(),
            );
        }
        Ok(Self(variables))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(options: serde_json::Value) -> Result<Config, serde_json::Error> {
        serde_json::from_value(options)
    }

    #[test]
    fn reads_every_option() {
        let config = config(json!({
            "command": "/bin/web --verbose",
            "environment": "{LEVEL: debug, WORKERS: 4, FLAG: true, QUOTED: \"007\"}",
            "working-dir": "/srv", "user": "web", "group": "www", "port": 8080,
            "health-check": "http:/live",
        }))
        .unwrap();
        config.validate().unwrap();
        let environment: Vec<_> = config.environment.iter().collect();
        assert_eq!(
            environment,
            [("FLAG", "true"), ("LEVEL", "debug"), ("QUOTED", "007"), ("WORKERS", "4")]
        );
        assert_eq!(
            (config.working_dir.as_deref(), config.user.as_deref(), config.group.as_deref()),
            (Some("/srv"), Some("web"), Some("www"))
        );
        assert_eq!(config.port, Some(8080));
        assert_eq!(config.health_check, Some(HealthCheck::Http { path: "/live".to_owned() }));
    }

    #[test]
    fn only_the_command_is_required() {
        let minimal = config(json!({"command": "sleep 1"})).unwrap();
        minimal.validate().unwrap();
        assert_eq!((minimal.port, minimal.user, minimal.health_check), (None, None, None));
        let empty = json!({"command": "sleep 1", "user": "", "port": 0, "health-check": ""});
        assert_eq!(config(empty).unwrap(), config(json!({"command": "sleep 1"})).unwrap());
        assert!(config(json!({"command": "  "})).unwrap_err().to_string().contains("is empty"));
    }

    #[test]
    fn a_command_that_pebble_could_not_split_is_refused_in_the_options_name() {
        for (bad, why) in
            [("sh -c \"oops", "a quote is not closed"), ("# nothing", "only blanks or a comment")]
        {
            let error = config(json!({"command": bad})).unwrap_err().to_string();
            assert!(error.contains("cannot be run") && error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_wrong_environment_is_told_in_the_operators_words() {
        for (bad, place) in [
            ("{A: 1, A: hunter2}", "(a name is given twice, the second time at line 1, column 8)"),
            ("{A: {B: hunter2}}", "(wrong at line 1, column "),
            ("hunter2", "(wrong at line 1, column 1)"),
        ] {
            let error =
                config(json!({"command": "x", "environment": bad})).unwrap_err().to_string();
            assert!(error.contains(place) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn refuses_what_cannot_be_an_environment() {
        for bad in [
            "[a, b]",
            "just text",
            "{A: {B: c}}",
            "{A: 1, A: 2}",
            "{\"A=B\": c}",
            "{'': c}",
            "{A: \"\\0\"}",
            "{A: [1]}",
        ] {
            let error =
                config(json!({"command": "x", "environment": bad})).unwrap_err().to_string();
            assert!(
                error.contains("YAML map") || error.contains("a name must not be"),
                "{bad}: {error}"
            );
        }
    }

    #[test]
    fn the_value_of_a_variable_does_not_show() {
        let shown = config(json!({"command": "x", "environment": "{TOKEN: secret}"})).unwrap();
        assert!(!format!("{shown:?}").contains("secret"), "{shown:?}");
        let refused = config(json!({"command": "x", "environment": "TOKEN: secret\n B: [x"}));
        let error = refused.unwrap_err().to_string();
        assert!(!error.contains("secret") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn a_port_is_a_port() {
        for bad in [json!(-1), json!(65536), json!("80"), json!(80.5)] {
            assert!(config(json!({"command": "x", "port": bad})).is_err());
        }
        let error = config(json!({"command": "x", "port": 65536})).unwrap_err().to_string();
        assert!(error.contains("from 1 to 65535") && !error.contains("65536"), "{error}");
    }

    #[test]
    fn a_text_with_a_nul_is_refused_in_the_options_name() {
        for option in ["working-dir", "user", "group"] {
            let mut options = json!({"command": "x", "user": "web"});
            options[option] = json!("/hunter2\0");
            let error = config(options).unwrap().validate().unwrap_err();
            assert_eq!(error.option(), Some(option), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn names_the_option_that_lacks_its_companion() {
        for (options, option) in [
            (json!({"command": "x", "group": "www"}), "group"),
            (json!({"command": "x", "health-check": "tcp"}), "health-check"),
            (json!({"command": "x", "working-dir": "srv"}), "working-dir"),
        ] {
            let error = config(options).unwrap().validate().unwrap_err().to_string();
            assert!(error.contains(option), "{error}");
        }
    }
}
