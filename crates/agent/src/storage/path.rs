//! [`StoragePlace`] says where the charm finds the instances of a storage.

use charmwright_juju::{StorageId, StorageKind};

use crate::storage_meta::StorageMeta;

/// The directory in which Juju mounts a storage for which the charm declares no location.
const DIRECTORY: &str = "/var/lib/juju/storage";

/// The rule by which the instances of one storage have their locations.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoragePlace<'a> {
    /// The directory of the caller's, in which every instance is, whatever the charm declares.
    pub(crate) directory: Option<&'a str>,
    pub(crate) meta: &'a StorageMeta,
}

impl StoragePlace<'_> {
    /// Returns the location of an instance.
    ///
    /// A location that the charm declares is that of the only instance, or else the directory of
    /// all of them (Juju 3.6). The path of a block device depends on the machine, so that any would
    /// do here.
    pub(crate) fn of(&self, id: &StorageId) -> String {
        if let Some(directory) = self.directory {
            return format!("{}/{id}", directory.trim_end_matches('/'));
        }
        if self.meta.kind == StorageKind::Block {
            return format!("/dev/loop{}", id.number());
        }
        match self.meta.location.as_str() {
            "" => format!("{DIRECTORY}/{id}"),
            location if self.meta.count_max == Some(1) => location.to_owned(),
            location => format!("{}/{id}", location.trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CharmMeta;

    #[test]
    fn a_location_is_that_of_the_only_instance_or_the_directory_of_all() {
        let meta = CharmMeta::parse(
            "name: web\nsummary: s\ndescription: d\nstorage:\n\
             \x20 plain: {type: filesystem}\n  one: {type: filesystem, location: /srv/one}\n\
             \x20 many: {type: filesystem, location: /srv/many/, multiple: {range: 0-}}\n\
             \x20 disk: {type: block}\n",
            None,
            None,
        )
        .unwrap();
        for (name, directory, location) in [
            ("plain", None, "/var/lib/juju/storage/plain/3"),
            ("one", None, "/srv/one"),
            ("many", None, "/srv/many/many/3"),
            ("disk", None, "/dev/loop3"),
            ("one", Some("/tmp/dev/"), "/tmp/dev/one/3"),
            ("disk", Some("/tmp/dev"), "/tmp/dev/disk/3"),
        ] {
            let place = StoragePlace { directory, meta: &meta.storages()[name] };
            assert_eq!(place.of(&format!("{name}/3").parse().unwrap()), location);
        }
    }
}
