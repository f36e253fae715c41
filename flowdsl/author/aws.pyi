"""The optimised integrations with their parameters. Written by scripts/aws_stubs.py: do not edit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from .expressions import Expression, Value
from .functions import Function
from .integrations import Action, AwsError, Errors, Integration, Sdk, Service

Text = str | Expression
Whole = int | Expression
Real = float | Expression
Flag = bool | Expression
Time = str | datetime | Expression
Items = Sequence[Value] | Expression
Fields = Mapping[str, Value] | Expression

sdk: Sdk

def __getattr__(name: str) -> Service: ...

class _ApigatewayInvoke:
    def __call__(
        self,
        *,
        ApiEndpoint: Value,
        Method: Value,
        AllowNullValues: Value = ...,
        AuthType: Value = ...,
        Headers: Value = ...,
        Path: Value = ...,
        QueryParameters: Value = ...,
        RequestBody: Value = ...,
        Stage: Value = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        ApiEndpoint: Value,
        Method: Value,
        AllowNullValues: Value = ...,
        AuthType: Value = ...,
        Headers: Value = ...,
        Path: Value = ...,
        QueryParameters: Value = ...,
        RequestBody: Value = ...,
        Stage: Value = ...,
    ) -> Integration: ...

class _ApigatewayErrors(Errors):
    BadRequestException: AwsError
    ConflictException: AwsError
    LimitExceededException: AwsError
    NotFoundException: AwsError
    ServiceUnavailableException: AwsError
    TooManyRequestsException: AwsError
    UnauthorizedException: AwsError

class _Apigateway(Service):
    invoke: _ApigatewayInvoke
    @property
    def errors(self) -> _ApigatewayErrors: ...

apigateway: _Apigateway

class _AthenaStartQueryExecution:
    def __call__(
        self,
        *,
        QueryString: Text,
        ClientRequestToken: Text = ...,
        EngineConfiguration: Fields = ...,
        ExecutionParameters: Items = ...,
        QueryExecutionContext: Fields = ...,
        ResultConfiguration: Fields = ...,
        ResultReuseConfiguration: Fields = ...,
        WorkGroup: Text = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        QueryString: Text,
        ClientRequestToken: Text = ...,
        EngineConfiguration: Fields = ...,
        ExecutionParameters: Items = ...,
        QueryExecutionContext: Fields = ...,
        ResultConfiguration: Fields = ...,
        ResultReuseConfiguration: Fields = ...,
        WorkGroup: Text = ...,
    ) -> Integration: ...

class _AthenaStopQueryExecution:
    def __call__(
        self,
        *,
        QueryExecutionId: Text,
    ) -> Integration: ...

class _AthenaGetQueryExecution:
    def __call__(
        self,
        *,
        QueryExecutionId: Text,
    ) -> Integration: ...

class _AthenaGetQueryResults:
    def __call__(
        self,
        *,
        QueryExecutionId: Text,
        MaxResults: Whole = ...,
        NextToken: Text = ...,
        QueryResultType: Literal["DATA_MANIFEST", "DATA_ROWS"] | Text = ...,
    ) -> Integration: ...

class _AthenaErrors(Errors):
    InternalServerException: AwsError
    InvalidRequestException: AwsError
    MetadataException: AwsError
    ResourceNotFoundException: AwsError
    SessionAlreadyExistsException: AwsError
    TooManyRequestsException: AwsError

class _Athena(Service):
    start_query_execution: _AthenaStartQueryExecution
    stop_query_execution: _AthenaStopQueryExecution
    get_query_execution: _AthenaGetQueryExecution
    get_query_results: _AthenaGetQueryResults
    @property
    def errors(self) -> _AthenaErrors: ...

athena: _Athena

class _BatchSubmitJob:
    def __call__(
        self,
        *,
        JobName: Text,
        JobQueue: Text,
        JobDefinition: Text,
        ArrayProperties: Fields = ...,
        ConsumableResourcePropertiesOverride: Fields = ...,
        ContainerOverrides: Fields = ...,
        DependsOn: Items = ...,
        EcsPropertiesOverride: Fields = ...,
        EksPropertiesOverride: Fields = ...,
        NodeOverrides: Fields = ...,
        Parameters: Fields = ...,
        PropagateTags: Flag = ...,
        RetryStrategy: Fields = ...,
        SchedulingPriorityOverride: Whole = ...,
        ShareIdentifier: Text = ...,
        Tags: Fields = ...,
        Timeout: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        JobName: Text,
        JobQueue: Text,
        JobDefinition: Text,
        ArrayProperties: Fields = ...,
        ConsumableResourcePropertiesOverride: Fields = ...,
        ContainerOverrides: Fields = ...,
        DependsOn: Items = ...,
        EcsPropertiesOverride: Fields = ...,
        EksPropertiesOverride: Fields = ...,
        NodeOverrides: Fields = ...,
        Parameters: Fields = ...,
        PropagateTags: Flag = ...,
        RetryStrategy: Fields = ...,
        SchedulingPriorityOverride: Whole = ...,
        ShareIdentifier: Text = ...,
        Tags: Fields = ...,
        Timeout: Fields = ...,
    ) -> Integration: ...

class _BatchErrors(Errors):
    ClientException: AwsError
    ServerException: AwsError

class _Batch(Service):
    submit_job: _BatchSubmitJob
    @property
    def errors(self) -> _BatchErrors: ...

batch: _Batch

class _BedrockInvokeModel:
    def __call__(
        self,
        *,
        ModelId: Text,
        Accept: Text = ...,
        Body: Value = ...,
        ContentType: Text = ...,
        GuardrailIdentifier: Text = ...,
        GuardrailVersion: Text = ...,
        Input: Value = ...,
        Output: Value = ...,
        PerformanceConfigLatency: Literal["standard", "optimized"] | Text = ...,
        ProjectIdentifier: Text = ...,
        RequestMetadata: Text = ...,
        ServiceTier: Literal["priority", "default", "flex", "reserved"] | Text = ...,
        Trace: Literal["ENABLED", "DISABLED", "ENABLED_FULL"] | Text = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        ModelId: Text,
        Accept: Text = ...,
        Body: Value = ...,
        ContentType: Text = ...,
        GuardrailIdentifier: Text = ...,
        GuardrailVersion: Text = ...,
        Input: Value = ...,
        Output: Value = ...,
        PerformanceConfigLatency: Literal["standard", "optimized"] | Text = ...,
        ProjectIdentifier: Text = ...,
        RequestMetadata: Text = ...,
        ServiceTier: Literal["priority", "default", "flex", "reserved"] | Text = ...,
        Trace: Literal["ENABLED", "DISABLED", "ENABLED_FULL"] | Text = ...,
    ) -> Integration: ...

class _BedrockCreateModelCustomizationJob:
    def __call__(
        self,
        *,
        JobName: Text,
        CustomModelName: Text,
        RoleArn: Text,
        BaseModelIdentifier: Text,
        TrainingDataConfig: Fields,
        OutputDataConfig: Fields,
        ClientRequestToken: Text = ...,
        CustomModelKmsKeyId: Text = ...,
        CustomModelTags: Items = ...,
        CustomizationConfig: Fields = ...,
        CustomizationType: Literal["FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION", "REINFORCEMENT_FINE_TUNING", "IMPORTED"] | Text = ...,
        HyperParameters: Fields = ...,
        JobTags: Items = ...,
        ValidationDataConfig: Fields = ...,
        VpcConfig: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        JobName: Text,
        CustomModelName: Text,
        RoleArn: Text,
        BaseModelIdentifier: Text,
        TrainingDataConfig: Fields,
        OutputDataConfig: Fields,
        ClientRequestToken: Text = ...,
        CustomModelKmsKeyId: Text = ...,
        CustomModelTags: Items = ...,
        CustomizationConfig: Fields = ...,
        CustomizationType: Literal["FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION", "REINFORCEMENT_FINE_TUNING", "IMPORTED"] | Text = ...,
        HyperParameters: Fields = ...,
        JobTags: Items = ...,
        ValidationDataConfig: Fields = ...,
        VpcConfig: Fields = ...,
    ) -> Integration: ...

class _BedrockErrors(Errors):
    AccessDeniedException: AwsError
    ConflictException: AwsError
    InternalServerException: AwsError
    ResourceInUseException: AwsError
    ResourceNotFoundException: AwsError
    ServiceQuotaExceededException: AwsError
    ServiceUnavailableException: AwsError
    ThrottlingException: AwsError
    TooManyTagsException: AwsError
    ValidationException: AwsError

class _Bedrock(Service):
    invoke_model: _BedrockInvokeModel
    create_model_customization_job: _BedrockCreateModelCustomizationJob
    @property
    def errors(self) -> _BedrockErrors: ...

bedrock: _Bedrock

class _CodebuildStartBuild:
    def __call__(
        self,
        *,
        ProjectName: Text,
        ArtifactsOverride: Fields = ...,
        AutoRetryLimitOverride: Whole = ...,
        BuildStatusConfigOverride: Fields = ...,
        BuildspecOverride: Text = ...,
        CacheOverride: Fields = ...,
        CertificateOverride: Text = ...,
        ComputeTypeOverride: Literal["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_XLARGE", "BUILD_GENERAL1_2XLARGE", "BUILD_LAMBDA_1GB", "BUILD_LAMBDA_2GB", "BUILD_LAMBDA_4GB", "BUILD_LAMBDA_8GB", "BUILD_LAMBDA_10GB", "ATTRIBUTE_BASED_COMPUTE", "CUSTOM_INSTANCE_TYPE"] | Text = ...,
        DebugSessionEnabled: Flag = ...,
        EncryptionKeyOverride: Text = ...,
        EnvironmentTypeOverride: Literal["WINDOWS_CONTAINER", "LINUX_CONTAINER", "LINUX_GPU_CONTAINER", "ARM_CONTAINER", "WINDOWS_SERVER_2019_CONTAINER", "WINDOWS_SERVER_2022_CONTAINER", "LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER", "LINUX_EC2", "ARM_EC2", "WINDOWS_EC2", "MAC_ARM"] | Text = ...,
        EnvironmentVariablesOverride: Items = ...,
        FleetOverride: Fields = ...,
        GitCloneDepthOverride: Whole = ...,
        GitSubmodulesConfigOverride: Fields = ...,
        HostKernelOverride: Literal["LINUX_KERNEL_4", "LINUX_KERNEL_6", "LINUX_KERNEL_LATEST"] | Text = ...,
        IdempotencyToken: Text = ...,
        ImageOverride: Text = ...,
        ImagePullCredentialsTypeOverride: Literal["CODEBUILD", "SERVICE_ROLE"] | Text = ...,
        InsecureSslOverride: Flag = ...,
        LogsConfigOverride: Fields = ...,
        PrivilegedModeOverride: Flag = ...,
        QueuedTimeoutInMinutesOverride: Whole = ...,
        RegistryCredentialOverride: Fields = ...,
        ReportBuildStatusOverride: Flag = ...,
        SecondaryArtifactsOverride: Items = ...,
        SecondarySourcesOverride: Items = ...,
        SecondarySourcesVersionOverride: Items = ...,
        ServiceRoleOverride: Text = ...,
        SourceAuthOverride: Fields = ...,
        SourceLocationOverride: Text = ...,
        SourceTypeOverride: Literal["CODECOMMIT", "CODEPIPELINE", "GITHUB", "GITLAB", "GITLAB_SELF_MANAGED", "S3", "BITBUCKET", "GITHUB_ENTERPRISE", "NO_SOURCE"] | Text = ...,
        SourceVersion: Text = ...,
        TimeoutInMinutesOverride: Whole = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ProjectName: Text,
        ArtifactsOverride: Fields = ...,
        AutoRetryLimitOverride: Whole = ...,
        BuildStatusConfigOverride: Fields = ...,
        BuildspecOverride: Text = ...,
        CacheOverride: Fields = ...,
        CertificateOverride: Text = ...,
        ComputeTypeOverride: Literal["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_XLARGE", "BUILD_GENERAL1_2XLARGE", "BUILD_LAMBDA_1GB", "BUILD_LAMBDA_2GB", "BUILD_LAMBDA_4GB", "BUILD_LAMBDA_8GB", "BUILD_LAMBDA_10GB", "ATTRIBUTE_BASED_COMPUTE", "CUSTOM_INSTANCE_TYPE"] | Text = ...,
        DebugSessionEnabled: Flag = ...,
        EncryptionKeyOverride: Text = ...,
        EnvironmentTypeOverride: Literal["WINDOWS_CONTAINER", "LINUX_CONTAINER", "LINUX_GPU_CONTAINER", "ARM_CONTAINER", "WINDOWS_SERVER_2019_CONTAINER", "WINDOWS_SERVER_2022_CONTAINER", "LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER", "LINUX_EC2", "ARM_EC2", "WINDOWS_EC2", "MAC_ARM"] | Text = ...,
        EnvironmentVariablesOverride: Items = ...,
        FleetOverride: Fields = ...,
        GitCloneDepthOverride: Whole = ...,
        GitSubmodulesConfigOverride: Fields = ...,
        HostKernelOverride: Literal["LINUX_KERNEL_4", "LINUX_KERNEL_6", "LINUX_KERNEL_LATEST"] | Text = ...,
        IdempotencyToken: Text = ...,
        ImageOverride: Text = ...,
        ImagePullCredentialsTypeOverride: Literal["CODEBUILD", "SERVICE_ROLE"] | Text = ...,
        InsecureSslOverride: Flag = ...,
        LogsConfigOverride: Fields = ...,
        PrivilegedModeOverride: Flag = ...,
        QueuedTimeoutInMinutesOverride: Whole = ...,
        RegistryCredentialOverride: Fields = ...,
        ReportBuildStatusOverride: Flag = ...,
        SecondaryArtifactsOverride: Items = ...,
        SecondarySourcesOverride: Items = ...,
        SecondarySourcesVersionOverride: Items = ...,
        ServiceRoleOverride: Text = ...,
        SourceAuthOverride: Fields = ...,
        SourceLocationOverride: Text = ...,
        SourceTypeOverride: Literal["CODECOMMIT", "CODEPIPELINE", "GITHUB", "GITLAB", "GITLAB_SELF_MANAGED", "S3", "BITBUCKET", "GITHUB_ENTERPRISE", "NO_SOURCE"] | Text = ...,
        SourceVersion: Text = ...,
        TimeoutInMinutesOverride: Whole = ...,
    ) -> Integration: ...

class _CodebuildStartBuildBatch:
    def __call__(
        self,
        *,
        ProjectName: Text,
        ArtifactsOverride: Fields = ...,
        BuildBatchConfigOverride: Fields = ...,
        BuildTimeoutInMinutesOverride: Whole = ...,
        BuildspecOverride: Text = ...,
        CacheOverride: Fields = ...,
        CertificateOverride: Text = ...,
        ComputeTypeOverride: Literal["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_XLARGE", "BUILD_GENERAL1_2XLARGE", "BUILD_LAMBDA_1GB", "BUILD_LAMBDA_2GB", "BUILD_LAMBDA_4GB", "BUILD_LAMBDA_8GB", "BUILD_LAMBDA_10GB", "ATTRIBUTE_BASED_COMPUTE", "CUSTOM_INSTANCE_TYPE"] | Text = ...,
        DebugSessionEnabled: Flag = ...,
        EncryptionKeyOverride: Text = ...,
        EnvironmentTypeOverride: Literal["WINDOWS_CONTAINER", "LINUX_CONTAINER", "LINUX_GPU_CONTAINER", "ARM_CONTAINER", "WINDOWS_SERVER_2019_CONTAINER", "WINDOWS_SERVER_2022_CONTAINER", "LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER", "LINUX_EC2", "ARM_EC2", "WINDOWS_EC2", "MAC_ARM"] | Text = ...,
        EnvironmentVariablesOverride: Items = ...,
        GitCloneDepthOverride: Whole = ...,
        GitSubmodulesConfigOverride: Fields = ...,
        IdempotencyToken: Text = ...,
        ImageOverride: Text = ...,
        ImagePullCredentialsTypeOverride: Literal["CODEBUILD", "SERVICE_ROLE"] | Text = ...,
        InsecureSslOverride: Flag = ...,
        LogsConfigOverride: Fields = ...,
        PrivilegedModeOverride: Flag = ...,
        QueuedTimeoutInMinutesOverride: Whole = ...,
        RegistryCredentialOverride: Fields = ...,
        ReportBuildBatchStatusOverride: Flag = ...,
        SecondaryArtifactsOverride: Items = ...,
        SecondarySourcesOverride: Items = ...,
        SecondarySourcesVersionOverride: Items = ...,
        ServiceRoleOverride: Text = ...,
        SourceAuthOverride: Fields = ...,
        SourceLocationOverride: Text = ...,
        SourceTypeOverride: Literal["CODECOMMIT", "CODEPIPELINE", "GITHUB", "GITLAB", "GITLAB_SELF_MANAGED", "S3", "BITBUCKET", "GITHUB_ENTERPRISE", "NO_SOURCE"] | Text = ...,
        SourceVersion: Text = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ProjectName: Text,
        ArtifactsOverride: Fields = ...,
        BuildBatchConfigOverride: Fields = ...,
        BuildTimeoutInMinutesOverride: Whole = ...,
        BuildspecOverride: Text = ...,
        CacheOverride: Fields = ...,
        CertificateOverride: Text = ...,
        ComputeTypeOverride: Literal["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE", "BUILD_GENERAL1_XLARGE", "BUILD_GENERAL1_2XLARGE", "BUILD_LAMBDA_1GB", "BUILD_LAMBDA_2GB", "BUILD_LAMBDA_4GB", "BUILD_LAMBDA_8GB", "BUILD_LAMBDA_10GB", "ATTRIBUTE_BASED_COMPUTE", "CUSTOM_INSTANCE_TYPE"] | Text = ...,
        DebugSessionEnabled: Flag = ...,
        EncryptionKeyOverride: Text = ...,
        EnvironmentTypeOverride: Literal["WINDOWS_CONTAINER", "LINUX_CONTAINER", "LINUX_GPU_CONTAINER", "ARM_CONTAINER", "WINDOWS_SERVER_2019_CONTAINER", "WINDOWS_SERVER_2022_CONTAINER", "LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER", "LINUX_EC2", "ARM_EC2", "WINDOWS_EC2", "MAC_ARM"] | Text = ...,
        EnvironmentVariablesOverride: Items = ...,
        GitCloneDepthOverride: Whole = ...,
        GitSubmodulesConfigOverride: Fields = ...,
        IdempotencyToken: Text = ...,
        ImageOverride: Text = ...,
        ImagePullCredentialsTypeOverride: Literal["CODEBUILD", "SERVICE_ROLE"] | Text = ...,
        InsecureSslOverride: Flag = ...,
        LogsConfigOverride: Fields = ...,
        PrivilegedModeOverride: Flag = ...,
        QueuedTimeoutInMinutesOverride: Whole = ...,
        RegistryCredentialOverride: Fields = ...,
        ReportBuildBatchStatusOverride: Flag = ...,
        SecondaryArtifactsOverride: Items = ...,
        SecondarySourcesOverride: Items = ...,
        SecondarySourcesVersionOverride: Items = ...,
        ServiceRoleOverride: Text = ...,
        SourceAuthOverride: Fields = ...,
        SourceLocationOverride: Text = ...,
        SourceTypeOverride: Literal["CODECOMMIT", "CODEPIPELINE", "GITHUB", "GITLAB", "GITLAB_SELF_MANAGED", "S3", "BITBUCKET", "GITHUB_ENTERPRISE", "NO_SOURCE"] | Text = ...,
        SourceVersion: Text = ...,
    ) -> Integration: ...

class _CodebuildRetryBuildBatch:
    def __call__(
        self,
        *,
        Id: Text = ...,
        IdempotencyToken: Text = ...,
        RetryType: Literal["RETRY_ALL_BUILDS", "RETRY_FAILED_BUILDS"] | Text = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        Id: Text = ...,
        IdempotencyToken: Text = ...,
        RetryType: Literal["RETRY_ALL_BUILDS", "RETRY_FAILED_BUILDS"] | Text = ...,
    ) -> Integration: ...

class _CodebuildStopBuild:
    def __call__(
        self,
        *,
        Id: Text,
    ) -> Integration: ...

class _CodebuildStopBuildBatch:
    def __call__(
        self,
        *,
        Id: Text,
    ) -> Integration: ...

class _CodebuildBatchDeleteBuilds:
    def __call__(
        self,
        *,
        Ids: Items,
    ) -> Integration: ...

class _CodebuildDeleteBuildBatch:
    def __call__(
        self,
        *,
        Id: Text,
    ) -> Integration: ...

class _CodebuildBatchGetReports:
    def __call__(
        self,
        *,
        ReportArns: Items,
    ) -> Integration: ...

class _CodebuildErrors(Errors):
    AccountLimitExceededException: AwsError
    AccountSuspendedException: AwsError
    InvalidInputException: AwsError
    OAuthProviderException: AwsError
    ResourceAlreadyExistsException: AwsError
    ResourceNotFoundException: AwsError

class _Codebuild(Service):
    start_build: _CodebuildStartBuild
    start_build_batch: _CodebuildStartBuildBatch
    retry_build_batch: _CodebuildRetryBuildBatch
    stop_build: _CodebuildStopBuild
    stop_build_batch: _CodebuildStopBuildBatch
    batch_delete_builds: _CodebuildBatchDeleteBuilds
    delete_build_batch: _CodebuildDeleteBuildBatch
    batch_get_reports: _CodebuildBatchGetReports
    @property
    def errors(self) -> _CodebuildErrors: ...

codebuild: _Codebuild

class _DatabrewStartJobRun:
    def __call__(
        self,
        *,
        Name: Text,
    ) -> Integration: ...
    def sync(
        self,
        *,
        Name: Text,
    ) -> Integration: ...

class _DatabrewErrors(Errors):
    AccessDeniedException: AwsError
    ConflictException: AwsError
    InternalServerException: AwsError
    ResourceNotFoundException: AwsError
    ServiceQuotaExceededException: AwsError
    ValidationException: AwsError

class _Databrew(Service):
    start_job_run: _DatabrewStartJobRun
    @property
    def errors(self) -> _DatabrewErrors: ...

databrew: _Databrew

class _DynamodbGetItem:
    def __call__(
        self,
        *,
        TableName: Text,
        Key: Fields,
        AttributesToGet: Items = ...,
        ConsistentRead: Flag = ...,
        ExpressionAttributeNames: Fields = ...,
        ProjectionExpression: Text = ...,
        ReturnConsumedCapacity: Literal["INDEXES", "TOTAL", "NONE"] | Text = ...,
    ) -> Integration: ...

class _DynamodbPutItem:
    def __call__(
        self,
        *,
        TableName: Text,
        Item: Fields,
        ConditionExpression: Text = ...,
        ConditionalOperator: Literal["AND", "OR"] | Text = ...,
        Expected: Fields = ...,
        ExpressionAttributeNames: Fields = ...,
        ExpressionAttributeValues: Fields = ...,
        ReturnConsumedCapacity: Literal["INDEXES", "TOTAL", "NONE"] | Text = ...,
        ReturnItemCollectionMetrics: Literal["SIZE", "NONE"] | Text = ...,
        ReturnValues: Literal["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"] | Text = ...,
        ReturnValuesOnConditionCheckFailure: Literal["ALL_OLD", "NONE"] | Text = ...,
    ) -> Integration: ...

class _DynamodbUpdateItem:
    def __call__(
        self,
        *,
        TableName: Text,
        Key: Fields,
        AttributeUpdates: Fields = ...,
        ConditionExpression: Text = ...,
        ConditionalOperator: Literal["AND", "OR"] | Text = ...,
        Expected: Fields = ...,
        ExpressionAttributeNames: Fields = ...,
        ExpressionAttributeValues: Fields = ...,
        ReturnConsumedCapacity: Literal["INDEXES", "TOTAL", "NONE"] | Text = ...,
        ReturnItemCollectionMetrics: Literal["SIZE", "NONE"] | Text = ...,
        ReturnValues: Literal["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"] | Text = ...,
        ReturnValuesOnConditionCheckFailure: Literal["ALL_OLD", "NONE"] | Text = ...,
        UpdateExpression: Text = ...,
    ) -> Integration: ...

class _DynamodbDeleteItem:
    def __call__(
        self,
        *,
        TableName: Text,
        Key: Fields,
        ConditionExpression: Text = ...,
        ConditionalOperator: Literal["AND", "OR"] | Text = ...,
        Expected: Fields = ...,
        ExpressionAttributeNames: Fields = ...,
        ExpressionAttributeValues: Fields = ...,
        ReturnConsumedCapacity: Literal["INDEXES", "TOTAL", "NONE"] | Text = ...,
        ReturnItemCollectionMetrics: Literal["SIZE", "NONE"] | Text = ...,
        ReturnValues: Literal["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"] | Text = ...,
        ReturnValuesOnConditionCheckFailure: Literal["ALL_OLD", "NONE"] | Text = ...,
    ) -> Integration: ...

class _DynamodbErrors(Errors):
    BackupInUseException: AwsError
    BackupNotFoundException: AwsError
    ConditionalCheckFailedException: AwsError
    ContinuousBackupsUnavailableException: AwsError
    DuplicateItemException: AwsError
    ExportConflictException: AwsError
    ExportNotFoundException: AwsError
    GlobalTableAlreadyExistsException: AwsError
    GlobalTableNotFoundException: AwsError
    IdempotentParameterMismatchException: AwsError
    ImportConflictException: AwsError
    ImportNotFoundException: AwsError
    IndexNotFoundException: AwsError
    InternalServerError: AwsError
    InvalidExportTimeException: AwsError
    InvalidRestoreTimeException: AwsError
    ItemCollectionSizeLimitExceededException: AwsError
    LimitExceededException: AwsError
    PointInTimeRecoveryUnavailableException: AwsError
    PolicyNotFoundException: AwsError
    ProvisionedThroughputExceededException: AwsError
    ReplicaAlreadyExistsException: AwsError
    ReplicaNotFoundException: AwsError
    ReplicatedWriteConflictException: AwsError
    RequestLimitExceeded: AwsError
    ResourceInUseException: AwsError
    ResourceNotFoundException: AwsError
    TableAlreadyExistsException: AwsError
    TableInUseException: AwsError
    TableNotFoundException: AwsError
    ThrottlingException: AwsError
    TransactionCanceledException: AwsError
    TransactionConflictException: AwsError
    TransactionInProgressException: AwsError

class _Dynamodb(Service):
    get_item: _DynamodbGetItem
    put_item: _DynamodbPutItem
    update_item: _DynamodbUpdateItem
    delete_item: _DynamodbDeleteItem
    @property
    def errors(self) -> _DynamodbErrors: ...

dynamodb: _Dynamodb

class _EcsRunTask:
    def __call__(
        self,
        *,
        TaskDefinition: Text,
        CapacityProviderStrategy: Items = ...,
        ClientToken: Text = ...,
        Cluster: Text = ...,
        Count: Whole = ...,
        EnableECSManagedTags: Flag = ...,
        EnableExecuteCommand: Flag = ...,
        Group: Text = ...,
        LaunchType: Literal["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"] | Text = ...,
        NetworkConfiguration: Fields = ...,
        Overrides: Fields = ...,
        PlacementConstraints: Items = ...,
        PlacementStrategy: Items = ...,
        PlatformVersion: Text = ...,
        PropagateTags: Literal["TASK_DEFINITION", "SERVICE", "NONE"] | Text = ...,
        ReferenceId: Text = ...,
        StartedBy: Text = ...,
        Tags: Items = ...,
        VolumeConfigurations: Items = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        TaskDefinition: Text,
        CapacityProviderStrategy: Items = ...,
        ClientToken: Text = ...,
        Cluster: Text = ...,
        Count: Whole = ...,
        EnableECSManagedTags: Flag = ...,
        EnableExecuteCommand: Flag = ...,
        Group: Text = ...,
        LaunchType: Literal["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"] | Text = ...,
        NetworkConfiguration: Fields = ...,
        Overrides: Fields = ...,
        PlacementConstraints: Items = ...,
        PlacementStrategy: Items = ...,
        PlatformVersion: Text = ...,
        PropagateTags: Literal["TASK_DEFINITION", "SERVICE", "NONE"] | Text = ...,
        ReferenceId: Text = ...,
        StartedBy: Text = ...,
        Tags: Items = ...,
        VolumeConfigurations: Items = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        TaskDefinition: Text,
        CapacityProviderStrategy: Items = ...,
        ClientToken: Text = ...,
        Cluster: Text = ...,
        Count: Whole = ...,
        EnableECSManagedTags: Flag = ...,
        EnableExecuteCommand: Flag = ...,
        Group: Text = ...,
        LaunchType: Literal["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"] | Text = ...,
        NetworkConfiguration: Fields = ...,
        Overrides: Fields = ...,
        PlacementConstraints: Items = ...,
        PlacementStrategy: Items = ...,
        PlatformVersion: Text = ...,
        PropagateTags: Literal["TASK_DEFINITION", "SERVICE", "NONE"] | Text = ...,
        ReferenceId: Text = ...,
        StartedBy: Text = ...,
        Tags: Items = ...,
        VolumeConfigurations: Items = ...,
    ) -> Integration: ...

class _EcsErrors(Errors):
    AccessDeniedException: AwsError
    AttributeLimitExceededException: AwsError
    BlockedException: AwsError
    ClientException: AwsError
    ClusterContainsCapacityProviderException: AwsError
    ClusterContainsContainerInstancesException: AwsError
    ClusterContainsServicesException: AwsError
    ClusterContainsTasksException: AwsError
    ClusterNotFoundException: AwsError
    ConflictException: AwsError
    DaemonNotActiveException: AwsError
    DaemonNotFoundException: AwsError
    GatewayNotFoundException: AwsError
    InvalidParameterException: AwsError
    LimitExceededException: AwsError
    MissingVersionException: AwsError
    NamespaceNotFoundException: AwsError
    NoUpdateAvailableException: AwsError
    PlatformTaskDefinitionIncompatibilityException: AwsError
    PlatformUnknownException: AwsError
    ResourceInUseException: AwsError
    ResourceNotFoundException: AwsError
    ServerException: AwsError
    ServiceDeploymentNotFoundException: AwsError
    ServiceNotActiveException: AwsError
    ServiceNotFoundException: AwsError
    TargetNotConnectedException: AwsError
    TargetNotFoundException: AwsError
    TaskSetNotFoundException: AwsError
    UnsupportedFeatureException: AwsError
    UpdateInProgressException: AwsError

class _Ecs(Service):
    run_task: _EcsRunTask
    @property
    def errors(self) -> _EcsErrors: ...

ecs: _Ecs

class _EksCreateCluster:
    def __call__(
        self,
        *,
        Name: Text,
        RoleArn: Text,
        ResourcesVpcConfig: Fields,
        AccessConfig: Fields = ...,
        BootstrapSelfManagedAddons: Flag = ...,
        ClientRequestToken: Text = ...,
        ComputeConfig: Fields = ...,
        ControlPlaneScalingConfig: Fields = ...,
        DeletionProtection: Flag = ...,
        EncryptionConfig: Items = ...,
        KubeApiServerConfig: Fields = ...,
        KubeControllerManagerConfig: Fields = ...,
        KubeSchedulerConfig: Fields = ...,
        KubernetesNetworkConfig: Fields = ...,
        Logging: Fields = ...,
        OutpostConfig: Fields = ...,
        RemoteNetworkConfig: Fields = ...,
        StorageConfig: Fields = ...,
        Tags: Fields = ...,
        UpgradePolicy: Fields = ...,
        Version: Text = ...,
        ZonalShiftConfig: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        Name: Text,
        RoleArn: Text,
        ResourcesVpcConfig: Fields,
        AccessConfig: Fields = ...,
        BootstrapSelfManagedAddons: Flag = ...,
        ClientRequestToken: Text = ...,
        ComputeConfig: Fields = ...,
        ControlPlaneScalingConfig: Fields = ...,
        DeletionProtection: Flag = ...,
        EncryptionConfig: Items = ...,
        KubeApiServerConfig: Fields = ...,
        KubeControllerManagerConfig: Fields = ...,
        KubeSchedulerConfig: Fields = ...,
        KubernetesNetworkConfig: Fields = ...,
        Logging: Fields = ...,
        OutpostConfig: Fields = ...,
        RemoteNetworkConfig: Fields = ...,
        StorageConfig: Fields = ...,
        Tags: Fields = ...,
        UpgradePolicy: Fields = ...,
        Version: Text = ...,
        ZonalShiftConfig: Fields = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        Name: Text,
        RoleArn: Text,
        ResourcesVpcConfig: Fields,
        AccessConfig: Fields = ...,
        BootstrapSelfManagedAddons: Flag = ...,
        ClientRequestToken: Text = ...,
        ComputeConfig: Fields = ...,
        ControlPlaneScalingConfig: Fields = ...,
        DeletionProtection: Flag = ...,
        EncryptionConfig: Items = ...,
        KubeApiServerConfig: Fields = ...,
        KubeControllerManagerConfig: Fields = ...,
        KubeSchedulerConfig: Fields = ...,
        KubernetesNetworkConfig: Fields = ...,
        Logging: Fields = ...,
        OutpostConfig: Fields = ...,
        RemoteNetworkConfig: Fields = ...,
        StorageConfig: Fields = ...,
        Tags: Fields = ...,
        UpgradePolicy: Fields = ...,
        Version: Text = ...,
        ZonalShiftConfig: Fields = ...,
    ) -> Integration: ...

class _EksDeleteCluster:
    def __call__(
        self,
        *,
        Name: Text,
    ) -> Integration: ...
    def sync(
        self,
        *,
        Name: Text,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        Name: Text,
    ) -> Integration: ...

class _EksCreateNodegroup:
    def __call__(
        self,
        *,
        ClusterName: Text,
        NodegroupName: Text,
        Subnets: Items,
        NodeRole: Text,
        AmiType: Literal["AL2_x86_64", "AL2_x86_64_GPU", "AL2_ARM_64", "CUSTOM", "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64_FIPS", "BOTTLEROCKET_x86_64_FIPS", "BOTTLEROCKET_ARM_64_NVIDIA", "BOTTLEROCKET_x86_64_NVIDIA", "BOTTLEROCKET_ARM_64_NVIDIA_FIPS", "BOTTLEROCKET_x86_64_NVIDIA_FIPS", "WINDOWS_CORE_2019_x86_64", "WINDOWS_FULL_2019_x86_64", "WINDOWS_CORE_2022_x86_64", "WINDOWS_FULL_2022_x86_64", "WINDOWS_CORE_2025_x86_64", "WINDOWS_FULL_2025_x86_64", "AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD", "AL2023_x86_64_NEURON", "AL2023_x86_64_NVIDIA", "AL2023_ARM_64_NVIDIA"] | Text = ...,
        CapacityType: Literal["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"] | Text = ...,
        ClientRequestToken: Text = ...,
        DiskSize: Whole = ...,
        InstanceTypes: Items = ...,
        Labels: Fields = ...,
        LaunchTemplate: Fields = ...,
        NodeRepairConfig: Fields = ...,
        ReleaseVersion: Text = ...,
        RemoteAccess: Fields = ...,
        ScalingConfig: Fields = ...,
        Tags: Fields = ...,
        Taints: Items = ...,
        UpdateConfig: Fields = ...,
        Version: Text = ...,
        WarmPoolConfig: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ClusterName: Text,
        NodegroupName: Text,
        Subnets: Items,
        NodeRole: Text,
        AmiType: Literal["AL2_x86_64", "AL2_x86_64_GPU", "AL2_ARM_64", "CUSTOM", "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64_FIPS", "BOTTLEROCKET_x86_64_FIPS", "BOTTLEROCKET_ARM_64_NVIDIA", "BOTTLEROCKET_x86_64_NVIDIA", "BOTTLEROCKET_ARM_64_NVIDIA_FIPS", "BOTTLEROCKET_x86_64_NVIDIA_FIPS", "WINDOWS_CORE_2019_x86_64", "WINDOWS_FULL_2019_x86_64", "WINDOWS_CORE_2022_x86_64", "WINDOWS_FULL_2022_x86_64", "WINDOWS_CORE_2025_x86_64", "WINDOWS_FULL_2025_x86_64", "AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD", "AL2023_x86_64_NEURON", "AL2023_x86_64_NVIDIA", "AL2023_ARM_64_NVIDIA"] | Text = ...,
        CapacityType: Literal["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"] | Text = ...,
        ClientRequestToken: Text = ...,
        DiskSize: Whole = ...,
        InstanceTypes: Items = ...,
        Labels: Fields = ...,
        LaunchTemplate: Fields = ...,
        NodeRepairConfig: Fields = ...,
        ReleaseVersion: Text = ...,
        RemoteAccess: Fields = ...,
        ScalingConfig: Fields = ...,
        Tags: Fields = ...,
        Taints: Items = ...,
        UpdateConfig: Fields = ...,
        Version: Text = ...,
        WarmPoolConfig: Fields = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        ClusterName: Text,
        NodegroupName: Text,
        Subnets: Items,
        NodeRole: Text,
        AmiType: Literal["AL2_x86_64", "AL2_x86_64_GPU", "AL2_ARM_64", "CUSTOM", "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_ARM_64_FIPS", "BOTTLEROCKET_x86_64_FIPS", "BOTTLEROCKET_ARM_64_NVIDIA", "BOTTLEROCKET_x86_64_NVIDIA", "BOTTLEROCKET_ARM_64_NVIDIA_FIPS", "BOTTLEROCKET_x86_64_NVIDIA_FIPS", "WINDOWS_CORE_2019_x86_64", "WINDOWS_FULL_2019_x86_64", "WINDOWS_CORE_2022_x86_64", "WINDOWS_FULL_2022_x86_64", "WINDOWS_CORE_2025_x86_64", "WINDOWS_FULL_2025_x86_64", "AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD", "AL2023_x86_64_NEURON", "AL2023_x86_64_NVIDIA", "AL2023_ARM_64_NVIDIA"] | Text = ...,
        CapacityType: Literal["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"] | Text = ...,
        ClientRequestToken: Text = ...,
        DiskSize: Whole = ...,
        InstanceTypes: Items = ...,
        Labels: Fields = ...,
        LaunchTemplate: Fields = ...,
        NodeRepairConfig: Fields = ...,
        ReleaseVersion: Text = ...,
        RemoteAccess: Fields = ...,
        ScalingConfig: Fields = ...,
        Tags: Fields = ...,
        Taints: Items = ...,
        UpdateConfig: Fields = ...,
        Version: Text = ...,
        WarmPoolConfig: Fields = ...,
    ) -> Integration: ...

class _EksDeleteNodegroup:
    def __call__(
        self,
        *,
        ClusterName: Text,
        NodegroupName: Text,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ClusterName: Text,
        NodegroupName: Text,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        ClusterName: Text,
        NodegroupName: Text,
    ) -> Integration: ...

class _EksCreateFargateProfile:
    def __call__(
        self,
        *,
        FargateProfileName: Text,
        ClusterName: Text,
        PodExecutionRoleArn: Text,
        ClientRequestToken: Text = ...,
        Selectors: Items = ...,
        Subnets: Items = ...,
        Tags: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        FargateProfileName: Text,
        ClusterName: Text,
        PodExecutionRoleArn: Text,
        ClientRequestToken: Text = ...,
        Selectors: Items = ...,
        Subnets: Items = ...,
        Tags: Fields = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        FargateProfileName: Text,
        ClusterName: Text,
        PodExecutionRoleArn: Text,
        ClientRequestToken: Text = ...,
        Selectors: Items = ...,
        Subnets: Items = ...,
        Tags: Fields = ...,
    ) -> Integration: ...

class _EksDeleteFargateProfile:
    def __call__(
        self,
        *,
        ClusterName: Text,
        FargateProfileName: Text,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ClusterName: Text,
        FargateProfileName: Text,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        ClusterName: Text,
        FargateProfileName: Text,
    ) -> Integration: ...

class _EksRunJob:
    def __call__(
        self,
        *,
        ClusterName: Value,
        CertificateAuthority: Value,
        Endpoint: Value,
        Job: Value,
        LogOptions: Value = ...,
        Namespace: Value = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ClusterName: Value,
        CertificateAuthority: Value,
        Endpoint: Value,
        Job: Value,
        LogOptions: Value = ...,
        Namespace: Value = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        ClusterName: Value,
        CertificateAuthority: Value,
        Endpoint: Value,
        Job: Value,
        LogOptions: Value = ...,
        Namespace: Value = ...,
    ) -> Integration: ...

class _EksCall:
    def __call__(
        self,
        *,
        ClusterName: Value,
        CertificateAuthority: Value,
        Endpoint: Value,
        Method: Value,
        Path: Value,
        QueryParameters: Value = ...,
        RequestBody: Value = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        ClusterName: Value,
        CertificateAuthority: Value,
        Endpoint: Value,
        Method: Value,
        Path: Value,
        QueryParameters: Value = ...,
        RequestBody: Value = ...,
    ) -> Integration: ...

class _EksErrors(Errors):
    AccessDeniedException: AwsError
    BadRequestException: AwsError
    ClientException: AwsError
    InvalidParameterException: AwsError
    InvalidRequestException: AwsError
    InvalidStateException: AwsError
    NotFoundException: AwsError
    ResourceInUseException: AwsError
    ResourceLimitExceededException: AwsError
    ResourceNotFoundException: AwsError
    ResourcePropagationDelayException: AwsError
    ServerException: AwsError
    ServiceUnavailableException: AwsError
    ThrottlingException: AwsError
    UnsupportedAvailabilityZoneException: AwsError

class _Eks(Service):
    create_cluster: _EksCreateCluster
    delete_cluster: _EksDeleteCluster
    create_nodegroup: _EksCreateNodegroup
    delete_nodegroup: _EksDeleteNodegroup
    create_fargate_profile: _EksCreateFargateProfile
    delete_fargate_profile: _EksDeleteFargateProfile
    run_job: _EksRunJob
    call: _EksCall
    @property
    def errors(self) -> _EksErrors: ...

eks: _Eks

class _ElasticmapreduceErrors(Errors):
    InternalServerError: AwsError
    InternalServerException: AwsError
    InvalidRequestException: AwsError

class _Elasticmapreduce(Service):
    create_cluster: Action
    terminate_cluster: Action
    add_step: Action
    set_cluster_termination_protection: Action
    cancel_step: Action
    modify_instance_fleet_by_name: Action
    modify_instance_group_by_name: Action
    @property
    def errors(self) -> _ElasticmapreduceErrors: ...

elasticmapreduce: _Elasticmapreduce

class _EmrContainersDeleteVirtualCluster:
    def __call__(
        self,
        *,
        Id: Text,
    ) -> Integration: ...
    def sync(
        self,
        *,
        Id: Text,
    ) -> Integration: ...

class _EmrContainersStartJobRun:
    def __call__(
        self,
        *,
        VirtualClusterId: Text,
        ClientToken: Text,
        ConfigurationOverrides: Fields = ...,
        ExecutionRoleArn: Text = ...,
        JobDriver: Fields = ...,
        JobTemplateId: Text = ...,
        JobTemplateParameters: Fields = ...,
        Name: Text = ...,
        ReleaseLabel: Text = ...,
        RetryPolicyConfiguration: Fields = ...,
        Tags: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        VirtualClusterId: Text,
        ClientToken: Text,
        ConfigurationOverrides: Fields = ...,
        ExecutionRoleArn: Text = ...,
        JobDriver: Fields = ...,
        JobTemplateId: Text = ...,
        JobTemplateParameters: Fields = ...,
        Name: Text = ...,
        ReleaseLabel: Text = ...,
        RetryPolicyConfiguration: Fields = ...,
        Tags: Fields = ...,
    ) -> Integration: ...

class _EmrContainersCreateVirtualCluster:
    def __call__(
        self,
        *,
        Name: Text,
        ContainerProvider: Fields,
        ClientToken: Text,
        SchedulerConfiguration: Fields = ...,
        SecurityConfigurationId: Text = ...,
        SessionEnabled: Flag = ...,
        Tags: Fields = ...,
    ) -> Integration: ...

class _EmrContainersErrors(Errors):
    EKSRequestThrottledException: AwsError
    InternalServerException: AwsError
    RequestThrottledException: AwsError
    ResourceNotFoundException: AwsError
    ValidationException: AwsError

class _EmrContainers(Service):
    delete_virtual_cluster: _EmrContainersDeleteVirtualCluster
    start_job_run: _EmrContainersStartJobRun
    create_virtual_cluster: _EmrContainersCreateVirtualCluster
    @property
    def errors(self) -> _EmrContainersErrors: ...

emr_containers: _EmrContainers

class _EmrServerlessCreateApplication:
    def __call__(
        self,
        *,
        ReleaseLabel: Text,
        Type: Text,
        ClientToken: Text,
        Architecture: Literal["ARM64", "X86_64"] | Text = ...,
        AutoStartConfiguration: Fields = ...,
        AutoStopConfiguration: Fields = ...,
        DiskEncryptionConfiguration: Fields = ...,
        IdentityCenterConfiguration: Fields = ...,
        ImageConfiguration: Fields = ...,
        InitialCapacity: Fields = ...,
        InteractiveConfiguration: Fields = ...,
        JobLevelCostAllocationConfiguration: Fields = ...,
        MaximumCapacity: Fields = ...,
        MonitoringConfiguration: Fields = ...,
        Name: Text = ...,
        NetworkConfiguration: Fields = ...,
        RuntimeConfiguration: Items = ...,
        SchedulerConfiguration: Fields = ...,
        Tags: Fields = ...,
        WorkerTypeSpecifications: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ReleaseLabel: Text,
        Type: Text,
        ClientToken: Text,
        Architecture: Literal["ARM64", "X86_64"] | Text = ...,
        AutoStartConfiguration: Fields = ...,
        AutoStopConfiguration: Fields = ...,
        DiskEncryptionConfiguration: Fields = ...,
        IdentityCenterConfiguration: Fields = ...,
        ImageConfiguration: Fields = ...,
        InitialCapacity: Fields = ...,
        InteractiveConfiguration: Fields = ...,
        JobLevelCostAllocationConfiguration: Fields = ...,
        MaximumCapacity: Fields = ...,
        MonitoringConfiguration: Fields = ...,
        Name: Text = ...,
        NetworkConfiguration: Fields = ...,
        RuntimeConfiguration: Items = ...,
        SchedulerConfiguration: Fields = ...,
        Tags: Fields = ...,
        WorkerTypeSpecifications: Fields = ...,
    ) -> Integration: ...

class _EmrServerlessStartApplication:
    def __call__(
        self,
        *,
        ApplicationId: Text,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ApplicationId: Text,
    ) -> Integration: ...

class _EmrServerlessStopApplication:
    def __call__(
        self,
        *,
        ApplicationId: Text,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ApplicationId: Text,
    ) -> Integration: ...

class _EmrServerlessDeleteApplication:
    def __call__(
        self,
        *,
        ApplicationId: Text,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ApplicationId: Text,
    ) -> Integration: ...

class _EmrServerlessStartJobRun:
    def __call__(
        self,
        *,
        ApplicationId: Text,
        ClientToken: Text,
        ExecutionRoleArn: Text,
        ConfigurationOverrides: Fields = ...,
        ExecutionIamPolicy: Fields = ...,
        ExecutionTimeoutMinutes: Whole = ...,
        FlexExecution: Fields = ...,
        JobDriver: Fields = ...,
        Mode: Literal["BATCH", "STREAMING"] | Text = ...,
        Name: Text = ...,
        RetryPolicy: Fields = ...,
        Tags: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ApplicationId: Text,
        ClientToken: Text,
        ExecutionRoleArn: Text,
        ConfigurationOverrides: Fields = ...,
        ExecutionIamPolicy: Fields = ...,
        ExecutionTimeoutMinutes: Whole = ...,
        FlexExecution: Fields = ...,
        JobDriver: Fields = ...,
        Mode: Literal["BATCH", "STREAMING"] | Text = ...,
        Name: Text = ...,
        RetryPolicy: Fields = ...,
        Tags: Fields = ...,
    ) -> Integration: ...

class _EmrServerlessCancelJobRun:
    def __call__(
        self,
        *,
        ApplicationId: Text,
        JobRunId: Text,
        ShutdownGracePeriodInSeconds: Whole = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ApplicationId: Text,
        JobRunId: Text,
        ShutdownGracePeriodInSeconds: Whole = ...,
    ) -> Integration: ...

class _EmrServerlessErrors(Errors):
    ConflictException: AwsError
    InternalServerException: AwsError
    ResourceNotFoundException: AwsError
    ServiceQuotaExceededException: AwsError
    ValidationException: AwsError

class _EmrServerless(Service):
    create_application: _EmrServerlessCreateApplication
    start_application: _EmrServerlessStartApplication
    stop_application: _EmrServerlessStopApplication
    delete_application: _EmrServerlessDeleteApplication
    start_job_run: _EmrServerlessStartJobRun
    cancel_job_run: _EmrServerlessCancelJobRun
    @property
    def errors(self) -> _EmrServerlessErrors: ...

emr_serverless: _EmrServerless

class _EventsPutEvents:
    def __call__(
        self,
        *,
        Entries: Items,
        EndpointId: Text = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        Entries: Items,
        EndpointId: Text = ...,
    ) -> Integration: ...

class _EventsErrors(Errors):
    AccessDeniedException: AwsError
    ConcurrentModificationException: AwsError
    IllegalStatusException: AwsError
    InternalException: AwsError
    InvalidEventPatternException: AwsError
    InvalidStateException: AwsError
    LimitExceededException: AwsError
    ManagedRuleException: AwsError
    OperationDisabledException: AwsError
    PolicyLengthExceededException: AwsError
    ResourceAlreadyExistsException: AwsError
    ResourceNotFoundException: AwsError
    ThrottlingException: AwsError

class _Events(Service):
    put_events: _EventsPutEvents
    @property
    def errors(self) -> _EventsErrors: ...

events: _Events

class _GlueStartJobRun:
    def __call__(
        self,
        *,
        JobName: Text,
        AllocatedCapacity: Whole = ...,
        Arguments: Fields = ...,
        ExecutionClass: Literal["FLEX", "STANDARD"] | Text = ...,
        ExecutionRoleSessionPolicy: Text = ...,
        JobRunId: Text = ...,
        JobRunQueuingEnabled: Flag = ...,
        MaxCapacity: Real = ...,
        NotificationProperty: Fields = ...,
        NumberOfWorkers: Whole = ...,
        SecurityConfiguration: Text = ...,
        Timeout: Whole = ...,
        WorkerType: Literal["Standard", "G.1X", "G.2X", "G.4X", "G.8X", "G.025X", "Z.2X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X"] | Text = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        JobName: Text,
        AllocatedCapacity: Whole = ...,
        Arguments: Fields = ...,
        ExecutionClass: Literal["FLEX", "STANDARD"] | Text = ...,
        ExecutionRoleSessionPolicy: Text = ...,
        JobRunId: Text = ...,
        JobRunQueuingEnabled: Flag = ...,
        MaxCapacity: Real = ...,
        NotificationProperty: Fields = ...,
        NumberOfWorkers: Whole = ...,
        SecurityConfiguration: Text = ...,
        Timeout: Whole = ...,
        WorkerType: Literal["Standard", "G.1X", "G.2X", "G.4X", "G.8X", "G.025X", "Z.2X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X"] | Text = ...,
    ) -> Integration: ...

class _GlueErrors(Errors):
    AccessDeniedException: AwsError
    AlreadyExistsException: AwsError
    ColumnStatisticsTaskNotRunningException: AwsError
    ColumnStatisticsTaskRunningException: AwsError
    ColumnStatisticsTaskStoppingException: AwsError
    ConcurrentModificationException: AwsError
    ConcurrentRunsExceededException: AwsError
    ConditionCheckFailureException: AwsError
    ConflictException: AwsError
    CrawlerNotRunningException: AwsError
    CrawlerRunningException: AwsError
    CrawlerStoppingException: AwsError
    EntityNotFoundException: AwsError
    FederatedResourceAlreadyExistsException: AwsError
    FederationSourceException: AwsError
    FederationSourceRetryableException: AwsError
    GlueEncryptionException: AwsError
    IdempotentParameterMismatchException: AwsError
    IllegalBlueprintStateException: AwsError
    IllegalSessionStateException: AwsError
    IllegalWorkflowStateException: AwsError
    IntegrationConflictOperationFault: AwsError
    IntegrationNotFoundFault: AwsError
    IntegrationQuotaExceededFault: AwsError
    InternalServerException: AwsError
    InternalServiceException: AwsError
    InvalidInputException: AwsError
    InvalidIntegrationStateFault: AwsError
    InvalidStateException: AwsError
    KMSKeyNotAccessibleFault: AwsError
    MLTransformNotReadyException: AwsError
    MaterializedViewRefreshTaskNotRunningException: AwsError
    MaterializedViewRefreshTaskRunningException: AwsError
    MaterializedViewRefreshTaskStoppingException: AwsError
    NoScheduleException: AwsError
    OperationNotSupportedException: AwsError
    OperationTimeoutException: AwsError
    PermissionTypeMismatchException: AwsError
    ResourceNotFoundException: AwsError
    ResourceNotReadyException: AwsError
    ResourceNumberLimitExceededException: AwsError
    SchedulerNotRunningException: AwsError
    SchedulerRunningException: AwsError
    SchedulerTransitioningException: AwsError
    SessionBusyException: AwsError
    TargetResourceNotFound: AwsError
    ThrottlingException: AwsError
    ValidationException: AwsError
    VersionMismatchException: AwsError

class _Glue(Service):
    start_job_run: _GlueStartJobRun
    @property
    def errors(self) -> _GlueErrors: ...

glue: _Glue

class _HttpInvoke:
    def __call__(
        self,
        *,
        ApiEndpoint: Value,
        Method: Value,
        Authentication: Value = ...,
        Headers: Value = ...,
        InvocationConfig: Value = ...,
        QueryParameters: Value = ...,
        RequestBody: Value = ...,
        Transform: Value = ...,
    ) -> Integration: ...

class _Http(Service):
    invoke: _HttpInvoke

http: _Http

class _LambdaInvoke:
    def __call__(
        self,
        *,
        FunctionName: Text | Function,
        ClientContext: Text = ...,
        DurableExecutionName: Text = ...,
        InvocationType: Literal["Event", "RequestResponse", "DryRun"] | Text = ...,
        LogType: Literal["None", "Tail"] | Text = ...,
        Payload: Value = ...,
        Qualifier: Text = ...,
        TenantId: Text = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        FunctionName: Text | Function,
        ClientContext: Text = ...,
        DurableExecutionName: Text = ...,
        InvocationType: Literal["Event", "RequestResponse", "DryRun"] | Text = ...,
        LogType: Literal["None", "Tail"] | Text = ...,
        Payload: Value = ...,
        Qualifier: Text = ...,
        TenantId: Text = ...,
    ) -> Integration: ...

class _LambdaErrors(Errors):
    AliasLimitExceededException: AwsError
    CallbackTimeoutException: AwsError
    CapacityProviderLimitExceededException: AwsError
    CodeArtifactUserDeletedException: AwsError
    CodeArtifactUserFailedException: AwsError
    CodeArtifactUserPendingException: AwsError
    CodeSigningConfigNotFoundException: AwsError
    CodeStorageExceededException: AwsError
    CodeVerificationFailedException: AwsError
    DurableExecutionAlreadyStartedException: AwsError
    EC2AccessDeniedException: AwsError
    EC2ThrottledException: AwsError
    EC2UnexpectedException: AwsError
    EFSIOException: AwsError
    EFSMountConnectivityException: AwsError
    EFSMountFailureException: AwsError
    EFSMountTimeoutException: AwsError
    ENILimitReachedException: AwsError
    ENINotReadyException: AwsError
    FunctionVersionsPerCapacityProviderLimitExceededException: AwsError
    InvalidCodeSignatureException: AwsError
    InvalidParameterValueException: AwsError
    InvalidRequestContentException: AwsError
    InvalidRuntimeException: AwsError
    InvalidSecurityGroupIDException: AwsError
    InvalidSubnetIDException: AwsError
    InvalidZipFileException: AwsError
    KMSAccessDeniedException: AwsError
    KMSDisabledException: AwsError
    KMSInvalidStateException: AwsError
    KMSNotFoundException: AwsError
    ModeNotSupportedException: AwsError
    NoPublishedVersionException: AwsError
    PolicyLengthExceededException: AwsError
    PreconditionFailedException: AwsError
    ProvisionedConcurrencyConfigNotFoundException: AwsError
    PublicPolicyException: AwsError
    RecursiveInvocationException: AwsError
    RequestTooLargeException: AwsError
    ResourceConflictException: AwsError
    ResourceInUseException: AwsError
    ResourceNotFoundException: AwsError
    ResourceNotReadyException: AwsError
    RuntimeAliasDeletedException: AwsError
    RuntimeVersionDeletedException: AwsError
    S3FilesMountConnectivityException: AwsError
    S3FilesMountFailureException: AwsError
    S3FilesMountTimeoutException: AwsError
    SerializedRequestEntityTooLargeException: AwsError
    ServiceException: AwsError
    ServiceQuotaExceededException: AwsError
    SnapStartException: AwsError
    SnapStartNotReadyException: AwsError
    SnapStartRegenerationFailureException: AwsError
    SnapStartTimeoutException: AwsError
    SubnetIPAddressLimitReachedException: AwsError
    TooManyRequestsException: AwsError
    UnsupportedMediaTypeException: AwsError

class _Lambda(Service):
    invoke: _LambdaInvoke
    @property
    def errors(self) -> _LambdaErrors: ...

lambda_: _Lambda

class _MediaconvertCreateJob:
    def __call__(
        self,
        *,
        Role: Text,
        Settings: Fields,
        AccelerationSettings: Fields = ...,
        BillingTagsSource: Literal["QUEUE", "PRESET", "JOB_TEMPLATE", "JOB"] | Text = ...,
        ClientRequestToken: Text = ...,
        ElementalInferenceSettings: Fields = ...,
        HopDestinations: Items = ...,
        JobEngineVersion: Text = ...,
        JobTemplate: Text = ...,
        Priority: Whole = ...,
        Queue: Text = ...,
        SimulateReservedQueue: Literal["DISABLED", "ENABLED"] | Text = ...,
        StatusUpdateInterval: Literal["SECONDS_10", "SECONDS_12", "SECONDS_15", "SECONDS_20", "SECONDS_30", "SECONDS_60", "SECONDS_120", "SECONDS_180", "SECONDS_240", "SECONDS_300", "SECONDS_360", "SECONDS_420", "SECONDS_480", "SECONDS_540", "SECONDS_600"] | Text = ...,
        Tags: Fields = ...,
        UserMetadata: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        Role: Text,
        Settings: Fields,
        AccelerationSettings: Fields = ...,
        BillingTagsSource: Literal["QUEUE", "PRESET", "JOB_TEMPLATE", "JOB"] | Text = ...,
        ClientRequestToken: Text = ...,
        ElementalInferenceSettings: Fields = ...,
        HopDestinations: Items = ...,
        JobEngineVersion: Text = ...,
        JobTemplate: Text = ...,
        Priority: Whole = ...,
        Queue: Text = ...,
        SimulateReservedQueue: Literal["DISABLED", "ENABLED"] | Text = ...,
        StatusUpdateInterval: Literal["SECONDS_10", "SECONDS_12", "SECONDS_15", "SECONDS_20", "SECONDS_30", "SECONDS_60", "SECONDS_120", "SECONDS_180", "SECONDS_240", "SECONDS_300", "SECONDS_360", "SECONDS_420", "SECONDS_480", "SECONDS_540", "SECONDS_600"] | Text = ...,
        Tags: Fields = ...,
        UserMetadata: Fields = ...,
    ) -> Integration: ...

class _MediaconvertErrors(Errors):
    BadRequestException: AwsError
    ConflictException: AwsError
    ForbiddenException: AwsError
    InternalServerErrorException: AwsError
    NotFoundException: AwsError
    ServiceQuotaExceededException: AwsError
    TooManyRequestsException: AwsError
    UnprocessableEntityException: AwsError

class _Mediaconvert(Service):
    create_job: _MediaconvertCreateJob
    @property
    def errors(self) -> _MediaconvertErrors: ...

mediaconvert: _Mediaconvert

class _SagemakerCreateHyperParameterTuningJob:
    def __call__(
        self,
        *,
        HyperParameterTuningJobName: Text,
        HyperParameterTuningJobConfig: Fields,
        Autotune: Fields = ...,
        Tags: Items = ...,
        TrainingJobDefinition: Fields = ...,
        TrainingJobDefinitions: Items = ...,
        WarmStartConfig: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        HyperParameterTuningJobName: Text,
        HyperParameterTuningJobConfig: Fields,
        Autotune: Fields = ...,
        Tags: Items = ...,
        TrainingJobDefinition: Fields = ...,
        TrainingJobDefinitions: Items = ...,
        WarmStartConfig: Fields = ...,
    ) -> Integration: ...

class _SagemakerCreateLabelingJob:
    def __call__(
        self,
        *,
        LabelingJobName: Text,
        LabelAttributeName: Text,
        InputConfig: Fields,
        OutputConfig: Fields,
        RoleArn: Text,
        HumanTaskConfig: Fields,
        LabelCategoryConfigS3Uri: Text = ...,
        LabelingJobAlgorithmsConfig: Fields = ...,
        StoppingConditions: Fields = ...,
        Tags: Items = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        LabelingJobName: Text,
        LabelAttributeName: Text,
        InputConfig: Fields,
        OutputConfig: Fields,
        RoleArn: Text,
        HumanTaskConfig: Fields,
        LabelCategoryConfigS3Uri: Text = ...,
        LabelingJobAlgorithmsConfig: Fields = ...,
        StoppingConditions: Fields = ...,
        Tags: Items = ...,
    ) -> Integration: ...

class _SagemakerCreateProcessingJob:
    def __call__(
        self,
        *,
        ProcessingJobName: Text,
        ProcessingResources: Fields,
        AppSpecification: Fields,
        RoleArn: Text,
        Environment: Fields = ...,
        ExperimentConfig: Fields = ...,
        NetworkConfig: Fields = ...,
        ProcessingInputs: Items = ...,
        ProcessingOutputConfig: Fields = ...,
        StoppingCondition: Fields = ...,
        Tags: Items = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        ProcessingJobName: Text,
        ProcessingResources: Fields,
        AppSpecification: Fields,
        RoleArn: Text,
        Environment: Fields = ...,
        ExperimentConfig: Fields = ...,
        NetworkConfig: Fields = ...,
        ProcessingInputs: Items = ...,
        ProcessingOutputConfig: Fields = ...,
        StoppingCondition: Fields = ...,
        Tags: Items = ...,
    ) -> Integration: ...

class _SagemakerCreateTrainingJob:
    def __call__(
        self,
        *,
        TrainingJobName: Text,
        RoleArn: Text,
        OutputDataConfig: Fields,
        AlgorithmSpecification: Fields = ...,
        CheckpointConfig: Fields = ...,
        DebugHookConfig: Fields = ...,
        DebugRuleConfigurations: Items = ...,
        EnableInterContainerTrafficEncryption: Flag = ...,
        EnableManagedSpotTraining: Flag = ...,
        EnableNetworkIsolation: Flag = ...,
        Environment: Fields = ...,
        ExperimentConfig: Fields = ...,
        HyperParameters: Fields = ...,
        InfraCheckConfig: Fields = ...,
        InputDataConfig: Items = ...,
        MlflowConfig: Fields = ...,
        ModelPackageConfig: Fields = ...,
        ProfilerConfig: Fields = ...,
        ProfilerRuleConfigurations: Items = ...,
        RemoteDebugConfig: Fields = ...,
        ResourceConfig: Fields = ...,
        RetryStrategy: Fields = ...,
        ServerlessJobConfig: Fields = ...,
        SessionChainingConfig: Fields = ...,
        StoppingCondition: Fields = ...,
        Tags: Items = ...,
        TensorBoardOutputConfig: Fields = ...,
        VpcConfig: Fields = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        TrainingJobName: Text,
        RoleArn: Text,
        OutputDataConfig: Fields,
        AlgorithmSpecification: Fields = ...,
        CheckpointConfig: Fields = ...,
        DebugHookConfig: Fields = ...,
        DebugRuleConfigurations: Items = ...,
        EnableInterContainerTrafficEncryption: Flag = ...,
        EnableManagedSpotTraining: Flag = ...,
        EnableNetworkIsolation: Flag = ...,
        Environment: Fields = ...,
        ExperimentConfig: Fields = ...,
        HyperParameters: Fields = ...,
        InfraCheckConfig: Fields = ...,
        InputDataConfig: Items = ...,
        MlflowConfig: Fields = ...,
        ModelPackageConfig: Fields = ...,
        ProfilerConfig: Fields = ...,
        ProfilerRuleConfigurations: Items = ...,
        RemoteDebugConfig: Fields = ...,
        ResourceConfig: Fields = ...,
        RetryStrategy: Fields = ...,
        ServerlessJobConfig: Fields = ...,
        SessionChainingConfig: Fields = ...,
        StoppingCondition: Fields = ...,
        Tags: Items = ...,
        TensorBoardOutputConfig: Fields = ...,
        VpcConfig: Fields = ...,
    ) -> Integration: ...

class _SagemakerCreateTransformJob:
    def __call__(
        self,
        *,
        TransformJobName: Text,
        ModelName: Text,
        TransformInput: Fields,
        TransformOutput: Fields,
        TransformResources: Fields,
        BatchStrategy: Literal["MultiRecord", "SingleRecord"] | Text = ...,
        DataCaptureConfig: Fields = ...,
        DataProcessing: Fields = ...,
        Environment: Fields = ...,
        ExperimentConfig: Fields = ...,
        MaxConcurrentTransforms: Whole = ...,
        MaxPayloadInMB: Whole = ...,
        ModelClientConfig: Fields = ...,
        Tags: Items = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        TransformJobName: Text,
        ModelName: Text,
        TransformInput: Fields,
        TransformOutput: Fields,
        TransformResources: Fields,
        BatchStrategy: Literal["MultiRecord", "SingleRecord"] | Text = ...,
        DataCaptureConfig: Fields = ...,
        DataProcessing: Fields = ...,
        Environment: Fields = ...,
        ExperimentConfig: Fields = ...,
        MaxConcurrentTransforms: Whole = ...,
        MaxPayloadInMB: Whole = ...,
        ModelClientConfig: Fields = ...,
        Tags: Items = ...,
    ) -> Integration: ...

class _SagemakerCreateEndpoint:
    def __call__(
        self,
        *,
        EndpointName: Text,
        EndpointConfigName: Text,
        DeploymentConfig: Fields = ...,
        Tags: Items = ...,
    ) -> Integration: ...

class _SagemakerCreateEndpointConfig:
    def __call__(
        self,
        *,
        EndpointConfigName: Text,
        ProductionVariants: Items,
        AsyncInferenceConfig: Fields = ...,
        CrossRegionTrafficConfig: Fields = ...,
        DataCaptureConfig: Fields = ...,
        EnableNetworkIsolation: Flag = ...,
        ExecutionRoleArn: Text = ...,
        ExplainerConfig: Fields = ...,
        KmsKeyId: Text = ...,
        MetricsConfig: Fields = ...,
        ShadowProductionVariants: Items = ...,
        Tags: Items = ...,
        VpcConfig: Fields = ...,
    ) -> Integration: ...

class _SagemakerCreateModel:
    def __call__(
        self,
        *,
        ModelName: Text,
        Containers: Items = ...,
        EnableNetworkIsolation: Flag = ...,
        ExecutionRoleArn: Text = ...,
        InferenceExecutionConfig: Fields = ...,
        PrimaryContainer: Fields = ...,
        Tags: Items = ...,
        VpcConfig: Fields = ...,
    ) -> Integration: ...

class _SagemakerUpdateEndpoint:
    def __call__(
        self,
        *,
        EndpointName: Text,
        EndpointConfigName: Text,
        DeploymentConfig: Fields = ...,
        ExcludeRetainedVariantProperties: Items = ...,
        RetainAllVariantProperties: Flag = ...,
        RetainDeploymentConfig: Flag = ...,
    ) -> Integration: ...

class _SagemakerErrors(Errors):
    ConflictException: AwsError
    ResourceAlreadyExists: AwsError
    ResourceInUse: AwsError
    ResourceLimitExceeded: AwsError
    ResourceNotFound: AwsError

class _Sagemaker(Service):
    create_hyper_parameter_tuning_job: _SagemakerCreateHyperParameterTuningJob
    create_labeling_job: _SagemakerCreateLabelingJob
    create_processing_job: _SagemakerCreateProcessingJob
    create_training_job: _SagemakerCreateTrainingJob
    create_transform_job: _SagemakerCreateTransformJob
    create_endpoint: _SagemakerCreateEndpoint
    create_endpoint_config: _SagemakerCreateEndpointConfig
    create_model: _SagemakerCreateModel
    update_endpoint: _SagemakerUpdateEndpoint
    @property
    def errors(self) -> _SagemakerErrors: ...

sagemaker: _Sagemaker

class _SnsPublish:
    def __call__(
        self,
        *,
        Message: Value,
        MessageAttributes: Fields = ...,
        MessageDeduplicationId: Text = ...,
        MessageGroupId: Text = ...,
        MessageStructure: Text = ...,
        PhoneNumber: Text = ...,
        Subject: Text = ...,
        TargetArn: Text = ...,
        TopicArn: Text = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        Message: Value,
        MessageAttributes: Fields = ...,
        MessageDeduplicationId: Text = ...,
        MessageGroupId: Text = ...,
        MessageStructure: Text = ...,
        PhoneNumber: Text = ...,
        Subject: Text = ...,
        TargetArn: Text = ...,
        TopicArn: Text = ...,
    ) -> Integration: ...

class _SnsErrors(Errors):
    AuthorizationErrorException: AwsError
    BatchEntryIdsNotDistinctException: AwsError
    BatchRequestTooLongException: AwsError
    ConcurrentAccessException: AwsError
    EmptyBatchRequestException: AwsError
    EndpointDisabledException: AwsError
    FilterPolicyLimitExceededException: AwsError
    InternalErrorException: AwsError
    InvalidBatchEntryIdException: AwsError
    InvalidParameterException: AwsError
    InvalidParameterValueException: AwsError
    InvalidSecurityException: AwsError
    InvalidStateException: AwsError
    KMSAccessDeniedException: AwsError
    KMSDisabledException: AwsError
    KMSInvalidStateException: AwsError
    KMSNotFoundException: AwsError
    KMSOptInRequired: AwsError
    KMSThrottlingException: AwsError
    NotFoundException: AwsError
    OptedOutException: AwsError
    PlatformApplicationDisabledException: AwsError
    ReplayLimitExceededException: AwsError
    ResourceNotFoundException: AwsError
    StaleTagException: AwsError
    SubscriptionLimitExceededException: AwsError
    TagLimitExceededException: AwsError
    TagPolicyException: AwsError
    ThrottledException: AwsError
    TooManyEntriesInBatchRequestException: AwsError
    TopicLimitExceededException: AwsError
    UserErrorException: AwsError
    ValidationException: AwsError
    VerificationException: AwsError

class _Sns(Service):
    publish: _SnsPublish
    @property
    def errors(self) -> _SnsErrors: ...

sns: _Sns

class _SqsSendMessage:
    def __call__(
        self,
        *,
        QueueUrl: Text,
        MessageBody: Value,
        DelaySeconds: Whole = ...,
        MessageAttributes: Fields = ...,
        MessageDeduplicationId: Text = ...,
        MessageGroupId: Text = ...,
        MessageSystemAttributes: Fields = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        QueueUrl: Text,
        MessageBody: Value,
        DelaySeconds: Whole = ...,
        MessageAttributes: Fields = ...,
        MessageDeduplicationId: Text = ...,
        MessageGroupId: Text = ...,
        MessageSystemAttributes: Fields = ...,
    ) -> Integration: ...

class _SqsErrors(Errors):
    BatchEntryIdsNotDistinct: AwsError
    BatchRequestTooLong: AwsError
    EmptyBatchRequest: AwsError
    InvalidAddress: AwsError
    InvalidAttributeName: AwsError
    InvalidAttributeValue: AwsError
    InvalidBatchEntryId: AwsError
    InvalidIdFormat: AwsError
    InvalidMessageContents: AwsError
    InvalidSecurity: AwsError
    KmsAccessDenied: AwsError
    KmsDisabled: AwsError
    KmsInvalidKeyUsage: AwsError
    KmsInvalidState: AwsError
    KmsNotFound: AwsError
    KmsOptInRequired: AwsError
    KmsThrottled: AwsError
    MessageNotInflight: AwsError
    OverLimit: AwsError
    PurgeQueueInProgress: AwsError
    QueueDeletedRecently: AwsError
    QueueDoesNotExist: AwsError
    QueueNameExists: AwsError
    ReceiptHandleIsInvalid: AwsError
    RequestThrottled: AwsError
    ResourceNotFoundException: AwsError
    TooManyEntriesInBatchRequest: AwsError
    UnsupportedOperation: AwsError

class _Sqs(Service):
    send_message: _SqsSendMessage
    @property
    def errors(self) -> _SqsErrors: ...

sqs: _Sqs

class _StatesStartExecution:
    def __call__(
        self,
        *,
        StateMachineArn: Text,
        Input: Value = ...,
        Name: Text = ...,
        TraceHeader: Text = ...,
    ) -> Integration: ...
    def sync(
        self,
        *,
        StateMachineArn: Text,
        Input: Value = ...,
        Name: Text = ...,
        TraceHeader: Text = ...,
    ) -> Integration: ...
    def wait_for_task_token(
        self,
        *,
        StateMachineArn: Text,
        Input: Value = ...,
        Name: Text = ...,
        TraceHeader: Text = ...,
    ) -> Integration: ...

class _StatesErrors(Errors):
    ActivityAlreadyExists: AwsError
    ActivityDoesNotExist: AwsError
    ActivityLimitExceeded: AwsError
    ActivityWorkerLimitExceeded: AwsError
    ConflictException: AwsError
    ExecutionAlreadyExists: AwsError
    ExecutionDoesNotExist: AwsError
    ExecutionLimitExceeded: AwsError
    ExecutionNotRedrivable: AwsError
    InvalidArn: AwsError
    InvalidDefinition: AwsError
    InvalidEncryptionConfiguration: AwsError
    InvalidExecutionInput: AwsError
    InvalidLoggingConfiguration: AwsError
    InvalidName: AwsError
    InvalidOutput: AwsError
    InvalidToken: AwsError
    InvalidTracingConfiguration: AwsError
    KmsAccessDeniedException: AwsError
    KmsInvalidStateException: AwsError
    KmsThrottlingException: AwsError
    MissingRequiredParameter: AwsError
    ResourceNotFound: AwsError
    ServiceQuotaExceededException: AwsError
    StateMachineAlreadyExists: AwsError
    StateMachineDeleting: AwsError
    StateMachineDoesNotExist: AwsError
    StateMachineLimitExceeded: AwsError
    StateMachineTypeNotSupported: AwsError
    TaskDoesNotExist: AwsError
    TaskTimedOut: AwsError
    TooManyTags: AwsError
    ValidationException: AwsError

class _States(Service):
    start_execution: _StatesStartExecution
    @property
    def errors(self) -> _StatesErrors: ...

states: _States
