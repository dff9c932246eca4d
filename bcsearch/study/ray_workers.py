"""Workers on a Ray cluster, one actor each, wherever Ray finds the room for them."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayActorError, RayError

from bcsearch.errors import ConfigError, StorageError
from bcsearch.study.processes import STORAGE, Ended, LocalProcess, started

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROOM_SECONDS = 10.0  # after so long without room for a worker that is said
CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a worker printed since the last call, and how it ended, None while it runs."""

    lines: list[str]
    ended: Ended | None


class NodeWorker:
    """One worker process on the node where Ray has put this actor; it ends when the actor does."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], n_threads: int
    ) -> None:
        self._lines: list[str] = []
        process = started(arguments, environment, n_threads)
        self._process = LocalProcess(process, self._lines.append)

    def told(self) -> Told:
        """Return what came since the last call."""
        ended = self._process.poll()
        if ended is not None:
            self._process.wait()
        n_lines = len(self._lines)  # the reader may add more at any moment
        lines = self._lines[:n_lines]
        del self._lines[:n_lines]
        return Told(lines=lines, ended=ended)

    def terminate(self) -> None:
        """Ask the worker to release its trial and end."""
        self._process.terminate()


@dataclass(frozen=True, slots=True, kw_only=True)
class RayLaunch:
    """Starts workers on a cluster; each asks for so many CPUs and GPUs of a node.

    ``arguments`` are what follows the node's own Python on the command line.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    cpus: float = 1.0
    gpus: float = 0.0

    def __call__(self, tell: Callable[[str], None]) -> RayProcess:
        """Start one, as soon as there is room."""
        actor: Any = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_restarts=0)(NodeWorker)
        n_threads = max(1, round(self.cpus))
        placed = partial(actor.remote, list(self.arguments), dict(self.environment), n_threads)
        return RayProcess(placed, tell, self._request)

    @property
    def _request(self) -> str:
        gpus = f" and {self.gpus:g} GPU" if self.gpus else ""
        return f"{self.cpus:g} CPU{gpus}"


class RayProcess:
    """A worker on a node of the cluster, where ``place`` has put it; see ``WorkerProcess``."""

    def __init__(self, place: Callable[[], Any], tell: Callable[[str], None], request: str) -> None:
        self._place, self._tell, self._request = place, tell, request
        self._begun, self._has_room, self._complained = time.monotonic(), False, False
        self._ended: Ended | None = None
        self._await_room()

    def _await_room(self) -> None:
        self._actor = self._place()
        self._asked = self._actor.told.remote()

    def poll(self) -> Ended | None:
        """Return how it ended; None while it runs, or waits for room."""
        if self._ended is None and ray.wait([self._asked], timeout=0)[0]:
            self._take()
        elif (
            not (self._has_room or self._complained)
            and time.monotonic() - self._begun > ROOM_SECONDS
        ):
            self._tell(f"waits for a node with {self._request} free")
            self._complained = True
        return self._ended

    def terminate(self) -> None:
        """Ask it to release its trial and end."""
        self._actor.terminate.remote()

    def wait(self) -> None:
        """Wait until it has ended, and give back its room.

        One that waits for room itself is given up.
        """
        while self._has_room and self.poll() is None:
            time.sleep(0.1)
        ray.kill(self._actor)

    def _take(self) -> None:
        try:
            told: Told = ray.get(self._asked)
        except RayError as error:  # the node died, or Ray's memory monitor ended the actor
            what = f"lost: {type(error).__name__}"
            if isinstance(error, RayActorError):
                what = "lost with its node"
                if error.actor_init_failed:
                    what = f"lost as it cannot start there: {str(error).strip().splitlines()[-1]}"
                elif not self._has_room:  # Ray chose a node that was dead, but not known to be
                    self._await_room()
                    return
            self._ended = Ended(code=1, lost=what)
            return
        self._has_room = True
        for line in told.lines:
            self._tell(line)
        self._ended = told.ended
        if told.ended is None:
            self._asked = self._actor.told.remote()


@dataclass(frozen=True, slots=True, kw_only=True)
class RayCluster:
    """A cluster that was joined, and what each worker asks of a node."""

    n_machines: int
    cpus: float
    gpus: float

    @classmethod
    def join(cls, address: str | None, *, cpus: float = 1.0, gpus: float = 0.0) -> RayCluster:
        """Join the cluster at ``address``, ``auto`` for that of this machine; None starts one here.

        Raises:
            ConfigError: there is no such cluster.
        """
        try:
            _check_answers(address)
            ray.init(
                address=address or "local",
                log_to_driver=False,
                logging_level=logging.ERROR,
                ignore_reinit_error=True,
            )
        except (OSError, RuntimeError, ValueError) as error:
            said = str(error).strip().splitlines()[0]
            raise ConfigError(
                f"--address: came {address!r}: {said}; start one with 'ray start --head'"
            ) from error
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call] # Ray's own
        machines = {node["NodeManagerAddress"] for node in nodes if node["Alive"]}
        return cls(n_machines=len(machines), cpus=cpus, gpus=gpus)

    def __call__(
        self, arguments: Sequence[str], environment: Mapping[str, str], n_workers: int
    ) -> RayLaunch:
        """Return what starts workers there.

        Raises:
            StorageError: the storage is a file, which workers on other machines do not reach.
        """
        if self.n_machines > 1 and environment[STORAGE].startswith("sqlite"):
            raise StorageError(
                f"the cluster has {self.n_machines} machines, a SQLite file is for one; "
                "give --storage a server, "
                "such as postgresql://user@host/database"
            )
        return RayLaunch(
            arguments=arguments, environment=environment, cpus=self.cpus, gpus=self.gpus
        )


def _check_answers(address: str | None) -> None:
    """Connect to a cluster's ``host:port``: where none is, Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
