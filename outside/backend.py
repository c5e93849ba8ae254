"""The base of backends in another environment: the interpreter, the device, and the child process.

class Segmenter(Backend, base.Segmenter):
    package, script = "pyannote.audio", "diarize_pyannote.py"
"""

import threading
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from weft.outside.process import TIME_LIMIT, Outside, OutsideFault, installed
from weft.schemas.resources import Resources
from weft.schemas.settings import NOT_IN_FINGERPRINT, Settings


class Backend(Settings):
    """`python` is the interpreter of an environment that has `package` ("" for weft's own); `device` is a torch device.
    A child that needs more than `time_limit` seconds to start or to answer is killed, and the work fails.
    """

    package: ClassVar[str]
    script: ClassVar[str]

    python: Annotated[str, NOT_IN_FINGERPRINT] = ""
    device: Annotated[str, NOT_IN_FINGERPRINT] = "cpu"
    time_limit: Annotated[float, NOT_IN_FINGERPRINT] = Field(default=TIME_LIMIT, gt=0, le=threading.TIMEOUT_MAX)

    _child: Outside = PrivateAttr()

    @model_validator(mode="after")
    def _is_there(self) -> "Backend":
        installed(self.python, self.package)
        return self

    @property
    def installed(self) -> str:
        """The package and its version, such as `whisperx-3.8.6`."""
        return f"{self.package}-{installed(self.python, self.package)}"

    @property
    def resources(self) -> Resources:
        """The resources of one worker."""
        return Resources.on(self.device)

    def start(self, **settings: Any) -> None:
        """Starts the child with these settings and the device. Raises ValueError when it does not start."""
        try:
            self._child = Outside(
                python=self.python,
                script=self.script,
                settings={**settings, "device": self.device},
                seconds=self.time_limit,
            )
        except OutsideFault as fault:
            raise ValueError(f"{self.package} does not start: {fault}") from None

    def ask(self, samples: np.ndarray, **question: Any) -> dict[str, Any]:
        """The child's answer about samples (float32 [n]). Raises OutsideFault, and Unusable for samples that the child cannot use."""
        return self._child.ask(question, samples)
