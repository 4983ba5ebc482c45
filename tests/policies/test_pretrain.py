"""Pre-training learns, repeats itself, and its optimizer makes updates orthogonal."""

import numpy as np
import torch

from prmscale.policies.muon import Muon, orthogonalise
from prmscale.policies.pretrain import bucket, build, encode, pretrain
from prmscale.study import LadderModel, Pretraining, World
from prmscale.tasks.world.corpus import build_tokenizer, corpus


def test_pretraining_learns_keeps_checkpoints_and_repeats_itself():
    tokenizer = build_tokenizer(World())
    documents = encode(tokenizer, list(corpus(World(), 20_000, 0, 0.5)))
    settings = Pretraining(checkpoints=[50, 100], batch=16)
    runs = []
    for _ in range(2):
        model = build(LadderModel(name="t", width=32, layers=2, heads=2), tokenizer, seed=0)
        records = []
        pretrain(model, documents, settings, 0, lambda _, record, out=records: out.append(record))
        runs.append((records, [p.detach().clone() for p in model.parameters()]))
    (records, first), (_, second) = runs
    assert [r["percent"] for r in records] == [50, 100]
    assert records[1]["loss"] < records[0]["loss"] < np.log(50)
    assert 0 < records[0]["flops"] < records[1]["flops"]
    assert records[1]["tokens"] == sum(len(ids) - start for ids, start in documents)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_batches_hold_every_document_once_and_similar_lengths():
    lengths = np.random.default_rng(0).integers(10, 100, 1000)
    batches = bucket(lengths, 8, seed=1)
    assert sorted(np.concatenate(batches)) == list(range(1000))
    assert np.mean([np.ptp(lengths[batch]) for batch in batches]) < 10


def test_muon_orthogonalises_and_descends():
    matrices = torch.randn(5, 16, 8, generator=torch.Generator().manual_seed(0))
    singular = torch.linalg.svdvals(orthogonalise(matrices))
    assert singular.min() > 0.5 and singular.max() < 1.3
    weight = torch.nn.Parameter(torch.zeros(4, 6))
    target = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    optimiser = Muon([weight], lr=0.1)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = (weight - target).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
