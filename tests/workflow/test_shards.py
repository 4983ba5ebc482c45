"""Unfinished work: finished parts are used again, and never with other inputs."""

from types import SimpleNamespace

import pytest

from prmscale.engines.backends.loading import released_hashes
from prmscale.shards import complete, unfinished_work


def write(part, folder, progress):
    (folder / "made").write_text(f"{part} {progress}")


def fake(tmp_path, **params):
    (tmp_path / "input").write_text("1")
    return SimpleNamespace(input=[str(tmp_path / "input")], params=params)


def test_finished_parts_are_not_made_again(tmp_path):
    job, output, made = fake(tmp_path, k=1), tmp_path / "out.parquet", []

    def fail_once(part, folder, progress):
        write(part, folder, progress)
        made.append(part)
        if made == [[1, 2], [3, 4]]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), unfinished_work(job, output) as work:
        complete(work, [1, 2, 3, 4, 5], 3, fail_once)
    with unfinished_work(job, output) as work:
        texts = [(f / "made").read_text() for f in complete(work, [1, 2, 3, 4, 5], 3, fail_once)]
    assert made == [[1, 2], [3, 4], [3, 4], [5]]
    assert texts == ["[1, 2] shard 1 of 3", "[3, 4] shard 2 of 3", "[5] shard 3 of 3"]
    assert not work.exists()


@pytest.mark.parametrize("jobs", [1, 2, 3, 4, 9])
def test_jobs_share_the_parts_that_one_job_makes(tmp_path, jobs):
    texts = []
    for job in range(1, jobs + 1):
        folder = tmp_path / str(job)
        made = complete(folder, range(14), 5, write, f"{job}of{jobs}")
        texts += [(part / "made").read_text() for part in made]
    alone = complete(tmp_path / "alone", range(14), 5, write)
    assert texts == [(part / "made").read_text() for part in alone] and len(texts) == 5


@pytest.mark.parametrize("change", ["params", "input", "weights"])
def test_work_made_from_anything_else_is_removed(tmp_path, change):
    job, output = fake(tmp_path, k=1), tmp_path / "out.parquet"
    with pytest.raises(KeyboardInterrupt), unfinished_work(job, output, "w") as before:
        complete(before, [1], 1, write)
        raise KeyboardInterrupt
    if change == "params":
        job.params["k"] = 2
    if change == "input":
        (tmp_path / "input").write_text("2")
    with unfinished_work(job, output, "v" if change == "weights" else "w") as work:
        assert work != before and not before.exists() and not list(work.iterdir())


def test_other_outputs_of_a_folder_keep_their_work(tmp_path):
    job = fake(tmp_path)
    with (
        unfinished_work(job, tmp_path / "m.parquet") as one,
        unfinished_work(job, tmp_path / "m-2.parquet") as two,
    ):
        assert one.exists() and two.exists()


def test_folders_whose_names_have_dots_keep_their_work(tmp_path):
    job = fake(tmp_path)
    outputs = (unfinished_work(job, tmp_path / name) for name in ("p-1.4b-a", "p-1.4b-b"))
    with next(outputs) as one, next(outputs) as two:
        assert one.exists() and two.exists() and one != two


def test_a_released_model_is_told_by_all_its_files_and_one_made_here_by_the_inputs(tmp_path):
    (tmp_path / "model.pt").write_text("weights")
    before = released_hashes([(tmp_path, None)], [])
    (tmp_path / "tokenizer.json").write_text("{}")
    after = released_hashes([(tmp_path, None)], [])
    assert len(before) == 1 and before != after
    assert released_hashes([(tmp_path, None)], [str(tmp_path)]) == []
