"""Plugins: Python files outside the package whose parts have names in the configuration.

`load` runs a file once in a process. The file registers its parts by the decorators beside the
registries: `tasks.registry.register_task`, `search.register_strategy` and `register_tree_strategy`,
`engines.backends.released_scorer.register_format`, `labels.methods.register_label_method`.

The params of a job hold the plugins whose names it uses, each with the fingerprint of its content
(`find_used`): a changed plugin changes the params, so that Snakemake runs these jobs again and no
unfinished work of theirs is resumed.
"""

from __future__ import annotations

import inspect
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from prmscale.errors import UserError
from prmscale.files import fingerprint
from prmscale.study import PLUGIN_NAME, REGISTERED, Kind, list_names


@dataclass(frozen=True)
class _Loaded:
    """A plugin of this process: its path as first named, its fingerprint, and where its parts are:
    tables and the name that each has there.
    """

    path: str
    key: str
    entries: list[tuple[dict[str, Any], str]] = field(default_factory=list)

    def forget(self) -> None:
        """Remove its parts from all tables."""
        for table, name in self.entries:
            table.pop(name, None)


_loaded: dict[Path, _Loaded] = {}
_loading: list[_Loaded] = []  # the plugin whose file runs now


def load(path: str) -> str:
    """Run a plugin's file, unless this process has run the same content; returns its fingerprint.

    Raises UserError with path, line and reason if the file cannot be read or run; none of its parts
    is registered then.
    """
    file = _resolve(path)
    try:
        source = file.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    key = fingerprint(source)
    if file in _loaded:
        if _loaded[file].key == key:
            return key
        _loaded.pop(file).forget()
    plugin = _Loaded(path, key)
    try:
        with _explain(path, file):
            _run(plugin, file, source)
    except UserError:
        plugin.forget()
        raise
    _loaded[file] = plugin
    return key


def _resolve(path: str) -> Path:
    return Path(path).expanduser().resolve()


def load_unchanged(plugins: Mapping[str, str]) -> None:
    """Load plugins (path: fingerprint), as a job does; raises UserError if one has other content
    now.
    """
    for path, key in plugins.items():
        if load(path) != key:
            raise UserError(
                f"{path}: this plugin has changed since the run was planned. Start the run again: "
                "the jobs that use it will run with the new one"
            )


def find_used(used: Mapping[Kind, Iterable[str]]) -> dict[str, str]:
    """The plugins that registered any of these names, by kind: path, and fingerprint as loaded."""
    paths = {path for kind, names in used.items() for path in _find_paths(kind, names)}
    return {path: _loaded[_resolve(path)].key for path in sorted(paths)}


def _find_paths(kind: Kind, names: Iterable[str]) -> Iterator[str]:
    return (REGISTERED[kind][name] for name in names if name in REGISTERED[kind])


def register(
    kind: Kind, name: str, *entries: tuple[dict[str, Any], Any], taken: Iterable[str] = ()
) -> None:
    """Enter a part of the plugin that is being loaded: (table, value) for each table that has it.

    Raises UserError if the name has another form than the names of the package, or is that of
    another part or in `taken`.
    """
    words = f"{kind.replace('_', ' ')} {name!r}"
    if not _loading:
        raise UserError(f"{words}: parts are registered by plugins.load(FILE) alone")
    if not re.fullmatch(PLUGIN_NAME, name):
        raise UserError(f"{words}: a name consists of a-z, 0-9 and _, and begins with a letter")
    if name in (*list_names(kind), *taken):
        owner = REGISTERED[kind].get(name)
        where = f" in {owner}" if owner else ""
        raise UserError(f"{words}: this name is taken{where}: choose another")
    plugin = _loading[-1]
    for table, value in ((REGISTERED[kind], plugin.path), *entries):
        table[name] = value
        plugin.entries.append((table, name))


def check_generator(part: Callable[..., Any], *arguments: str) -> None:
    """Raise UserError unless a part is a generator function of these positional arguments."""
    check_call(part, *arguments)
    if not inspect.isgeneratorfunction(part):
        raise UserError(
            f"{part.__name__} must be a generator: it yields requests, its own or those of another "
            "strategy (yield from other(...))"
        )


def check_call(part: Callable[..., Any], *arguments: str) -> None:
    """Raise UserError unless a part can be called with these positional arguments."""
    try:
        inspect.signature(part).bind(*arguments)
    except TypeError as error:
        raise UserError(
            f"{getattr(part, '__name__', part)} must take the arguments ({', '.join(arguments)}): "
            f"{error}"
        ) from None


def _run(plugin: _Loaded, file: Path, source: bytes) -> None:
    """Run the file as a module of its own name, so that dataclasses and pickling find it."""
    module = ModuleType(f"prmscale_plugin_{file.stem}_{plugin.key}")
    module.__file__ = str(file)
    before = set(sys.modules)
    sys.modules[module.__name__] = module
    _loading.append(plugin)
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)
    finally:
        _loading.pop()
    for name in set(sys.modules) - before:
        beside = getattr(sys.modules[name], "__file__", None)
        if "." not in name and beside and _is_beside(Path(beside), file):
            raise UserError(
                f"it imports {beside}, and no job would notice changes there: move the code into "
                "the plugin, or install it as a package"
            )


def _is_beside(module: Path, plugin: Path) -> bool:
    """Whether a module, or the package that it opens, is another file of the plugin's folder."""
    folder = module.parent.parent if module.name == "__init__.py" else module.parent
    return module.resolve() != plugin and folder.resolve() == plugin.parent


@contextmanager
def _explain(path: str, file: Path) -> Iterator[None]:
    """Turn what goes wrong while a file runs into a UserError that begins with PATH:LINE."""
    try:
        yield
    except SyntaxError as error:
        if error.filename != str(file):
            raise UserError(f"{_place(path, file, error)}: {error}") from error
        raise UserError(f"{path}:{error.lineno}: not valid Python: {error.msg}") from None
    except UserError as error:
        raise UserError(f"{_place(path, file, error)}: {error}") from None
    except ModuleNotFoundError as error:
        raise UserError(
            f"{_place(path, file, error)}: {error}. A plugin is one file; what it imports must be "
            "installed in the environment of the jobs"
        ) from error
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"{_place(path, file, error)}: the plugin fails: {reason}") from error


def _place(path: str, file: Path, error: BaseException) -> str:
    """PATH:LINE of the last line of the file that led to an error; PATH if none did."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    return f"{path}:{lines[-1]}" if lines else path
