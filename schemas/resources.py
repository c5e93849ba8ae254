"""What a worker holds while it works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resources:
    """What one worker of a stage holds; `cpus` is also the number of threads its libraries may use."""

    cpus: int = 1
    gpus: float = 0

    @classmethod
    def on(cls, device: str) -> "Resources":
        """A core, and the GPU where torch's `device` is one."""
        return cls(gpus=1.0 if device.startswith("cuda") else 0.0)
