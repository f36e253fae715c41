"""Checked by test_types.py: each comment is the type or the error that mypy reports on its line."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import flowdsl as f
from flowdsl import cond, fn, item, one_of, state_input, var, where

if TYPE_CHECKING:
    from typing import reveal_type

    reveal_type(state_input.donation.amount)  # type: Path
    reveal_type(state_input["odd key"][0])  # type: Path
    reveal_type(var.total)  # type: Path
    reveal_type(item.amount * 100 + 1)  # type: Expression
    reveal_type(1 - item.amount / 2)  # type: Expression
    reveal_type("order-" + item.id)  # type: Expression
    reveal_type(f"order-{item.id}")  # type: str
    reveal_type(item.amount > 5)  # type: Condition
    reveal_type(item.amount == var.total)  # type: Condition
    reveal_type((item.amount > 5) & item.is_paid | ~item.is_late)  # type: Condition
    reveal_type(fn.round(fn.number(item.amount) * 100))  # type: Expression
    reveal_type(fn.contains(item.name, "x"))  # type: Condition
    reveal_type(fn.merge(item, {"a": [1, {"b": var.total}]}).a[0])  # type: Expression
    reveal_type(where(state_input.items, lambda row: row.amount > 5)[-1])  # type: Expression
    reveal_type(cond(var.failed > 0, "PARTIAL", {"a": None}))  # type: Expression
    reveal_type(one_of(item.status, "a", "b"))  # type: Condition
    reveal_type(f.Pass("P", into="x").out.amount)  # type: Path

    task = f.Task("T", "arn:aws:states:::sqs:sendMessage", retry=f.retry("E"), catch=f.catch("E", f.end(), into=var.x))
    reveal_type(task)  # type: Task
    reveal_type(task.as_("U"))  # type: Task
    reveal_type(f.guard(f.chain(task, task.as_("U")), f.catch("E")))  # type: Guard
    reveal_type(f.repeat(task, until=var.x == 1, at_most=8, otherwise=f.end()))  # type: Flow
    reveal_type(f.poll(task, every=timedelta(minutes=1), until=var.x == 1))  # type: Flow
    reveal_type(f.lambda_transient)  # type: Retrier
    f.StateMachine("m", task, timeout=timedelta(hours=1), defaults=f.Defaults(retry=f.lambda_transient, timeout=9))
    f.Function("work", "handlers/work", timeout=timedelta(minutes=1))

    f.Task("T", "arn", retry=f.catch("E"))  # error: arg-type
    f.Task("T", "arn", timeuot=5)  # error: call-arg
    f.guard(task, f.retry("E"))  # error: arg-type
    f.Defaults(retry=f.catch("E"))  # error: arg-type
    f.chain(task, f.catch("E"))  # error: arg-type
    fn.substring(item.name)  # error: call-arg
    fn.uppercase(f.Pass("P"))  # error: arg-type
    fn.append(item.names, {1, 2})  # error: arg-type
    fn.rond(item.amount)  # error: attr-defined
    fn.sort(item.rows, key="name")  # error: arg-type
    cond(True, 1, 2)  # error: arg-type
    item.amount + f.Pass("P")  # error: operator
    (item.amount > 5) & (1 == 1)  # error: operator
    reveal_type(f.aws.dynamodb.put_item(TableName=var.table, Item={"id": {"S": item.id}}))  # type: Integration
    reveal_type(f.aws.glue.start_job_run.sync(JobName="load"))  # type: Integration
    reveal_type(f.aws.s3.get_object(Bucket="b", Key=f"{item.key}"))  # type: Integration
    reveal_type(f.aws.dynamodb.errors.ConditionalCheckFailedException)  # type: AwsError
    f.aws.dynamodb.put_item(TableName="t")  # error: call-arg
    f.aws.dynamodb.put_item(TabelName="t", TableName="t", Item={})  # error: call-arg
    f.aws.dynamodb.put_item(TableName=5, Item={})  # error: arg-type
    f.aws.dynamodb.put_item.sync(TableName="t", Item={})  # error: attr-defined
    f.Task("T", f.aws.s3.get_object)  # error: arg-type
