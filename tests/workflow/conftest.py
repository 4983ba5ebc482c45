"""Plugins in tests: those of tests/cases/plugins, and files written for a test."""

import pytest
from pipeline import ROOT

from prmscale import plugins


@pytest.fixture
def load(monkeypatch, tmp_path):
    """Load the case of this name, or a file of this text; returns its path. None is left after the
    test.
    """
    loaded = {}
    monkeypatch.setattr(plugins, "_loaded", loaded)

    def load(name, text=None):
        file = ROOT / f"tests/cases/plugins/{name}.py"
        if text is not None:
            file = tmp_path / f"{name}.py"
            file.write_text(text)
        plugins.load(str(file))
        return str(file)

    yield load
    for plugin in loaded.values():
        plugin.forget()
