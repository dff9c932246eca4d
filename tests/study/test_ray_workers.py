"""Workers on a real Ray cluster of several nodes, all on this machine, of which one is killed."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
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


def await_work(folder: Path, heard: Recorder) -> None:
    """Wait until both workers have begun a trial and have been heard of."""
    diary = folder / "diary.jsonl"
    working: set[int] = set()
    speaking: set[str] = set()
    while not (len(working) == len(speaking) == 2):
        time.sleep(0.05)
        lines = diary.read_text().splitlines(keepends=True) if diary.exists() else []
        events = [json.loads(line) for line in lines if line.endswith("\n")]
        working = {event["pid"] for event in events if "Started" in event["event"]}
        speaking = {text.partition(": ")[0] for text in told(heard)} & {"worker 0", "worker 1"}


def test_worker_of_a_node_that_died_is_placed_on_another_and_the_budget_stays_exact(
    cluster: Nodes, folder: Path
) -> None:
    heard = Recorder()
    watched = supervisor(*fake_workers(folder, 0.2, 16), cluster.address, heard)

    with ThreadPoolExecutor(1) as threads:  # Ray adds nodes in the main thread only
        running = threads.submit(watched.run)
        await_work(folder, heard)
        cluster.kill(cluster.first)
        cluster.add(1)
        assert running.result() is True
    record = read_study(f"sqlite:///{folder / 'study.db'}", "cells")
    assert record.slots_filled == 16
    assert record.count(TrialState.RUNNING) == 0
    assert sum("was lost with its node; starting it again" in text for text in told(heard)) == 1


def test_ctrl_c_releases_the_trials_of_all_workers(cluster: Nodes, folder: Path) -> None:
    heard = Recorder()
    interrupts = Interrupts(heard)
    watched = supervisor(
        *fake_workers(folder, 0.5, 60), cluster.address, heard, interrupts=interrupts
    )

    def stop() -> None:
        await_work(folder, heard)
        interrupts.asked = True

    Thread(target=stop, daemon=True).start()
    assert watched.run() is False
    record = read_study(f"sqlite:///{folder / 'study.db'}", "cells")
    assert record.count(TrialState.RUNNING) == record.count(TrialState.FAIL) == 0


class Scripted:
    """Actors that answer as they are told to: each once, with what came or what became of it."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.n_placed = 0

    def place(self) -> Any:
        self.n_placed += 1
        return SimpleNamespace(told=SimpleNamespace(remote=lambda: None))

    def get(self, _: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_worker_placed_on_a_dead_node_is_placed_again_and_only_what_began_can_be_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from ray.exceptions import ActorDiedError

    lines: list[str] = []
    began = ray_workers.Told(lines=["here"], ended=None)
    actors = Scripted(ActorDiedError(), ActorDiedError(), began, ActorDiedError())
    monkeypatch.setattr(ray_workers.ray, "wait", lambda asked, timeout: (asked, []))
    monkeypatch.setattr(ray_workers.ray, "get", actors.get)
    process = ray_workers.RayProcess(actors.place, lines.append, "1 CPU")
    assert [process.poll() for _ in range(3)] == [None] * 3
    assert (actors.n_placed, lines) == (3, ["here"])
    ended = process.poll()
    assert ended is not None
    assert ended.lost == "lost with its node"


def test_worker_that_cannot_start_on_a_node_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.exceptions import RayActorError

    said = "The actor died because of an error raised in its creation task\nValueError: no"
    actors = Scripted(RayActorError(error_msg=said, actor_init_failed=True))
    monkeypatch.setattr(ray_workers.ray, "wait", lambda asked, timeout: (asked, []))
    monkeypatch.setattr(ray_workers.ray, "get", actors.get)
    ended = ray_workers.RayProcess(actors.place, print, "1 CPU").poll()
    assert ended is not None
    assert ended.lost == "lost as it cannot start there: ValueError: no"


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
