"""Optuna's dashboard on the studies of a database, for this machine alone.

The server is ours, as ``optuna_dashboard.run_server`` cannot name the port that it found free,
prints every request, and ends only with its process.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna_dashboard
from optuna.storages import get_storage

from bcsearch.artifacts.figures import FigureStore
from bcsearch.errors import ConfigError
from bcsearch.storage import Storage, list_studies
from bcsearch.storage.database_errors import plain_errors
from bcsearch.storage.urls import checked
from bcsearch.study.trial_files import TrialDrawer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
READS = ("GET", "HEAD")  # methods that change nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dashboard:
    """A dashboard that listens and is not served yet."""

    server: WSGIServer
    n_studies: int

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.server.server_port}/"

    def serve(self) -> None:
        """Answer until Ctrl-C."""
        try:
            self.server.serve_forever()
        except KeyboardInterrupt:
            return


@contextmanager
def open_dashboard(
    url: str, files_dir: Path, port: int, *, may_change: bool = False
) -> Iterator[Dashboard]:
    """Listen on a port of this machine, or on any free one for 0.

    ``files_dir`` holds the folders of the studies' files, of which figures are drawn. What is added
    in the browser is kept beside them, in the folder ``dashboard``: that, and deleting and renaming
    studies, only where it ``may_change`` them.

    Raises:
        StudyError: nothing was ever run on this database; it is not created.
        StorageError: the database cannot be used.
        ConfigError: the port cannot be used.
    """
    studies = list_studies(url)
    elsewhere = [Path(study.files) for study in studies if study.files]
    with plain_errors(checked(url)):
        storage = Storage(url)
        draw = TrialDrawer(storage, files_dir)
        store = FigureStore(files_dir / "dashboard", elsewhere, draw)
        kept = get_storage(storage)  # which reads finished trials once, not at every look
        app = _Guarded(optuna_dashboard.wsgi(kept, artifact_store=store), may_change)
        try:
            server = make_server(HOST, port, app, server_class=_Server, handler_class=_Silent)
        except OSError as error:
            raise ConfigError(
                f"--port: {port} cannot be used ({error.strerror}); choose another"
            ) from error
        try:
            yield Dashboard(server=server, n_studies=len(studies))
        finally:
            server.server_close()
            storage.engine.dispose()


class _Guarded:
    """Refuses what pages of other sites ask for, and changes where they are not allowed.

    A page whose name leads to this machine would be answered as the dashboard's own, but for the
    Host header, in which its name stands.
    """

    def __init__(self, app: WSGIApplication, may_change: bool) -> None:
        self._app, self._may_change = app, may_change

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        reason = self._reason_against(environ)
        if not reason:
            return self._app(environ, start)
        body = reason.encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        start("403 Forbidden", headers)
        return [body]

    def _reason_against(self, environ: WSGIEnvironment) -> str:
        """Return why a request is refused; nothing where it is not."""
        hosts = [f"{name}:{environ['SERVER_PORT']}" for name in (HOST, "localhost")]
        origins = [f"http://{host}" for host in hosts]
        if environ.get("HTTP_HOST") not in hosts:
            return f"open http://{hosts[0]}/: the dashboard answers under no other name"
        if environ.get("HTTP_ORIGIN", origins[0]) not in origins:
            return "the dashboard does not answer to pages of other sites"
        if environ["REQUEST_METHOD"] not in READS and not self._may_change:
            return "nothing can be changed here: start 'bcsearch dashboard' with --allow-changes"
        return ""


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread; none outlives the command."""

    daemon_threads = True


class _Silent(WSGIRequestHandler):
    """Does not print every request."""

    def log_message(self, format: str, *args: object) -> None:
        pass
