"""Workers on a real Ray cluster of several nodes, all on this machine, of which one is killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from bcsearch.errors import ConfigError, StorageError
from bcsearch.records import TrialState
from bcsearch.storage import read_study
from bcsearch.study.interrupts import Interrupts
from bcsearch.study.processes import STORAGE
from bcsearch.study.supervisor import Supervisor
from tests.fakes import Recorder
from tests.study.test_supervisor import fake_workers, folder, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["folder"]  # a fixture
ray_workers = pytest.importorskip(
    "bcsearch.study.ray_workers", reason="needs Ray, of bcsearch[ray]"
)
pytestmark = pytest.mark.slow
HOST = "127.0.0.2"  # this machine; Ray would put the public address in the place of 127.0.0.1
ROOT = Path(__file__).parents[2]


class Nodes:
    """A cluster on this machine: its first node has no room for workers, two have one CPU each."""

    def __init__(self) -> None:
        from ray import cluster_utils

        head = {"num_cpus": 0, "include_dashboard": False, "node_ip_address": HOST}
        self._cluster: Any = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
        self.first, _ = self.add(1), self.add(1)
        self.address: str = self._cluster.address

    def add(self, n_cpus: int) -> Any:
        return self._cluster.add_node(num_cpus=n_cpus, node_ip_address=HOST)

    def kill(self, node: Any) -> None:
        self._cluster.remove_node(node, allow_graceful=False)

    def shutdown(self) -> None:
        self._cluster.shutdown()


@pytest.fixture
def cluster() -> Iterator[Nodes]:
    import ray

    made = Nodes()
    yield made
    ray.shutdown()
    made.shutdown()


def supervisor(
    words: list[str], is_done: Callable[[], bool], address: str, heard: Recorder, **more: Any
) -> Supervisor:
    joined = ray_workers.RayCluster.join(address)
    launch = joined(words, {"PYTHONPATH": str(ROOT), STORAGE: "sqlite:///study.db"}, 2)
    parts = {"interrupts": Interrupts(heard), **more}
    return Supervisor(launch=launch, n_workers=2, is_done=is_done, listener=heard, **parts)


def await_work(folder: Path) -> None:
    diary = folder / "diary.jsonl"
    while not diary.exists() or diary.read_text().count("Started") < 4:
        time.sleep(0.05)


def test_worker_of_a_node_that_died_is_placed_on_another_and_the_budget_stays_exact(
    cluster: Nodes, folder: Path
) -> None:
    heard = Recorder()
    watched = supervisor(*fake_workers(folder, 0.2, 16), cluster.address, heard)

    with ThreadPoolExecutor(1) as threads:  # Ray adds nodes in the main thread only
        running = threads.submit(watched.run)
        await_work(folder)
        cluster.kill(cluster.first)
        cluster.add(1)
        assert running.result() is True
    record = read_study(f"sqlite:///{folder / 'study.db'}", "cells")
    assert record.slots_filled == 16
    assert record.count(TrialState.RUNNING) == 0
    assert sum("was lost with its node; starting it again" in text for text in told(heard)) == 1
    assert any(text.startswith("worker 0: ") for text in told(heard))
    assert any(text.startswith("worker 1: ") for text in told(heard))


def test_ctrl_c_releases_the_trials_of_all_workers(cluster: Nodes, folder: Path) -> None:
    heard = Recorder()
    interrupts = Interrupts(heard)
    watched = supervisor(
        *fake_workers(folder, 0.5, 60), cluster.address, heard, interrupts=interrupts
    )

    def stop() -> None:
        await_work(folder)
        interrupts.asked = True

    Thread(target=stop, daemon=True).start()
    assert watched.run() is False
    record = read_study(f"sqlite:///{folder / 'study.db'}", "cells")
    assert record.count(TrialState.RUNNING) == record.count(TrialState.FAIL) == 0


def test_worker_without_room_says_so_and_waits(
    cluster: Nodes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_workers, "ROOM_SECONDS", 0.5)
    lines: list[str] = []
    ray_workers.RayCluster.join(cluster.address)
    launch = ray_workers.RayLaunch(arguments=["-c", "print('here')"], environment={}, cpus=3.0)
    process = launch(lines.append)
    while not lines:
        assert process.poll() is None
        time.sleep(0.1)
    assert lines == ["waits for a node with 3 CPU free"]
    cluster.add(4)
    while process.poll() is None:
        time.sleep(0.1)
    assert lines[1:] == ["here"]
    process.wait()


def test_address_without_a_cluster_is_one_line() -> None:
    with pytest.raises(
        ConfigError, match=r"--address: came '127.0.0.1:1': .*; start one with 'ray start --head'"
    ):
        ray_workers.RayCluster.join("127.0.0.1:1")


def test_file_as_storage_is_refused_on_several_machines() -> None:
    joined = ray_workers.RayCluster(n_machines=2, cpus=1.0, gpus=0.0)
    with pytest.raises(StorageError, match="2 machines, a SQLite file is for one"):
        joined([], {STORAGE: "sqlite:///study.db"}, 2)
    assert joined([], {STORAGE: "postgresql://me@host/studies"}, 2).cpus == 1.0
