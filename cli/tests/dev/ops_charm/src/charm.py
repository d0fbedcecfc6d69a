"""This charm shares a secret with its peers, as authors of charms on ops write it.

The leader makes a password once and stores it as a secret of the application. Its id and a cookie are in the application's databag
of the peer relation, where every unit finds them.
"""

import secrets

import ops

PEERS = "ring"
LABEL = "admin"


class Shop(ops.CharmBase):
    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        ring = self.on[PEERS]
        for event in (
            self.on.leader_elected,
            self.on.config_changed,
            self.on.start,
            ring.relation_created,
            ring.relation_changed,
            ring.relation_departed,
            self.on.secret_changed,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on["rotate-password"].action, self._rotate)

    def _reconcile(self, _: ops.EventBase):
        ring = self.model.get_relation(PEERS)
        if ring is None:
            self.unit.status = ops.WaitingStatus("for the peer relation")
            return
        ring.data[self.unit]["hostname"] = self.unit.name.replace("/", "-")
        if self.unit.is_leader():
            self._share(ring)
        shared = ring.data[self.app]
        if "admin-secret" not in shared:
            self.unit.status = ops.WaitingStatus("for the leader")
            return
        secret = self.model.get_secret(id=shared["admin-secret"], label=LABEL)
        content = secret.get_content(refresh=True)
        hosts = sorted(ring.data[unit].get("hostname", "?") for unit in ring.units | {self.unit})
        self.unit.status = ops.ActiveStatus(
            f"{content['username']} {content['password'][:4]}, cookie {shared['cookie']}, {' '.join(hosts)},"
            f" {self.app.planned_units()} planned"
        )

    def _share(self, ring: ops.Relation):
        shared = ring.data[self.app]
        shared["cookie"] = "chocolate"
        if "admin-secret" in shared:
            # It is there from an earlier hook, and is found by its label.
            self.model.get_secret(label=LABEL)
            return
        content = {"username": "admin", "password": f"one-{secrets.token_hex(16)}"}
        shared["admin-secret"] = self.app.add_secret(content, label=LABEL).id

    def _rotate(self, event: ops.ActionEvent):
        secret = self.model.get_secret(label=LABEL)
        secret.set_content({"username": "admin", "password": f"two-{secrets.token_hex(16)}"})
        event.set_results({"secret": secret.id})


if __name__ == "__main__":
    ops.main(Shop)
