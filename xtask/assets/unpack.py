"""Unpacks the CPU part of libtorch from wheels.

Usage: unpack.py WHEELS DESTINATION LIBRARY...

Writes DESTINATION/include, DESTINATION/lib with the named libraries, and the licences that came with them.
"""

import pathlib
import shutil
import sys
import zipfile

INCLUDE = "torch/include/"


def place(name, libraries):
    """Where a member of a wheel goes below the destination, or None if it is not wanted."""
    path = pathlib.PurePosixPath(name)
    if name.startswith(INCLUDE):
        return pathlib.Path("include", name[len(INCLUDE):])
    if path.name in libraries and path.parent.name == "lib":
        return pathlib.Path("lib", path.name)
    if path.parts[0].endswith(".dist-info") and "license" in name.lower():
        return pathlib.Path("licenses", *path.parts)
    return None


def main():
    wheels, destination, libraries = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), set(sys.argv[3:])
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                where = None if member.is_dir() else place(member.filename, libraries)
                if where is not None:
                    target = destination / where
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(member) as source, open(target, "wb") as sink:
                        shutil.copyfileobj(source, sink, 1 << 20)


main()
