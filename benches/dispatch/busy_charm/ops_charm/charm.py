"""This charm is the busier charm on ops, as an author writes it: the same config, databags, secret, layers, port and status as the charm in Rust."""

import os

import ops


class Busy(ops.CharmBase):
    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        database = self.on["database"]
        for event in (
            self.on.install,
            self.on.start,
            self.on.update_status,
            self.on.upgrade_charm,
            self.on.config_changed,
            self.on.leader_elected,
            self.on["web"].pebble_ready,
            self.on["worker"].pebble_ready,
            database.relation_created,
            database.relation_joined,
            database.relation_changed,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on.collect_unit_status, self._collect_status)

    def _reconcile(self, event: ops.EventBase) -> None:
        port = int(self.config["port"])
        self.unit.set_ports(port)
        relation = self.model.get_relation("database")
        if relation is None:
            return
        relation.data[self.unit]["version"] = "1"
        if self.unit.is_leader():
            relation.data[self.app].update({"database": self.app.name, "roles": "reader"})
        answer = relation.data[relation.app]
        if "endpoints" not in answer or "secret-user" not in answer:
            return
        servers = [relation.data[unit]["address"] for unit in sorted(relation.units, key=lambda unit: unit.name) if "address" in relation.data[unit]]
        login = self.model.get_secret(id=answer["secret-user"]).get_content(refresh=True)
        environment = {
            "DATABASE": answer["endpoints"],
            "DATABASE_SERVERS": ",".join(servers),
            "DATABASE_USER": login["username"],
            "DATABASE_PASSWORD": login["password"],
            "LOG_LEVEL": str(self.config["log-level"]),
        }
        self._start("web", {**environment, "PORT": str(port)})
        self._start("worker", {**environment, "WORKERS": str(self.config["workers"])})

    def _start(self, name: str, environment: dict[str, str]) -> None:
        service: ops.pebble.ServiceDict = {
            "override": "replace",
            "summary": name,
            "command": "sleep 1000000",
            "startup": "enabled",
            "environment": environment,
        }
        container = self.unit.get_container(name)
        try:
            container.add_layer(name, ops.pebble.Layer({"summary": "busy", "services": {name: service}}), combine=True)
            container.replan()
        except ops.pebble.ConnectionError:
            return  # pebble-ready comes

    def _collect_status(self, event: ops.CollectStatusEvent) -> None:
        if self.model.get_relation("database") is None:
            event.add_status(ops.BlockedStatus("relate this application to a database"))
        for name in ("web", "worker"):
            try:
                service = self.unit.get_container(name).get_services(name).get(name)
            except (ops.pebble.ConnectionError, ops.pebble.APIError):
                event.add_status(ops.WaitingStatus("waiting for Pebble"))
                continue
            if service is None or not service.is_running():
                event.add_status(ops.WaitingStatus(f"{name} does not run"))
        event.add_status(ops.ActiveStatus())


def here(name: str) -> str:
    """Returns the path of a container's socket. ops uses a fixed folder, which does not exist outside a pod."""
    return os.path.join(os.environ["CHARMWRIGHT_CONTAINERS"], name, "pebble.socket")


if __name__ == "__main__":
    backend = ops.model._ModelBackend
    backend.get_pebble = lambda self, path: ops.pebble.Client(socket_path=here(path.split("/")[-2]))
    ops.main(Busy)
