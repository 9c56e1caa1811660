#!/usr/bin/env python3
"""Many pods at once, as a node starts and ends them, for tests/bench/clients.sh.

	load.py PODS PARALLEL HANDLER...

Starts PODS pods of one container on each handler, in batches of PARALLEL at once, the
handlers in turn; when all run, it counts them and removes them in the same way. Prints
"HANDLER start SECONDS remove SECONDS" for each: the time that its batches took.
"""
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cri import call  # noqa: E402

IMAGE = "localhost/test-image:1"


def pod_start(handler, name):
    config = {"metadata": {"name": name, "uid": name, "namespace": "load"},
              "hostname": name, "linux": {"cgroup_parent": "/kubepods/" + name}}
    pod = call("RunPodSandbox", runtime_handler=handler, config=config).pod_sandbox_id
    container = call("CreateContainer", pod_sandbox_id=pod, sandbox_config=config,
                     config={"metadata": {"name": "main"}, "image": {"image": IMAGE},
                             "command": ["sleep", "1000"], "linux": {}}).container_id
    call("StartContainer", container_id=container)
    return pod


def pod_remove(pod):
    call("StopPodSandbox", pod_sandbox_id=pod)
    call("RemovePodSandbox", pod_sandbox_id=pod)


def batch(parallel, function, *arguments):
    began = time.monotonic()
    with ThreadPoolExecutor(parallel) as pool:
        results = list(pool.map(function, *arguments))
    return results, time.monotonic() - began


def main(count, parallel, *handlers):
    count, parallel = int(count), int(parallel)
    pods = {handler: [] for handler in handlers}
    took = {handler: {"start": 0.0, "remove": 0.0} for handler in handlers}
    for first in range(0, count, parallel):
        numbers = range(first, min(first + parallel, count))
        for handler in handlers:
            started, seconds = batch(parallel, pod_start, [handler] * len(numbers),
                                     [f"{handler}-{number}" for number in numbers])
            pods[handler] += started
            took[handler]["start"] += seconds
    states = [pod.state for pod in call("ListPodSandbox").items]
    if len(states) != count * len(handlers) or any(states):  # 0: SANDBOX_READY
        sys.exit(f"load.py: {len(states)} pods in the states {set(states)}")
    for first in range(0, count, parallel):
        for handler in handlers:
            _, seconds = batch(parallel, pod_remove, pods[handler][first:first + parallel])
            took[handler]["remove"] += seconds
    for handler in handlers:
        print(f"{handler} start {took[handler]['start']:.1f} "
              f"remove {took[handler]['remove']:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
