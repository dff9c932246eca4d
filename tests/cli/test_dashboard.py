"""``bcsearch dashboard`` as a process: where it listens, how it ends, what it refuses."""

from __future__ import annotations

import json
import signal
import socket
from contextlib import closing
from http.client import HTTPConnection
from threading import Event, Thread
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import psutil
import pytest
from optuna.artifacts import get_all_artifact_meta

from bcsearch.records import TrialState
from tests.dashboard import Served, serve
from tests.fakes import FakeTrainer, make_plan, make_worker, open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bcsearch.study.session import Session
    from tests.cli.conftest import Answer

    Run = Callable[..., Answer]

PLAN = make_plan()
JSON = "application/json"


@pytest.fixture
def session(workdir: Path) -> Session:
    """Return an empty study of thirty trials in the default place, in a database of its own."""
    (workdir / "results").mkdir()
    return open_session(workdir / "results", PLAN, trials=30)


@pytest.fixture
def served(session: Session) -> Iterator[Served]:
    with serve(session.results) as served:
        yield served


def get(address: str) -> Any:
    with urlopen(address, timeout=30) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_ctrl_c_ends_it_well_and_in_silence(served: Served) -> None:
    assert served.printed == f"1 study: open {served.address} in a browser; Ctrl-C ends this\n"
    assert [
        study["study_name"] for study in get(f"{served.address}api/studies")["study_summaries"]
    ] == ["cells"]
    served.process.send_signal(signal.SIGINT)
    out, err = served.process.communicate(timeout=30)
    assert (served.process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_it_listens_on_this_machine_alone(served: Served) -> None:
    connections = psutil.Process(served.process.pid).net_connections()
    listening = {
        connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def answer(served: Served, method: str, path: str, **headers: str) -> int:
    """Return the status of a request to the port, whatever its headers say."""
    port = urlsplit(served.address).port
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, body="{}", headers={"Content-Type": JSON, **headers})
        return connection.getresponse().status


@pytest.mark.slow
def test_it_answers_only_its_own_pages_and_changes_nothing_unless_allowed(
    session: Session,
) -> None:
    with serve(session.results) as served:
        own = served.address.rstrip("/")
        port = urlsplit(own).port
        cases: list[tuple[int, str, dict[str, str]]] = [
            (200, "GET", {}),
            (200, "GET", {"Host": f"localhost:{port}", "Origin": own}),
            (403, "GET", {"Host": "evil.example"}),
            (403, "GET", {"Host": f"evil.example:{port}"}),
            (403, "GET", {"Host": f"127.0.0.1.evil.example:{port}"}),
            (403, "GET", {"Host": ""}),
            (403, "GET", {"Origin": "http://evil.example"}),
            (403, "GET", {"Origin": "null"}),
            (403, "DELETE", {}),
            (403, "PUT", {"Origin": own}),
            (403, "POST", {"Host": "evil.example"}),
        ]
        for expected, method, headers in cases:
            assert answer(served, method, "/api/studies/1", **headers) == expected, headers
        assert len(get(f"{served.address}api/studies")["study_summaries"]) == 1
    with serve(session.results, "--allow-changes") as served:
        assert answer(served, "DELETE", "/api/studies/1", Host="evil.example") == 403
        assert answer(served, "DELETE", "/api/studies/1", Origin="http://evil.example") == 403
        assert answer(served, "DELETE", "/api/studies/1") == 204
        assert get(f"{served.address}api/studies")["study_summaries"] == []


@pytest.mark.slow
def test_workers_go_on_undisturbed_while_it_is_looked_at(served: Served, session: Session) -> None:
    done, seen = Event(), []

    def look() -> None:
        while not done.is_set():
            seen.append(len(get(f"{served.address}api/studies/1")["trials"]))

    watcher = Thread(target=look)
    watcher.start()
    try:
        assert make_worker(session, PLAN, FakeTrainer(seconds=0.005)).run()
    finally:
        done.set()
        watcher.join()
    assert session.record().count(TrialState.COMPLETE) == len(session.record().trials) == 30
    assert len(seen) > 5
    assert seen == sorted(seen)


@pytest.mark.slow
def test_figure_is_drawn_when_it_is_opened(served: Served, session: Session) -> None:
    make_worker(session, PLAN, FakeTrainer()).run()
    session.artifacts.save_labels(np.array([0, 0, 1, 1]), ("round", "flat"))
    (artifact,) = get_all_artifact_meta(session.study.trials[3], storage=session.storage)
    with urlopen(f"{served.address}artifacts/1/4/{artifact.artifact_id}", timeout=60) as answer:
        assert answer.headers["Content-Type"] == "image/svg+xml"
        figure = answer.read().decode()
    assert "Trial 3: complete after 5 epochs, best accuracy" in figure
    assert "of 4 images right, out of fold" in figure


@pytest.mark.slow
@pytest.mark.parametrize("name", ["0-0-0", "..%2f..%2fstudy.db"])
def test_what_is_no_artifact_of_a_trial_is_not_served(
    name: str, served: Served, session: Session
) -> None:
    session.study.enqueue_trial({})
    with pytest.raises(HTTPError) as caught:
        urlopen(f"{served.address}artifacts/1/1/{name}", timeout=30)
    with closing(caught.value):
        assert caught.value.code == 404


def refused(run: Run, texts: tuple[str, ...], *arguments: str) -> None:
    answer = run("dashboard", *arguments)
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    for text in ("error: ", *texts):
        assert text in answer.err


def test_missing_database_is_refused_and_not_made(workdir: Path, bcsearch: Run) -> None:
    refused(bcsearch, ("no study was ever run", "results/bcsearch.db", "bcsearch run"))
    assert not list(workdir.iterdir())


def test_file_that_is_no_database_is_refused(workdir: Path, bcsearch: Run) -> None:
    (workdir / "my.db").write_text("hello, I am no database at all\n" * 99)
    refused(bcsearch, ("my.db", "not a database"), "--storage", "my.db")


def test_server_out_of_reach_is_refused_without_its_password(bcsearch: Run) -> None:
    url = "postgresql://me:secret@127.0.0.1:1/cells"
    answer = bcsearch("dashboard", "--storage", url)
    assert answer.code == 2
    assert "postgresql://me:***@127.0.0.1:1/cells" in answer.err
    assert "secret" not in answer.err + answer.out


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_port_that_does_not_exist_is_refused(port: str, bcsearch: Run) -> None:
    refused(bcsearch, (f"--port: came '{port}', allowed: ",), "--port", port)


def test_busy_port_is_refused(session: Session, bcsearch: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        storage = str(session.results / "study.db")
        words = (f"--port: {port} cannot be used (Address already in use); choose another",)
        refused(bcsearch, words, "--storage", storage, "--port", port)
