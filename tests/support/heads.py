"""Whether the head of a card is one that the Hugging Face hub takes, as far as that shows without
a network.
"""

import re

from huggingface_hub import DatasetCard, ModelCard
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
from huggingface_hub.utils import validate_repo_id

BOTH = {"language", "license", "license_name", "tags"}
MODEL = BOTH | {"library_name", "pipeline_tag", "base_model", "base_model_relation", "datasets"}
MODEL |= {"metrics", "model-index"}
DATA = BOTH | {"pretty_name", "size_categories", "task_categories", "configs", "dataset_info"}


def read_model_card(path):
    """The head of a model's card; fails if the hub would refuse it."""
    head = ModelCard.load(path).data.to_dict()
    assert set(head) <= MODEL and {"license", "tags"} <= set(head)
    assert (head["license"] == "other") == ("license_name" in head)
    for name in [*head.get("datasets", []), *filter(None, [head.get("base_model")])]:
        validate_repo_id(name)
    assert head.get("base_model_relation") in (None, "finetune", "quantized")
    if index := head.get("model-index"):
        name, results = model_index_to_eval_results(index)
        assert eval_results_to_model_index(name, results) == index
        assert {result.metric_type for result in results} == set(head["metrics"])
    return head


def read_data_card(path):
    """The head of the card of data; fails if the hub would refuse it."""
    head = DatasetCard.load(path).data.to_dict()
    assert set(head) <= DATA and {"license", "configs", "dataset_info"} <= set(head)
    for config in head["configs"]:
        names = [split["split"] for split in config["data_files"]]
        assert len({*names}) == len(names) and all(re.fullmatch(r"\w+(\.\w+)*", n) for n in names)
    return head
