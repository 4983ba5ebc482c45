"""Label the same problems of one data set by every method that is compared."""

from prmscale import tables
from prmscale.jobs import job
from prmscale.labels.consensus import consensus
from prmscale.labels.labeller import load_labellers
from prmscale.labels.spending import of_filter, of_labels
from prmscale.tasks.base import from_table

with job(snakemake):
    params = snakemake.params
    problems = tables.read(snakemake.input.problems, "problems")
    chosen = from_table(problems[problems.split == "train"])[: params.problems]
    solutions = tables.read(snakemake.input.solutions, "solutions")
    written = solutions[solutions.problem_id.isin([p.problem_id for p in chosen])]
    found, spent = [], []
    for method, labellers in load_labellers(params, snakemake.resources.gpu, written).items():
        if method == "omega":
            _, labels, took = labellers[0].grow(chosen, method)
        else:
            by_policy = [each.label(chosen, written, method) for each in labellers]
            took_each = [of_labels(each, written) for each in by_policy]
            labels, took = by_policy[0], took_each[0]
            if method == "consensus":
                labels = consensus(by_policy)
                took = of_filter(took_each, labels)
        found.append(labels)
        spent.append(took)
    tables.write(tables.joined(spent, "spending"), snakemake.output.spent, "spending")
    tables.write(tables.joined(found, "labels"), snakemake.output.labels, "labels")
