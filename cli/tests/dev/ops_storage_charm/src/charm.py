"""This charm counts its hooks in a storage, asks for more storage, and reads a resource.

It does so as authors of charms on ops write it.
"""

import ops


class Notes(ops.CharmBase):
    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        for event in (
            self.on.data_storage_attached,
            self.on.cache_storage_attached,
            self.on.start,
            self.on.upgrade_charm,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.cache_storage_detaching, self._leave)
        framework.observe(self.on["add-cache"].action, self._add_cache)

    def _reconcile(self, event: ops.EventBase):
        if isinstance(event, ops.StorageAttachedEvent):
            (event.storage.location / "id").write_text(event.storage.full_id)
        kept = (self.model.storages["data"][0].location / "id").read_text()
        caches = " ".join(sorted(cache.full_id for cache in self.model.storages["cache"]))
        plugin = self.model.resources.fetch("plugin").read_text().strip()
        self.unit.status = ops.ActiveStatus(f"plugin {plugin}, {kept}, caches {caches or 'none'}")

    def _leave(self, event: ops.StorageDetachingEvent):
        kept = (event.storage.location / "id").read_text()
        self.unit.status = ops.MaintenanceStatus(f"leaves {kept}")

    def _add_cache(self, _: ops.ActionEvent):
        self.model.storages.request("cache", 1)


if __name__ == "__main__":
    ops.main(Notes)
