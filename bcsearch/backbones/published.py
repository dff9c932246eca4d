"""Files of ImageNet weights that Keras publishes, fetched once into Keras's own folder.

Sizes, files and digests are those of the files without the top that Keras 3.15.1 loads
(``keras/src/applications``).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bcsearch.errors import DiskError, WeightsError
from bcsearch.fetch import NotFetchedError, fetch, is_whole

MIRROR = "BCSEARCH_WEIGHTS_URL"  # the address of a folder that holds the same files


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One file: its name, the address of its folder, its digest after ``md5:`` or ``sha256:``."""

    file: str
    folder: str
    known_hash: str

    @property
    def url(self) -> str:
        """Where it is fetched from: its folder, or the mirror."""
        folder = os.environ.get(MIRROR) or self.folder
        return f"{folder.rstrip('/')}/{self.file}"

    @property
    def path(self) -> Path:
        """Where Keras keeps it."""
        home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        return Path(home) / "models" / self.file

    def is_kept(self) -> bool:
        """Return whether it is on this machine; whether it is damaged is seen when it is used."""
        return self.path.is_file()

    def fetch(self) -> Path:
        """Return the file, fetched where it is not kept; while another process fetches it, wait.

        Raises:
            WeightsError: it cannot be fetched, or what was kept or fetched is damaged.
        """
        if not self.is_kept():
            self._download()
        if not is_whole(self.path, self.known_hash):
            raise WeightsError(
                f"weights {self.path} are damaged; remove the file to fetch it again"
            )
        return self.path

    def _download(self) -> None:
        try:
            fetch(self.url, self.known_hash, self.path)
        except DiskError as error:
            raise WeightsError(str(error)) from error
        except NotFetchedError as error:
            raise WeightsError(
                f"cannot fetch {self.url} ({error}); fetch it on another machine and put it into "
                f"{self.path.parent}, or set {MIRROR} to a server that has it"
            ) from error


class Variant(NamedTuple):
    """A member of a family: the end of its name, its class in keras.applications, its digest."""

    name: str
    make: str
    natural_size: int
    known_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Networks that are published and built alike.

    Attributes:
        prefix: of their names.
        file: the name of a file of weights, ``{}`` standing for the variant's name.
        folder: under ``https://storage.googleapis.com/``.
    """

    prefix: str
    file: str
    folder: str
    variants: tuple[Variant, ...]

    def published(self, variant: Variant) -> Published:
        """Return the file of one of its variants."""
        return Published(
            file=self.file.format(variant.name),
            folder=f"https://storage.googleapis.com/{self.folder}",
            known_hash=variant.known_hash,
        )


FAMILIES = (
    Family(
        prefix="resnet",
        file="resnet{}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="tensorflow/keras-applications/resnet",
        variants=(Variant("50v2", "ResNet50V2", 224, "md5:fac2f116257151a9d068a22e544a4917"),),
    ),
    Family(
        prefix="vgg",
        file="vgg{}_weights_tf_dim_ordering_tf_kernels_notop.h5",
        folder="tensorflow/keras-applications/vgg19",
        variants=(Variant("19", "VGG19", 224, "md5:253f8cb515780f3b799900260a226db6"),),
    ),
    Family(
        prefix="mobilenetv3_",
        file="weights_mobilenet_v3_{}_224_1.0_float_no_top_v2.h5",
        folder="tensorflow/keras-applications/mobilenet_v3",
        variants=(
            Variant("small", "MobileNetV3Small", 224, "md5:d3e8ec802a04aa4fc771ee12a9a9b836"),
            Variant("large", "MobileNetV3Large", 224, "md5:07fb09a5933dd0c8eaafa16978110389"),
        ),
    ),
    Family(
        prefix="efficientnet_",
        file="efficientnet{}_notop.h5",
        folder="keras-applications",
        variants=(
            Variant("b0", "EfficientNetB0", 224, "md5:50bc09e76180e00e4465e1a485ddc09d"),
            Variant("b1", "EfficientNetB1", 240, "md5:74c4e6b3e1f6a1eea24c589628592432"),
            Variant("b2", "EfficientNetB2", 260, "md5:111f8e2ac8aa800a7a99e3239f7bfb39"),
            Variant("b3", "EfficientNetB3", 300, "md5:af6d107764bb5b1abb91932881670226"),
            Variant("b4", "EfficientNetB4", 380, "md5:ebc24e6d6c33eaebbd558eafbeedf1ba"),
            Variant("b5", "EfficientNetB5", 456, "md5:38879255a25d3c92d5e44e04ae6cec6f"),
            Variant("b6", "EfficientNetB6", 528, "md5:9ecce42647a20130c1f39a5d4cb75743"),
            Variant("b7", "EfficientNetB7", 600, "md5:cbcfe4450ddf6f3ad90b1b398090fe4a"),
        ),
    ),
    Family(
        prefix="efficientnetv2_",
        file="efficientnetv2-{}_notop.h5",
        folder="tensorflow/keras-applications/efficientnet_v2",
        variants=(
            Variant("b0", "EfficientNetV2B0", 224, "md5:893217f2bb855e2983157299931e43ff"),
            Variant("s", "EfficientNetV2S", 384, "md5:af0682fb74e8c54910f2d4393339c070"),
            Variant("m", "EfficientNetV2M", 480, "md5:1b8dc055df72dde80d614482840fe342"),
            Variant("l", "EfficientNetV2L", 480, "md5:b0b66b5c863aef5b46e8608fe1711615"),
        ),
    ),
    Family(
        prefix="convnext_",
        file="convnext_{}_notop.h5",
        folder="tensorflow/keras-applications/convnext",
        variants=(
            Variant(
                "tiny",
                "ConvNeXtTiny",
                224,
                "sha256:d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
            ),
            Variant(
                "small",
                "ConvNeXtSmall",
                224,
                "sha256:6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
            ),
            Variant(
                "base",
                "ConvNeXtBase",
                224,
                "sha256:40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
            ),
            Variant(
                "large",
                "ConvNeXtLarge",
                224,
                "sha256:96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
            ),
            Variant(
                "xlarge",
                "ConvNeXtXLarge",
                224,
                "sha256:de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
            ),
        ),
    ),
)
