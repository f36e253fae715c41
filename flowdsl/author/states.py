"""The eight states of ASL and their parts: declarations only.

Each class adds the fields that its states have over those before. Source: ASL specification, "State Types".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from ..base.source import Caller
from . import kinds
from .expressions import DISCARD, Discard, Expression, Path, state_input
from .fields import UNSET, Element, Language, Unset, asl, element, field, keeping_unknown, sugar
from .flow import Flow, Step, chain, naming, renamed
from .functions import Dynamic, Function
from .integrations import AwsError, Integration

if TYPE_CHECKING:
    from .graphs import Graph

Json = Any
Text = str | Expression | Unset
Integer = int | Expression | Unset
Number = float | Expression | Unset
JsonPath = str | Path | None | Unset
Seconds = int | timedelta | Expression | Unset
Into = str | Path | Discard | Unset
"""A field of the document, a variable (`var.total`), or DISCARD."""


@element
class State(Element):
    """What all states have. `name` is at most 80 characters and unique in the whole machine."""

    type: ClassVar[str] = ""
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of ASL fields of which exactly one is required."""
    at_most_one: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of ASL fields of which at most one is allowed; a field and its `…Path` twin need not be named."""

    name: str = field(kw_only=False)
    comment: str | Unset = asl("Comment", kinds.STRING, default=UNSET)
    query_language: Language | Unset = asl("QueryLanguage", kinds.LANGUAGE, default=UNSET)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            kind = self.type or "State"
            raise TypeError(f'a {kind} takes its name first: {kind}("Charge", ...)')

    def as_(self, name: str) -> Self:
        """The same state under another name; the states inside it get that name and a dot before theirs.

        With a `{}` in it, `name` shows where the own name of each state goes, as for a chain.
        """
        rename = naming(name)
        return renamed(self, lambda old: name if old == self.name and "{}" not in name else rename(old))

    def __rshift__(self, step: Step) -> Flow:
        """`a >> b` is `chain(a, b)`."""
        return chain(self, step)


@element
class Fail(State):
    """Ends the execution as FAILED. Source: ASL specification, "Fail State"."""

    type = "Fail"

    error: Text = asl("Error", kinds.STRING, path="ErrorPath", by=kinds.TEXT_PATH, jsonata=True, default=UNSET)
    cause: Text = asl("Cause", kinds.STRING, path="CausePath", by=kinds.TEXT_PATH, jsonata=True, default=UNSET)


def fail(name: str, error: Text = UNSET, cause: Text = UNSET) -> Fail:
    """End the execution as FAILED at a state of this name; `error` and `cause` are texts or expressions."""
    return Fail(name, error=error, cause=cause)


@element
class Passing(State):
    """States that hand a value on."""

    input_path: JsonPath = asl("InputPath", kinds.PATH, language="JSONPath", default=UNSET)
    output_path: JsonPath = asl("OutputPath", kinds.PATH, language="JSONPath", default=UNSET)
    output: Json = asl("Output", kinds.ANY_TEMPLATE, language="JSONata", jsonata=True, default=UNSET)


@element
class Succeed(Passing):
    """Ends the execution, or the branch, as SUCCEEDED. Source: ASL specification, "Succeed State"."""

    type = "Succeed"


@element
class Assigning(Passing):
    """States that can set variables."""

    assign: Mapping[str, Json] | Unset = asl("Assign", kinds.VARIABLES, keywords=("output", "into"), default=UNSET)


@element
class Rule(Element):
    """A choice rule: a condition and the steps to take if it holds; `when` makes it."""

    condition: Expression | Mapping[str, Json] | str | bool | Unset = asl(
        "Condition", kinds.RULE, language="JSONata", jsonata=True, kw_only=False, default=UNSET
    )
    comment: str | Unset = asl("Comment", kinds.STRING, default=UNSET)
    assign: Mapping[str, Json] | Unset = asl("Assign", kinds.VARIABLES, keywords=("output", "into"), default=UNSET)
    output: Json = asl("Output", kinds.ANY_TEMPLATE, language="JSONata", jsonata=True, default=UNSET)
    next: str | Unset = asl("Next", kinds.STATE_NAME, required=True, default=UNSET)
    steps: tuple[Step, ...] = sugar(default=())


@keeping_unknown
def when(
    condition: Expression | Mapping[str, Json],
    *steps: Step,
    comment: str | Unset = UNSET,
    assign: Mapping[str, Json] | Unset = UNSET,
    output: Json = UNSET,
) -> Rule:
    """A rule of a Choice. Its steps run if the condition holds and then join what follows the Choice."""
    return Rule(condition, steps=steps, comment=comment, assign=assign, output=output)


@element
class Choice(Assigning):
    """Takes the first rule that holds. Without a rule that holds: `otherwise`, or else what follows in the chain.

    Source: ASL specification, "Choice State".
    """

    type = "Choice"
    rest = "choices"

    choices: Sequence[Rule] | Unset = asl(
        "Choices", kinds.filled_parts(Rule), required=True, default=UNSET, kw_only=False
    )
    default: str | Unset = asl("Default", kinds.STATE_NAME, default=UNSET)
    otherwise: Step | Sequence[Step] | Unset | None = sugar(default=UNSET)
    """None for no way on: an input that no rule takes fails the execution with States.NoChoiceMatched."""

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            *choices: Rule,
            otherwise: Step | Sequence[Step] | Unset | None = UNSET,
            default: str | Unset = UNSET,
            comment: str | Unset = UNSET,
            query_language: Language | Unset = UNSET,
            input_path: JsonPath = UNSET,
            output_path: JsonPath = UNSET,
            output: Json = UNSET,
            assign: Mapping[str, Json] | Unset = UNSET,
            extras: Mapping[str, Any] = ...,
            origin: Caller | None = None,
        ) -> None: ...


@element
class Stepping(Assigning):
    """States with one way on. The chain sets it; `next` and `end` are for definitions without a chain."""

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("Next", "End"),)

    next: str | Unset = asl("Next", kinds.STATE_NAME, default=UNSET)
    end: bool | Unset = asl("End", kinds.BOOLEAN, default=UNSET)


@element
class Wait(Stepping):
    """Waits for seconds (at most 99,999,999) or until a time. Source: ASL specification, "Wait State"."""

    type = "Wait"
    exactly_one = (*Stepping.exactly_one, ("Seconds", "SecondsPath", "Timestamp", "TimestampPath"))

    seconds: Seconds = asl("Seconds", kinds.SECONDS, path="SecondsPath", jsonata=True, default=UNSET)
    timestamp: Text | datetime = asl("Timestamp", kinds.TIMESTAMP, path="TimestampPath", jsonata=True, default=UNSET)


@element
class Building(Stepping):
    """States with a result of their own.

    `output` shapes the result: an object with parts of `result` in it. `into="psp"` puts it at `$.psp` of the input,
    `into=var.psp` into a variable, DISCARD drops it; without `into` it is the output.
    """

    parameters: Mapping[str, Json] | Unset = asl(
        "Parameters",
        kinds.ANY_TEMPLATE,
        language="JSONPath",
        keywords=("arguments", "payload", "output"),
        default=UNSET,
    )
    result_path: JsonPath = asl("ResultPath", kinds.RESULT_PATH, language="JSONPath", keywords=("into",), default=UNSET)
    into: Into = sugar(default=UNSET)

    @property
    def out(self) -> Path:
        """Where later states find the result."""
        if isinstance(self.into, Path):
            return self.into
        if isinstance(self.into, str):
            return state_input[self.into]
        if self.into is DISCARD or self.result_path is None:
            raise ValueError(f'state {self.name!r} discards its result, so it has no .out; give it into="..."')
        if isinstance(self.result_path, Path):
            return self.result_path
        if isinstance(self.result_path, str) and self.result_path != "$":
            raise ValueError(f'state {self.name!r} has a result_path as text; write into="..." to use .out')
        return state_input


@element
class Pass(Building):
    """Hands its input on, or the value of `output`. Source: ASL specification, "Pass State".

    `result` is a constant, as ASL has it.
    """

    type = "Pass"

    result: Json = asl("Result", kinds.JSON, language="JSONPath", default=UNSET)


@element
class Retrier(Element):
    """Tries again after an error; `retry` makes it. Source: ASL specification, "Retrying after error"."""

    spread = "errors"

    errors: Sequence[str] = asl("ErrorEquals", kinds.ERROR_NAMES, required=True, kw_only=False, default=UNSET)
    interval: int | timedelta | Unset = asl("IntervalSeconds", kinds.POSITIVE_SECONDS, default=UNSET)
    max_attempts: int | Unset = asl("MaxAttempts", kinds.integer(0, kinds.MAX_ATTEMPTS), default=UNSET)
    backoff_rate: float | Unset = asl("BackoffRate", kinds.number(1.0), default=UNSET)
    max_delay: int | timedelta | Unset = asl("MaxDelaySeconds", kinds.DELAY_SECONDS, default=UNSET)
    jitter: Literal["FULL", "NONE"] | Unset = asl("JitterStrategy", kinds.one_of("FULL", "NONE"), default=UNSET)
    comment: str | Unset = asl("Comment", kinds.STRING, default=UNSET)


@element
class Catcher(Element):
    """Goes on after an error that no retry has mended; `catch` makes it. Source: ASL, "Fallback states"."""

    errors: Sequence[str] = asl("ErrorEquals", kinds.ERROR_NAMES, required=True, kw_only=False, default=UNSET)
    result_path: JsonPath = asl("ResultPath", kinds.RESULT_PATH, language="JSONPath", keywords=("into",), default=UNSET)
    output: Json = asl("Output", kinds.ANY_TEMPLATE, language="JSONata", jsonata=True, default=UNSET)
    assign: Mapping[str, Json] | Unset = asl("Assign", kinds.VARIABLES, keywords=("output", "into"), default=UNSET)
    comment: str | Unset = asl("Comment", kinds.STRING, default=UNSET)
    next: str | Unset = asl("Next", kinds.STATE_NAME, required=True, default=UNSET)
    into: Into = sugar(default=UNSET)
    steps: tuple[Step, ...] = sugar(default=())


Error = str | type[BaseException] | AwsError
"""An error's name, the exception class that a handler raises, or `aws.dynamodb.errors.…`."""


