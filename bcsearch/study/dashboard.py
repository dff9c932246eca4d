"""Optuna's dashboard on the studies of a database, for this machine alone.

Imports optuna-dashboard, lower floors.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import optuna_dashboard

from bcsearch.errors import ConfigError
from bcsearch.objective.figures import FigureStore
from bcsearch.storage import Storage, list_studies
from bcsearch.storage.engine import plain_errors
from bcsearch.storage.urls import checked

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
UPLOADS = "dashboard"  # the folder, beside those of the studies, of what is added in the browser


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
def open_dashboard(url: str, files_dir: Path, port: int) -> Iterator[Dashboard]:
    """Listen on a port of this machine, or on any free one for 0.

    ``files_dir`` holds the studies' figures.

    Raises:
        StudyError: nothing was ever run on this database; it is not created.
        StorageError: the database cannot be used.
        ConfigError: the port cannot be had.
    """
    studies = list_studies(url)
    elsewhere = [Path(study.files) for study in studies if study.files]
    with plain_errors(checked(url)):
        storage = Storage(url)
        app = optuna_dashboard.wsgi(
            storage, artifact_store=FigureStore(files_dir / UPLOADS, elsewhere)
        )
        try:
            server = make_server(HOST, port, app, server_class=_Server, handler_class=_Silent)
        except OSError as error:
            raise ConfigError(
                f"--port: {port} cannot be had ({error.strerror}); choose another"
            ) from error
        try:
            yield Dashboard(server=server, n_studies=len(studies))
        finally:
            server.server_close()
            storage.engine.dispose()


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each request in a thread; none outlives the command."""

    daemon_threads = True


class _Silent(WSGIRequestHandler):
    """Does not print every request."""

    def log_message(self, format: str, *args: object) -> None:
        pass
