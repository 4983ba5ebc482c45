"""Whatever stands at a key, the configuration is accepted or its faults are told."""

import copy
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline import ROOT

from prmscale import configuration
from prmscale.errors import UserError

CONFIG = configuration.read_yaml(ROOT / "config.yaml")


def list_places(node, place=()):
    """The places of all values below a node of the configuration."""
    keys = range(len(node)) if isinstance(node, list) else node if isinstance(node, dict) else ()
    for key in keys:
        yield (*place, key)
        yield from list_places(node[key], (*place, key))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
SCALARS |= st.sampled_from(["m", "arithmetic", "monte_carlo", "../x", "1e-5", "package:a", "a/b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3),
    max_leaves=5,
)


def put(node, place, value):
    """Put a value at a place below a node, if it is still there."""
    key, *rest = place
    with suppress(TypeError, KeyError, IndexError):
        if rest:
            put(node[key], rest, value)
        else:
            node[key] = value


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from([*list_places(CONFIG)]), VALUES), min_size=1, max_size=3))
def test_any_value_at_any_key(changes):
    config = copy.deepcopy(CONFIG)
    for place, value in changes:
        put(config, place, value)
    try:
        configuration.load(config)
    except UserError as error:
        assert str(error).startswith("The configuration cannot be used:")
