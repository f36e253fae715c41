"""The roles' permissions: exactly what a definition needs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from flowdsl.asl.integrations import SERVICES
from flowdsl.deploy.permissions import _SPECIAL, LOGGING, TRACING, derive, function_arns
from flowdsl.deploy.statements import INLINE_LIMIT, Statement, merge, policy, read_policy, size
from tests.deploy.permission_cases import CASES, FUNCTION, INVOKE, NAME, PARTS, PLACE

RIGHTS = {
    f"{service.name}:{action.name}": action.rights
    for service in SERVICES.values()
    for action in service.actions.values()
    if action.rights is not None
}
GOLDEN = Path(__file__).with_name("rights.json")


def machine(*states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "S0", "States": {f"S{number}": state for number, state in enumerate(states)}}


def task(resource: str, parameters: dict[str, Any]) -> dict[str, Any]:
    text = resource if resource.startswith("arn:") else f"arn:aws:states:::{resource}"
    return {"Type": "Task", "Resource": text, "Parameters": parameters, "End": True}


def check(definition: dict[str, Any], statements: list[Statement], gaps: list[str]) -> None:
    derived = derive(definition, name=NAME, place=PLACE)
    assert derived.statements == merge(statements)
    assert len(derived.gaps) == len(gaps)
    for gap, beginning in zip(derived.gaps, gaps, strict=True):
        assert gap.message.startswith(beginning)


@pytest.mark.parametrize(("resource", "parameters", "statements", "gaps"), CASES.values(), ids=CASES)
def test_a_task_gets_exactly_what_it_needs(resource, parameters, statements, gaps):
    check(machine(task(resource, parameters)), statements, gaps)


@pytest.mark.parametrize(("state", "statements", "gaps"), PARTS.values(), ids=PARTS)
def test_a_state_gets_exactly_what_it_needs(state, statements, gaps):
    check(machine(state), statements, gaps)


CHARGE = PLACE.arn("lambda", "function:my-function")


@pytest.mark.parametrize("suffix", ["", ":live"])
@pytest.mark.parametrize("function", ["my-function", f"{PLACE.account}:function:my-function", CHARGE])
def test_a_function_has_one_arn_by_any_of_its_names(function, suffix):
    assert function_arns(function + suffix, PLACE) == (CHARGE, f"{CHARGE}:*")


def test_a_partial_arn_names_the_account():
    own, other = PLACE.account, "999999999999"
    assert function_arns(f"{other}:function:f", PLACE)[0] == PLACE.arn("lambda", "function:f").replace(own, other)


def test_dynamic_functions_are_those_that_the_author_allows():
    definition = machine(task("lambda:invoke", {"FunctionName.$": "$.fn"}))
    derived = derive(definition, name=NAME, place=PLACE, callees={("States", "S0"): [FUNCTION]})
    assert derived.statements == (INVOKE,)
    assert not derived.gaps


def test_what_the_user_states_closes_a_gap():
    own = Statement.of("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111122223333:table/t*")
    derived = derive(machine(task("dynamodb:getItem", {"TableName.$": "$.t"})), name=NAME, place=PLACE, stated=[own])
    assert derived.statements == (own,)
    assert not derived.gaps


def test_what_the_user_states_replaces_what_would_be_allowed_on_everything():
    own = Statement.of("ec2:RunInstances", PLACE.arn("ec2", "instance/*"))
    definition = machine(task("aws-sdk:ec2:runInstances", {"MinCount": 1}))
    assert derive(definition, name=NAME, place=PLACE).statements == (Statement.of("ec2:RunInstances", "*"),)
    derived = derive(definition, name=NAME, place=PLACE, stated=[own])
    assert derived.statements == (own,)
    assert not derived.gaps


def test_a_queue_keeps_the_region_and_account_of_its_url():
    url = "https://sqs.cn-north-1.amazonaws.com.cn/999999999999/theirs"
    (statement,) = derive(machine(task("sqs:sendMessage", {"QueueUrl": url})), name=NAME, place=PLACE).statements
    assert statement.resources == ("arn:aws-cn:sqs:cn-north-1:999999999999:theirs",)


def test_logging_and_tracing():
    derived = derive(machine({"Type": "Pass", "End": True}), name=NAME, place=PLACE, logging=True, tracing=True)
    assert derived.statements == merge([LOGGING, TRACING])
    assert {action.split(":")[1] for action in LOGGING.actions} >= {"CreateLogDelivery", "PutResourcePolicy"}


def test_a_flow_without_permissions_has_no_policy():
    assert policy(()) is None
    assert size(()) == 0


def test_many_functions_are_one_statement():
    tasks = [task(f"arn:aws:lambda:us-east-1:111122223333:function:f{number}", {}) for number in range(150)]
    derived = derive(machine(*tasks), name=NAME, place=PLACE)
    assert len(derived.statements) == 1
    assert len(derived.statements[0].resources) == 300
    assert size(derived.statements) > INLINE_LIMIT


def test_policies_are_read_back():
    derived = derive(machine(PARTS["a Distributed Map in a Parallel in a Map (A8)"][0]), name=NAME, place=PLACE)
    document = policy(derived.statements)
    assert document is not None
    assert merge(read_policy(json.loads(json.dumps(document)))) == derived.statements


def arguments(key: str) -> dict[str, Any]:
    """An argument of each name that the record reads."""
    record = RIGHTS[key]

    texts = [text for grant in record.grants for text in (grant.on, *(grant.condition or ()))]
    names = {match for text in texts for match in re.findall(r"\{([A-Z][A-Za-z0-9.]*)", text)}
    values: dict[str, Any] = {}
    for name in sorted(names | record.roles.keys() | {grant.only_with for grant in record.grants if grant.only_with}):
        *outer, last = name.split(".")
        inner = values
        for step in outer:
            inner = inner.setdefault(step, {})
        inner[last] = f"arn:aws:iam::111122223333:role/{last}" if name in record.roles else f"the-{last}"
    return values


def derived_json(key: str, pattern: str) -> list[dict[str, Any]]:
    resource = f"{key}.{pattern}" if pattern else key
    derived = derive(machine(task(resource, arguments(key))), name=NAME, place=PLACE)
    return [each.json() for each in derived.statements]


EVERY = {
    f"{key}.{pattern}" if pattern else key: (key, pattern)
    for key in RIGHTS
    for pattern in ("", *SERVICES[key.partition(":")[0]].actions[key.partition(":")[2]].patterns)
    if pattern != "waitForTaskToken"
}


@pytest.mark.parametrize("name", EVERY)
def test_every_integration_has_exactly_these_statements(name):
    assert derived_json(*EVERY[name]) == json.loads(GOLDEN.read_text())[name]


def test_every_integration_has_its_rights():
    every = {f"{service.name}:{action}" for service in SERVICES.values() for action in service.actions}
    assert every - RIGHTS.keys() == _SPECIAL.keys()


OUTSIDE = {
    *("iam:PassRole", "execute-api:Invoke", "bedrock:ApplyGuardrail"),
    *("elasticmapreduce:SetTerminationProtection",),
}


def test_every_action_is_an_operation_of_its_service():
    """Against botocore's models, where IAM names its actions as the API does."""
    import botocore.session

    session = botocore.session.get_session()
    folder = {"elasticmapreduce": "emr", "states": "stepfunctions"}
    actions = {action for record in RIGHTS.values() for grant in record.grants for action in grant.actions.split()}
    for action in sorted(actions - OUTSIDE):
        service, _, name = action.partition(":")
        assert name in session.get_service_model(folder.get(service, service)).operation_names, action
        assert "*" not in action


if __name__ == "__main__":  # python -m tests.deploy.test_permissions writes what is then to be reviewed
    GOLDEN.write_text(json.dumps({name: derived_json(*EVERY[name]) for name in EVERY}, indent=1) + "\n")
