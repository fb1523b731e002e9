"""The environment of every test: offline, and with a temporary home folder.

Libraries write settings and caches below the home folder, Ray its sessions below `RAY_TMPDIR`.
Child processes (kernels, JupyterLab, Ray's workers, the command line) inherit both.
"""

import os
import tempfile
from pathlib import Path

_HOME = tempfile.TemporaryDirectory(prefix="zcalc-", ignore_cleanup_errors=True)
for _name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MPLCONFIGDIR", "IPYTHONDIR"):
    os.environ.pop(_name, None)
os.environ |= {
    "HOME": _HOME.name,
    "ZCALC_CACHE": str(Path(_HOME.name, "zcalc")),  # shared by all tests of a run
    "HF_HUB_OFFLINE": "1",
    "RAY_TMPDIR": _HOME.name,
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9",  # Ray also reports that they are off
}
# Without this file Ray's dashboard asks cloud metadata servers where it runs, statistics or not.
Path(_HOME.name, "ray_bootstrap_config.yaml").write_text("{}")
