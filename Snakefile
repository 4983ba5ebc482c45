"""prmscale: the workflow stands in workflow/Snakefile, where the Snakemake Workflow Catalog looks for it."""


include: "workflow/Snakefile"


# Snakemake forgets the default target of a file that is included
workflow.default_target = "all"
