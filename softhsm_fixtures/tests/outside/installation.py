# SPDX-License-Identifier: BSD-2-Clause
"""An installed copy of the kit in a temporary folder, as somebody outside the tree has it."""
import os
import pathlib
import subprocess


def install(build, root):
    """Installs the build below `root`; returns the prefix."""
    done = subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--destdir", str(root)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"meson install failed:\n{done.stdout}{done.stderr}")
    command, = root.rglob("bin/softhsm-fixture")
    return command.parent.parent


def environment(prefix, others):
    """What finds the installation: others' variables, but none that lead into the build folder."""
    found = {name: value for name, value in others.items() if not name.startswith("SOFTHSM_FIXTURE")}
    config, = {path.parent for path in prefix.rglob("softhsm-fixtures.pc")}
    folders = [str(config), *filter(None, [os.environ.get("PKG_CONFIG_PATH")])]
    libraries, = {path.parent for path in prefix.rglob("libsofthsm_fixtures.*") if not path.is_symlink()}
    found.update(PATH=f"{prefix}/bin:{found['PATH']}", PKG_CONFIG_PATH=":".join(folders), CMAKE_PREFIX_PATH=str(prefix),
                 LD_LIBRARY_PATH=str(libraries),
                 # What is compiled is not for keeping, and there may be no home to keep a cache in.
                 CCACHE_DISABLE="1")
    return found


def resolved(path):
    return pathlib.Path(path).resolve()
