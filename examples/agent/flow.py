"""An agent answers a customer's question: a model of Bedrock asks for tools, Lambda functions, until it can answer."""

from typing import TypedDict

import flowdsl as f
from flowdsl import DISCARD, aws, error_output, fn, result, state_input, var


class Question(TypedDict):
    text: str


ORDER: f.Value = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS = {
    "find_order": "Items, price and status of an order",
    "track_parcel": "Where the parcel of an order is",
}


def tool_result(content: f.Value, **fields: f.Value) -> f.Value:
    return {"type": "tool_result", "tool_use_id": state_input.id, "content": content, **fields}


def use(name: str) -> f.Task:
    return f.Task(
        f"Use:{name}",
        f.Function(name),
        payload=state_input.input,
        timeout=30,
        output=tool_result(fn.string(result)),
        catch=f.catch("States.ALL", output=tool_result(fn.string(error_output), is_error=True)),
    )


think = f.Task(
    "Think",
    aws.bedrock.invoke_model(
        ModelId="anthropic.claude-3-5-sonnet-20241022-v2:0",
        Body={
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 1000,
            "system": "You help the customers of a shop. Look things up with the tools instead of guessing.",
            "tools": [{"name": name, "description": text, "input_schema": ORDER} for name, text in TOOLS.items()],
            "messages": var.messages,
        },
    ),
    output=result.Body,
    into=var.reply,
    assign={"messages": fn.append(var.messages, {"role": "assistant", "content": result.Body.content})},
    retry=f.retry(aws.bedrock.errors.ThrottlingException, interval=5, max_attempts=5, jitter="FULL"),
)
use_tools = f.Map(
    "UseTools",
    items=f.where(think.out.content, lambda block: block.type == "tool_use"),
    processor=f.Choice(
        "WhichTool",
        *[f.when(state_input.name == name, use(name)) for name in TOOLS],
        otherwise=f.Pass("NoSuchTool", output=tool_result("There is no such tool", is_error=True)),
    ),
    into=DISCARD,
    assign={"messages": fn.append(var.messages, {"role": "user", "content": result})},
)
answer = f.where(think.out.content, lambda block: block.type == "text")[-1]

machine = f.StateMachine(
    "agent",
    f.chain(
        f.Pass("Ask", assign={"messages": [{"role": "user", "content": state_input.text}]}),
        f.repeat(
            think,
            until=think.out.stop_reason != "tool_use",
            between=use_tools,
            at_most=8,
            counter=var.turns,
            otherwise=f.fail("NoAnswer", error="NoAnswer", cause="The model did not answer in 8 turns"),
        ),
        f.Pass("Answer", output={"text": answer.text, "turns": var.turns}),
    ),
    query_language="JSONata",
    input=Question,
)
