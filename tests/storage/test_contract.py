"""Optuna's own contract of a storage, on our subclass: bare, and behind the cache of studies."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from optuna.storages import _CachedStorage
from optuna.study import StudyDirection
from optuna.testing.pytest_storages import StorageTestCase

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from bcsearch.storage import Storage


class TestStorage(StorageTestCase):
    """Every test of Optuna's contract, with the storage of our fixture."""

    def test_pickle_storage(self, storage: BaseStorage) -> None:
        # as Optuna's, but the second storage is closed
        study_id = storage.create_new_study(directions=[StudyDirection.MAXIMIZE])
        storage.set_study_system_attr(study_id, "key", "pickle")
        restored = pickle.loads(pickle.dumps(storage))
        assert restored.get_study_system_attrs(study_id) == {"key": "pickle"}
        ours: Storage = getattr(restored, "_backend", restored)
        assert ours.grace_seconds == 3
        ours.remove_session()
        ours.engine.dispose()


@pytest.mark.slow
class TestCachedStorage(TestStorage):
    """The same behind the cache."""

    @pytest.fixture
    def storage(self, storage: Storage) -> BaseStorage:
        return _CachedStorage(storage)
