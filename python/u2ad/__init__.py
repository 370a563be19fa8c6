"""Runs u2ad's scripts from Python, and reads what they found.

The work is done by the program u2ad, which comes with this module. `run` starts a script; `read_findings` reads the
scores that the script exported. All other results are files in open formats in the folder of the run.
"""

import os
import pathlib
import subprocess
import sys
import sysconfig
import threading

__all__ = ["read_findings", "run"]

# What the program writes to standard error in front of the folder of a run.
_KEPT = "kept in "


def run(script, **parameters):
    """Runs a script from start to end, as `u2ad run` does, and returns the folder of the run as a pathlib.Path.

    script: the path of a script (.star).
    parameters: what the script reads with `parameter("name", default)`: numbers, texts, booleans or paths.

    What the script prints goes to sys.stdout, and progress, notes and warnings go to sys.stderr, while it runs. An
    interrupt stops the script at its next batch and keeps what was written.

    Raises RuntimeError with the program's message if the script fails, and TypeError for a parameter of another type.
    """
    command = [str(_program()), "run", os.fspath(script)]
    for name, value in parameters.items():
        command += ["-p", f"{name}={_written(name, value)}"]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    told = []
    readers = [
        threading.Thread(target=_forward, args=(process.stdout, sys.stdout, [])),
        threading.Thread(target=_forward, args=(process.stderr, sys.stderr, told)),
    ]
    for reader in readers:
        reader.start()
    try:
        code = process.wait()
    except BaseException:
        # The program needs a moment to write its record. From a terminal it was interrupted already.
        if process.poll() is None:
            process.terminate()
        process.wait()
        raise
    finally:
        for reader in readers:
            reader.join()
    if code != 0:
        raise RuntimeError(f"{script} ended with exit code {code}:\n{''.join(told).strip()}")
    folders = [line[len(_KEPT) :].strip() for line in told if line.startswith(_KEPT)]
    if not folders:
        raise RuntimeError(f"{script} ran, but the program did not say where its results are:\n{''.join(told).strip()}")
    return pathlib.Path(folders[-1])


def read_findings(folder):
    """Reads the scores of a folder that `export(found, folder)` wrote, as a pandas.DataFrame.

    One row per patient and one per segment, as the column `level` says. Missing values are what the table calls n/a.

    Raises ImportError without pandas, and FileNotFoundError if the folder holds no scores.tsv.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError("u2ad.read_findings needs pandas: pip install pandas") from error
    path = pathlib.Path(folder) / "scores.tsv"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; give the folder that export(found, folder) wrote")
    # A subject may be called 001 or NA.
    names = {"participant_id": str, "segment": str, "lesion": str, "remarks": str}
    return pandas.read_csv(path, sep="\t", dtype=names, keep_default_na=False, na_values=["n/a"])


def _program():
    """The program that was installed with this module; it need not be on the search path."""
    name = "u2ad.exe" if os.name == "nt" else "u2ad"
    places = [pathlib.Path(sysconfig.get_path("scripts")), pathlib.Path(sys.executable).parent]
    # pip install --user, and pip install --target.
    user = sysconfig.get_path("scripts", f"{os.name}_user")
    places += [pathlib.Path(user), pathlib.Path(__file__).parents[1] / "bin"]
    for place in places:
        if (place / name).is_file():
            return place / name
    raise RuntimeError(f"the program {name} is not beside this module; install the wheel of u2ad again")


def _written(name, value):
    """A parameter as the command line takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"the parameter {name} must be a number, text, boolean or path, not {type(value).__name__}")


def _forward(source, target, kept):
    """Writes lines as they come, and keeps them."""
    with source:
        for line in source:
            kept.append(line)
            target.write(line)
            target.flush()
