"""Bedrock and SageMaker."""

from __future__ import annotations

from ..integration_records import Action, Job, Service
from ..integration_rights import Grant, Rights, on
from ..resource import SYNC, TOKEN

_CUSTOMIZATION = on("bedrock", "model-customization-job/*")
_ENDPOINT = on("sagemaker", "endpoint/{EndpointName*}")
_ENDPOINT_CONFIG = on("sagemaker", "endpoint-config/{EndpointConfigName*}")


def _sagemaker(kind: str, resource: str, rule: str, role: str = "RoleArn") -> Action:
    """An action that creates a job of this kind; `role` is the argument that names the job's role."""
    name = f"{kind}JobName"
    place = on("sagemaker", f"{resource}/{{{name}*}}")
    return Action(
        f"create{kind}Job",
        (SYNC,),
        Job(f"describe{kind}Job", {name: f"$.{name}"}, f"{kind}JobStatus", ("Completed",), ("Failed", "Stopped")),
        unique=name,
        rights=Rights(
            (
                Grant(f"sagemaker:Create{kind}Job sagemaker:AddTags", place),
                Grant(f"sagemaker:Describe{kind}Job sagemaker:Stop{kind}Job", place, sync=True),
                Grant("sagemaker:ListTags"),
            ),
            f"StepFunctionsGetEventsForSageMaker{rule}JobsRule",
            {role: "sagemaker.amazonaws.com"} if role else {},
        ),
    )


SERVICES = (
    Service(
        "bedrock",
        (
            Action(
                "invokeModel",
                (TOKEN,),
                api="bedrock-runtime",
                added=("Input", "Output"),
                parsed=("Body",),
                rights=Rights(
                    (
                        Grant("s3:GetObject", "arn:{partition}:s3:::{Input.S3Uri:s3}", only_with="Input.S3Uri"),
                        Grant("s3:PutObject", "arn:{partition}:s3:::{Output.S3Uri:s3}", only_with="Output.S3Uri"),
                        Grant(
                            "bedrock:ApplyGuardrail",
                            on("bedrock", "guardrail/{GuardrailIdentifier}"),
                            only_with="GuardrailIdentifier",
                        ),
                    )
                ),
            ),
            Action(
                "createModelCustomizationJob",
                (SYNC,),
                Job(
                    "getModelCustomizationJob",
                    {"JobIdentifier": "JobArn"},
                    "Status",
                    ("Completed",),
                    ("Failed", "Stopped"),
                ),
                unique="JobName",
                rights=Rights(
                    (
                        Grant(
                            "bedrock:CreateModelCustomizationJob",
                            "arn:{partition}:bedrock:{region}::foundation-model/{BaseModelIdentifier*}",
                        ),
                        Grant("bedrock:CreateModelCustomizationJob", on("bedrock", "custom-model/*")),
                        Grant("bedrock:CreateModelCustomizationJob", _CUSTOMIZATION),
                        Grant(
                            "bedrock:GetModelCustomizationJob bedrock:StopModelCustomizationJob",
                            _CUSTOMIZATION,
                            sync=True,
                        ),
                    ),
                    roles={"RoleArn": "bedrock.amazonaws.com"},
                ),
            ),
        ),
        "Bedrock",
        "AmazonBedrock",
    ),
    Service(
        "sagemaker",
        (
            _sagemaker("HyperParameterTuning", "hyper-parameter-tuning-job", "Tuning", "TrainingJobDefinition.RoleArn"),
            _sagemaker("Labeling", "labeling-job", "Labeling"),
            _sagemaker("Processing", "processing-job", "Processing"),
            _sagemaker("Training", "training-job", "Training"),
            _sagemaker("Transform", "transform-job", "Transform", role=""),
            Action(
                "createEndpoint",
                rights=Rights(
                    (
                        Grant("sagemaker:CreateEndpoint sagemaker:AddTags", _ENDPOINT),
                        Grant("sagemaker:CreateEndpoint", _ENDPOINT_CONFIG),
                    )
                ),
            ),
            Action(
                "createEndpointConfig",
                rights=Rights((Grant("sagemaker:CreateEndpointConfig sagemaker:AddTags", _ENDPOINT_CONFIG),)),
            ),
            Action(
                "createModel",
                rights=Rights(
                    (Grant("sagemaker:CreateModel sagemaker:AddTags", on("sagemaker", "model/{ModelName*}")),),
                    roles={"ExecutionRoleArn": "sagemaker.amazonaws.com"},
                ),
            ),
            Action(
                "updateEndpoint",
                rights=Rights(
                    (
                        Grant("sagemaker:UpdateEndpoint", _ENDPOINT),
                        Grant("sagemaker:UpdateEndpoint", _ENDPOINT_CONFIG),
                    )
                ),
            ),
        ),
        "SageMaker",
        "AmazonSageMaker",
    ),
)