def _names(errors: Iterable[Error]) -> tuple[Any, ...]:
    """Error names; an exception class stands for its own name, as Lambda reports it."""
    return tuple(
        error.__name__ if isinstance(error, type) and issubclass(error, BaseException) else error for error in errors
    )


@keeping_unknown
def retry(
    *errors: Error,
    interval: int | timedelta | Unset = UNSET,
    max_attempts: int | Unset = UNSET,
    backoff_rate: float | Unset = UNSET,
    max_delay: int | timedelta | Unset = UNSET,
    jitter: Literal["FULL", "NONE"] | Unset = UNSET,
    comment: str | Unset = UNSET,
) -> Retrier:
    """Try again after these errors: first after `interval` seconds (1), `max_attempts` times (3), each wait
    `backoff_rate` times (2.0) the one before, `max_delay` seconds at most."""
    return Retrier(
        _names(errors),
        interval=interval,
        max_attempts=max_attempts,
        backoff_rate=backoff_rate,
        max_delay=max_delay,
        jitter=jitter,
        comment=comment,
    )


@keeping_unknown
def catch(
    errors: Error | Iterable[Error],
    *steps: Step,
    into: Into = UNSET,
    result_path: JsonPath = UNSET,
    output: Json = UNSET,
    assign: Mapping[str, Json] | Unset = UNSET,
    comment: str | Unset = UNSET,
) -> Catcher:
    """After these errors go on with the steps, and then join what follows the state.

    `into="error"` puts the object with Error and Cause at `$.error` of the state's input.
    """
    names = _names(errors if isinstance(errors, list | tuple | set | frozenset) else [errors])  # type: ignore[list-item]
    return Catcher(
        names,
        steps=steps,
        into=into,
        result_path=result_path,
        output=output,
        assign=assign,
        comment=comment,
    )


