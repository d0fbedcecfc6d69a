"""This charm is any-workload-k8s on ops, as an author writes it, with the same config, layer, check, port and status as the charm in Rust.

ops has no call for Pebble's checks/refresh. This charm makes one request less for that reason, which is to its advantage in the benchmark.
"""

import os
import shlex

import ops
import yaml


class BadConfig(Exception):
    """An option has a value that only the user can correct. The unit's status shows the text."""


class AnyWorkload(ops.CharmBase):
    def __init__(self, framework: ops.Framework):
        super().__init__(framework)
        self.workload = self.unit.get_container("workload")
        for event in (
            self.on.install,
            self.on.upgrade_charm,
            self.on.config_changed,
            self.on["workload"].pebble_ready,
        ):
            framework.observe(event, self._reconcile)
        framework.observe(self.on["restart"].action, self._restart)
        framework.observe(self.on.collect_unit_status, self._collect_status)

    def _port(self) -> int:
        port = int(self.config.get("port", 0))
        if not 0 <= port <= 65535:
            raise BadConfig("port: must be from 0 to 65535")
        return port

    def _environment(self) -> dict[str, str]:
        text = str(self.config.get("environment", ""))
        try:
            values = yaml.safe_load(text) or {}
        except yaml.YAMLError as error:
            raise BadConfig("environment: must be a YAML map") from error
        if not isinstance(values, dict):
            raise BadConfig("environment: must be a YAML map")
        environment = {str(name): str(value) for name, value in values.items()}
        if self._port():
            environment.setdefault("PORT", str(self._port()))
        return environment

    def _check(self) -> dict:
        text = str(self.config.get("health-check", ""))
        if not text:
            return {}
        check: dict = {"override": "replace", "level": "ready", "period": "10s"}
        if text == "tcp":
            check["tcp"] = {"port": self._port()}
        elif text.startswith("http:/"):
            check["http"] = {"url": f"http://localhost:{self._port()}{text[5:]}"}
        elif text.startswith("exec:"):
            check["exec"] = {"command": text[5:]}
        else:
            raise BadConfig("health-check: must be http:/PATH, tcp or exec:COMMAND")
        return {"workload": check}

    def _layer(self) -> ops.pebble.Layer:
        command = str(self.config.get("command", ""))
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise BadConfig(f"command: {error}") from error
        if not words:
            raise BadConfig("command: must be set")
        service = {
            "override": "replace",
            "summary": "The workload of any-workload-k8s",
            "command": command,
            "startup": "enabled",
            "environment": self._environment(),
        }
        for option in ("working-dir", "user", "group"):
            if value := self.config.get(option):
                service[option] = str(value)
        return ops.pebble.Layer({"summary": "any-workload-k8s", "services": {"workload": service}, "checks": self._check()})

    def _reconcile(self, event: ops.EventBase) -> None:
        try:
            layer = self._layer()
        except BadConfig:
            return  # collect-status says so
        try:
            self.workload.add_layer("workload", layer, combine=True)
            self.workload.replan()
        except ops.pebble.ConnectionError:
            return  # pebble-ready comes
        port = self._port()
        self.unit.set_ports(*([port] if port else []))

    def _restart(self, event: ops.ActionEvent) -> None:
        self.workload.restart("workload")

    def _collect_status(self, event: ops.CollectStatusEvent) -> None:
        try:
            self._layer()
        except BadConfig as error:
            event.add_status(ops.BlockedStatus(str(error)))
            return
        try:
            services = self.workload.get_services("workload")
            checks = self.workload.get_checks("workload")
        except (ops.pebble.ConnectionError, ops.pebble.APIError):
            event.add_status(ops.WaitingStatus("waiting for Pebble"))
            return
        service = services.get("workload")
        if service is None or not service.is_running():
            event.add_status(ops.WaitingStatus("the workload is not running"))
        if any(check.status == ops.pebble.CheckStatus.DOWN for check in checks.values()):
            event.add_status(ops.BlockedStatus("the health check fails"))
        event.add_status(ops.ActiveStatus())


def here(name: str) -> str:
    """Returns the path of a container's socket. ops uses a fixed folder, which does not exist outside a pod."""
    return os.path.join(os.environ["CHARMWRIGHT_CONTAINERS"], name, "pebble.socket")


if __name__ == "__main__":
    backend = ops.model._ModelBackend
    backend.get_pebble = lambda self, path: ops.pebble.Client(socket_path=here(path.split("/")[-2]))
    ops.main(AnyWorkload)
