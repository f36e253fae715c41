"""How Step Functions names services, fields and errors."""

import pytest

from flowdsl.asl.apis import decapitalize
from flowdsl.base.diagnostics import FlowError
from flowdsl.calls.services.catalogue import operation
from flowdsl.calls.services.failures import class_name, exception_name, failure


@pytest.mark.parametrize(
    ("integration", "action", "service", "name"),
    [
        ("dynamodb", "putItem", "dynamodb", "PutItem"),
        ("states", "startExecution", "stepfunctions", "StartExecution"),
        ("aws-sdk:sfn", "startExecution", "stepfunctions", "StartExecution"),
        ("aws-sdk:cloudwatchlogs", "createLogGroup", "logs", "CreateLogGroup"),
        ("aws-sdk:eventbridge", "putEvents", "events", "PutEvents"),
        ("aws-sdk:cognitoidentityprovider", "adminGetUser", "cognito-idp", "AdminGetUser"),
        ("aws-sdk:elasticloadbalancingv2", "describeRules", "elbv2", "DescribeRules"),
        ("aws-sdk:databasemigration", "describeEndpoints", "dms", "DescribeEndpoints"),
        ("aws-sdk:rds", "describeDBInstances", "rds", "DescribeDBInstances"),
        ("bedrock", "invokeModel", "bedrock-runtime", "InvokeModel"),
        ("aws-sdk:ec2", "describeInstances", "ec2", "DescribeInstances"),
        ("emr-serverless", "startJobRun", "emr-serverless", "StartJobRun"),
    ],
)
def test_an_integration_is_an_operation(integration: str, action: str, service: str, name: str) -> None:
    found = operation(integration, action)
    assert (found.service, found.name) == (service, name)


@pytest.mark.parametrize(("integration", "action"), [("aws-sdk:nothing", "putItem"), ("dynamodb", "putItems")])
def test_an_unknown_integration_is_refused_in_the_words_of_aws(integration: str, action: str) -> None:
    with pytest.raises(
        FlowError, match=f"The resource provided arn:aws:states:::{integration}:{action} is not recogni"
    ):
        operation(integration, action)


def test_fields_have_the_names_of_the_java_sdk() -> None:
    names = ("DBInstance", "ACL", "ETag", "ChecksumCRC32", "SSEKMSKeyId", "executionArn", "MD5OfBody")
    assert [decapitalize(name) for name in names] == [
        *("dbInstance", "acl", "eTag", "checksumCRC32", "ssekmsKeyId", "executionArn", "md5OfBody")
    ]
    assert operation("aws-sdk:s3", "putObject").name_of("SSEKMSKeyId") == "SsekmsKeyId"
    assert operation("sqs", "sendMessage").name_of("MD5OfMessageBody") == "MD5OfMessageBody"
    assert operation("states", "startExecution").name_of("executionArn") == "ExecutionArn"


def test_classes_have_the_names_of_the_java_sdk() -> None:
    services = ("DynamoDB", "SFN", "Secrets Manager", "EC2", "Elastic Load Balancing v2", "S3", "CloudWatch Logs")
    assert [class_name(service) for service in services] == [
        *("DynamoDb", "Sfn", "SecretsManager", "Ec2", "ElasticLoadBalancingV2", "S3", "CloudWatchLogs")
    ]
    errors = ("NoSuchKey", "ServiceFault", "ConditionalCheckFailedException", "InternalServerError")
    assert [exception_name(error) for error in errors] == [
        *("NoSuchKeyException", "ServiceException"),
        *("ConditionalCheckFailedException", "InternalServerErrorException"),
    ]


RESPONSE = {"Error": {"Message": "No."}, "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "r"}}


@pytest.mark.parametrize(
    ("integration", "action", "code", "error", "cause"),
    [
        (
            *("dynamodb", "putItem", "ResourceNotFoundException", "DynamoDB.ResourceNotFoundException"),
            "No. (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ResourceNotFoundException; Request ID: r; "
            "Proxy: null)",
        ),
        (
            *("dynamodb", "putItem", "ValidationException", "DynamoDB.AmazonDynamoDBException"),
            "No. (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ValidationException; Request ID: r; "
            "Proxy: null)",
        ),
        (
            *("sqs", "sendMessage", "MissingParameter", "SQS.AmazonSQSException"),
            "No. (Service: AmazonSQS; Status Code: 400; Error Code: MissingParameter; Request ID: r; Proxy: null)",
        ),
        (
            *("sns", "publish", "InvalidParameter", "SNS.InvalidParameterException"),
            "No. (Service: AmazonSNS; Status Code: 400; Error Code: InvalidParameter; Request ID: r; Proxy: null)",
        ),
        (
            *("aws-sdk:dynamodb", "putItem", "ValidationException", "DynamoDb.DynamoDbException"),
            "No. (Service: DynamoDb, Status Code: 400, Request ID: r)",
        ),
        (
            *("aws-sdk:s3", "getObject", "NoSuchKey", "S3.NoSuchKeyException"),
            "No. (Service: S3, Status Code: 400, Request ID: r)",
        ),
    ],
)
def test_errors_are_named_as_step_functions_names_them(
    integration: str, action: str, code: str, error: str, cause: str
) -> None:
    response = {**RESPONSE, "Error": {**RESPONSE["Error"], "Code": code}}
    assert failure(operation(integration, action), response) == (error, cause)