LAMBDA_SERVICE_ERRORS = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
"""The passing errors of the Lambda service that AWS recommends to retry.

Source: Step Functions Developer Guide, "Handle transient Lambda service exceptions".
"""


@element
class Working(Building):
    """States whose work can fail."""

    result_selector: Mapping[str, Json] | Unset = asl(
        "ResultSelector", kinds.TEMPLATE, language="JSONPath", keywords=("output",), default=UNSET
    )
    retry: Retrier | Sequence[Retrier] | Unset = asl("Retry", kinds.parts(Retrier), default=UNSET)
    catch: Catcher | Sequence[Catcher] | Unset = asl("Catch", kinds.parts(Catcher), default=UNSET)


@element
class ProcessorConfig(Element):
    """How a Map runs its items."""

    mode: Literal["INLINE", "DISTRIBUTED"] | Unset = asl("Mode", kinds.one_of("INLINE", "DISTRIBUTED"), default=UNSET)
    execution_type: Literal["STANDARD", "EXPRESS"] | Unset = asl(
        "ExecutionType", kinds.one_of("STANDARD", "EXPRESS"), default=UNSET
    )


@element
class ReaderConfig(Element):
    """What kind of data a Distributed Map reads."""

    input_type: str | Unset = asl(
        "InputType", kinds.one_of("CSV", "JSON", "JSONL", "MANIFEST", "PARQUET"), default=UNSET
    )
    transformation: str | Unset = asl("Transformation", kinds.one_of("NONE", "LOAD_AND_FLATTEN"), default=UNSET)
    manifest_type: str | Unset = asl("ManifestType", kinds.one_of("ATHENA_DATA", "S3_INVENTORY"), default=UNSET)
    csv_header_location: str | Unset = asl("CSVHeaderLocation", kinds.one_of("FIRST_ROW", "GIVEN"), default=UNSET)
    csv_headers: Sequence[str] | Unset = asl("CSVHeaders", kinds.STRINGS, default=UNSET)
    csv_delimiter: str | Unset = asl(
        "CSVDelimiter", kinds.one_of("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"), default=UNSET
    )
    items_pointer: str | Unset = asl("ItemsPointer", kinds.STRING, default=UNSET)
    max_items: Integer = asl(
        "MaxItems", kinds.integer(0, 100_000_000), path="MaxItemsPath", jsonata=True, default=UNSET
    )


