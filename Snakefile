"""prmscale: how process reward models generalise in test-time scaling, from data sets to figures and claims.

`snakemake` runs the study of config.yaml; `--configfile workflow/studies/X.yaml` lays another one over it.
"""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/tasks.smk"
include: "workflow/rules/policies.smk"
include: "workflow/rules/labels.smk"
include: "workflow/rules/rewards.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/figures.smk"


rule all:
    default_target: True
    input:
        result("config.yaml"),
        result("claims.md"),
        result("tables/contamination.csv"),
        result("tables/labels.csv"),
        result("tables/training_sets.csv"),
        expand(result("figures/{figure}.pdf"), figure=FIGURES),


rule claims:
    input:
        result("claims.md"),


rule fig1:
    input:
        result("figures/fig1.pdf"),


rule fig2:
    input:
        result("figures/fig2.pdf"),


rule fig3:
    input:
        result("figures/fig3.pdf"),


rule fig4:
    input:
        result("figures/fig4.pdf"),


rule fig5:
    input:
        result("figures/fig5.pdf"),


rule fig6:
    input:
        result("figures/fig6.pdf"),


rule fig7:
    input:
        result("figures/fig7.pdf"),


rule fig8:
    input:
        result("figures/fig8.pdf"),


rule fig9:
    input:
        result("figures/fig9.pdf"),


rule fig10:
    input:
        result("figures/fig10.pdf"),


rule controls:
    input:
        result("figures/controls.pdf"),


rule table1:
    input:
        result("figures/table1.pdf"),


rule table2:
    input:
        result("figures/table2.pdf"),
