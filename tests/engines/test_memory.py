"""Memory of models in use, and the GPUs that jobs ask for, by numbers computed by hand."""

import json

import pytest
from model_configs import PYTHIA_1B, QWEN_72B, QWEN_HALF_B

from prmscale.engines import memory
from prmscale.engines.memory import Need, Size

# as in the config.json that is published with each

SMALL = Size(weights=10**9, cached=1000)


def test_the_size_is_read_from_the_configuration():
    # 80 layers of 2 * 8192² + 2 * 8192 * 1024 + 3 * 8192 * 29568, and two tables of 152064 * 8192;
    # published: 72.7 B
    assert memory.size(QWEN_72B) == Size(80 * 877_658_112 + 2_491_416_576, cached=2 * 80 * 8 * 128)
    # published: 494 M, of which 73 k are biases and norms
    assert memory.size(QWEN_HALF_B).weights == 493_961_216
    assert memory.size({**QWEN_HALF_B, "head_dim": 128}).cached == 2 * 24 * 2 * 128
    assert memory.size({**QWEN_72B, "num_experts": 8}) is None
    assert memory.size({"model_type": "gpt2", "n_layer": 12}) is None
    # Pythia has no gate in its MLP; published: 1,011,781,632, of which 430 k are biases and norms
    assert memory.size(PYTHIA_1B).weights == 1_011_351_552


def test_what_each_use_takes():
    assert memory.generating(SMALL, "bfloat16", batch=100, tokens=976) == Need(
        2.0, 2.0 + 2 * 1000 * 100 * 2000 / 1e9
    )
    assert memory.reading(SMALL, copies=3) == Need(12.0, 12.0)
    assert memory.training(SMALL, "adamw") == Need(4.0, 16.0, saved=4.0)
    assert memory.training(SMALL, "muon") == Need(4.0, 12.0)


@pytest.mark.parametrize(
    ("needs", "gpu_memory", "gpus"),
    [
        # 145.4 GB of weights, 0.33 MB a token: 64 sequences of 1024 + 2048 tokens add 64.4 GB
        ([memory.generating(memory.size(QWEN_72B), "bfloat16", 64, 2048)], 80, 4),
        ([memory.generating(memory.size(QWEN_72B), "bfloat16", 1, 1)], 96, 2),
        ([memory.training(memory.size(QWEN_HALF_B), "adamw")], 80, 1),  # 7.9 GB
        ([memory.training(memory.size(QWEN_HALF_B), "adamw")], 8, 2),
        (
            [Need(30, 40), Need(30, 40)],
            80,
            2,
        ),  # a policy and a reward model together: 80 of 72 usable GB
        ([Need(30, 36), Need(30, 36)], 80, 1),
        ([Need(200, 200, gpus=1)], 80, 1),  # the user knows better
        ([Need(gpus=3), Need(10, 10)], 80, 3),
        ([Need()], 80, 1),  # nothing is known of it
    ],
)
def test_gpus_hold_what_is_in_use_together(needs, gpu_memory, gpus):
    assert memory.gpus(needs, gpu_memory, per_node=8) == gpus


@pytest.mark.parametrize(
    ("total", "per_node", "gpus", "nodes"),
    [(0, 8, 1, 1), (500, 8, 8, 1), (1163, 8, 32, 4), (500, 6, 12, 2), (100, 1, 2, 2)],
)
def test_what_a_node_cannot_hold_takes_whole_nodes(total, per_node, gpus, nodes):
    asked = memory.gpus([Need(total, total)], 80, per_node)
    assert (asked, memory.nodes(asked, per_node)) == (gpus, nodes)


def test_only_what_lies_here_is_read(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(QWEN_HALF_B))
    assert memory.read_size(str(tmp_path)) == memory.size(QWEN_HALF_B)
    for name in ("nobody/has-this", "gpt2", "package:nothing", "results/x/policies/y/converted"):
        assert memory.read_size(name) is None


def test_an_engine_with_a_cache_asks_room_for_it_in_reading():
    assert memory.reading(SMALL, copies=2, tokens=10**6) == Need(
        weights=8.0, total=8.0 + 2 * 4 * 1000 * 10**6 / 1e9
    )
