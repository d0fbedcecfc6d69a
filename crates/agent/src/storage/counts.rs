//! The rules for the number of a storage's instances on one unit, in Juju's words.
//!
//! Source: Juju 3.6, `state/storage.go`.

use crate::storage_meta::StorageMeta;

/// A change of the number of instances.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Attach(u64),
    DetachOne,
}

/// Refuses a number of instances that the charm does not want for a new unit.
///
/// # Errors
/// Returns Juju's text.
pub(crate) fn check_count(storage: &StorageMeta, count: u64) -> Result<(), String> {
    if storage.is_singular() && count != 1 {
        return Err(format!("storage is singular, {count} specified"));
    }
    if count < storage.count_min {
        return Err(format!("{} instances required, {count} specified", storage.count_min));
    }
    match storage.count_max {
        Some(most) if count > most => {
            Err(format!("at most {most} instances supported, {count} specified"))
        }
        _ => Ok(()),
    }
}

/// Refuses a change after which a unit would have fewer or more instances than the charm wants.
/// `current` is the present number.
///
/// # Errors
/// Returns Juju's text.
pub(crate) fn check_count_change(
    storage: &StorageMeta,
    current: u64,
    change: Change,
) -> Result<(), String> {
    let (action, number, count) = match change {
        Change::Attach(number) => ("attach", number, current.saturating_add(number)),
        Change::DetachOne => ("detach", 1, current.saturating_sub(1)),
    };
    if storage.is_singular() && count != 1 {
        return Err(format!("cannot {action}, storage is singular"));
    }
    let plural = if number == 1 { "" } else { "s" };
    let total =
        format!("{action}ing {number} storage instance{plural} brings the total to {count}");
    if count < storage.count_min {
        return Err(format!("{total}, which is less than the minimum of {}", storage.count_min));
    }
    match storage.count_max {
        Some(most) if count > most => Err(format!("{total}, exceeding the maximum of {most}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CharmMeta;

    #[test]
    fn a_number_outside_the_range_is_refused_in_jujus_words() {
        let meta = CharmMeta::parse(
            "name: web\nsummary: s\ndescription: d\nstorage:\n\
             \x20 one: {type: filesystem}\n  few: {type: block, multiple: {range: 2-3}}\n\
             \x20 any: {type: block, multiple: {range: 0-}}\n",
            None,
            None,
        )
        .unwrap();
        let of = |name: &str| &meta.storages()[name];
        for (name, count, error) in [
            ("one", 1, None),
            ("one", 0, Some("storage is singular, 0 specified")),
            ("one", 2, Some("storage is singular, 2 specified")),
            ("few", 1, Some("2 instances required, 1 specified")),
            ("few", 3, None),
            ("few", 4, Some("at most 3 instances supported, 4 specified")),
            ("any", 0, None),
            ("any", 1_000, None),
        ] {
            let checked = check_count(of(name), count);
            assert_eq!(checked.err().as_deref(), error, "{name} {count}");
        }
        for (name, current, change, error) in [
            ("one", 1, Change::Attach(1), Some("cannot attach, storage is singular")),
            ("one", 1, Change::DetachOne, Some("cannot detach, storage is singular")),
            ("one", 0, Change::Attach(1), None),
            (
                "few",
                2,
                Change::DetachOne,
                Some(
                    "detaching 1 storage instance brings the total to 1, which is less than the \
                     minimum of 2",
                ),
            ),
            (
                "few",
                2,
                Change::Attach(2),
                Some(
                    "attaching 2 storage instances brings the total to 4, exceeding the maximum \
                     of 3",
                ),
            ),
            ("few", 2, Change::Attach(1), None),
            ("any", 1, Change::DetachOne, None),
            ("any", 9, Change::Attach(u64::MAX), None),
        ] {
            let checked = check_count_change(of(name), current, change);
            assert_eq!(checked.err().as_deref(), error, "{name} {current} {change:?}");
        }
    }
}