@element
class ItemReader(Element):
    """Where a Distributed Map reads its items. Source: Step Functions Developer Guide, "ItemReader"."""

    resource: str | Integration | Unset = asl("Resource", kinds.STRING, required=True, kw_only=False, default=UNSET)
    parameters: Mapping[str, Json] | Unset = asl(
        "Parameters", kinds.TEMPLATE, language="JSONPath", keywords=("arguments",), default=UNSET
    )
    arguments: Json = asl("Arguments", kinds.ANY_TEMPLATE, language="JSONata", jsonata=True, default=UNSET)
    config: ReaderConfig | Unset = asl("ReaderConfig", kinds.part(ReaderConfig), default=UNSET)


@element
class ItemBatcher(Element):
    """How many items a child execution gets. Source: Step Functions Developer Guide, "ItemBatcher"."""

    batch_input: Json = asl("BatchInput", kinds.ANY_TEMPLATE, jsonata=True, default=UNSET)
    max_items: Integer = asl(
        "MaxItemsPerBatch", kinds.integer(0, 100_000_000), path="MaxItemsPerBatchPath", jsonata=True, default=UNSET
    )
    max_bytes: Integer = asl(
        "MaxInputBytesPerBatch",
        kinds.integer(0, 262_144),
        path="MaxInputBytesPerBatchPath",
        jsonata=True,
        default=UNSET,
    )


@element
class WriterConfig(Element):
    """How a Distributed Map writes its results."""

    transformation: str | Unset = asl("Transformation", kinds.one_of("NONE", "COMPACT", "FLATTEN"), default=UNSET)
    output_type: str | Unset = asl("OutputType", kinds.one_of("JSON", "JSONL"), default=UNSET)


@element
class ResultWriter(Element):
    """Where a Distributed Map writes its results. Source: Step Functions Developer Guide, "ResultWriter"."""

    resource: str | Integration | Unset = asl("Resource", kinds.STRING, kw_only=False, default=UNSET)
    parameters: Mapping[str, Json] | Unset = asl(
        "Parameters", kinds.TEMPLATE, language="JSONPath", keywords=("arguments",), default=UNSET
    )
    arguments: Json = asl("Arguments", kinds.ANY_TEMPLATE, language="JSONata", jsonata=True, default=UNSET)
    config: WriterConfig | Unset = asl("WriterConfig", kinds.part(WriterConfig), default=UNSET)


@element
class Map(Working):
    """Runs a flow for each item of a list. Source: ASL specification, "Map State".

    `items` is a path to the list (the state's input by default); `processor` the flow.
    """

    type = "Map"
    exactly_one = (*Stepping.exactly_one, ("ItemProcessor", "Iterator"))
    at_most_one = (("Parameters", "ItemSelector"),)

    items: Json = asl(
        "Items", kinds.ITEMS, path="ItemsPath", by=kinds.ITEMS_PATH, language="JSONata", jsonata=True, default=UNSET
    )
    item_selector: Json = asl("ItemSelector", kinds.ANY_TEMPLATE, jsonata=True, default=UNSET)
    item_reader: ItemReader | Unset = asl("ItemReader", kinds.part(ItemReader), default=UNSET)
    item_batcher: ItemBatcher | Unset = asl("ItemBatcher", kinds.filled(ItemBatcher), default=UNSET)
    result_writer: ResultWriter | Unset = asl("ResultWriter", kinds.filled(ResultWriter), default=UNSET)
    max_concurrency: Integer = asl(
        "MaxConcurrency", kinds.COUNT, path="MaxConcurrencyPath", jsonata=True, default=UNSET
    )
    tolerated_failure_percentage: Number = asl(
        "ToleratedFailurePercentage",
        kinds.number(0, 100),
        path="ToleratedFailurePercentagePath",
        jsonata=True,
        default=UNSET,
    )
    tolerated_failure_count: Integer = asl(
        "ToleratedFailureCount", kinds.COUNT, path="ToleratedFailureCountPath", jsonata=True, default=UNSET
    )
    label: str | Unset = asl("Label", kinds.STRING, default=UNSET)
    processor: Step | Graph | Unset = asl("ItemProcessor", kinds.MACHINE, default=UNSET)
    iterator: Step | Graph | Unset = asl("Iterator", kinds.MACHINE, default=UNSET)
    mode: Literal["INLINE", "DISTRIBUTED"] | Unset = sugar(default=UNSET)
    execution_type: Literal["STANDARD", "EXPRESS"] | Unset = sugar(default=UNSET)


