"""TRL's PRMTrainer as benchmarks/training_peer.py runs it, in `.venv-trl`, which has no prmscale.

Run as `trl_training.py FOLDER`. The folder holds the base (`base/`), the labelled solutions
(`rows.jsonl`) and the settings (`settings.json`); the trained model goes to `model/`, and its
processor's seconds are printed.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.update({"TRL_EXPERIMENTAL_SILENCE": "1", "HF_HUB_OFFLINE": "1"})

import torch
from datasets import Dataset
from transformers import AutoModelForTokenClassification, AutoTokenizer
from trl.experimental.prm import PRMConfig, PRMTrainer


def main() -> None:
    """Train on the rows and print the seconds of the training alone."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    settings = json.loads((folder / "settings.json").read_text())
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    tokenizer = AutoTokenizer.from_pretrained(folder / "base")
    torch.manual_seed(settings["seed"])
    model = AutoModelForTokenClassification.from_pretrained(folder / "base", num_labels=2)
    config = PRMConfig(
        output_dir=str(folder / "trainer"),
        seed=settings["seed"],
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=settings["batch"],
        max_steps=settings["steps"],
        learning_rate=settings["learning_rate"],
        lr_scheduler_type="cosine_with_min_lr",
        lr_scheduler_kwargs={"min_lr_rate": 0.1},
        warmup_steps=round(0.05 * settings["steps"]),
        adam_beta2=0.95,
        weight_decay=0.0,
        max_grad_norm=1.0,
        train_sampling_strategy="group_by_length",  # as our batches: less padding
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = PRMTrainer(
        model=model,
        args=config,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
    )
    started = time.process_time()
    trainer.train()
    seconds = time.process_time() - started
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
