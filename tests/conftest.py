"""The environment of every test: offline, and with a temporary home folder.

Libraries write settings and caches below the home folder, Ray its sessions below `RAY_TMPDIR`.
Child processes (kernels, JupyterLab, Ray's workers, the command line) inherit both.
"""

import os
import tempfile

_HOME = tempfile.TemporaryDirectory(prefix="zcalc-", ignore_cleanup_errors=True)
for _name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR", "IPYTHONDIR"):
    os.environ.pop(_name, None)
os.environ |= {
    "HOME": _HOME.name,
    "ZCALC_CACHE": os.path.join(_HOME.name, "zcalc"),  # shared by all tests of a run
    "HF_HUB_OFFLINE": "1",
    "RAY_TMPDIR": _HOME.name,
    "RAY_USAGE_STATS_ENABLED": "0",
}
