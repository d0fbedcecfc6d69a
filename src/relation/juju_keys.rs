//! The keys that Juju itself keeps in a unit's databag.

use super::bag::Databag;

/// The keys that Juju writes to the databag of every unit (Juju 2.9 to 4.1).
const KEYS: [&str; 3] = ["egress-subnets", "ingress-address", "private-address"];

/// Returns `true` if Juju itself writes this key to the databags of units.
pub(crate) fn is_jujus(key: &str) -> bool {
    KEYS.contains(&key)
}

/// Juju's keys are the addresses that Juju itself writes to the databag of every unit when the unit
/// enters a relation. They are apart from the keys of the interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JujuKeys {
    egress_subnets: Option<String>,
    ingress_address: Option<String>,
    private_address: Option<String>,
}

impl JujuKeys {
    pub(crate) fn of(bag: &Databag) -> Self {
        let get = |key: &str| bag.get(key).cloned();
        Self {
            egress_subnets: get("egress-subnets"),
            ingress_address: get("ingress-address"),
            private_address: get("private-address"),
        }
    }

    /// Returns the address at which the unit is reached in this relation: an IP address or a host
    /// name.
    #[must_use]
    pub fn ingress_address(&self) -> Option<&str> {
        self.ingress_address.as_deref()
    }

    /// Returns the address of the unit as older charms read it.
    #[must_use]
    pub fn private_address(&self) -> Option<&str> {
        self.private_address.as_deref()
    }

    /// Iterates over the subnets from which the unit's traffic comes, in CIDR notation.
    pub fn egress_subnets(&self) -> impl Iterator<Item = &str> {
        let subnets = self.egress_subnets.as_deref().unwrap_or_default();
        // Juju writes them as one text, separated by commas.
        subnets.split(',').map(str::trim).filter(|subnet| !subnet.is_empty())
    }
}

/// Returns the databag of a unit without Juju's keys.
pub(crate) fn without_jujus(bag: &Databag) -> Databag {
    let others = bag.iter().filter(|(key, _)| !is_jujus(key));
    others.map(|(key, value)| (key.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jujus_keys_are_apart() {
        let bag: Databag = [
            ("egress-subnets", "10.0.0.5/32, 10.1.0.0/16,"),
            ("ingress-address", "10.0.0.5"),
            ("private-address", "web-0.web-endpoints"),
            ("port", "80"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let juju = JujuKeys::of(&bag);
        assert_eq!(juju.ingress_address(), Some("10.0.0.5"));
        assert_eq!(juju.private_address(), Some("web-0.web-endpoints"));
        assert_eq!(juju.egress_subnets().collect::<Vec<_>>(), ["10.0.0.5/32", "10.1.0.0/16"]);
        assert_eq!(without_jujus(&bag).into_keys().collect::<Vec<_>>(), ["port"]);
        assert_eq!(JujuKeys::of(&Databag::new()), JujuKeys::default());
        assert_eq!(JujuKeys::default().egress_subnets().next(), None);
    }
}
