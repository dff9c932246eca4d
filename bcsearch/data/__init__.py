"""Datasets from arrays, folders and tables of images and from drawn cells, and their folds."""

from bcsearch.data.dataset import Dataset
from bcsearch.data.image_set import ImageSet
from bcsearch.data.info import DataInfo, describe
from bcsearch.data.source import load_dataset, load_for_study, load_images, load_unlabelled

__all__ = [
    "DataInfo",
    "Dataset",
    "ImageSet",
    "describe",
    "load_dataset",
    "load_for_study",
    "load_images",
    "load_unlabelled",
]