@element
class Calling(Working):
    """States whose work takes arguments."""

    arguments: Json = asl(
        "Arguments", kinds.ANY_TEMPLATE, language="JSONata", jsonata=True, keywords=("payload",), default=UNSET
    )


@element
class Parallel(Calling):
    """Runs branches side by side; the result is the list of their outputs. Source: ASL, "Parallel State".

    `named={"receipt": ..., "totals": ...}` instead of a row of branches makes the result an object with these keys.
    """

    type = "Parallel"
    rest = "branches"

    branches: Sequence[Step | Graph] | Unset = asl(
        "Branches", kinds.MACHINES, required=True, keywords=("named",), default=UNSET, kw_only=False
    )
    named: Mapping[str, Step] | Unset = sugar(default=UNSET)

    if TYPE_CHECKING:

        def __init__(
            self,
            name: str,
            *branches: Step | Graph,
            named: Mapping[str, Step] | Unset = UNSET,
            into: Into = UNSET,
            retry: Retrier | Sequence[Retrier] | Unset = UNSET,
            catch: Catcher | Sequence[Catcher] | Unset = UNSET,
            arguments: Json = UNSET,
            parameters: Mapping[str, Json] | Unset = UNSET,
            result_selector: Mapping[str, Json] | Unset = UNSET,
            result_path: JsonPath = UNSET,
            comment: str | Unset = UNSET,
            query_language: Language | Unset = UNSET,
            input_path: JsonPath = UNSET,
            output_path: JsonPath = UNSET,
            output: Json = UNSET,
            assign: Mapping[str, Json] | Unset = UNSET,
            next: str | Unset = UNSET,
            end: bool | Unset = UNSET,
            extras: Mapping[str, Any] = ...,
            origin: Caller | None = None,
        ) -> None: ...


@element
class Credentials(Element):
    """The role that a Task works with. Source: Step Functions Developer Guide, "Accessing cross-account resources"."""

    role_arn: Text = asl(
        "RoleArn",
        kinds.STRING,
        path="RoleArn.$",
        by=kinds.EXPRESSION,
        jsonata=True,
        required=True,
        kw_only=False,
        default=UNSET,
    )


@element
class Task(Calling):
    """Calls a Lambda function, another service or an activity. Source: ASL specification, "Task State".

    `resource` is a `Function`, a `dynamic(...)` choice of one, or any resource ARN as text. A Lambda gets the state's
    input, or `payload`; its answer is the result. With `wait_for_task_token` the result is what the callback sends.
    `timeout` and `heartbeat` are in seconds.
    """

    type = "Task"

    resource: str | Function | Dynamic | Integration | Unset = asl(
        "Resource", kinds.STRING, required=True, kw_only=False, default=UNSET
    )
    timeout: Seconds = asl(
        "TimeoutSeconds", kinds.POSITIVE_SECONDS, path="TimeoutSecondsPath", jsonata=True, default=UNSET
    )
    heartbeat: Seconds = asl(
        "HeartbeatSeconds", kinds.POSITIVE_SECONDS, path="HeartbeatSecondsPath", jsonata=True, default=UNSET
    )
    credentials: Credentials | Unset = asl("Credentials", kinds.part(Credentials), jsonata=True, default=UNSET)
    payload: Json = sugar(default=UNSET)
    wait_for_task_token: bool = sugar(default=False)


STATES: dict[str, type[State]] = {
    state.type: state for state in (Task, Pass, Choice, Wait, Succeed, Fail, Parallel, Map)
}
"""The state types by their name in ASL."""
