"""Import solutions that others wrote and labelled; compare their published verdicts with ours."""

from prmscale import tables
from prmscale.files import write_json
from prmscale.jobs import job
from prmscale.labels import imported
from prmscale.study import Corpus

with job(snakemake):
    corpus = Corpus(**snakemake.params.corpus)
    found = imported.import_corpus(corpus, snakemake.params.seed)
    solutions = found.solutions
    facts = {
        "name": corpus.name,
        "source": corpus.source,
        "path": corpus.path,
        "licence": sorted(set(found.problems.licence)),
        "problems": found.problems.split.value_counts().to_dict(),
        "solutions": len(solutions),
        "steps": len(found.labels),
        "right_steps": float(found.labels.label.mean()),
        "skipped": {"rows": len(found.skipped), "why": found.skipped},
    }
    if corpus.source == "solutions" and corpus.domain == "math":
        solutions, differing = imported.judge_corpus(found)
        facts["agreement"] = 1 - len(differing) / len(solutions)
        facts["disagreements"] = differing.to_dict("records")
        print(
            f"our verdict is the published one for {facts['agreement']:.2%} of {len(solutions)} "
            "solutions"
        )
        print("\n".join(map(str, facts["disagreements"])))
    print("\n".join([f"{len(found.skipped)} malformed rows left out", *found.skipped]))
    tables.write(found.problems, snakemake.output.problems, "problems")
    tables.write(solutions, snakemake.output.solutions, "solutions")
    tables.write(found.labels, snakemake.output.labels, "labels")
    write_json(facts, snakemake.output.card)
