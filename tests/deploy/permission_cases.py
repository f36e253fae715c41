"""Task fields → the exact statements that the role gets, and the beginnings of what cannot be derived.

`R=` and `N=` in the reports' spelling: PLACE below. Each report of the issue has its case.
"""

from typing import Any

from flowdsl.deploy.statements import Place, Statement

PLACE = Place("us-east-1", "111122223333")
NAME = "bulk"
EVENTS = "events:DescribeRule events:PutRule events:PutTargets"


def arn(service: str, resource: str) -> str:
    return PLACE.arn(service, resource)


def rule(name: str) -> Statement:
    return Statement.of(EVENTS, arn("events", f"rule/{name}"))


def pass_role(role: str, service: str) -> Statement:
    return Statement.of(
        "iam:PassRole", role, condition={"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
    )


ROLE = "arn:aws:iam::111122223333:role/worker"
FUNCTION = arn("lambda", "function:fn")
INVOKE = Statement.of("lambda:InvokeFunction", FUNCTION, f"{FUNCTION}:*")
Case = tuple[str, dict[str, Any], list[Statement], list[str]]

CASES: dict[str, Case] = {
    "a function": (FUNCTION, {}, [INVOKE], []),
    "a version of a function (A11)": (f"{FUNCTION}:7", {}, [INVOKE], []),
    "lambda:invoke": ("lambda:invoke", {"FunctionName": FUNCTION, "Payload.$": "$"}, [INVOKE], []),
    "lambda:invoke by name": ("lambda:invoke.waitForTaskToken", {"FunctionName": "fn:live"}, [INVOKE], []),
    "an object whose key looks like the ARN of others": (
        "aws-sdk:s3:getObject",
        {"Bucket": "b", "Key": "arn:aws:s3:::others/*"},
        [Statement.of("s3:GetObject", "arn:aws:s3:::b/arn:aws:s3:::others/*")],
        [],
    ),
    "an object in any bucket whose key looks like an ARN": (
        "aws-sdk:s3:getObject",
        {"Bucket.$": "$.b", "Key": "arn:aws:s3:::others/*"},
        [],
        ["it is not known beforehand on what s3:GetObject is used"],
    ),
    "a text that looks like the ARN of another parameter": (
        "aws-sdk:ssm:putParameter",
        {"Name.$": "$.n", "Value": "arn:aws:ssm:us-east-1:111122223333:parameter/others"},
        [],
        ["it is not known beforehand on what ssm:PutParameter is used"],
    ),
    "lambda:invoke of any function": ("lambda:invoke", {"FunctionName.$": "$.fn"}, [], ["the function is chosen"]),
    "ecs with a revision (A4)": (
        "ecs:runTask.sync",
        {
            "TaskDefinition": arn("ecs", "task-definition/nightly:7"),
            "Overrides": {"TaskRoleArn": ROLE},
            "Tags": [{"Key": "a", "Value": "b"}],
        },
        [
            Statement.of("ecs:RunTask", arn("ecs", "task-definition/nightly:7")),
            Statement.of("ecs:DescribeTasks ecs:StopTask", "*"),
            Statement.of("ecs:TagResource", arn("ecs", "task/*")),
            rule("StepFunctionsGetEventsForECSTaskRule"),
            pass_role(ROLE, "ecs-tasks"),
        ],
        ["the definition does not tell iam:PassRole"],
    ),
    "ecs without a revision (A4)": (
        "ecs:runTask",
        {"TaskDefinition": arn("ecs", "task-definition/nightly"), "Overrides": {"ExecutionRoleArn.$": "$.role"}},
        [Statement.of("ecs:RunTask", arn("ecs", "task-definition/nightly:*"))],
        ["Overrides.ExecutionRoleArn is chosen", "the definition does not tell iam:PassRole"],
    ),
    "ecs by family": (
        "ecs:runTask.waitForTaskToken",
        {"TaskDefinition": "nightly", "PropagateTags": "TASK_DEFINITION"},
        [
            Statement.of("ecs:RunTask", arn("ecs", "task-definition/nightly:*")),
            Statement.of("ecs:TagResource", arn("ecs", "task/*")),
        ],
        ["the definition does not tell iam:PassRole"],
    ),
    "ecs with tags of its own": (
        "ecs:runTask",
        {"TaskDefinition": "nightly:7", "EnableECSManagedTags": True},
        [
            Statement.of("ecs:RunTask", arn("ecs", "task-definition/nightly:7")),
            Statement.of("ecs:TagResource", arn("ecs", "task/*")),
        ],
        ["the definition does not tell iam:PassRole"],
    ),
    "batch.sync (A5)": (
        "batch:submitJob.sync",
        {"JobDefinition": "d", "JobName": "j", "JobQueue": "q"},
        [
            Statement.of("batch:DescribeJobs batch:SubmitJob batch:TerminateJob", "*"),
            rule("StepFunctionsGetEventsForBatchJobsRule"),
        ],
        [],
    ),
    "batch (A5)": ("batch:submitJob", {"JobName": "j"}, [Statement.of("batch:SubmitJob", "*")], []),
    "sagemaker.sync (A7)": (
        "sagemaker:createTrainingJob.sync",
        {"TrainingJobName": "t", "RoleArn": ROLE},
        [
            Statement.of(
                "sagemaker:AddTags sagemaker:CreateTrainingJob sagemaker:DescribeTrainingJob sagemaker:StopTrainingJob",
                arn("sagemaker", "training-job/t"),
            ),
            Statement.of("sagemaker:ListTags", "*"),
            rule("StepFunctionsGetEventsForSageMakerTrainingJobsRule"),
            pass_role(ROLE, "sagemaker"),
        ],
        [],
    ),
    "sagemaker transform (A7)": (
        "sagemaker:createTransformJob.sync",
        {"TransformJobName.$": "$.name"},
        [
            Statement.of(
                "sagemaker:AddTags sagemaker:CreateTransformJob sagemaker:DescribeTransformJob"
                " sagemaker:StopTransformJob",
                arn("sagemaker", "transform-job/*"),
            ),
            Statement.of("sagemaker:ListTags", "*"),
            rule("StepFunctionsGetEventsForSageMakerTransformJobsRule"),
        ],
        [],
    ),
    "dynamodb": (
        "dynamodb:putItem",
        {"TableName": "orders", "Item": {}},
        [Statement.of("dynamodb:PutItem", arn("dynamodb", "table/orders"))],
        [],
    ),
    "dynamodb of any table": ("dynamodb:getItem", {"TableName.$": "$.t"}, [], ["TableName is chosen at run time"]),
    "sqs": (
        "sqs:sendMessage.waitForTaskToken",
        {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/jobs", "MessageBody": "x"},
        [Statement.of("sqs:SendMessage", arn("sqs", "jobs"))],
        [],
    ),
    "sns": ("sns:publish", {"TopicArn": arn("sns", "t")}, [Statement.of("sns:Publish", arn("sns", "t"))], []),
    "events": (
        "events:putEvents",
        {"Entries": [{"EventBusName": "payments"}, {"Source": "s"}]},
        [Statement.of("events:PutEvents", arn("events", "event-bus/default"), arn("events", "event-bus/payments"))],
        [],
    ),
    "a nested execution": (
        "states:startExecution",
        {"StateMachineArn": arn("states", "stateMachine:child")},
        [Statement.of("states:StartExecution", arn("states", "stateMachine:child"))],
        [],
    ),
    "a nested execution through an alias, waited for": (
        "states:startExecution.sync:2",
        {"StateMachineArn": arn("states", "stateMachine:child:live")},
        [
            Statement.of("states:StartExecution", arn("states", "stateMachine:child")),
            Statement.of("states:DescribeExecution states:StopExecution", arn("states", "execution:child:*")),
            rule("StepFunctionsGetEventsForStepFunctionsExecutionRule"),
        ],
        [],
    ),
    "http": (
        "http:invoke",
        {
            "ApiEndpoint": "https://api.stripe.com/v1/charges",
            "Method": "POST",
            "Authentication": {"ConnectionArn": arn("events", "connection/stripe/11-22")},
        },
        [
            Statement.of(
                "states:InvokeHTTPEndpoint",
                arn("states", "stateMachine:bulk"),
                condition={
                    "StringEquals": {
                        "states:HTTPEndpoint": "https://api.stripe.com/v1/charges",
                        "states:HTTPMethod": "POST",
                    }
                },
            ),
            Statement.of("events:RetrieveConnectionCredentials", arn("events", "connection/stripe/11-22")),
            Statement.of(
                "secretsmanager:DescribeSecret secretsmanager:GetSecretValue",
                arn("secretsmanager", "secret:events!connection/stripe/*"),
            ),
        ],
        [],
    ),
    "http with an id in the URL": (
        "http:invoke",
        {
            "ApiEndpoint.$": "States.Format('https://api.stripe.com/v1/charges/{}', $.id)",
            "Method": "GET",
            "Authentication": {"ConnectionArn.$": "$.connection"},
        },
        [
            Statement.of(
                "states:InvokeHTTPEndpoint",
                arn("states", "stateMachine:bulk"),
                condition={
                    "StringEquals": {"states:HTTPMethod": "GET"},
                    "StringLike": {"states:HTTPEndpoint": "https://api.stripe.com/v1/charges/*"},
                },
            )
        ],
        ["ConnectionArn is chosen"],
    ),
    "http anywhere": ("http:invoke", {"ApiEndpoint.$": "$.url"}, [], ["ApiEndpoint is chosen"]),
    "glue.sync": (
        "glue:startJobRun.sync",
        {"JobName": "etl"},
        [Statement.of("glue:BatchStopJobRun glue:GetJobRun glue:GetJobRuns glue:StartJobRun", arn("glue", "job/etl"))],
        [],
    ),
    "an activity": (arn("states", "activity:manual"), {}, [], []),
    "logs (A10)": (
        "aws-sdk:cloudwatchlogs:createLogStream",
        {"LogGroupName": "/g", "LogStreamName": "s"},
        [Statement.of("logs:CreateLogStream", arn("logs", "log-group:/g"), arn("logs", "log-group:/g:*"))],
        [],
    ),
    "sfn (A10)": (
        "aws-sdk:sfn:startExecution",
        {"StateMachineArn": arn("states", "stateMachine:other")},
        [Statement.of("states:StartExecution", arn("states", "stateMachine:other"))],
        [],
    ),
    "mwaa (A10)": (
        "aws-sdk:mwaa:listEnvironments",
        {},
        [Statement.of("airflow:ListEnvironments", "*")],
        ["airflow:ListEnvironments is allowed on every resource"],
    ),
    "mediapackagevod (A10)": (
        "aws-sdk:mediapackagevod:createAsset",
        {"SourceRoleArn": ROLE},
        [Statement.of("mediapackage-vod:CreateAsset", "*")],
        ["mediapackage-vod:CreateAsset is allowed on every resource", "the role of the call needs iam:PassRole"],
    ),
    "efs (A10)": (
        "aws-sdk:efs:tagResource",
        {"ResourceId": arn("elasticfilesystem", "file-system/fs-1")},
        [Statement.of("elasticfilesystem:TagResource", arn("elasticfilesystem", "file-system/fs-1"))],
        [],
    ),
    "sesv2 (A10)": (
        "aws-sdk:sesv2:sendEmail",
        {"FromEmailAddress": "a@example.org"},
        [Statement.of("ses:SendEmail", "*")],
        ["ses:SendEmail is allowed on every resource"],
    ),
    "headObject (A10)": (
        "aws-sdk:s3:headObject",
        {"Bucket": "b", "Key": "k"},
        [Statement.of("s3:GetObject", "arn:aws:s3:::b/k")],
        [],
    ),
    "listObjectsV2 (A10)": (
        "aws-sdk:s3:listObjectsV2",
        {"Bucket": "b"},
        [Statement.of("s3:ListBucket", "arn:aws:s3:::b")],
        [],
    ),
    "a token is not part of the action (A10)": (
        "aws-sdk:dynamodb:updateItem.waitForTaskToken",
        {"TableName": "t"},
        [Statement.of("dynamodb:UpdateItem", arn("dynamodb", "table/t"))],
        [],
    ),
    "what is handed on by the SDK": (
        "aws-sdk:scheduler:createSchedule",
        {"Name": "n", "Target": {"Arn": FUNCTION, "RoleArn.$": "$.role"}},
        [Statement.of("scheduler:CreateSchedule", "*")],
        ["scheduler:CreateSchedule is allowed on every resource", "the role of the call needs iam:PassRole on RoleArn"],
    ),
    "an attribute that is called a role": (
        "aws-sdk:dynamodb:putItem",
        {"TableName": "t", "Item": {"Role": {"S": "donor"}}},
        [Statement.of("dynamodb:PutItem", arn("dynamodb", "table/t"))],
        [],
    ),
    "permissions are never handed out on everything": (
        "aws-sdk:iam:attachRolePolicy",
        {"RoleName": "worker", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
        [],
        ["it is not known beforehand on what iam:AttachRolePolicy is used"],
    ),
    "an index": (
        "aws-sdk:dynamodb:query",
        {"TableName": "t", "IndexName": "by-day"},
        [Statement.of("dynamodb:Query", arn("dynamodb", "table/t/index/by-day"))],
        [],
    ),
    "a batch": (
        "aws-sdk:dynamodb:batchWriteItem",
        {"RequestItems": {"a": [], arn("dynamodb", "table/b"): []}},
        [Statement.of("dynamodb:BatchWriteItem", arn("dynamodb", "table/a"), arn("dynamodb", "table/b"))],
        [],
    ),
    "a batch of any table": (
        "aws-sdk:dynamodb:batchGetItem",
        {"RequestItems.$": "$.items"},
        [],
        ["it is not known beforehand on what dynamodb:BatchGetItem"],
    ),
    "a transaction": (
        "aws-sdk:dynamodb:transactWriteItems",
        {"TransactItems": [{"Put": {"TableName": "a", "Item": {}}}, {"ConditionCheck": {"TableName": "b"}}]},
        [
            Statement.of("dynamodb:PutItem", arn("dynamodb", "table/a")),
            Statement.of("dynamodb:ConditionCheckItem", arn("dynamodb", "table/b")),
        ],
        [],
    ),
    "a transaction on any table": (
        "aws-sdk:dynamodb:transactGetItems",
        {"TransactItems": [{"Get": {"TableName.$": "$.table"}}]},
        [],
        ["it is not known beforehand on what dynamodb:GetItem"],
    ),
    "a rule of a bus": (
        "aws-sdk:eventbridge:disableRule",
        {"Name": "nightly", "EventBusName": "payments"},
        [Statement.of("events:DisableRule", arn("events", "rule/payments/nightly"))],
        [],
    ),
    "targets of a rule": (
        "aws-sdk:eventbridge:removeTargets",
        {"Rule": "nightly", "Ids": ["a"]},
        [Statement.of("events:RemoveTargets", arn("events", "rule/nightly"))],
        [],
    ),
    "events by the SDK": (
        "aws-sdk:eventbridge:putEvents",
        {"Entries": [{"EventBusName": "payments"}]},
        [Statement.of("events:PutEvents", arn("events", "event-bus/payments"))],
        [],
    ),
    "a document of Systems Manager": (
        "aws-sdk:ssm:getDocument",
        {"Name": "d"},
        [],
        ["it is not known beforehand on what ssm:GetDocument is used"],
    ),
    "a key": (
        "aws-sdk:kms:decrypt",
        {"KeyId": "1234"},
        [Statement.of("kms:Decrypt", arn("kms", "key/1234"))],
        [],
    ),
    "an alias of a key": (
        "aws-sdk:kms:decrypt",
        {"KeyId": "alias/cards"},
        [],
        ["it is not known beforehand on what kms:Decrypt is used"],
    ),
    "a copy": (
        "aws-sdk:s3:copyObject",
        {"Bucket": "to", "Key": "k", "CopySource": "/from/a/b?versionId=1", "ACL": "private"},
        [
            Statement.of("s3:GetObject", "arn:aws:s3:::from/a/b"),
            Statement.of("s3:PutObject s3:PutObjectAcl", "arn:aws:s3:::to/k"),
        ],
        [],
    ),
    "a version of an object": (
        "aws-sdk:s3:getObject",
        {"Bucket": "b", "Key": "k", "VersionId.$": "$.version"},
        [Statement.of("s3:GetObject s3:GetObjectVersion", "arn:aws:s3:::b/k")],
        [],
    ),
    "a model": (
        "bedrock:invokeModel",
        {"ModelId": "anthropic.claude-3-haiku-20240307-v1:0", "GuardrailIdentifier": "g1"},
        [
            Statement.of("bedrock:ApplyGuardrail", arn("bedrock", "guardrail/g1")),
            Statement.of(
                "bedrock:InvokeModel",
                "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
            ),
        ],
        [],
    ),
    "a model in several regions": (
        "aws-sdk:bedrockruntime:converse",
        {"ModelId": "eu.amazon.nova-pro-v1:0"},
        [
            Statement.of("bedrock:InvokeModel", arn("bedrock", "inference-profile/eu.amazon.nova-pro-v1:0")),
            Statement.of(
                "bedrock:InvokeModel",
                "arn:aws:bedrock:*::foundation-model/amazon.nova-pro-v1:0",
                condition={
                    "StringEquals": {
                        "bedrock:InferenceProfileArn": arn("bedrock", "inference-profile/eu.amazon.nova-pro-v1:0")
                    }
                },
            ),
        ],
        [],
    ),
    "a model of the user's own profile": (
        "bedrock:invokeModel",
        {"ModelId": arn("bedrock", "application-inference-profile/p1")},
        [Statement.of("bedrock:InvokeModel", arn("bedrock", "application-inference-profile/p1"))],
        ["the definition does not tell the model"],
    ),
    "any model": ("bedrock:invokeModel", {"ModelId.$": "$.model"}, [], ["ModelId is chosen at run time"]),
    "a job of EMR on EKS with any role": (
        "emr-containers:startJobRun",
        {"VirtualClusterId": "v", "ExecutionRoleArn.$": "$.role"},
        [],
        ["ExecutionRoleArn is chosen at run time"],
    ),
    "a nested execution by name": (
        "states:startExecution",
        {"StateMachineArn": "child"},
        [],
        ["StateMachineArn is 'child', which is not an ARN"],
    ),
    "an unknown service (A10)": ("aws-sdk:quantumthing:go", {}, [], ["no IAM action can be derived"]),
    "apigateway's actions are its own": ("aws-sdk:apigateway:getRestApis", {}, [], ["no IAM action can be derived"]),
    "cloudwatch": (
        "aws-sdk:cloudwatch:putMetricData",
        {"Namespace": "n"},
        [Statement.of("cloudwatch:PutMetricData", "*")],
        ["cloudwatch:PutMetricData is allowed on every resource"],
    ),
    "apigateway:invoke": (
        "apigateway:invoke",
        {"ApiEndpoint": "abc.execute-api.us-east-1.amazonaws.com", "Method": "GET", "Stage": "prod", "Path": "/pets"},
        [Statement.of("execute-api:Invoke", arn("execute-api", "abc/prod/GET/pets"))],
        [],
    ),
}

PARTS: dict[str, tuple[dict[str, Any], list[Statement], list[str]]] = {
    "no Task at all (A13)": ({"Type": "Pass", "End": True}, [], []),
    "another account's role": (
        {
            "Type": "Task",
            "Resource": FUNCTION,
            "Credentials": {"RoleArn": "arn:aws:iam::999999999999:role/theirs"},
            "End": True,
        },
        [Statement.of("sts:AssumeRole", "arn:aws:iam::999999999999:role/theirs")],
        [],
    ),
    "any role": (
        {"Type": "Task", "Resource": FUNCTION, "Credentials": {"RoleArn.$": "$.role"}, "End": True},
        [],
        ["the role of Credentials"],
    ),
    "a Distributed Map in a Parallel in a Map (A8)": (
        {
            "Type": "Map",
            "ItemProcessor": {
                "StartAt": "P",
                "States": {
                    "P": {
                        "Type": "Parallel",
                        "End": True,
                        "Branches": [
                            {
                                "StartAt": "M",
                                "States": {
                                    "M": {
                                        "Type": "Map",
                                        "End": True,
                                        "ItemReader": {
                                            "Resource": "arn:aws:states:::s3:getObject",
                                            "ReaderConfig": {"InputType": "CSV"},
                                            "Parameters": {"Bucket": "in", "Key": "a.csv"},
                                        },
                                        "ResultWriter": {
                                            "Resource": "arn:aws:states:::s3:putObject",
                                            "Parameters": {"Bucket": "out", "Prefix": "done/"},
                                        },
                                        "ItemProcessor": {
                                            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                                            "StartAt": "T",
                                            "States": {"T": {"Type": "Task", "Resource": FUNCTION, "End": True}},
                                        },
                                    }
                                },
                            }
                        ],
                    }
                },
            },
            "End": True,
        },
        [
            INVOKE,
            Statement.of("states:StartExecution", arn("states", "stateMachine:bulk")),
            Statement.of("states:DescribeExecution states:StopExecution", arn("states", "execution:bulk:*")),
            Statement.of("states:RedriveExecution", arn("states", "execution:bulk/*:*")),
            Statement.of("s3:GetObject", "arn:aws:s3:::in/a.csv"),
            Statement.of(
                "s3:AbortMultipartUpload s3:GetObject s3:ListMultipartUploadParts s3:PutObject",
                "arn:aws:s3:::out/done/*",
            ),
        ],
        [],
    ),
    "an inline Map": (
        {
            "Type": "Map",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "T",
                "States": {"T": {"Type": "Task", "Resource": FUNCTION, "End": True}},
            },
            "End": True,
        },
        [INVOKE],
        [],
    ),
    "JSONata Arguments": (
        {
            "Type": "Task",
            "QueryLanguage": "JSONata",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Arguments": {
                "QueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/jobs",
                "MessageBody": "{% $x %}",
            },
            "End": True,
        },
        [Statement.of("sqs:SendMessage", arn("sqs", "jobs"))],
        [],
    ),
    "a queue that JSONata chooses": (
        {
            "Type": "Task",
            "QueryLanguage": "JSONata",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Arguments": {"QueueUrl": "{% $states.input.queue %}", "MessageBody": "m"},
            "End": True,
        },
        [],
        ["QueueUrl is chosen at run time"],
    ),
}
