"""torchaudio's CPU code asks for two CUDA libraries by name. Where there is no CUDA, ones that fail when called will do.

stub(folder)  ->  both made with the C compiler and loaded; children that find `folder` on PYTHONPATH load them too
"""

import ctypes
import os
import subprocess
from pathlib import Path

_LIBRARIES = ("libc10_cuda.so", "libtorch_cuda.so")
_FUNCTIONS = (  # that torchaudio 2.11 looks up in them
    "aoti_torch_get_current_cuda_stream", "torch_c10_cuda_check_msg", "torch_c10_cuda_free_error_msg",
    "torch_cuda_stream_synchronize", "torch_get_cuda_stream_from_pool", "torch_set_current_cuda_stream",
)  # fmt: skip
_SITE = """import ctypes
for name in {libraries!r}:
    ctypes.CDLL(name, ctypes.RTLD_GLOBAL)
"""


def stub(folder: Path) -> None:
    (folder / "stubs.c").write_text("".join(f"int {name}(void) {{ return 1; }}\n" for name in _FUNCTIONS))
    libraries = [str(folder / name) for name in _LIBRARIES]
    for library in libraries:
        flags = ["-shared", "-fPIC", f"-Wl,-soname,{Path(library).name}"]
        subprocess.run(["cc", *flags, "-o", library, str(folder / "stubs.c")], check=True)
        ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
    (folder / "sitecustomize.py").write_text(_SITE.format(libraries=libraries))
    os.environ["PYTHONPATH"] = str(folder)
