"""This peer repeats one operation with ops.pebble: client.py SOCKET OPERATION WARM-UP COUNT [TARGET [SOURCE]].

It prints the lines that ../driver.rs documents.
"""

import os
import signal
import sys
import time

import ops.pebble

PHASES: dict[str, int] = {}


def phase(name: str, took: int) -> None:
    PHASES[name] = PHASES.get(name, 0) + took


def pull(client: ops.pebble.Client, path: str) -> None:
    pulled = 0
    with client.pull(path, encoding=None) as content:
        while chunk := content.read(1 << 16):
            pulled += len(chunk)
    if pulled != os.path.getsize(path):
        raise RuntimeError(f"{pulled} of {os.path.getsize(path)} bytes came")


def push(client: ops.pebble.Client, target: str, source: str) -> None:
    with open(source, "rb") as content:
        client.push(target, content)


def execute(client: ops.pebble.Client) -> None:
    start = time.monotonic_ns()
    process = client.exec(["/bin/true"])
    connected = time.monotonic_ns()
    process.wait_output()
    phase("request and websockets connected", connected - start)
    phase("output ended and change ready", time.monotonic_ns() - connected)


OPERATIONS = {
    "system-info": lambda client: client.get_system_info(),
    "services": lambda client: client.get_services(),
    "plan": lambda client: client.get_plan(),
    "pull": pull,
    "push": push,
    "exec": execute,
}


def main(socket: str, operation: str, warm_up: str, count: str, *files: str) -> None:
    client = ops.pebble.Client(socket_path=socket)
    once = OPERATIONS[operation]
    # The benchmark sets a time limit for an operation that takes minutes. SIGALRM then ends the process, and the wait status says so.
    signal.alarm(int(os.environ.get("BENCH_PATIENCE", "0")))
    for _ in range(int(warm_up)):
        once(client, *files)
    PHASES.clear()
    cpu = time.process_time_ns()
    start = time.monotonic_ns()
    for _ in range(int(count)):
        once(client, *files)
    elapsed = time.monotonic_ns() - start
    print("elapsed", elapsed)
    print("cpu", time.process_time_ns() - cpu)
    for name, took in PHASES.items():
        print("phase", took // int(count), name)


if __name__ == "__main__":
    main(*sys.argv[1:])
