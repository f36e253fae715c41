"""State machines and their functions in the templates of other tools: CloudFormation, SAM, what CDK synthesises, and
serverless.yml.

    from pathlib import Path
    from flowdsl.templates import read_template

    template = read_template(Path("template.yaml"))
    for machine in template.machines:
        print(machine.name, machine.definition)

Nothing in a template is executed and nothing is fetched. What a value is only known after the deployment, such as the
ARN of a function, stays a placeholder in the definition: the author's own name for it, `${ScoreArn}`, or the
template's reference as Fn::Sub writes it, `${Score.Arn}`. What cannot be brought in is a note with its place, or an
error.
"""

from .model import Machine, Template, TemplateFunction, choose_machine
from .reading import is_template, is_template_text, read_template

__all__ = [
    "Machine",
    "Template",
    "TemplateFunction",
    "choose_machine",
    "is_template",
    "is_template_text",
    "read_template",
]
